-- The house's own schema: what we keep about published tables beside TAP_SCHEMA, and the functions
-- that translated queries call. Strangers may read and call, nothing more.
GRANT USAGE ON SCHEMA armillary TO armillary_reader;

-- One row: a number that grows with every change of what is published.
CREATE TABLE armillary.catalogue (
    version bigint NOT NULL
);
INSERT INTO armillary.catalogue VALUES (1);
GRANT SELECT ON armillary.catalogue TO armillary_reader;

-- What TAP_SCHEMA has no columns for. storage: the table's name in its schema, where that is not the
-- published one: a new load of a table is built beside the old one and takes its place here.
CREATE TABLE armillary.tables (
    table_name    text PRIMARY KEY,
    storage       text,
    nrows         bigint,
    ra            text,
    dec           text,
    loaded        boolean NOT NULL,
    title         text,
    publisher     text,
    creator       text,
    licence       text,
    licence_url   text,
    citation      text,
    reference_url text
);
GRANT SELECT ON armillary.tables TO armillary_reader;
