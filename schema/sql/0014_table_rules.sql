-- What holds for each published table: the rule of its own, or else that of its schema (`rule` is whose name it has).
CREATE VIEW armillary.table_rules AS
SELECT t.table_name, t.schema_name, coalesce(a.name, s.name) AS rule,
       coalesce(a.is_public, s.is_public, true) AS is_public, coalesce(a.announced, s.announced, false) AS announced
FROM tap_schema.tables AS t
LEFT JOIN armillary.access AS a ON a.name = t.table_name
LEFT JOIN armillary.access AS s ON s.name = t.schema_name;

CREATE OR REPLACE FUNCTION armillary.hidden_tables() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT t.table_name
    FROM armillary.table_rules AS t
    WHERE NOT t.is_public
      AND NOT EXISTS (
        SELECT FROM armillary.readers AS r
        WHERE r.name = t.rule
          AND pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
                          to_regrole(quote_ident(r.role))::oid, 'USAGE'));
END;
CREATE OR REPLACE FUNCTION armillary.announced_tables() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT t.table_name FROM armillary.table_rules AS t
    WHERE t.announced AND t.table_name IN (SELECT armillary.hidden_tables());
END;
