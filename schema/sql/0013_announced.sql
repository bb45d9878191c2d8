-- Closed tables of which others may know that they exist: who asks for one is told to log in.
ALTER TABLE armillary.access ADD announced boolean NOT NULL DEFAULT false;

CREATE FUNCTION armillary.announced_tables() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT t.table_name
    FROM tap_schema.tables AS t
    LEFT JOIN armillary.access AS a ON a.name = t.table_name
    LEFT JOIN armillary.access AS s ON s.name = t.schema_name
    WHERE coalesce(a.announced, s.announced) AND t.table_name IN (SELECT armillary.hidden_tables());
END;
REVOKE EXECUTE ON FUNCTION armillary.announced_tables FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.announced_tables TO armillary_reader;
