-- A MOC, as TAP_SCHEMA says: which tables have rows at a position can be asked.
ALTER TABLE tap_schema.table_coverage ALTER moc TYPE smoc USING moc::smoc;
