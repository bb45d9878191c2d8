-- Shards may be workers of Citus, which places rows by a hash of their cells.
ALTER TABLE armillary.shards
    ADD engine text NOT NULL DEFAULT 'postgres_fdw' CHECK (engine IN ('postgres_fdw', 'citus')),
    ADD node text;  -- of a worker: host:port, as Citus knows it
GRANT SELECT (shard_name, engine) ON armillary.shards TO armillary_reader;

-- shard_name NULL: all cells of a table, placed by Citus; partition is the distributed table.
ALTER TABLE armillary.ranges ALTER shard_name DROP NOT NULL;
