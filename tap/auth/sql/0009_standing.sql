-- Queries that are asked again whenever their data have changed, so that their owner hears which rows came, went or changed.
CREATE TABLE accounts.standing_queries (
    standing_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   bigint NOT NULL REFERENCES accounts.accounts ON DELETE CASCADE,
    name         text NOT NULL,
    query        text NOT NULL,
    key          text,                             -- the column that tells its rows apart
    notify       text[] NOT NULL DEFAULT '{}',
    created      timestamptz(0) NOT NULL DEFAULT now(),
    looked       timestamptz,                      -- when somebody last looked whether its data have changed
    content      text NOT NULL DEFAULT '',         -- what the last job was asked for, as a digest
    job_id       text,                             -- the last whose result is there
    next_job     text,                             -- one that has not ended
    problem      text,                             -- why the last one has no result
    changes      jsonb NOT NULL DEFAULT '[]',      -- the newest first
    CONSTRAINT standing_queries_have_names UNIQUE (account_id, name)
);
CREATE INDEX standing_queries_by_look ON accounts.standing_queries (looked NULLS FIRST);
