-- What accounts share: a table or a job with an account, a group, or whoever has a link, of which the digest is kept only.
CREATE TABLE accounts.shares (
    share_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('table', 'job')),
    name       text NOT NULL,                      -- a table's in full, or the id of a job
    grantee    text CHECK (grantee ~ '^(group|user):.'),
    digest     bytea UNIQUE,                       -- SHA-256
    may_write  boolean NOT NULL DEFAULT false,
    title      text,                               -- the table as whoever shared it calls it
    mounted    text,                               -- the table that a job's result can be read as
    created    timestamptz NOT NULL DEFAULT now(),
    expires    timestamptz(0),
    CONSTRAINT with_somebody_or_by_a_link CHECK ((grantee IS NULL) <> (digest IS NULL)),
    CONSTRAINT only_tables_are_written_to CHECK (kind = 'table' AND digest IS NULL OR NOT may_write)
);
CREATE UNIQUE INDEX shares_are_made_once ON accounts.shares (kind, name, grantee) WHERE grantee IS NOT NULL;
CREATE INDEX shares_by_account ON accounts.shares (account_id);
CREATE INDEX shares_by_grantee ON accounts.shares (grantee);
CREATE INDEX shares_that_end ON accounts.shares (expires) WHERE expires IS NOT NULL;

-- What happened to what an account shares; kept for a year.
CREATE TABLE accounts.events (
    event_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    at         timestamptz(0) NOT NULL DEFAULT now(),
    who        text,                               -- an account, or an address
    what       text NOT NULL CHECK (what IN ('shared', 'revoked', 'fetched')),
    name       text NOT NULL,
    grantee    text NOT NULL
);
CREATE INDEX events_by_account ON accounts.events (account_id, at DESC);

CREATE OR REPLACE VIEW accounts.records AS
SELECT a.account_id, a.name, a.password, a.email, a.is_admin, a.disabled, a.created,
       ARRAY(SELECT g.name FROM accounts.members AS m JOIN accounts.groups AS g USING (group_id)
             WHERE m.account_id = a.account_id ORDER BY g.name) AS groups,
       ARRAY(SELECT g.limits FROM accounts.members AS m JOIN accounts.groups AS g USING (group_id)
             WHERE m.account_id = a.account_id AND g.limits <> '{}') AS limits,
       EXISTS (SELECT FROM accounts.shares AS s WHERE s.expires < now()) AS shares_are_over
FROM accounts.accounts AS a;
