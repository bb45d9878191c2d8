-- TAP_SCHEMA (TAP 1.1 §4): real tables, which describe themselves.
CREATE SCHEMA tap_schema;
GRANT USAGE ON SCHEMA tap_schema TO armillary_reader;

CREATE TABLE tap_schema.schemas (
    schema_name  text PRIMARY KEY,
    utype        text,
    description  text,
    schema_index integer
);
CREATE TABLE tap_schema.tables (
    schema_name text NOT NULL REFERENCES tap_schema.schemas,
    table_name  text PRIMARY KEY,
    table_type  text NOT NULL CHECK (table_type IN ('table', 'view')),
    utype       text,
    description text,
    table_index integer
);
CREATE TABLE tap_schema.columns (
    table_name   text NOT NULL REFERENCES tap_schema.tables ON DELETE CASCADE,
    column_name  text NOT NULL,
    datatype     text NOT NULL,
    arraysize    text,
    xtype        text,
    "size"       integer,
    description  text,
    utype        text,
    unit         text,
    ucd          text,
    indexed      integer NOT NULL CHECK (indexed IN (0, 1)),
    principal    integer NOT NULL CHECK (principal IN (0, 1)),
    std          integer NOT NULL CHECK (std IN (0, 1)),
    column_index integer,
    PRIMARY KEY (table_name, column_name)
);
CREATE TABLE tap_schema.keys (
    key_id       text PRIMARY KEY,
    from_table   text NOT NULL REFERENCES tap_schema.tables ON DELETE CASCADE,
    target_table text NOT NULL REFERENCES tap_schema.tables ON DELETE CASCADE,
    utype        text,
    description  text
);
CREATE TABLE tap_schema.key_columns (
    key_id        text NOT NULL REFERENCES tap_schema.keys ON DELETE CASCADE,
    from_column   text NOT NULL,
    target_column text NOT NULL,
    PRIMARY KEY (key_id, from_column, target_column)
);
GRANT SELECT ON ALL TABLES IN SCHEMA tap_schema TO armillary_reader;

INSERT INTO tap_schema.schemas VALUES
    ('tap_schema', NULL, 'The tables and columns that this service publishes, as TAP describes them', 1000);

INSERT INTO tap_schema.tables VALUES
    ('tap_schema', 'tap_schema.schemas', 'table', NULL, 'The schemas of this service', 1),
    ('tap_schema', 'tap_schema.tables', 'table', NULL, 'The tables of this service', 2),
    ('tap_schema', 'tap_schema.columns', 'table', NULL, 'The columns of all tables', 3),
    ('tap_schema', 'tap_schema.keys', 'table', NULL, 'Foreign keys: which tables belong together', 4),
    ('tap_schema', 'tap_schema.key_columns', 'table', NULL, 'The columns of foreign keys', 5);

INSERT INTO armillary.tables (table_name, loaded)
    SELECT table_name, false FROM tap_schema.tables;

INSERT INTO tap_schema.columns
    (table_name, column_name, datatype, arraysize, description, indexed, principal, std, column_index)
SELECT 'tap_schema.' || tab, col, type,
       CASE WHEN type LIKE '%har' THEN '*' END,
       about, key, 1, 1, row_number() OVER (PARTITION BY tab ORDER BY place)
FROM (VALUES
    (1,  'schemas', 'schema_name', 'char', 'Name of the schema', 1),
    (2,  'schemas', 'utype', 'char', 'Its utype, where it follows a data model', 0),
    (3,  'schemas', 'description', 'unicodeChar', 'What the schema holds', 0),
    (4,  'schemas', 'schema_index', 'int', 'Recommended order of schemas', 0),
    (5,  'tables', 'schema_name', 'char', 'Schema that the table is in', 0),
    (6,  'tables', 'table_name', 'char', 'Full name, as queries use it', 1),
    (7,  'tables', 'table_type', 'char', 'table or view', 0),
    (8,  'tables', 'utype', 'char', 'Its utype, where it follows a data model', 0),
    (9,  'tables', 'description', 'unicodeChar', 'What the table holds', 0),
    (10, 'tables', 'table_index', 'int', 'Recommended order of tables', 0),
    (11, 'columns', 'table_name', 'char', 'Full name of the table', 1),
    (12, 'columns', 'column_name', 'unicodeChar', 'Name of the column, as queries use it', 1),
    (13, 'columns', 'datatype', 'char', 'Type, as VOTable calls it', 0),
    (14, 'columns', 'arraysize', 'char', 'Array size, as VOTable writes it', 0),
    (15, 'columns', 'xtype', 'char', 'Extended type of DALI: timestamp, point, ...', 0),
    (16, 'columns', '"size"', 'int', 'Length of fixed or limited arrays; deprecated, see arraysize', 0),
    (17, 'columns', 'description', 'unicodeChar', 'What the column holds', 0),
    (18, 'columns', 'utype', 'char', 'Its utype, where it follows a data model', 0),
    (19, 'columns', 'unit', 'char', 'Unit, in VOUnits', 0),
    (20, 'columns', 'ucd', 'char', 'What kind of quantity it is: UCD1+', 0),
    (21, 'columns', 'indexed', 'int', '1 if an index makes conditions on it fast', 0),
    (22, 'columns', 'principal', 'int', '1 if it is one of the columns most users want', 0),
    (23, 'columns', 'std', 'int', '1 if a standard defines it', 0),
    (24, 'columns', 'column_index', 'int', 'Recommended order of columns', 0),
    (25, 'keys', 'key_id', 'char', 'Name of the foreign key', 1),
    (26, 'keys', 'from_table', 'char', 'Table that refers', 0),
    (27, 'keys', 'target_table', 'char', 'Table that is referred to', 0),
    (28, 'keys', 'utype', 'char', 'Its utype, where it follows a data model', 0),
    (29, 'keys', 'description', 'unicodeChar', 'What the reference means', 0),
    (30, 'key_columns', 'key_id', 'char', 'Name of the foreign key', 1),
    (31, 'key_columns', 'from_column', 'char', 'Column of the table that refers', 1),
    (32, 'key_columns', 'target_column', 'char', 'Column that it refers to', 1)
) AS described (place, tab, col, type, about, key);

INSERT INTO tap_schema.keys (key_id, from_table, target_table, description) VALUES
    ('tables_schemas', 'tap_schema.tables', 'tap_schema.schemas', 'A table is in a schema'),
    ('columns_tables', 'tap_schema.columns', 'tap_schema.tables', 'A column is in a table'),
    ('keys_from', 'tap_schema.keys', 'tap_schema.tables', 'The table that refers'),
    ('keys_target', 'tap_schema.keys', 'tap_schema.tables', 'The table that is referred to'),
    ('key_columns_keys', 'tap_schema.key_columns', 'tap_schema.keys', 'A column of a foreign key');
INSERT INTO tap_schema.key_columns VALUES
    ('tables_schemas', 'schema_name', 'schema_name'),
    ('columns_tables', 'table_name', 'table_name'),
    ('keys_from', 'from_table', 'table_name'),
    ('keys_target', 'target_table', 'table_name'),
    ('key_columns_keys', 'key_id', 'key_id');
