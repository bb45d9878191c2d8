-- Everything that is published, as one JSON document: one round trip, whatever the number of tables.
SELECT json_build_object(
    'version', (SELECT version FROM armillary.catalogue),
    'schemas', (SELECT json_agg(s ORDER BY coalesce(schema_index, 0), schema_name) FROM tap_schema.schemas AS s),
    'tables', (SELECT json_agg(t ORDER BY table_index, table_name) FROM tap_schema.tables AS t),
    'columns', (SELECT json_agg(c ORDER BY table_name, column_index, column_name) FROM tap_schema.columns AS c),
    'keys', (SELECT json_agg(k ORDER BY key_id) FROM tap_schema.keys AS k),
    'key_columns', (SELECT json_agg(k) FROM tap_schema.key_columns AS k),
    'bounds', (SELECT json_agg(b) FROM armillary.bounds AS b),
    'more', (SELECT json_agg(t) FROM armillary.tables AS t),
    'announced', (SELECT json_agg(name) FROM armillary.announced_tables() AS name)
)
