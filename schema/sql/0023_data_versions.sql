-- What tells two states of a table apart: a number that moves whenever its rows or what is said of them change. It is
-- never used again, not even for another table. Tables of the operator's own change without our hearing of it: they have none.
CREATE SEQUENCE armillary.data_versions;
ALTER TABLE armillary.tables ADD data_version bigint;
UPDATE armillary.tables SET data_version = nextval('armillary.data_versions') WHERE loaded;

CREATE FUNCTION armillary.count_data_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.data_version := CASE WHEN NEW.loaded THEN nextval('armillary.data_versions') END;
    RETURN NEW;
END $$;
CREATE TRIGGER count_data_version BEFORE INSERT OR UPDATE ON armillary.tables
    FOR EACH ROW EXECUTE FUNCTION armillary.count_data_version();
