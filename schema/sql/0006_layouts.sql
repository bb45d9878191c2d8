-- Queries have a conninfo of their own; tables may be divided alike, by the pixel in their ids.
ALTER TABLE armillary.shards ADD reader text;  -- as armillary_reader; NULL: as conninfo, with that user

-- layout: tables of one layout have the same ranges on the same shards.
-- pixel_key: a column of Gaia-like ids from whose upper bits the pixel comes, so that equal ids lie together.
-- pixel_margin: how many degrees a position may lie outside of its pixel, at most.
ALTER TABLE armillary.tables
    ADD layout       text,
    ADD pixel_key    text,
    ADD pixel_margin double precision NOT NULL DEFAULT 0;
UPDATE armillary.tables SET layout = table_name WHERE pixel_column IS NOT NULL;

-- Which shards there are and how to reach them stays hidden; which part of the sky lies where is no secret.
GRANT SELECT ON armillary.ranges TO armillary_reader;
