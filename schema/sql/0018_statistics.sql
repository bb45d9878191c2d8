-- What is kept of each table's rows: where on the sky, in time and in energy they are, and how the values of its columns
-- are distributed. It is made from rows, so whoever may not read a table does not see it either.
CREATE TABLE tap_schema.table_coverage (
    table_name   text PRIMARY KEY REFERENCES tap_schema.tables ON DELETE CASCADE,
    moc          text,
    moc_order    integer CHECK (moc_order BETWEEN 0 AND 29),
    sky_fraction double precision,
    time_min     double precision,
    time_max     double precision,
    energy_min   double precision,
    energy_max   double precision,
    CHECK ((moc IS NULL) = (moc_order IS NULL) AND (moc IS NULL) = (sky_fraction IS NULL)),
    CHECK ((time_min IS NULL) = (time_max IS NULL) AND (energy_min IS NULL) = (energy_max IS NULL))
);
CREATE TABLE tap_schema.column_statistics (
    table_name      text NOT NULL REFERENCES tap_schema.tables ON DELETE CASCADE,
    column_name     text NOT NULL,
    nulls           bigint NOT NULL,
    distinct_values bigint,
    least           text,
    largest         text,
    min_value       double precision,
    percentile03    double precision,
    median          double precision,
    percentile97    double precision,
    max_value       double precision,
    frequent_values text,
    PRIMARY KEY (table_name, column_name)
);
-- How many rows each HEALPix cell (nested) has, of the cells that have any.
CREATE TABLE armillary.cell_counts (
    table_name text PRIMARY KEY REFERENCES tap_schema.tables ON DELETE CASCADE,
    cell_order integer NOT NULL CHECK (cell_order BETWEEN 0 AND 29),
    cells      bigint[] NOT NULL,
    counts     bigint[] NOT NULL,
    CHECK (cardinality(cells) = cardinality(counts))
);

GRANT SELECT ON tap_schema.table_coverage, tap_schema.column_statistics, armillary.cell_counts TO armillary_reader;
ALTER TABLE tap_schema.table_coverage ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON tap_schema.table_coverage FOR SELECT
    USING (table_name = ANY (ARRAY(SELECT armillary.readable_tables())));
ALTER TABLE tap_schema.column_statistics ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON tap_schema.column_statistics FOR SELECT
    USING (table_name = ANY (ARRAY(SELECT armillary.readable_tables())));
ALTER TABLE armillary.cell_counts ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON armillary.cell_counts FOR SELECT
    USING (table_name = ANY (ARRAY(SELECT armillary.readable_tables())));

INSERT INTO tap_schema.tables VALUES
    ('tap_schema', 'tap_schema.table_coverage', 'table', NULL, 'Where the rows of tables are, on the sky, in time and in energy', 6),
    ('tap_schema', 'tap_schema.column_statistics', 'table', NULL,
     'How the values of columns are distributed, as they were when the table was last loaded or analysed', 7);
INSERT INTO armillary.tables (table_name, loaded) VALUES
    ('tap_schema.table_coverage', false), ('tap_schema.column_statistics', false);
INSERT INTO armillary.audiences VALUES
    ('tap_schema.table_coverage', NULL), ('tap_schema.column_statistics', NULL);

INSERT INTO tap_schema.columns
    (table_name, column_name, datatype, arraysize, xtype, unit, description, indexed, principal, std, column_index)
SELECT 'tap_schema.' || tab, col, type, CASE WHEN type LIKE '%har' THEN '*' END, CASE col WHEN 'moc' THEN 'moc' END, unit, about,
       key, 1, 0, row_number() OVER (PARTITION BY tab ORDER BY place)
FROM (VALUES
    (1,  'table_coverage', 'table_name', 'char', NULL, 'Full name of the table', 1),
    (2,  'table_coverage', 'moc', 'char', NULL, 'The part of the sky (ICRS) in which there are rows', 0),
    (3,  'table_coverage', 'moc_order', 'int', NULL, 'Order of the finest cells of which the MOC is made', 0),
    (4,  'table_coverage', 'sky_fraction', 'double', NULL, 'How much of the sky the MOC covers, from 0 to 1', 0),
    (5,  'table_coverage', 'time_min', 'double', 'd', 'Begin of the first observation, MJD', 0),
    (6,  'table_coverage', 'time_max', 'double', 'd', 'End of the last observation, MJD', 0),
    (7,  'table_coverage', 'energy_min', 'double', 'J', 'Least energy of the photons that were observed', 0),
    (8,  'table_coverage', 'energy_max', 'double', 'J', 'Largest energy of the photons that were observed', 0),
    (9,  'column_statistics', 'table_name', 'char', NULL, 'Full name of the table', 1),
    (10, 'column_statistics', 'column_name', 'unicodeChar', NULL, 'Name of the column, as queries use it', 0),
    (11, 'column_statistics', 'nulls', 'long', NULL, 'Rows in which it is NULL', 0),
    (12, 'column_statistics', 'distinct_values', 'long', NULL, 'Different values, estimated from a sample', 0),
    (13, 'column_statistics', 'least', 'unicodeChar', NULL, 'Its least value as text; of texts by their code points, the first 100 characters', 0),
    (14, 'column_statistics', 'largest', 'unicodeChar', NULL, 'Its largest value as text; of texts by their code points, the first 100 characters', 0),
    (15, 'column_statistics', 'min_value', 'double', NULL, 'Least value of a column of numbers, in its unit; least has all digits of long integers', 0),
    (16, 'column_statistics', 'percentile03', 'double', NULL, 'Value below which 3 % of its numbers are, estimated from a sample', 0),
    (17, 'column_statistics', 'median', 'double', NULL, 'Value below which half of its numbers are, estimated from a sample', 0),
    (18, 'column_statistics', 'percentile97', 'double', NULL, 'Value below which 97 % of its numbers are, estimated from a sample', 0),
    (19, 'column_statistics', 'max_value', 'double', NULL, 'Largest value of a column of numbers, in its unit; largest has all digits of long integers', 0),
    (20, 'column_statistics', 'frequent_values', 'unicodeChar', NULL,
     'Its most frequent values with their shares of all rows, estimated from a sample, as JSON: [["a", 0.5], ["b", 0.25]]', 0)
) AS described (place, tab, col, type, unit, about, key);

INSERT INTO tap_schema.keys (key_id, from_table, target_table, description) VALUES
    ('coverage_tables', 'tap_schema.table_coverage', 'tap_schema.tables', 'The coverage of a table'),
    ('statistics_tables', 'tap_schema.column_statistics', 'tap_schema.tables', 'The table that the column is in');
INSERT INTO tap_schema.key_columns VALUES
    ('coverage_tables', 'table_name', 'table_name'),
    ('statistics_tables', 'table_name', 'table_name');

UPDATE armillary.catalogue SET version = version + 1;
