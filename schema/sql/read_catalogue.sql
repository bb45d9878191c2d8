-- Everything that is published, as one JSON document: one round trip, whatever the number of tables. Or one table, `only`.
SELECT json_build_object(
    'version', armillary.session_version(),
    'schemas', (SELECT json_agg(s ORDER BY coalesce(schema_index, 0), schema_name) FROM tap_schema.schemas AS s
                WHERE %(only)s::text IS NULL
                   OR schema_name = (SELECT t.schema_name FROM tap_schema.tables AS t WHERE t.table_name = %(only)s)),
    'tables', (SELECT json_agg(t ORDER BY table_index, table_name) FROM tap_schema.tables AS t
               WHERE %(only)s::text IS NULL OR table_name = %(only)s),
    'columns', (SELECT json_agg(c ORDER BY table_name, column_index, column_name) FROM tap_schema.columns AS c
                WHERE %(only)s::text IS NULL OR table_name = %(only)s),
    'keys', (SELECT json_agg(k ORDER BY key_id) FROM tap_schema.keys AS k
             WHERE %(only)s::text IS NULL OR from_table = %(only)s),
    'key_columns', (SELECT json_agg(k) FROM tap_schema.key_columns AS k
                    WHERE %(only)s::text IS NULL
                       OR key_id IN (SELECT f.key_id FROM tap_schema.keys AS f WHERE f.from_table = %(only)s)),
    'bounds', (SELECT json_agg(b) FROM armillary.bounds AS b WHERE %(only)s::text IS NULL OR table_name = %(only)s),
    'more', (SELECT json_agg(t) FROM armillary.tables AS t WHERE %(only)s::text IS NULL OR table_name = %(only)s),
    'announced', (SELECT json_agg(name) FROM armillary.announced_tables() AS name),
    'withdrawn', (SELECT json_object_agg(table_name, reason) FROM armillary.withdrawn)
)
