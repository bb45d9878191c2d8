-- Who may read what. A table, or all tables of a schema, can be closed to the public; what is said of a table itself
-- comes before what is said of its schema. A grantee is 'group:NAME' or 'user:NAME', `role` the one that stands for it.
CREATE TABLE armillary.access (
    name      text PRIMARY KEY,                    -- of a table as it is published, or of a schema
    is_public boolean NOT NULL
);
CREATE TABLE armillary.readers (
    name    text NOT NULL REFERENCES armillary.access ON DELETE CASCADE,
    grantee text NOT NULL CHECK (grantee ~ '^(group|user):.'),
    role    text NOT NULL,
    PRIMARY KEY (name, grantee)
);
CREATE INDEX readers_by_grantee ON armillary.readers (grantee);

-- The published tables that the role of this session may not read. Inside of a function that runs as its owner,
-- current_user is the owner; `role` says what SET ROLE made of the session.
CREATE FUNCTION armillary.hidden_tables() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT t.table_name
    FROM tap_schema.tables AS t
    LEFT JOIN armillary.access AS a ON a.name = t.table_name
    LEFT JOIN armillary.access AS s ON s.name = t.schema_name
    WHERE NOT coalesce(a.is_public, s.is_public, true)
      AND NOT EXISTS (
        SELECT FROM armillary.readers AS r
        WHERE r.name = coalesce(a.name, s.name)
          AND pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
                          to_regrole(quote_ident(r.role))::oid, 'USAGE'));
END;
-- Schemas of which no table may be read, though there are some.
CREATE FUNCTION armillary.hidden_schemas() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT t.schema_name FROM tap_schema.tables AS t
    GROUP BY t.schema_name HAVING bool_and(t.table_name IN (SELECT armillary.hidden_tables()));
END;
REVOKE EXECUTE ON FUNCTION armillary.hidden_tables, armillary.hidden_schemas FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.hidden_tables, armillary.hidden_schemas TO armillary_reader;

ALTER TABLE tap_schema.schemas ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON tap_schema.schemas FOR SELECT
    USING (schema_name NOT IN (SELECT armillary.hidden_schemas()));
ALTER TABLE tap_schema.tables ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON tap_schema.tables FOR SELECT
    USING (table_name NOT IN (SELECT armillary.hidden_tables()));
ALTER TABLE tap_schema.columns ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON tap_schema.columns FOR SELECT
    USING (table_name NOT IN (SELECT armillary.hidden_tables()));
ALTER TABLE tap_schema.keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON tap_schema.keys FOR SELECT
    USING (from_table NOT IN (SELECT armillary.hidden_tables())
           AND target_table NOT IN (SELECT armillary.hidden_tables()));
ALTER TABLE tap_schema.key_columns ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON tap_schema.key_columns FOR SELECT
    USING (key_id IN (SELECT key_id FROM tap_schema.keys));
ALTER TABLE armillary.tables ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON armillary.tables FOR SELECT
    USING (table_name NOT IN (SELECT armillary.hidden_tables()));
ALTER TABLE armillary.bounds ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON armillary.bounds FOR SELECT
    USING (table_name NOT IN (SELECT armillary.hidden_tables()));
