-- Published tables on shards: how they are divided, and their ranges in the order of the sky; NULL and the workers where Citus has placed them.
SELECT table_name, storage,
    json_build_array(pixel_column, pixel_order, ra, dec, layout, pixel_key, pixel_margin),
    (SELECT json_agg(json_build_array(first, beyond, shard_name, partition) ORDER BY first)
     FROM armillary.ranges AS r WHERE r.table_name = t.table_name AND shard_name IS NOT NULL),
    ARRAY(SELECT shard_name FROM armillary.shards WHERE engine = 'citus' ORDER BY shard_name)
FROM armillary.tables AS t
WHERE pixel_column IS NOT NULL
    AND EXISTS (SELECT FROM armillary.ranges AS r WHERE r.table_name = t.table_name)
