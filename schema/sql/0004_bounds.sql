-- Between which values a column lies, where a search must know it: motions, distances and epochs.
CREATE TABLE armillary.bounds (
    table_name  text NOT NULL,
    column_name text NOT NULL,
    least       double precision NOT NULL,
    largest     double precision NOT NULL,
    PRIMARY KEY (table_name, column_name),
    FOREIGN KEY (table_name, column_name) REFERENCES tap_schema.columns ON DELETE CASCADE
);
GRANT SELECT ON armillary.bounds TO armillary_reader;
