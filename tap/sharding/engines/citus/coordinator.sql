-- On the coordinator of Citus only. Which worker has which cells of a table is no secret, how to reach it is one.
-- A worker is NULL where it is none that was made known here.
CREATE OR REPLACE FUNCTION armillary.cells_of_workers(of text, cells integer)
RETURNS TABLE (cell integer, shard_name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT c, s.shard_name
    FROM generate_series(-1, cells - 1) AS c
    JOIN pg_catalog.pg_dist_placement AS p ON p.shardid = get_shard_id_for_distribution_column(of::regclass, c)
    JOIN pg_catalog.pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary'
    LEFT JOIN armillary.shards AS s ON s.node = n.nodename || ':' || n.nodeport
$$;
REVOKE ALL ON FUNCTION armillary.cells_of_workers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.cells_of_workers TO armillary_reader, armillary_owner;

-- Which worker has which shard of a table, by its name there; NULL where it is none that was made known here.
CREATE OR REPLACE FUNCTION armillary.shards_of_workers(of text)
RETURNS TABLE (worker text, shard text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT s.shard_name, shard_name(logicalrelid, shardid)
    FROM pg_catalog.pg_dist_shard
    JOIN pg_catalog.pg_dist_placement USING (shardid)
    JOIN pg_catalog.pg_dist_node AS n USING (groupid)
    LEFT JOIN armillary.shards AS s ON s.node = n.nodename || ':' || n.nodeport
    WHERE logicalrelid = of::regclass AND n.noderole = 'primary'
$$;
REVOKE ALL ON FUNCTION armillary.shards_of_workers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.shards_of_workers TO armillary_reader, armillary_owner;
