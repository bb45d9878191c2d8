-- Which release and version of its data a table is, and what else DataOrigin tells of it. A version that stays when another
-- takes its place is a table of its own, "name@version".
ALTER TABLE armillary.tables
    ADD release text, ADD version text, ADD article text, ADD journal text, ADD cites text, ADD is_derived_from text,
    ADD original_date text, ADD publication_date text,
    ADD updated timestamptz(0); -- when its rows or what is said of them last changed; of kept versions before they were kept
UPDATE armillary.tables SET version = '1' WHERE loaded;

CREATE OR REPLACE FUNCTION armillary.count_data_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.data_version := CASE WHEN NEW.loaded THEN nextval('armillary.data_versions') END;
    IF TG_OP = 'UPDATE' THEN
        NEW.updated := CASE WHEN NEW.updated IS DISTINCT FROM OLD.updated THEN NEW.updated ELSE now() END;
    ELSE
        NEW.updated := coalesce(NEW.updated, now());
    END IF;
    RETURN NEW;
END $$;

-- Tables that were taken away from everybody, and what those are told who ask for them; nobody hears of one that only some
-- could read.
CREATE TABLE armillary.withdrawn (
    table_name text PRIMARY KEY,
    reason     text NOT NULL,
    is_public  boolean NOT NULL,
    withdrawn  timestamptz(0) NOT NULL DEFAULT now()
);
GRANT SELECT ON armillary.withdrawn TO armillary_reader;
ALTER TABLE armillary.withdrawn ENABLE ROW LEVEL SECURITY;
CREATE POLICY readable ON armillary.withdrawn FOR SELECT USING (is_public);
