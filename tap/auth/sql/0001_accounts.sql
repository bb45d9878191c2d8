-- Accounts, their groups, and what they show to be known again. Secrets are kept as digests only.
CREATE TABLE accounts.accounts (
    account_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    password   text,                               -- argon2id; NULL: none can be given
    email      text,
    is_admin   boolean NOT NULL DEFAULT false,
    disabled   boolean NOT NULL DEFAULT false,
    created    timestamptz(0) NOT NULL DEFAULT now(),

    -- A colon would end it in HTTP Basic; the rest keeps it on one line and recognisable.
    CONSTRAINT a_name_is_printable CHECK (name ~ '^[^[:cntrl:][:space:]:/"'']{1,64}$')
);
CREATE UNIQUE INDEX accounts_differ_by_more_than_case ON accounts.accounts (lower(name));

CREATE TABLE accounts.groups (
    group_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL CONSTRAINT a_group_is_printable CHECK (name ~ '^[^[:cntrl:][:space:]:/"'']{1,64}$'),
    created  timestamptz(0) NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX groups_differ_by_more_than_case ON accounts.groups (lower(name));

CREATE TABLE accounts.members (
    group_id   bigint NOT NULL REFERENCES accounts.groups ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    is_owner   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (group_id, account_id)
);
CREATE INDEX members_by_account ON accounts.members (account_id);

-- Tokens that somebody made, which have a name, and sessions that a login began, which have none.
CREATE TABLE accounts.tokens (
    token_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    name       text,
    digest     bytea NOT NULL UNIQUE,              -- SHA-256
    scopes     text[] NOT NULL,
    created    timestamptz(0) NOT NULL DEFAULT now(),
    expires    timestamptz(0),
    last_used  timestamptz(0),
    CONSTRAINT a_session_ends CHECK (name IS NOT NULL OR expires IS NOT NULL),
    CONSTRAINT scopes_are_known CHECK (scopes <@ ARRAY['read', 'jobs', 'tables', 'admin'])
);
CREATE UNIQUE INDEX tokens_of_an_account_have_names ON accounts.tokens (account_id, name) WHERE name IS NOT NULL;
CREATE INDEX tokens_that_end ON accounts.tokens (expires) WHERE expires IS NOT NULL;

-- Wrong passwords, by whom they were tried for and from where; forgotten after a day.
CREATE TABLE accounts.failures (
    key    text PRIMARY KEY,
    count  integer NOT NULL,
    latest timestamptz NOT NULL
);
CREATE INDEX failures_by_age ON accounts.failures (latest);
