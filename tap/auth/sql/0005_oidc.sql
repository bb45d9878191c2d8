-- Accounts that an OpenID provider vouches for, and memberships that its claims gave.
ALTER TABLE accounts.accounts ADD issuer text, ADD subject text,
    ADD CONSTRAINT an_identity_is_whole CHECK ((issuer IS NULL) = (subject IS NULL));
CREATE UNIQUE INDEX accounts_by_subject ON accounts.accounts (issuer, subject) WHERE subject IS NOT NULL;
ALTER TABLE accounts.members ADD from_oidc boolean NOT NULL DEFAULT false;
