-- Servers that hold parts of tables, and which part of the sky lies on which.
CREATE TABLE armillary.shards (
    shard_name text PRIMARY KEY CHECK (shard_name ~ '^[a-z][a-z0-9_]{0,40}$'),
    conninfo   text NOT NULL  -- as armillary_owner; strangers do not see it
);

-- pixel_column: holds the HEALPix cell (nested, of pixel_order) of ra and dec, by which the table is divided.
ALTER TABLE armillary.tables
    ADD pixel_column text,
    ADD pixel_order  integer CHECK (pixel_order BETWEEN 0 AND 12),
    ADD CHECK ((pixel_column IS NULL) = (pixel_order IS NULL));

-- Cells from `first` up to but without `beyond`; -1 is the cell of rows without a position.
CREATE TABLE armillary.ranges (
    table_name text NOT NULL REFERENCES armillary.tables ON DELETE CASCADE,
    first      bigint NOT NULL,
    beyond     bigint NOT NULL CHECK (beyond > first),
    shard_name text NOT NULL REFERENCES armillary.shards,
    partition  text NOT NULL,
    nrows      bigint NOT NULL,
    PRIMARY KEY (table_name, first)
);
