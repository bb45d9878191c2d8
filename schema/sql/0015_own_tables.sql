-- Tables of accounts' own, and a catalogue that stays fast however many there are: what one may read is found from one's
-- rights, not by looking at all tables.

-- Whom each published table is for: NULL is everybody, else the rule (of the table or of its schema) whose readers may.
CREATE TABLE armillary.audiences (
    table_name text PRIMARY KEY REFERENCES tap_schema.tables ON DELETE CASCADE,
    rule       text
);
CREATE INDEX audiences_by_rule ON armillary.audiences (rule);
CREATE INDEX audiences_by_name ON armillary.audiences (lower(table_name));
INSERT INTO armillary.audiences
SELECT table_name, CASE WHEN NOT is_public THEN rule END FROM armillary.table_rules;
CREATE INDEX readers_by_role ON armillary.readers (role);
CREATE INDEX tables_by_schema ON tap_schema.tables (schema_name);
CREATE INDEX keys_from_table ON tap_schema.keys (from_table);
CREATE INDEX keys_to_table ON tap_schema.keys (target_table);

-- When each role for what a session may read was last handed out, more or less: those that nobody has used for long can go.
CREATE TABLE armillary.session_roles (
    role text PRIMARY KEY,
    used timestamptz NOT NULL DEFAULT now()
);

-- How often something changed of what only the readers of a role see; everybody's changes are counted in armillary.catalogue.
CREATE TABLE armillary.reader_versions (
    role    text PRIMARY KEY,
    version bigint NOT NULL
);

-- The roles that stand for groups and accounts and that the role of this session has. Inside of a function that runs as its
-- owner, current_user is the owner; `role` says what SET ROLE made of the session.
CREATE FUNCTION armillary.grantee_roles() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT granted.rolname::text
    FROM pg_auth_members AS m JOIN pg_roles AS granted ON granted.oid = m.roleid
    WHERE m.member = to_regrole(quote_ident(coalesce(nullif(current_setting('role'), 'none'), session_user)))::oid
      AND starts_with(granted.rolname, 'armillary_to_');
END;
CREATE FUNCTION armillary.readable_tables() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT table_name FROM armillary.audiences WHERE rule IS NULL
    UNION ALL
    SELECT table_name FROM armillary.audiences WHERE rule = ANY (ARRAY(
        SELECT r.name FROM armillary.readers AS r WHERE r.role IN (SELECT armillary.grantee_roles())));
END;
CREATE FUNCTION armillary.readable_schemas() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT DISTINCT schema_name FROM tap_schema.tables
    WHERE table_name = ANY (ARRAY(SELECT armillary.readable_tables()));
END;
CREATE OR REPLACE FUNCTION armillary.announced_tables() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT t.table_name FROM armillary.access AS a JOIN armillary.audiences AS t ON t.rule = a.name
    WHERE a.announced AND a.name NOT IN (
        SELECT r.name FROM armillary.readers AS r WHERE r.role IN (SELECT armillary.grantee_roles()));
END;
CREATE INDEX announced_access ON armillary.access (name) WHERE announced;
-- What tells two instants of the catalogue apart, as this session sees it.
CREATE FUNCTION armillary.session_version() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
BEGIN ATOMIC
    SELECT c.version + coalesce((SELECT sum(v.version) FROM armillary.reader_versions AS v
                                 WHERE v.role IN (SELECT armillary.grantee_roles())), 0)::bigint
    FROM armillary.catalogue AS c;
END;
REVOKE EXECUTE ON FUNCTION armillary.grantee_roles, armillary.readable_tables, armillary.readable_schemas,
    armillary.session_version FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.grantee_roles, armillary.readable_tables, armillary.readable_schemas,
    armillary.session_version TO armillary_reader;

-- By = ANY of an array, an index serves.
ALTER POLICY readable ON tap_schema.schemas USING (schema_name = ANY (ARRAY(SELECT armillary.readable_schemas())));
ALTER POLICY readable ON tap_schema.tables USING (table_name = ANY (ARRAY(SELECT armillary.readable_tables())));
ALTER POLICY readable ON tap_schema.columns USING (table_name = ANY (ARRAY(SELECT armillary.readable_tables())));
ALTER POLICY readable ON tap_schema.keys USING (
    from_table = ANY (ARRAY(SELECT armillary.readable_tables()))
    AND target_table = ANY (ARRAY(SELECT armillary.readable_tables())));
ALTER POLICY readable ON tap_schema.key_columns USING (key_id = ANY (ARRAY(SELECT key_id FROM tap_schema.keys)));
ALTER POLICY readable ON armillary.tables USING (table_name = ANY (ARRAY(SELECT armillary.readable_tables())));
ALTER POLICY readable ON armillary.bounds USING (table_name = ANY (ARRAY(SELECT armillary.readable_tables())));
DROP FUNCTION armillary.hidden_schemas();
DROP FUNCTION armillary.hidden_tables();

CREATE INDEX tables_named_alike ON armillary.tables (lower(replace(table_name, '"', '')));

-- The schema of each account that has tables of its own.
CREATE TABLE armillary.own_schemas (
    account     text PRIMARY KEY,
    schema_name text NOT NULL UNIQUE                -- in the database, so without quotes
);
CREATE UNIQUE INDEX own_schemas_differ_by_more_than_case ON armillary.own_schemas (lower(schema_name));
-- Their tables. `bytes` on the disk, with indexes; after `expires` a table is dropped.
CREATE TABLE armillary.own_tables (
    table_name text PRIMARY KEY REFERENCES tap_schema.tables ON DELETE CASCADE,
    account    text NOT NULL REFERENCES armillary.own_schemas,
    nrows      bigint NOT NULL,
    bytes      bigint NOT NULL,
    created    timestamptz NOT NULL DEFAULT now(),
    changed    timestamptz NOT NULL DEFAULT now(),
    expires    timestamptz(0)
);
CREATE INDEX own_tables_by_name ON armillary.own_tables (lower(table_name));
CREATE INDEX own_tables_by_account ON armillary.own_tables (account);
CREATE INDEX own_tables_that_end ON armillary.own_tables (expires) WHERE expires IS NOT NULL;
-- Jobs whose results have come into a table, so that a second attempt does not bring them again.
CREATE TABLE armillary.own_table_jobs (
    table_name text NOT NULL REFERENCES armillary.own_tables ON DELETE CASCADE,
    job        text NOT NULL,
    PRIMARY KEY (table_name, job)
);
-- Who, beside its owner, may add rows to a table, and so read it; `reads`: also without that.
CREATE TABLE armillary.writers (
    table_name text NOT NULL REFERENCES armillary.own_tables ON DELETE CASCADE,
    grantee    text NOT NULL CHECK (grantee ~ '^(group|user):.'),
    reads      boolean NOT NULL,
    PRIMARY KEY (table_name, grantee)
);
CREATE INDEX writers_by_grantee ON armillary.writers (grantee);
