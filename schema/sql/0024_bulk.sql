-- Loads of many files into one table on this server that have not ended: each file comes in a transaction of its own into a
-- table that is not published, so that the same command goes on with the files that are missing.
CREATE TABLE armillary.staged_loads (
    table_name text PRIMARY KEY,           -- as it will be published
    storage    text NOT NULL,
    columns    text NOT NULL,              -- a digest of the columns that it was made with
    began      timestamptz NOT NULL DEFAULT now()
);

-- The files whose rows are there: they have `transaction` as their xmin, by which they can be taken out again.
CREATE TABLE armillary.staged_files (
    table_name  text NOT NULL REFERENCES armillary.staged_loads ON DELETE CASCADE,
    file        text NOT NULL,
    version     text NOT NULL,
    transaction xid NOT NULL,
    nrows       bigint NOT NULL,
    nulled      bigint NOT NULL,           -- rows whose position was not on the sky
    texts       jsonb NOT NULL,            -- by the place of a column: the characters of its longest text, and whether it is ASCII
    PRIMARY KEY (table_name, file)
);
