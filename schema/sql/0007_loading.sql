-- On the coordinator: loads of sharded tables that have not ended, so that the same command goes on with them.
CREATE TABLE armillary.loads (
    table_name text PRIMARY KEY,
    load_id    text NOT NULL,              -- of the file, its description and the table: docs/scaling.md
    storage    text NOT NULL,
    margin     double precision NOT NULL,  -- as armillary.tables.pixel_margin
    ranges     jsonb NOT NULL              -- [[first, beyond, shard], ...], as the first reading of the file found them
);

-- On a shard: the parts that were made there, by loads and by moves. On the coordinator it stays empty.
CREATE TABLE armillary.parts (
    schema_name text NOT NULL,
    partition   text NOT NULL,
    storage     text NOT NULL,  -- the table that it is, or will be, attached to
    table_name  text NOT NULL,  -- as it is published
    load_id     text NOT NULL,
    taken       bigint NOT NULL DEFAULT 0,        -- rows of the file of which the part has its share: moves with the rows, in one transaction
    ready       boolean NOT NULL DEFAULT false,   -- all of its rows, verified and indexed
    PRIMARY KEY (schema_name, partition)
);

-- What schema/sharding/checksum.py says of the rows of a part; NULL where it was loaded before there were any.
ALTER TABLE armillary.ranges ADD checksum numeric(20);
