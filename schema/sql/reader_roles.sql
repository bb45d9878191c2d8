-- Roles that stand for groups and accounts, and for what one session may read. Only a superuser can make roles, so these
-- run as who made them; the owner of the catalogues alone may call them. Roles are the whole cluster's: the name of the
-- database is part of theirs.

-- The role that stands for 'group:NAME' or 'user:NAME': tables are granted to it.
CREATE OR REPLACE FUNCTION armillary.grantee_role(grantee text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    role text := 'armillary_to_' || left(encode(sha256(convert_to(current_database() || ' ' || grantee, 'UTF8')), 'hex'), 40);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('armillary makes roles'));
    IF to_regrole(role) IS NULL THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    END IF;
    RETURN role;
END $$;

-- The role for a session of somebody who is all of these; NULL if none of them can read more than everybody.
-- It is made when it is first needed. Where there are many, those that nobody uses just now go.
CREATE OR REPLACE FUNCTION armillary.session_role(grantees text[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    known text[] := (SELECT array_agg(DISTINCT r.grantee ORDER BY r.grantee)
                     FROM armillary.readers AS r WHERE r.grantee = ANY (grantees));
    prefix text := 'armillary_as_' || left(encode(sha256(convert_to(current_database(), 'UTF8')), 'hex'), 8) || '_';
    role text := prefix || left(encode(sha256(convert_to(array_to_string(known, E'\n'), 'UTF8')), 'hex'), 40);
    other text;
BEGIN
    IF known IS NULL THEN
        RETURN NULL;
    END IF;
    IF to_regrole(role) IS NOT NULL THEN
        RETURN role;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('armillary makes roles'));
    IF to_regrole(role) IS NOT NULL THEN
        RETURN role;
    END IF;
    IF (SELECT count(*) FROM pg_roles WHERE starts_with(rolname, prefix)) >= 500 THEN
        FOR other IN SELECT rolname FROM pg_roles WHERE starts_with(rolname, prefix) LOOP
            BEGIN
                EXECUTE format('DROP ROLE %I', other);
            EXCEPTION WHEN dependent_objects_still_exist THEN
                NULL; -- a session has made temporary tables as it
            END;
        END LOOP;
    END IF;
    EXECUTE format('CREATE ROLE %I NOLOGIN INHERIT IN ROLE armillary_reader', role);
    FOR other IN SELECT DISTINCT r.role FROM armillary.readers AS r WHERE r.grantee = ANY (known) LOOP
        EXECUTE format('GRANT %I TO %I', other, role);
    END LOOP;
    EXECUTE format('GRANT %I TO armillary_member', role);
    RETURN role;
END $$;

REVOKE EXECUTE ON FUNCTION armillary.grantee_role, armillary.session_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION armillary.grantee_role, armillary.session_role TO armillary_owner;
