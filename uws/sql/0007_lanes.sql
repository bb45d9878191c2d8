-- In which lane a job waits: by the seconds that it is expected to take, or, before any are known, by its cost.
CREATE FUNCTION uws.lane(expected double precision, cost double precision, short_lane double precision) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN coalesce(expected, cost * 1e-5) > short_lane THEN 'long' ELSE 'short' END;
