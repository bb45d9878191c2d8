-- Roles that stand for groups and accounts, and for what one session may read. Only a superuser can make roles, so these
-- run as who made them; the owner of the catalogues alone may call them. Roles are the whole cluster's: the name of the
-- database is part of theirs.

--
-- They read nothing that the owner of the catalogues could change: names of roles come from names of grantees alone.

-- The role that stands for 'group:NAME' or 'user:NAME': tables are granted to it.
CREATE OR REPLACE FUNCTION armillary.grantee_role(grantee text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    role text := 'armillary_to_' || left(encode(sha256(convert_to(current_database() || ' ' || grantee, 'UTF8')), 'hex'), 40);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('armillary makes roles'));
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    END IF;
    RETURN role;
EXCEPTION WHEN duplicate_object THEN
    RETURN role;
END $$;

-- Take the role of a grantee away, after its rights; it stays where somebody else gave it rights.
CREATE OR REPLACE FUNCTION armillary.drop_grantee_role(grantee text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    role text := 'armillary_to_' || left(encode(sha256(convert_to(current_database() || ' ' || grantee, 'UTF8')), 'hex'), 40);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('armillary makes roles'));
    EXECUTE format('DROP ROLE IF EXISTS %I', role);
EXCEPTION WHEN dependent_objects_still_exist THEN
    NULL;
END $$;

-- The role for a session of somebody who is all of these; NULL for none. It is made when it is first needed. Where there
-- are many, those go that nobody has used for an hour.
CREATE OR REPLACE FUNCTION armillary.session_role(grantees text[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    sorted text[] := (SELECT array_agg(DISTINCT g ORDER BY g) FROM unnest(grantees) AS g);
    prefix text := 'armillary_as_' || left(encode(sha256(convert_to(current_database(), 'UTF8')), 'hex'), 8) || '_';
    chosen text := prefix || left(encode(sha256(convert_to(array_to_string(sorted, E'\n'), 'UTF8')), 'hex'), 40);
    other text;
BEGIN
    IF sorted IS NULL THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = chosen) THEN
        IF NOT EXISTS (SELECT FROM armillary.session_roles AS s WHERE s.role = chosen AND s.used > now() - interval '10 minutes') THEN
            INSERT INTO armillary.session_roles AS s VALUES (chosen)
            ON CONFLICT ON CONSTRAINT session_roles_pkey DO UPDATE SET used = now();
        END IF;
        RETURN chosen;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('armillary makes roles'));
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = chosen) THEN
        RETURN chosen;
    END IF;
    IF (SELECT count(*) FROM pg_roles WHERE starts_with(rolname, prefix)) >= 500 THEN
        PERFORM set_config('lock_timeout', '20ms', true);
        FOR other IN
            SELECT rolname FROM pg_roles AS r WHERE starts_with(rolname, prefix) AND NOT EXISTS (
                SELECT FROM armillary.session_roles AS s WHERE s.role = r.rolname AND s.used > now() - interval '1 hour')
        LOOP
            BEGIN
                EXECUTE format('DROP ROLE %I', other);
                DELETE FROM armillary.session_roles AS s WHERE s.role = other;
            EXCEPTION WHEN dependent_objects_still_exist OR lock_not_available THEN
                NULL; -- a session has made temporary tables as it
            END;
        END LOOP;
        PERFORM set_config('lock_timeout', '0', true);
    END IF;
    EXECUTE format('CREATE ROLE %I NOLOGIN INHERIT IN ROLE armillary_reader', chosen);
    FOR other IN SELECT armillary.grantee_role(g) FROM unnest(sorted) AS g LOOP
        EXECUTE format('GRANT %I TO %I', other, chosen);
    END LOOP;
    EXECUTE format('GRANT %I TO armillary_member', chosen);
    INSERT INTO armillary.session_roles AS s VALUES (chosen)
    ON CONFLICT ON CONSTRAINT session_roles_pkey DO UPDATE SET used = now();
    RETURN chosen;
EXCEPTION WHEN duplicate_object THEN
    RETURN chosen;
END $$;

REVOKE EXECUTE ON FUNCTION armillary.grantee_role, armillary.session_role, armillary.drop_grantee_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.grantee_role, armillary.session_role, armillary.drop_grantee_role TO armillary_owner;
