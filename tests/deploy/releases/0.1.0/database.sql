--
-- PostgreSQL database cluster dump
--

\restrict e3Ow3mFUyP43YSeo6LsE5FPizgtutZPeog8ygnlu8gkhAb6PTygtQnf3sPXJYF8

SET default_transaction_read_only = off;

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

--
-- Roles
--

CREATE ROLE armillary_accounts;
ALTER ROLE armillary_accounts WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE armillary_admin;
ALTER ROLE armillary_admin WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;
CREATE ROLE armillary_as_be8946f3_19d0191a4a07579538f81a3f3f84fc457560eafe;
ALTER ROLE armillary_as_be8946f3_19d0191a4a07579538f81a3f3f84fc457560eafe WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE armillary_jobs;
ALTER ROLE armillary_jobs WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE armillary_member;
ALTER ROLE armillary_member WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 75;
CREATE ROLE armillary_owner;
ALTER ROLE armillary_owner WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE armillary_reader;
ALTER ROLE armillary_reader WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 75;
CREATE ROLE armillary_to_47ba85484f4243d3f8e23627d03438886c71dce3;
ALTER ROLE armillary_to_47ba85484f4243d3f8e23627d03438886c71dce3 WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;

--
-- User Configurations
--

--
-- User Config "armillary_member"
--

ALTER ROLE armillary_member SET default_transaction_read_only TO 'on';
ALTER ROLE armillary_member SET statement_timeout TO '65000';
ALTER ROLE armillary_member SET idle_in_transaction_session_timeout TO '60s';
ALTER ROLE armillary_member SET lock_timeout TO '2s';
ALTER ROLE armillary_member SET temp_file_limit TO '20GB';
ALTER ROLE armillary_member SET work_mem TO '64MB';
ALTER ROLE armillary_member SET client_connection_check_interval TO '1s';
ALTER ROLE armillary_member SET enable_partitionwise_join TO 'on';
ALTER ROLE armillary_member SET enable_partitionwise_aggregate TO 'on';
ALTER ROLE armillary_member SET jit TO 'off';
ALTER ROLE armillary_member SET "TimeZone" TO 'UTC';

--
-- User Config "armillary_reader"
--

ALTER ROLE armillary_reader SET default_transaction_read_only TO 'on';
ALTER ROLE armillary_reader SET statement_timeout TO '65000';
ALTER ROLE armillary_reader SET idle_in_transaction_session_timeout TO '60s';
ALTER ROLE armillary_reader SET lock_timeout TO '2s';
ALTER ROLE armillary_reader SET temp_file_limit TO '20GB';
ALTER ROLE armillary_reader SET work_mem TO '64MB';
ALTER ROLE armillary_reader SET client_connection_check_interval TO '1s';
ALTER ROLE armillary_reader SET enable_partitionwise_join TO 'on';
ALTER ROLE armillary_reader SET enable_partitionwise_aggregate TO 'on';
ALTER ROLE armillary_reader SET jit TO 'off';
ALTER ROLE armillary_reader SET "TimeZone" TO 'UTC';


--
-- Role memberships
--

GRANT armillary_as_be8946f3_19d0191a4a07579538f81a3f3f84fc457560eafe TO armillary_member GRANTED BY armillary_admin;
GRANT armillary_reader TO armillary_as_be8946f3_19d0191a4a07579538f81a3f3f84fc457560eafe GRANTED BY armillary_admin;
GRANT armillary_to_47ba85484f4243d3f8e23627d03438886c71dce3 TO armillary_as_be8946f3_19d0191a4a07579538f81a3f3f84fc457560eafe GRANTED BY armillary_admin;






\unrestrict e3Ow3mFUyP43YSeo6LsE5FPizgtutZPeog8ygnlu8gkhAb6PTygtQnf3sPXJYF8

--
-- Databases
--

--
-- Database "template1" dump
--

\connect template1

--
-- PostgreSQL database dump
--

\restrict WJSfCLOVocMm5Jgv0moGXVwO6IM9co1zsDUBU9TSegYtocgjBA5QclYBW1eFt8h

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- PostgreSQL database dump complete
--

\unrestrict WJSfCLOVocMm5Jgv0moGXVwO6IM9co1zsDUBU9TSegYtocgjBA5QclYBW1eFt8h

--
-- Database "armillary" dump
--

--
-- PostgreSQL database dump
--

\restrict dF8gIrPu5YdHKbHq7Yb9lLl4ReFcSQ3hd6WaB5QgM2lvjUe773blQmi2DVWbRM5

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: armillary; Type: DATABASE; Schema: -; Owner: armillary_admin
--

CREATE DATABASE armillary WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';


ALTER DATABASE armillary OWNER TO armillary_admin;

\unrestrict dF8gIrPu5YdHKbHq7Yb9lLl4ReFcSQ3hd6WaB5QgM2lvjUe773blQmi2DVWbRM5
\connect armillary
\restrict dF8gIrPu5YdHKbHq7Yb9lLl4ReFcSQ3hd6WaB5QgM2lvjUe773blQmi2DVWbRM5

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: accounts; Type: SCHEMA; Schema: -; Owner: armillary_accounts
--

CREATE SCHEMA accounts;


ALTER SCHEMA accounts OWNER TO armillary_accounts;

--
-- Name: ada; Type: SCHEMA; Schema: -; Owner: armillary_owner
--

CREATE SCHEMA ada;


ALTER SCHEMA ada OWNER TO armillary_owner;

--
-- Name: armillary; Type: SCHEMA; Schema: -; Owner: armillary_owner
--

CREATE SCHEMA armillary;


ALTER SCHEMA armillary OWNER TO armillary_owner;

--
-- Name: my; Type: SCHEMA; Schema: -; Owner: armillary_owner
--

CREATE SCHEMA my;


ALTER SCHEMA my OWNER TO armillary_owner;

--
-- Name: tap_schema; Type: SCHEMA; Schema: -; Owner: armillary_owner
--

CREATE SCHEMA tap_schema;


ALTER SCHEMA tap_schema OWNER TO armillary_owner;

--
-- Name: uws; Type: SCHEMA; Schema: -; Owner: armillary_jobs
--

CREATE SCHEMA uws;


ALTER SCHEMA uws OWNER TO armillary_jobs;

--
-- Name: pg_sphere; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_sphere WITH SCHEMA public;


--
-- Name: grantee_roles(); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.grantee_roles() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 SELECT (granted.rolname)::text AS rolname
    FROM (pg_auth_members m
      JOIN pg_roles granted ON ((granted.oid = m.roleid)))
   WHERE ((m.member = (to_regrole(quote_ident(COALESCE(NULLIF(current_setting('role'::text), 'none'::text), (SESSION_USER)::text))))::oid) AND starts_with((granted.rolname)::text, 'armillary_to_'::text));
END;


ALTER FUNCTION armillary.grantee_roles() OWNER TO armillary_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: access; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.access (
    name text NOT NULL,
    is_public boolean NOT NULL,
    announced boolean DEFAULT false NOT NULL
);


ALTER TABLE armillary.access OWNER TO armillary_owner;

--
-- Name: audiences; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.audiences (
    table_name text NOT NULL,
    rule text
);


ALTER TABLE armillary.audiences OWNER TO armillary_owner;

--
-- Name: readers; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.readers (
    name text NOT NULL,
    grantee text NOT NULL,
    role text NOT NULL,
    CONSTRAINT readers_grantee_check CHECK ((grantee ~ '^(group|user):.'::text))
);


ALTER TABLE armillary.readers OWNER TO armillary_owner;

--
-- Name: announced_tables(); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.announced_tables() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 SELECT t.table_name
    FROM (armillary.access a
      JOIN armillary.audiences t ON ((t.rule = a.name)))
   WHERE (a.announced AND (NOT (a.name IN ( SELECT r.name
            FROM armillary.readers r
           WHERE (r.role IN ( SELECT armillary.grantee_roles() AS grantee_roles))))));
END;


ALTER FUNCTION armillary.announced_tables() OWNER TO armillary_owner;

--
-- Name: area(public.spoly); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.area(polygon public.spoly) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
DECLARE
    v double precision[] := armillary.vertices(polygon);
    x double precision[];
    y double precision[];
    z double precision[];
    total double precision := 0;
    triple double precision;
    dots double precision;
BEGIN
    FOR i IN 1..array_length(v, 1) BY 2 LOOP
        x := x || cosd(v[i]) * cosd(v[i + 1]);
        y := y || sind(v[i]) * cosd(v[i + 1]);
        z := z || sind(v[i + 1]);
    END LOOP;
    FOR i IN 2..array_length(x, 1) - 1 LOOP
        triple := x[1] * ((y[i] - y[1]) * (z[i + 1] - z[1]) - (z[i] - z[1]) * (y[i + 1] - y[1]))
                + y[1] * ((z[i] - z[1]) * (x[i + 1] - x[1]) - (x[i] - x[1]) * (z[i + 1] - z[1]))
                + z[1] * ((x[i] - x[1]) * (y[i + 1] - y[1]) - (y[i] - y[1]) * (x[i + 1] - x[1]));
        dots := 1 + x[1] * x[i] + y[1] * y[i] + z[1] * z[i]
                  + x[i] * x[i + 1] + y[i] * y[i + 1] + z[i] * z[i + 1]
                  + x[i + 1] * x[1] + y[i + 1] * y[1] + z[i + 1] * z[1];
        total := total + 2 * atan2(triple, dots);
    END LOOP;
    RETURN degrees(degrees(least(abs(total), 4 * pi() - abs(total))));
END $$;


ALTER FUNCTION armillary.area(polygon public.spoly) OWNER TO armillary_owner;

--
-- Name: box(public.spoint, double precision, double precision); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.box(centre public.spoint, width double precision, height double precision) RETURNS public.spoly
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
DECLARE
    a double precision := long(centre);
    d double precision := lat(centre);
    p double precision := tan(radians(width / 2));
    q double precision := tan(radians(height / 2));
    x double precision;
    y double precision;
    z double precision;
    corners double precision[] := '{}';
    signs integer[] := ARRAY[-1, -1, 1, -1, 1, 1, -1, 1];
BEGIN
    IF NOT (width > 0 AND width < 180 AND height > 0 AND height < 180) THEN
        RETURN NULL;
    END IF;
    FOR i IN 1..7 BY 2 LOOP
        x := cos(d) * cos(a) - signs[i] * p * sin(a) - signs[i + 1] * q * sin(d) * cos(a);
        y := cos(d) * sin(a) + signs[i] * p * cos(a) - signs[i + 1] * q * sin(d) * sin(a);
        z := sin(d) + signs[i + 1] * q * cos(d);
        corners := corners || degrees(atan2(y, x)) || degrees(atan2(z, sqrt(x * x + y * y)));
    END LOOP;
    RETURN armillary.polygon(corners);
END $$;


ALTER FUNCTION armillary.box(centre public.spoint, width double precision, height double precision) OWNER TO armillary_owner;

--
-- Name: distance(double precision, double precision, double precision, double precision); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.distance(ra1 double precision, dec1 double precision, ra2 double precision, dec2 double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN degrees(((2)::double precision * atan2(sqrt((CASE WHEN (abs((dec2 - dec1)) > (0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001)::double precision) THEN power(sin((radians((dec2 - dec1)) / (2)::double precision)), (2)::double precision) ELSE (0)::double precision END + (abs((cosd(dec1) * cosd(dec2))) * CASE WHEN (abs((ra2 - ra1)) > (0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001)::double precision) THEN power(sin((radians((ra2 - ra1)) / (2)::double precision)), (2)::double precision) ELSE (0)::double precision END))), sqrt((CASE WHEN (abs((dec1 + dec2)) > (0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001)::double precision) THEN power(sin((radians((dec1 + dec2)) / (2)::double precision)), (2)::double precision) ELSE (0)::double precision END + (abs((cosd(dec1) * cosd(dec2))) * power(cos((radians((ra2 - ra1)) / (2)::double precision)), (2)::double precision)))))));


ALTER FUNCTION armillary.distance(ra1 double precision, dec1 double precision, ra2 double precision, dec2 double precision) OWNER TO armillary_owner;

--
-- Name: distance(public.spoint, public.spoint); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.distance(p public.spoint, q public.spoint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN armillary.distance(degrees(public.long(p)), degrees(public.lat(p)), degrees(public.long(q)), degrees(public.lat(q)));


ALTER FUNCTION armillary.distance(p public.spoint, q public.spoint) OWNER TO armillary_owner;

--
-- Name: dms_to_degrees(text); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.dms_to_degrees(dms text) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT armillary.sexagesimal(dms, 'd') $$;


ALTER FUNCTION armillary.dms_to_degrees(dms text) OWNER TO armillary_owner;

--
-- Name: doubles(double precision[]); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.doubles(numbers double precision[]) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT coalesce(string_agg(float8send(coalesce(n, 'NaN'::double precision)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;


ALTER FUNCTION armillary.doubles(numbers double precision[]) OWNER TO armillary_owner;

--
-- Name: drop_grantee_role(text); Type: FUNCTION; Schema: armillary; Owner: armillary_admin
--

CREATE FUNCTION armillary.drop_grantee_role(grantee text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
DECLARE
    role text := 'armillary_to_' || left(encode(sha256(convert_to(current_database() || ' ' || grantee, 'UTF8')), 'hex'), 40);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('armillary makes roles'));
    EXECUTE format('DROP ROLE IF EXISTS %I', role);
EXCEPTION WHEN dependent_objects_still_exist THEN
    NULL;
END $$;


ALTER FUNCTION armillary.drop_grantee_role(grantee text) OWNER TO armillary_admin;

--
-- Name: epoch_prop_pos(double precision, double precision, double precision, double precision, double precision, double precision, double precision, double precision); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.epoch_prop_pos(lon double precision, lat double precision, parallax double precision, pmra double precision, pmdec double precision, radial_velocity double precision, ref_epoch double precision, out_epoch double precision) RETURNS public.spoint
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    mas CONSTANT double precision := radians(1 / 3600000.0::double precision);
    a double precision := radians(lon);
    d double precision := radians(lat);
    t double precision := out_epoch - ref_epoch;
    mu_a double precision := coalesce(pmra, 0) * mas * t;
    mu_d double precision := coalesce(pmdec, 0) * mas * t;
    -- Only a positive parallax says how far the star comes nearer.
    zeta double precision := 1 + coalesce(radial_velocity, 0) / 4.740470446::double precision
                               * greatest(coalesce(parallax, 0), 0) * mas * t;
    x double precision;
    y double precision;
    z double precision;
BEGIN
    IF lon IS NULL OR lat IS NULL OR ref_epoch IS NULL OR out_epoch IS NULL THEN
        RETURN NULL;
    END IF;
    x := cos(d) * cos(a) * zeta - sin(a) * mu_a - sin(d) * cos(a) * mu_d;
    y := cos(d) * sin(a) * zeta + cos(a) * mu_a - sin(d) * sin(a) * mu_d;
    z := sin(d) * zeta + cos(d) * mu_d;
    RETURN spoint(atan2(y, x), atan2(z, sqrt(x * x + y * y)));
END $$;


ALTER FUNCTION armillary.epoch_prop_pos(lon double precision, lat double precision, parallax double precision, pmra double precision, pmdec double precision, radial_velocity double precision, ref_epoch double precision, out_epoch double precision) OWNER TO armillary_owner;

--
-- Name: floats(real[]); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.floats(numbers real[]) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT coalesce(string_agg(float4send(coalesce(n, 'NaN'::real)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;


ALTER FUNCTION armillary.floats(numbers real[]) OWNER TO armillary_owner;

--
-- Name: grantee_role(text); Type: FUNCTION; Schema: armillary; Owner: armillary_admin
--

CREATE FUNCTION armillary.grantee_role(grantee text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION armillary.grantee_role(grantee text) OWNER TO armillary_admin;

--
-- Name: histogram_step(integer[], double precision, double precision, double precision, integer); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.histogram_step(counts integer[], val double precision, low double precision, high double precision, bins integer) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    bin integer := coalesce(width_bucket(val, low, high, bins), 0) + 1;
BEGIN
    IF bins > 100000 THEN
        RAISE EXCEPTION USING ERRCODE = '2201G', MESSAGE = 'too many bins';
    END IF;
    IF counts IS NULL THEN
        counts := array_fill(0, ARRAY[greatest(bins, 1) + 2]);
    END IF;
    counts[bin] := counts[bin] + 1;
    RETURN counts;
END $$;


ALTER FUNCTION armillary.histogram_step(counts integer[], val double precision, low double precision, high double precision, bins integer) OWNER TO armillary_owner;

--
-- Name: hms_to_degrees(text); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.hms_to_degrees(hms text) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT 15 * armillary.sexagesimal(hms, 'h') $$;


ALTER FUNCTION armillary.hms_to_degrees(hms text) OWNER TO armillary_owner;

--
-- Name: in_circle(public.spoint, public.scircle); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.in_circle(p public.spoint, c public.scircle) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (armillary.distance(p, public.center(c)) <= (degrees(public.radius(c)) + (0.00000000000006)::double precision));


ALTER FUNCTION armillary.in_circle(p public.spoint, c public.scircle) OWNER TO armillary_owner;

--
-- Name: ints(integer[]); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.ints(numbers integer[]) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT coalesce(string_agg(int4send(coalesce(n, (-2147483648)::integer)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;


ALTER FUNCTION armillary.ints(numbers integer[]) OWNER TO armillary_owner;

--
-- Name: longs(bigint[]); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.longs(numbers bigint[]) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT coalesce(string_agg(int8send(coalesce(n, (-9223372036854775808)::bigint)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;


ALTER FUNCTION armillary.longs(numbers bigint[]) OWNER TO armillary_owner;

--
-- Name: nested(anyarray, integer[]); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.nested(numbers anyarray, shape integer[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
DECLARE
    parts text[];
    width integer;
BEGIN
    SELECT array_agg(coalesce(n::text, 'null') ORDER BY i) INTO parts FROM unnest(numbers) WITH ORDINALITY AS u (n, i);
    FOR k IN REVERSE array_length(shape, 1)..1 LOOP
        width := shape[k];
        SELECT array_agg('[' || array_to_string(parts[i * width + 1 : (i + 1) * width], ',') || ']' ORDER BY i)
        INTO parts FROM generate_series(0, array_length(parts, 1) / width - 1) AS i;
    END LOOP;
    RETURN parts[1];
END $$;


ALTER FUNCTION armillary.nested(numbers anyarray, shape integer[]) OWNER TO armillary_owner;

--
-- Name: polygon(double precision[]); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.polygon(vertices double precision[]) RETURNS public.spoly
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
BEGIN
    FOR i IN 2..array_length(vertices, 1) BY 2 LOOP
        IF vertices[i - 1] IS NULL OR vertices[i] IS NULL OR NOT vertices[i] BETWEEN -90 AND 90 THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN (SELECT '{' || string_agg(format('(%sd,%sd)', vertices[i], vertices[i + 1]), ',' ORDER BY i) || '}'
            FROM generate_series(1, array_length(vertices, 1), 2) AS i)::spoly;
EXCEPTION WHEN internal_error OR data_exception OR syntax_error THEN
    RETURN NULL;
END $$;


ALTER FUNCTION armillary.polygon(vertices double precision[]) OWNER TO armillary_owner;

--
-- Name: readable_tables(); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.readable_tables() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 SELECT audiences.table_name
    FROM armillary.audiences
   WHERE (audiences.rule IS NULL)
 UNION ALL
  SELECT audiences.table_name
    FROM armillary.audiences
   WHERE (audiences.rule = ANY (ARRAY( SELECT r.name
            FROM armillary.readers r
           WHERE (r.role IN ( SELECT armillary.grantee_roles() AS grantee_roles)))));
END;


ALTER FUNCTION armillary.readable_tables() OWNER TO armillary_owner;

--
-- Name: tables; Type: TABLE; Schema: tap_schema; Owner: armillary_owner
--

CREATE TABLE tap_schema.tables (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    table_type text NOT NULL,
    utype text,
    description text,
    table_index integer,
    CONSTRAINT tables_table_type_check CHECK ((table_type = ANY (ARRAY['table'::text, 'view'::text])))
);


ALTER TABLE tap_schema.tables OWNER TO armillary_owner;

--
-- Name: readable_schemas(); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.readable_schemas() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 SELECT DISTINCT tables.schema_name
    FROM tap_schema.tables
   WHERE (tables.table_name = ANY (ARRAY( SELECT armillary.readable_tables() AS readable_tables)));
END;


ALTER FUNCTION armillary.readable_schemas() OWNER TO armillary_owner;

--
-- Name: session_role(text[]); Type: FUNCTION; Schema: armillary; Owner: armillary_admin
--

CREATE FUNCTION armillary.session_role(grantees text[]) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
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


ALTER FUNCTION armillary.session_role(grantees text[]) OWNER TO armillary_admin;

--
-- Name: catalogue; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.catalogue (
    version bigint NOT NULL
);


ALTER TABLE armillary.catalogue OWNER TO armillary_owner;

--
-- Name: reader_versions; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.reader_versions (
    role text NOT NULL,
    version bigint NOT NULL
);


ALTER TABLE armillary.reader_versions OWNER TO armillary_owner;

--
-- Name: session_version(); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.session_version() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 SELECT (c.version + (COALESCE(( SELECT sum(v.version) AS sum
            FROM armillary.reader_versions v
           WHERE (v.role IN ( SELECT armillary.grantee_roles() AS grantee_roles))), (0)::numeric))::bigint)
    FROM armillary.catalogue c;
END;


ALTER FUNCTION armillary.session_version() OWNER TO armillary_owner;

--
-- Name: sexagesimal(text, text); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.sexagesimal(value text, first text) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
    SELECT CASE WHEN part[3]::integer < 60 AND part[4]::double precision < 60 THEN
               (CASE part[1] WHEN '-' THEN -1 ELSE 1 END)
               * (part[2]::integer + part[3]::integer / 60.0::double precision
                  + part[4]::double precision / 3600)
           END
    FROM (SELECT coalesce(
        regexp_match(value, '^\s*([-+]?)(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d*)?)\s*$'),
        regexp_match(value, '^\s*([-+]?)(\d{1,3})' || first || '(\d{1,2})m(\d{1,2}(?:\.\d*)?)s\s*$', 'i'),
        regexp_match(value, '^\s*([-+]?)(\d{2})(\d{2})(\d{2}(?:\.\d*)?)\s*$')
    ) AS part) AS read
    WHERE part IS NOT NULL
$_$;


ALTER FUNCTION armillary.sexagesimal(value text, first text) OWNER TO armillary_owner;

--
-- Name: shorts(smallint[]); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.shorts(numbers smallint[]) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT coalesce(string_agg(int2send(coalesce(n, (-32768)::smallint)), '' ORDER BY place), '')
    FROM unnest(numbers) WITH ORDINALITY AS each (n, place)
$$;


ALTER FUNCTION armillary.shorts(numbers smallint[]) OWNER TO armillary_owner;

--
-- Name: sized(bytea, integer); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.sized(content bytea, size integer) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
BEGIN
    IF octet_length(content) <> size THEN
        RAISE EXCEPTION USING ERRCODE = '2202E', MESSAGE = 'an array has not the size that its column says';
    END IF;
    RETURN content;
END $$;


ALTER FUNCTION armillary.sized(content bytea, size integer) OWNER TO armillary_owner;

--
-- Name: vertices(public.spoly); Type: FUNCTION; Schema: armillary; Owner: armillary_owner
--

CREATE FUNCTION armillary.vertices(polygon public.spoly) RETURNS double precision[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
    SELECT array_agg(degrees(number[1]::double precision) ORDER BY place)
    FROM regexp_matches(polygon::text, '[-+0-9.eE]+', 'g') WITH ORDINALITY AS numbers (number, place)
$$;


ALTER FUNCTION armillary.vertices(polygon public.spoly) OWNER TO armillary_owner;

--
-- Name: runs; Type: TABLE; Schema: uws; Owner: armillary_jobs
--

CREATE TABLE uws.runs (
    cost double precision NOT NULL,
    seconds double precision NOT NULL,
    finished timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE uws.runs OWNER TO armillary_jobs;

--
-- Name: expected(double precision); Type: FUNCTION; Schema: uws; Owner: armillary_jobs
--

CREATE FUNCTION uws.expected(wanted double precision) RETURNS double precision
    LANGUAGE sql STABLE
    RETURN (SELECT percentile_cont((0.8)::double precision) WITHIN GROUP (ORDER BY alike.seconds) AS percentile_cont FROM (SELECT runs.seconds FROM uws.runs WHERE ((runs.cost >= (expected.wanted / (2)::double precision)) AND (runs.cost <= (expected.wanted * (2)::double precision))) LIMIT 500) alike HAVING (count(*) >= 5));


ALTER FUNCTION uws.expected(wanted double precision) OWNER TO armillary_jobs;

--
-- Name: tell(); Type: FUNCTION; Schema: uws; Owner: armillary_jobs
--

CREATE FUNCTION uws.tell() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM pg_notify('uws', OLD.job_id || ' DELETED');
    ELSIF NEW.deleted THEN
        PERFORM pg_notify('uws', NEW.job_id || ' DELETED');
    ELSE
        PERFORM pg_notify('uws', NEW.job_id || ' ' || NEW.phase);
    END IF;
    RETURN NULL;
END $$;


ALTER FUNCTION uws.tell() OWNER TO armillary_jobs;

--
-- Name: histogram(double precision, double precision, double precision, integer); Type: AGGREGATE; Schema: armillary; Owner: armillary_owner
--

CREATE AGGREGATE armillary.histogram(double precision, double precision, double precision, integer) (
    SFUNC = armillary.histogram_step,
    STYPE = integer[]
);


ALTER AGGREGATE armillary.histogram(double precision, double precision, double precision, integer) OWNER TO armillary_owner;

--
-- Name: accounts; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.accounts (
    account_id bigint NOT NULL,
    name text NOT NULL,
    password text,
    email text,
    is_admin boolean DEFAULT false NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    created timestamp(0) with time zone DEFAULT now() NOT NULL,
    issuer text,
    subject text,
    CONSTRAINT a_name_is_printable CHECK ((name ~ '^[^[:cntrl:][:space:]:/"'']{1,64}$'::text)),
    CONSTRAINT an_identity_is_whole CHECK (((issuer IS NULL) = (subject IS NULL)))
);


ALTER TABLE accounts.accounts OWNER TO armillary_accounts;

--
-- Name: accounts_account_id_seq; Type: SEQUENCE; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE accounts.accounts ALTER COLUMN account_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.accounts_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: events; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.events (
    event_id bigint NOT NULL,
    account_id bigint NOT NULL,
    at timestamp(0) with time zone DEFAULT now() NOT NULL,
    who text,
    what text NOT NULL,
    name text NOT NULL,
    grantee text NOT NULL,
    CONSTRAINT events_what_check CHECK ((what = ANY (ARRAY['shared'::text, 'revoked'::text, 'fetched'::text])))
);


ALTER TABLE accounts.events OWNER TO armillary_accounts;

--
-- Name: events_event_id_seq; Type: SEQUENCE; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE accounts.events ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.events_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: failures; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.failures (
    key text NOT NULL,
    count integer NOT NULL,
    latest timestamp with time zone NOT NULL
);


ALTER TABLE accounts.failures OWNER TO armillary_accounts;

--
-- Name: groups; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.groups (
    group_id bigint NOT NULL,
    name text NOT NULL,
    created timestamp(0) with time zone DEFAULT now() NOT NULL,
    limits jsonb DEFAULT '{}'::jsonb NOT NULL,
    description text,
    of_account boolean DEFAULT false NOT NULL,
    CONSTRAINT a_group_is_printable CHECK ((name ~ '^[^[:cntrl:][:space:]:/"'']{1,64}$'::text))
);


ALTER TABLE accounts.groups OWNER TO armillary_accounts;

--
-- Name: groups_group_id_seq; Type: SEQUENCE; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE accounts.groups ALTER COLUMN group_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.groups_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: members; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.members (
    group_id bigint NOT NULL,
    account_id bigint NOT NULL,
    is_owner boolean DEFAULT false NOT NULL,
    from_oidc boolean DEFAULT false NOT NULL
);


ALTER TABLE accounts.members OWNER TO armillary_accounts;

--
-- Name: messages; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.messages (
    message_id integer NOT NULL,
    text text NOT NULL,
    posted timestamp with time zone DEFAULT now() NOT NULL,
    expires timestamp with time zone,
    CONSTRAINT messages_text_check CHECK (((length(text) >= 1) AND (length(text) <= 1000)))
);


ALTER TABLE accounts.messages OWNER TO armillary_accounts;

--
-- Name: messages_message_id_seq; Type: SEQUENCE; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE accounts.messages ALTER COLUMN message_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.messages_message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: migrations; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.migrations (
    name text NOT NULL,
    digest text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE accounts.migrations OWNER TO armillary_accounts;

--
-- Name: shares; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.shares (
    share_id bigint NOT NULL,
    account_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    grantee text,
    digest bytea,
    may_write boolean DEFAULT false NOT NULL,
    title text,
    mounted text,
    created timestamp with time zone DEFAULT now() NOT NULL,
    expires timestamp(0) with time zone,
    CONSTRAINT only_tables_are_written_to CHECK ((((kind = 'table'::text) AND (digest IS NULL)) OR (NOT may_write))),
    CONSTRAINT shares_grantee_check CHECK ((grantee ~ '^(group|user):.'::text)),
    CONSTRAINT shares_kind_check CHECK ((kind = ANY (ARRAY['table'::text, 'job'::text]))),
    CONSTRAINT with_somebody_or_by_a_link CHECK (((grantee IS NULL) <> (digest IS NULL)))
);


ALTER TABLE accounts.shares OWNER TO armillary_accounts;

--
-- Name: records; Type: VIEW; Schema: accounts; Owner: armillary_accounts
--

CREATE VIEW accounts.records AS
 SELECT a.account_id,
    a.name,
    a.password,
    a.email,
    a.is_admin,
    a.disabled,
    a.created,
    ARRAY( SELECT g.name
           FROM (accounts.members m
             JOIN accounts.groups g USING (group_id))
          WHERE (m.account_id = a.account_id)
          ORDER BY g.name) AS groups,
    ARRAY( SELECT g.limits
           FROM (accounts.members m
             JOIN accounts.groups g USING (group_id))
          WHERE ((m.account_id = a.account_id) AND (g.limits <> '{}'::jsonb))) AS limits,
    (EXISTS ( SELECT
           FROM accounts.shares s
          WHERE (s.expires < now()))) AS shares_are_over
   FROM accounts.accounts a;


ALTER TABLE accounts.records OWNER TO armillary_accounts;

--
-- Name: shares_share_id_seq; Type: SEQUENCE; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE accounts.shares ALTER COLUMN share_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.shares_share_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tokens; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE TABLE accounts.tokens (
    token_id bigint NOT NULL,
    account_id bigint NOT NULL,
    name text,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    created timestamp(0) with time zone DEFAULT now() NOT NULL,
    expires timestamp(0) with time zone,
    last_used timestamp(0) with time zone,
    CONSTRAINT a_session_ends CHECK (((name IS NOT NULL) OR (expires IS NOT NULL))),
    CONSTRAINT scopes_are_known CHECK ((scopes <@ ARRAY['read'::text, 'jobs'::text, 'tables'::text, 'admin'::text]))
);


ALTER TABLE accounts.tokens OWNER TO armillary_accounts;

--
-- Name: tokens_token_id_seq; Type: SEQUENCE; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE accounts.tokens ALTER COLUMN token_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.tokens_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: web_processes; Type: TABLE; Schema: accounts; Owner: armillary_accounts
--

CREATE UNLOGGED TABLE accounts.web_processes (
    process text NOT NULL,
    told timestamp with time zone DEFAULT now() NOT NULL,
    queries jsonb NOT NULL,
    killed text[] DEFAULT '{}'::text[] NOT NULL
);


ALTER TABLE accounts.web_processes OWNER TO armillary_accounts;

--
-- Name: mine; Type: TABLE; Schema: ada; Owner: armillary_owner
--

CREATE TABLE ada.mine (
    target text,
    ra_deg double precision,
    dec_deg double precision,
    v double precision,
    observed timestamp without time zone
);


ALTER TABLE ada.mine OWNER TO armillary_owner;

--
-- Name: bounds; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.bounds (
    table_name text NOT NULL,
    column_name text NOT NULL,
    "least" double precision NOT NULL,
    largest double precision NOT NULL
);


ALTER TABLE armillary.bounds OWNER TO armillary_owner;

--
-- Name: loaded; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.loaded (
    table_name text NOT NULL,
    storage text NOT NULL,
    content jsonb NOT NULL
);


ALTER TABLE armillary.loaded OWNER TO armillary_owner;

--
-- Name: loads; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.loads (
    table_name text NOT NULL,
    load_id text NOT NULL,
    storage text NOT NULL,
    margin double precision NOT NULL,
    ranges jsonb NOT NULL
);


ALTER TABLE armillary.loads OWNER TO armillary_owner;

--
-- Name: migrations; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.migrations (
    name text NOT NULL,
    digest text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE armillary.migrations OWNER TO armillary_owner;

--
-- Name: own_schemas; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.own_schemas (
    account text NOT NULL,
    schema_name text NOT NULL
);


ALTER TABLE armillary.own_schemas OWNER TO armillary_owner;

--
-- Name: own_table_jobs; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.own_table_jobs (
    table_name text NOT NULL,
    job text NOT NULL
);


ALTER TABLE armillary.own_table_jobs OWNER TO armillary_owner;

--
-- Name: own_tables; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.own_tables (
    table_name text NOT NULL,
    account text NOT NULL,
    nrows bigint NOT NULL,
    bytes bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    changed timestamp with time zone DEFAULT now() NOT NULL,
    expires timestamp(0) with time zone
);


ALTER TABLE armillary.own_tables OWNER TO armillary_owner;

--
-- Name: parts; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.parts (
    schema_name text NOT NULL,
    partition text NOT NULL,
    storage text NOT NULL,
    table_name text NOT NULL,
    load_id text NOT NULL,
    taken bigint DEFAULT 0 NOT NULL,
    ready boolean DEFAULT false NOT NULL
);


ALTER TABLE armillary.parts OWNER TO armillary_owner;

--
-- Name: publications; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.publications (
    publication_id bigint NOT NULL,
    account text NOT NULL,
    table_name text NOT NULL,
    title text NOT NULL,
    abstract text NOT NULL,
    licence text NOT NULL,
    citation text,
    contact text NOT NULL,
    state text DEFAULT 'offered'::text NOT NULL,
    word text,
    moderator text,
    published_as text,
    version integer,
    offered timestamp with time zone DEFAULT now() NOT NULL,
    decided timestamp(0) with time zone,
    CONSTRAINT publications_state_check CHECK ((state = ANY (ARRAY['offered'::text, 'accepted'::text, 'returned'::text, 'withdrawn'::text])))
);


ALTER TABLE armillary.publications OWNER TO armillary_owner;

--
-- Name: publications_publication_id_seq; Type: SEQUENCE; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE armillary.publications ALTER COLUMN publication_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME armillary.publications_publication_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: ranges; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.ranges (
    table_name text NOT NULL,
    first bigint NOT NULL,
    beyond bigint NOT NULL,
    shard_name text,
    partition text NOT NULL,
    nrows bigint NOT NULL,
    checksum numeric(20,0),
    CONSTRAINT ranges_check CHECK ((beyond > first))
);


ALTER TABLE armillary.ranges OWNER TO armillary_owner;

--
-- Name: session_roles; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.session_roles (
    role text NOT NULL,
    used timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE armillary.session_roles OWNER TO armillary_owner;

--
-- Name: shards; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.shards (
    shard_name text NOT NULL,
    conninfo text NOT NULL,
    reader text,
    engine text DEFAULT 'postgres_fdw'::text NOT NULL,
    node text,
    CONSTRAINT shards_engine_check CHECK ((engine = ANY (ARRAY['postgres_fdw'::text, 'citus'::text]))),
    CONSTRAINT shards_shard_name_check CHECK ((shard_name ~ '^[a-z][a-z0-9_]{0,40}$'::text))
);


ALTER TABLE armillary.shards OWNER TO armillary_owner;

--
-- Name: table_rules; Type: VIEW; Schema: armillary; Owner: armillary_owner
--

CREATE VIEW armillary.table_rules AS
 SELECT t.table_name,
    t.schema_name,
    COALESCE(a.name, s.name) AS rule,
    COALESCE(a.is_public, s.is_public, true) AS is_public,
    COALESCE(a.announced, s.announced, false) AS announced
   FROM ((tap_schema.tables t
     LEFT JOIN armillary.access a ON ((a.name = t.table_name)))
     LEFT JOIN armillary.access s ON ((s.name = t.schema_name)));


ALTER TABLE armillary.table_rules OWNER TO armillary_owner;

--
-- Name: tables; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.tables (
    table_name text NOT NULL,
    storage text,
    nrows bigint,
    ra text,
    "dec" text,
    loaded boolean NOT NULL,
    title text,
    publisher text,
    creator text,
    licence text,
    licence_url text,
    citation text,
    reference_url text,
    pixel_column text,
    pixel_order integer,
    layout text,
    pixel_key text,
    pixel_margin double precision DEFAULT 0 NOT NULL,
    omitted text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT tables_check CHECK (((pixel_column IS NULL) = (pixel_order IS NULL))),
    CONSTRAINT tables_pixel_order_check CHECK (((pixel_order >= 0) AND (pixel_order <= 12)))
);


ALTER TABLE armillary.tables OWNER TO armillary_owner;

--
-- Name: writers; Type: TABLE; Schema: armillary; Owner: armillary_owner
--

CREATE TABLE armillary.writers (
    table_name text NOT NULL,
    grantee text NOT NULL,
    reads boolean NOT NULL,
    CONSTRAINT writers_grantee_check CHECK ((grantee ~ '^(group|user):.'::text))
);


ALTER TABLE armillary.writers OWNER TO armillary_owner;

--
-- Name: stars; Type: TABLE; Schema: my; Owner: armillary_owner
--

CREATE TABLE my.stars (
    target text,
    ra_deg double precision,
    dec_deg double precision,
    v double precision,
    observed timestamp without time zone
);


ALTER TABLE my.stars OWNER TO armillary_owner;

--
-- Name: columns; Type: TABLE; Schema: tap_schema; Owner: armillary_owner
--

CREATE TABLE tap_schema.columns (
    table_name text NOT NULL,
    column_name text NOT NULL,
    datatype text NOT NULL,
    arraysize text,
    xtype text,
    size integer,
    description text,
    utype text,
    unit text,
    ucd text,
    indexed integer NOT NULL,
    principal integer NOT NULL,
    std integer NOT NULL,
    column_index integer,
    CONSTRAINT columns_indexed_check CHECK ((indexed = ANY (ARRAY[0, 1]))),
    CONSTRAINT columns_principal_check CHECK ((principal = ANY (ARRAY[0, 1]))),
    CONSTRAINT columns_std_check CHECK ((std = ANY (ARRAY[0, 1])))
);


ALTER TABLE tap_schema.columns OWNER TO armillary_owner;

--
-- Name: key_columns; Type: TABLE; Schema: tap_schema; Owner: armillary_owner
--

CREATE TABLE tap_schema.key_columns (
    key_id text NOT NULL,
    from_column text NOT NULL,
    target_column text NOT NULL
);


ALTER TABLE tap_schema.key_columns OWNER TO armillary_owner;

--
-- Name: keys; Type: TABLE; Schema: tap_schema; Owner: armillary_owner
--

CREATE TABLE tap_schema.keys (
    key_id text NOT NULL,
    from_table text NOT NULL,
    target_table text NOT NULL,
    utype text,
    description text
);


ALTER TABLE tap_schema.keys OWNER TO armillary_owner;

--
-- Name: schemas; Type: TABLE; Schema: tap_schema; Owner: armillary_owner
--

CREATE TABLE tap_schema.schemas (
    schema_name text NOT NULL,
    utype text,
    description text,
    schema_index integer
);


ALTER TABLE tap_schema.schemas OWNER TO armillary_owner;

--
-- Name: jobs; Type: TABLE; Schema: uws; Owner: armillary_jobs
--

CREATE TABLE uws.jobs (
    job_id text NOT NULL,
    owner_id text,
    session text,
    share text NOT NULL,
    run_id text,
    phase text DEFAULT 'PENDING'::text NOT NULL,
    creation_time timestamp(3) with time zone DEFAULT now() NOT NULL,
    queue_time timestamp with time zone,
    start_time timestamp(3) with time zone,
    end_time timestamp(3) with time zone,
    execution_duration integer NOT NULL,
    destruction timestamp(3) with time zone NOT NULL,
    parameters jsonb NOT NULL,
    cost double precision,
    expected double precision,
    lane text DEFAULT 'short'::text NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    progress jsonb DEFAULT '{}'::jsonb NOT NULL,
    results jsonb DEFAULT '[]'::jsonb NOT NULL,
    error_message text,
    error_type text,
    worker text,
    lease timestamp with time zone,
    attempt integer DEFAULT 0 NOT NULL,
    crashes integer DEFAULT 0 NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    attachments jsonb DEFAULT '[]'::jsonb NOT NULL,
    running_limit integer,
    job_list text DEFAULT 'async'::text NOT NULL,
    note text,
    CONSTRAINT a_duration_is_not_negative CHECK ((execution_duration >= 0)),
    CONSTRAINT a_job_is_in_a_phase CHECK ((phase = ANY (ARRAY['PENDING'::text, 'QUEUED'::text, 'EXECUTING'::text, 'COMPLETED'::text, 'ERROR'::text, 'ABORTED'::text, 'HELD'::text, 'SUSPENDED'::text, 'ARCHIVED'::text]))),
    CONSTRAINT a_queued_job_has_its_place CHECK (((phase <> 'QUEUED'::text) OR (queue_time IS NOT NULL))),
    CONSTRAINT an_error_has_a_type CHECK (((error_message IS NULL) = (error_type IS NULL))),
    CONSTRAINT an_error_says_why CHECK (((phase <> 'ERROR'::text) OR (error_message IS NOT NULL))),
    CONSTRAINT attachments_are_a_list CHECK ((jsonb_typeof(attachments) = 'array'::text)),
    CONSTRAINT error_types_are_two CHECK ((error_type = ANY (ARRAY['transient'::text, 'fatal'::text]))),
    CONSTRAINT only_what_is_complete_has_results CHECK (((phase = 'COMPLETED'::text) OR (results = '[]'::jsonb))),
    CONSTRAINT parameters_are_a_list CHECK ((jsonb_typeof(parameters) = 'array'::text)),
    CONSTRAINT there_are_two_lanes CHECK ((lane = ANY (ARRAY['short'::text, 'long'::text]))),
    CONSTRAINT what_ended_has_an_end CHECK (((phase = ANY (ARRAY['COMPLETED'::text, 'ERROR'::text, 'ABORTED'::text, 'ARCHIVED'::text])) = (end_time IS NOT NULL))),
    CONSTRAINT who_executes_has_a_worker_and_a_lease CHECK ((((phase = 'EXECUTING'::text) = (worker IS NOT NULL)) AND ((worker IS NULL) = (lease IS NULL)))),
    CONSTRAINT who_executes_has_begun CHECK (((phase <> 'EXECUTING'::text) OR (start_time IS NOT NULL)))
)
WITH (fillfactor='70');


ALTER TABLE uws.jobs OWNER TO armillary_jobs;

--
-- Name: migrations; Type: TABLE; Schema: uws; Owner: armillary_jobs
--

CREATE TABLE uws.migrations (
    name text NOT NULL,
    digest text NOT NULL,
    applied timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE uws.migrations OWNER TO armillary_jobs;

--
-- Name: turn; Type: TABLE; Schema: uws; Owner: armillary_jobs
--

CREATE TABLE uws.turn (
    one boolean DEFAULT true NOT NULL,
    CONSTRAINT turn_one_check CHECK (one)
);


ALTER TABLE uws.turn OWNER TO armillary_jobs;

--
-- Data for Name: accounts; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.accounts (account_id, name, password, email, is_admin, disabled, created, issuer, subject) FROM stdin;
1	ada	$argon2id$v=19$m=65536,t=3,p=4$9Z0wZYd9udH8M3F8ksGFpw$TxAdfGUXm+meaP/CNyhdJL1IT66frj89oOwds9IwDf0	\N	f	f	2026-11-28 07:38:42+00	\N	\N
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.events (event_id, account_id, at, who, what, name, grantee) FROM stdin;
1	1	2026-11-28 07:38:55+00	ada	shared	1a443fd6b95959bbdd4b7fa85613492f	link
\.


--
-- Data for Name: failures; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.failures (key, count, latest) FROM stdin;
\.


--
-- Data for Name: groups; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.groups (group_id, name, created, limits, description, of_account) FROM stdin;
\.


--
-- Data for Name: members; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.members (group_id, account_id, is_owner, from_oidc) FROM stdin;
\.


--
-- Data for Name: messages; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.messages (message_id, text, posted, expires) FROM stdin;
1	The telescope is asleep.	2026-11-28 07:38:45.523919+00	\N
\.


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.migrations (name, digest, applied) FROM stdin;
0001_accounts.sql	25a1149bf496700f1732b4c62846b4293919520105ce48a51279b40a221d1f28	2026-11-28 07:38:41.371116+00
0002_records.sql	024de4ad2ad017be0b3838c41a58be47663400f96c8df1d3a25e5911d9c07e9c	2026-11-28 07:38:41.371116+00
0003_limits.sql	e14e6a75da1ba934e786059a5a4164939bcf3366e10de4771fb0a4df7bf1b52d	2026-11-28 07:38:41.371116+00
0004_shares.sql	0962276a0c4f3e0fd996508ca38defd1d991b7a61da28e41e40f57836dd79044	2026-11-28 07:38:41.371116+00
0005_oidc.sql	1fd383001d9fa5b085e5d8f2bc66c0c1d6bc8b0ce0bc82a73d5091decfaaf9ea	2026-11-28 07:38:41.371116+00
0006_messages.sql	b332fc5fa852cfca0e62b8c8f037e5609db46a75a20d7a1ace813d6fd82329a7	2026-11-28 07:38:41.371116+00
0007_running_queries.sql	b81f2a7b50ee763cafb0d0e544d5c660a130a6ecc8384c384df26ce1280b494e	2026-11-28 07:38:41.371116+00
\.


--
-- Data for Name: shares; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.shares (share_id, account_id, kind, name, grantee, digest, may_write, title, mounted, created, expires) FROM stdin;
1	1	job	1a443fd6b95959bbdd4b7fa85613492f	\N	\\x89a6dde869b6530ce79fd2382a85d4eae41c4a251859e97cde39cdf85f1b9ce6	f	\N	\N	2026-11-28 07:38:54.975723+00	\N
\.


--
-- Data for Name: tokens; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.tokens (token_id, account_id, name, digest, scopes, created, expires, last_used) FROM stdin;
\.


--
-- Data for Name: web_processes; Type: TABLE DATA; Schema: accounts; Owner: armillary_accounts
--

COPY accounts.web_processes (process, told, queries, killed) FROM stdin;
\.


--
-- Data for Name: mine; Type: TABLE DATA; Schema: ada; Owner: armillary_owner
--

COPY ada.mine (target, ra_deg, dec_deg, v, observed) FROM stdin;
Altair	297.69583	8.86832	0.76	2026-07-30 22:50:00
Arcturus	213.9153	19.18241	-0.05	2026-04-02 01:40:00
Canopus	95.98796	-52.69566	-0.74	2026-01-14 22:25:00
Capella	79.17233	45.99799	0.08	2026-01-15 20:15:00
Procyon	114.8255	5.22499	0.34	2026-01-15 21:30:00
Rigel	78.63447	-8.20164	0.13	2026-01-15 20:40:00
Sirius	101.28716	-16.71612	-1.46	2026-01-14 22:10:00
Vega	279.23474	38.78369	0.03	2026-06-21 23:05:00
\.


--
-- Data for Name: access; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.access (name, is_public, announced) FROM stdin;
ada.mine	f	f
\.


--
-- Data for Name: audiences; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.audiences (table_name, rule) FROM stdin;
tap_schema.keys	\N
tap_schema.schemas	\N
tap_schema.columns	\N
tap_schema.tables	\N
tap_schema.key_columns	\N
my.stars	\N
ada.mine	ada.mine
\.


--
-- Data for Name: bounds; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.bounds (table_name, column_name, "least", largest) FROM stdin;
\.


--
-- Data for Name: catalogue; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.catalogue (version) FROM stdin;
2
\.


--
-- Data for Name: loaded; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.loaded (table_name, storage, content) FROM stdin;
my.stars	stars	{"keys": [], "nrows": 8, "utype": null, "origin": {"title": null, "creator": null, "licence": null, "citation": null, "publisher": null, "licence_url": null, "reference_url": null}, "ranges": [], "columns": [{"std": false, "ucd": null, "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": false, "storage": null, "datatype": "char", "arraysize": "8*", "principal": true, "column_name": "target", "coordinates": null, "description": null, "column_index": 1}, {"std": false, "ucd": "pos.eq.ra;meta.main", "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": true, "storage": null, "datatype": "double", "arraysize": null, "principal": true, "column_name": "ra_deg", "coordinates": null, "description": null, "column_index": 2}, {"std": false, "ucd": "pos.eq.dec;meta.main", "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": true, "storage": null, "datatype": "double", "arraysize": null, "principal": true, "column_name": "dec_deg", "coordinates": null, "description": null, "column_index": 3}, {"std": false, "ucd": null, "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": false, "storage": null, "datatype": "double", "arraysize": null, "principal": true, "column_name": "v", "coordinates": null, "description": null, "column_index": 4}, {"std": false, "ucd": null, "unit": null, "utype": null, "xtype": "timestamp", "bounds": null, "indexed": false, "storage": null, "datatype": "char", "arraysize": "*", "principal": true, "column_name": "observed", "coordinates": null, "description": null, "column_index": 5}], "omitted": [], "storage": null, "division": {}, "position": ["ra_deg", "dec_deg"], "table_name": "my.stars", "table_type": "table", "description": null, "schema_name": "my", "table_index": null, "schema_description": null}
ada.mine	mine	{"keys": [], "nrows": 8, "utype": null, "origin": {"title": null, "creator": null, "licence": null, "citation": null, "publisher": null, "licence_url": null, "reference_url": null}, "ranges": [], "columns": [{"std": false, "ucd": null, "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": false, "storage": null, "datatype": "char", "arraysize": "8*", "principal": true, "column_name": "target", "coordinates": null, "description": null, "column_index": 1}, {"std": false, "ucd": "pos.eq.ra;meta.main", "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": true, "storage": null, "datatype": "double", "arraysize": null, "principal": true, "column_name": "ra_deg", "coordinates": null, "description": null, "column_index": 2}, {"std": false, "ucd": "pos.eq.dec;meta.main", "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": true, "storage": null, "datatype": "double", "arraysize": null, "principal": true, "column_name": "dec_deg", "coordinates": null, "description": null, "column_index": 3}, {"std": false, "ucd": null, "unit": null, "utype": null, "xtype": null, "bounds": null, "indexed": false, "storage": null, "datatype": "double", "arraysize": null, "principal": true, "column_name": "v", "coordinates": null, "description": null, "column_index": 4}, {"std": false, "ucd": null, "unit": null, "utype": null, "xtype": "timestamp", "bounds": null, "indexed": false, "storage": null, "datatype": "char", "arraysize": "*", "principal": true, "column_name": "observed", "coordinates": null, "description": null, "column_index": 5}], "omitted": [], "storage": null, "division": {}, "position": ["ra_deg", "dec_deg"], "table_name": "ada.mine", "table_type": "table", "description": "Result of: SELECT * FROM my.stars ORDER BY target", "schema_name": "ada", "table_index": null, "schema_description": null}
\.


--
-- Data for Name: loads; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.loads (table_name, load_id, storage, margin, ranges) FROM stdin;
\.


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.migrations (name, digest, applied) FROM stdin;
0001_armillary.sql	9c54a3fb52edf3e3add443ca11832dd6fb4bbc8ee89191d5f485fc389f9506c5	2026-11-28 07:38:41.408113+00
0002_tap_schema.sql	65559e196bf2f8d0ce541a10267f6b49ab2b54664f481a3607944f96184b9e04	2026-11-28 07:38:41.408113+00
0003_functions.sql	82cff10997d3ca9f314061cb8d93ae149e7441e589f8b4068d586992cbec59c7	2026-11-28 07:38:41.408113+00
0004_bounds.sql	0bbf6602a6d4da113f019d3b4a5f1da2d34d18e2acd3fa3d3e8e6f93488019b6	2026-11-28 07:38:41.408113+00
0005_shards.sql	aef463e823effeeca4fc54995e73d18126c587230a5ac3697a225b90443147fd	2026-11-28 07:38:41.408113+00
0006_layouts.sql	fbc6f0ea584f5aa07f714c061dfee4a81204d2dea4c3be0791c2323a140ab816	2026-11-28 07:38:41.408113+00
0007_loading.sql	1e9a578e9288593dcd64dbaf3a4cf40f81bb7732a06d8480a0ed01c971d7d54a	2026-11-28 07:38:41.408113+00
0008_distance.sql	040acbd6ca50ff79a9e54ff203a3c38da979028e321ed17821bbe48347349dbb	2026-11-28 07:38:41.408113+00
0009_loaded.sql	bade61c3e0801cae390082fcc59c1cb122368b37b54647ca2ffd08a869039d6a	2026-11-28 07:38:41.408113+00
0010_omitted.sql	453b2dec545f9d3b654bd897d6255a6da2da9221c890c63c0ef76292badeb151	2026-11-28 07:38:41.408113+00
0011_engines.sql	ead63f1488becc7b95de38c4a02932ee22d7e7a6e8a15a1b9031377e0994a149	2026-11-28 07:38:41.408113+00
0012_readers.sql	b3cc601c63ed94c7429671595867efe9ecf16b4b6ee7cbfa4957da5ebdf2cb2c	2026-11-28 07:38:41.408113+00
0013_announced.sql	ca11eb9a73ef5e62f2d3a5facb5f90d963aab2b1ad1969d06c6047425e6613c8	2026-11-28 07:38:41.408113+00
0014_table_rules.sql	baa5f86b5e6e7cb30950db5e1aa0fb97e6d788f47059af6b384189e33e565494	2026-11-28 07:38:41.408113+00
0015_own_tables.sql	c2b5113fabbf5faa8c3f3d93dc6fa0737fb96838aafaf0d16d4d584f361779ed	2026-11-28 07:38:41.408113+00
0016_publications.sql	bc0c2ffb3caaadaccec84115f558d06f99e7444d90a00a70e74373981a27734d	2026-11-28 07:38:41.408113+00
\.


--
-- Data for Name: own_schemas; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.own_schemas (account, schema_name) FROM stdin;
ada	ada
\.


--
-- Data for Name: own_table_jobs; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.own_table_jobs (table_name, job) FROM stdin;
ada.mine	dad77796ec7c621b882221bc68be759c
\.


--
-- Data for Name: own_tables; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.own_tables (table_name, account, nrows, bytes, created, changed, expires) FROM stdin;
ada.mine	ada	8	32768	2026-11-28 07:38:54.267684+00	2026-11-28 07:38:54.267684+00	\N
\.


--
-- Data for Name: parts; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.parts (schema_name, partition, storage, table_name, load_id, taken, ready) FROM stdin;
\.


--
-- Data for Name: publications; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.publications (publication_id, account, table_name, title, abstract, licence, citation, contact, state, word, moderator, published_as, version, offered, decided) FROM stdin;
\.


--
-- Data for Name: ranges; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.ranges (table_name, first, beyond, shard_name, partition, nrows, checksum) FROM stdin;
\.


--
-- Data for Name: reader_versions; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.reader_versions (role, version) FROM stdin;
armillary_to_47ba85484f4243d3f8e23627d03438886c71dce3	1
\.


--
-- Data for Name: readers; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.readers (name, grantee, role) FROM stdin;
ada.mine	user:ada	armillary_to_47ba85484f4243d3f8e23627d03438886c71dce3
\.


--
-- Data for Name: session_roles; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.session_roles (role, used) FROM stdin;
armillary_as_be8946f3_19d0191a4a07579538f81a3f3f84fc457560eafe	2026-11-28 07:38:54.920712+00
\.


--
-- Data for Name: shards; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.shards (shard_name, conninfo, reader, engine, node) FROM stdin;
\.


--
-- Data for Name: tables; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.tables (table_name, storage, nrows, ra, "dec", loaded, title, publisher, creator, licence, licence_url, citation, reference_url, pixel_column, pixel_order, layout, pixel_key, pixel_margin, omitted) FROM stdin;
tap_schema.schemas	\N	\N	\N	\N	f	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0	{}
tap_schema.tables	\N	\N	\N	\N	f	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0	{}
tap_schema.columns	\N	\N	\N	\N	f	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0	{}
tap_schema.keys	\N	\N	\N	\N	f	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0	{}
tap_schema.key_columns	\N	\N	\N	\N	f	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0	{}
my.stars	\N	8	ra_deg	dec_deg	t	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0	{}
ada.mine	\N	8	ra_deg	dec_deg	t	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	0	{}
\.


--
-- Data for Name: writers; Type: TABLE DATA; Schema: armillary; Owner: armillary_owner
--

COPY armillary.writers (table_name, grantee, reads) FROM stdin;
\.


--
-- Data for Name: stars; Type: TABLE DATA; Schema: my; Owner: armillary_owner
--

COPY my.stars (target, ra_deg, dec_deg, v, observed) FROM stdin;
Sirius	101.28716	-16.71612	-1.46	2026-01-14 22:10:00
Canopus	95.98796	-52.69566	-0.74	2026-01-14 22:25:00
Arcturus	213.9153	19.18241	-0.05	2026-04-02 01:40:00
Vega	279.23474	38.78369	0.03	2026-06-21 23:05:00
Capella	79.17233	45.99799	0.08	2026-01-15 20:15:00
Rigel	78.63447	-8.20164	0.13	2026-01-15 20:40:00
Procyon	114.8255	5.22499	0.34	2026-01-15 21:30:00
Altair	297.69583	8.86832	0.76	2026-07-30 22:50:00
\.


--
-- Data for Name: columns; Type: TABLE DATA; Schema: tap_schema; Owner: armillary_owner
--

COPY tap_schema.columns (table_name, column_name, datatype, arraysize, xtype, size, description, utype, unit, ucd, indexed, principal, std, column_index) FROM stdin;
tap_schema.columns	table_name	char	*	\N	\N	Full name of the table	\N	\N	\N	1	1	1	1
tap_schema.columns	column_name	unicodeChar	*	\N	\N	Name of the column, as queries use it	\N	\N	\N	1	1	1	2
tap_schema.columns	datatype	char	*	\N	\N	Type, as VOTable calls it	\N	\N	\N	0	1	1	3
tap_schema.columns	arraysize	char	*	\N	\N	Array size, as VOTable writes it	\N	\N	\N	0	1	1	4
tap_schema.columns	xtype	char	*	\N	\N	Extended type of DALI: timestamp, point, ...	\N	\N	\N	0	1	1	5
tap_schema.columns	"size"	int	\N	\N	\N	Length of fixed or limited arrays; deprecated, see arraysize	\N	\N	\N	0	1	1	6
tap_schema.columns	description	unicodeChar	*	\N	\N	What the column holds	\N	\N	\N	0	1	1	7
tap_schema.columns	utype	char	*	\N	\N	Its utype, where it follows a data model	\N	\N	\N	0	1	1	8
tap_schema.columns	unit	char	*	\N	\N	Unit, in VOUnits	\N	\N	\N	0	1	1	9
tap_schema.columns	ucd	char	*	\N	\N	What kind of quantity it is: UCD1+	\N	\N	\N	0	1	1	10
tap_schema.columns	indexed	int	\N	\N	\N	1 if an index makes conditions on it fast	\N	\N	\N	0	1	1	11
tap_schema.columns	principal	int	\N	\N	\N	1 if it is one of the columns most users want	\N	\N	\N	0	1	1	12
tap_schema.columns	std	int	\N	\N	\N	1 if a standard defines it	\N	\N	\N	0	1	1	13
tap_schema.columns	column_index	int	\N	\N	\N	Recommended order of columns	\N	\N	\N	0	1	1	14
tap_schema.key_columns	key_id	char	*	\N	\N	Name of the foreign key	\N	\N	\N	1	1	1	1
tap_schema.key_columns	from_column	char	*	\N	\N	Column of the table that refers	\N	\N	\N	1	1	1	2
tap_schema.key_columns	target_column	char	*	\N	\N	Column that it refers to	\N	\N	\N	1	1	1	3
tap_schema.keys	key_id	char	*	\N	\N	Name of the foreign key	\N	\N	\N	1	1	1	1
tap_schema.keys	from_table	char	*	\N	\N	Table that refers	\N	\N	\N	0	1	1	2
tap_schema.keys	target_table	char	*	\N	\N	Table that is referred to	\N	\N	\N	0	1	1	3
tap_schema.keys	utype	char	*	\N	\N	Its utype, where it follows a data model	\N	\N	\N	0	1	1	4
tap_schema.keys	description	unicodeChar	*	\N	\N	What the reference means	\N	\N	\N	0	1	1	5
tap_schema.schemas	schema_name	char	*	\N	\N	Name of the schema	\N	\N	\N	1	1	1	1
tap_schema.schemas	utype	char	*	\N	\N	Its utype, where it follows a data model	\N	\N	\N	0	1	1	2
tap_schema.schemas	description	unicodeChar	*	\N	\N	What the schema holds	\N	\N	\N	0	1	1	3
tap_schema.schemas	schema_index	int	\N	\N	\N	Recommended order of schemas	\N	\N	\N	0	1	1	4
tap_schema.tables	schema_name	char	*	\N	\N	Schema that the table is in	\N	\N	\N	0	1	1	1
tap_schema.tables	table_name	char	*	\N	\N	Full name, as queries use it	\N	\N	\N	1	1	1	2
tap_schema.tables	table_type	char	*	\N	\N	table or view	\N	\N	\N	0	1	1	3
tap_schema.tables	utype	char	*	\N	\N	Its utype, where it follows a data model	\N	\N	\N	0	1	1	4
tap_schema.tables	description	unicodeChar	*	\N	\N	What the table holds	\N	\N	\N	0	1	1	5
tap_schema.tables	table_index	int	\N	\N	\N	Recommended order of tables	\N	\N	\N	0	1	1	6
my.stars	target	char	8*	\N	8	\N	\N	\N	\N	0	1	0	1
my.stars	ra_deg	double	\N	\N	\N	\N	\N	\N	pos.eq.ra;meta.main	1	1	0	2
my.stars	dec_deg	double	\N	\N	\N	\N	\N	\N	pos.eq.dec;meta.main	1	1	0	3
my.stars	v	double	\N	\N	\N	\N	\N	\N	\N	0	1	0	4
my.stars	observed	char	*	timestamp	\N	\N	\N	\N	\N	0	1	0	5
ada.mine	target	char	8*	\N	8	\N	\N	\N	\N	0	1	0	1
ada.mine	ra_deg	double	\N	\N	\N	\N	\N	\N	pos.eq.ra;meta.main	1	1	0	2
ada.mine	dec_deg	double	\N	\N	\N	\N	\N	\N	pos.eq.dec;meta.main	1	1	0	3
ada.mine	v	double	\N	\N	\N	\N	\N	\N	\N	0	1	0	4
ada.mine	observed	char	*	timestamp	\N	\N	\N	\N	\N	0	1	0	5
\.


--
-- Data for Name: key_columns; Type: TABLE DATA; Schema: tap_schema; Owner: armillary_owner
--

COPY tap_schema.key_columns (key_id, from_column, target_column) FROM stdin;
tables_schemas	schema_name	schema_name
columns_tables	table_name	table_name
keys_from	from_table	table_name
keys_target	target_table	table_name
key_columns_keys	key_id	key_id
\.


--
-- Data for Name: keys; Type: TABLE DATA; Schema: tap_schema; Owner: armillary_owner
--

COPY tap_schema.keys (key_id, from_table, target_table, utype, description) FROM stdin;
tables_schemas	tap_schema.tables	tap_schema.schemas	\N	A table is in a schema
columns_tables	tap_schema.columns	tap_schema.tables	\N	A column is in a table
keys_from	tap_schema.keys	tap_schema.tables	\N	The table that refers
keys_target	tap_schema.keys	tap_schema.tables	\N	The table that is referred to
key_columns_keys	tap_schema.key_columns	tap_schema.keys	\N	A column of a foreign key
\.


--
-- Data for Name: schemas; Type: TABLE DATA; Schema: tap_schema; Owner: armillary_owner
--

COPY tap_schema.schemas (schema_name, utype, description, schema_index) FROM stdin;
tap_schema	\N	The tables and columns that this service publishes, as TAP describes them	1000
my	\N	\N	\N
ada	\N	\N	\N
\.


--
-- Data for Name: tables; Type: TABLE DATA; Schema: tap_schema; Owner: armillary_owner
--

COPY tap_schema.tables (schema_name, table_name, table_type, utype, description, table_index) FROM stdin;
tap_schema	tap_schema.schemas	table	\N	The schemas of this service	1
tap_schema	tap_schema.tables	table	\N	The tables of this service	2
tap_schema	tap_schema.columns	table	\N	The columns of all tables	3
tap_schema	tap_schema.keys	table	\N	Foreign keys: which tables belong together	4
tap_schema	tap_schema.key_columns	table	\N	The columns of foreign keys	5
my	my.stars	table	\N	\N	\N
ada	ada.mine	table	\N	Result of: SELECT * FROM my.stars ORDER BY target	\N
\.


--
-- Data for Name: jobs; Type: TABLE DATA; Schema: uws; Owner: armillary_jobs
--

COPY uws.jobs (job_id, owner_id, session, share, run_id, phase, creation_time, queue_time, start_time, end_time, execution_duration, destruction, parameters, cost, expected, lane, priority, progress, results, error_message, error_type, worker, lease, attempt, crashes, deleted, attachments, running_limit, job_list, note) FROM stdin;
1a443fd6b95959bbdd4b7fa85613492f	ada	\N	ada	ended	COMPLETED	2026-11-28 07:38:52.045+00	2026-11-28 07:38:52.074196+00	2026-11-28 07:38:54.121+00	2026-11-28 07:38:54.173+00	3600	2026-12-05 07:38:52.045+00	[["LANG", "ADQL"], ["QUERY", "SELECT * FROM my.stars ORDER BY target"]]	1.22	\N	short	0	{"rows": 8, "bytes": 1669}	[{"id": "result", "key": "1a443fd6b95959bbdd4b7fa85613492f/1.vot", "url": null, "rows": 8, "size": 1669, "digest": "XCrh7GklHbUSXiizIsdsO9Nh4TGAWFG/v7U6iZ/sK38=", "mime_type": "application/x-votable+xml"}]	\N	\N	\N	\N	1	0	f	[]	\N	async	\N
dad77796ec7c621b882221bc68be759c	ada	\N	ada	\N	COMPLETED	2026-11-28 07:38:54.19+00	2026-11-28 07:38:54.214205+00	2026-11-28 07:38:54.217+00	2026-11-28 07:38:54.909+00	3600	2026-12-05 07:38:54.19+00	[["LANG", "ADQL"], ["QUERY", "SELECT * FROM my.stars ORDER BY target"], ["DEST", "mine"]]	1.22	\N	short	0	{"rows": 8, "bytes": 3562}	[{"id": "table", "key": "dad77796ec7c621b882221bc68be759c/table", "url": "http://localhost:53089/tap/tables/ada.mine", "rows": 8, "size": 0, "digest": "", "mime_type": "text/xml"}]	\N	\N	\N	\N	1	0	f	[]	\N	async	\N
8e4e83370fe7305d07929a0ccbc89f32	ada	\N	ada	pending	PENDING	2026-11-28 07:38:54.96+00	\N	\N	\N	3600	2026-12-05 07:38:54.96+00	[["LANG", "ADQL"], ["QUERY", "SELECT * FROM my.stars ORDER BY target"]]	1.22	\N	short	0	{}	[]	\N	\N	\N	\N	0	0	f	[]	\N	async	\N
\.


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: uws; Owner: armillary_jobs
--

COPY uws.migrations (name, digest, applied) FROM stdin;
0001_jobs.sql	00d3e7935e65eb387eecc5ad5dbe931e74d98b28c95cea70c0fa80963f7187ff	2026-11-28 07:38:41.356492+00
0002_attachments.sql	340534b87e5fa487372d553c7bafebacfc1851a516e8512d488549b2b8b6dfc6	2026-11-28 07:38:41.356492+00
0003_limits.sql	5aebfdf629b388e3cdd7dffa6b69eb94614dad063f071ca2d4896d5ac7b1afab	2026-11-28 07:38:41.356492+00
0004_notes.sql	4d9cfcb27513604d6f658c8f61ad8cce24007d4b6aef2f96b472873d8e20ae25	2026-11-28 07:38:41.356492+00
\.


--
-- Data for Name: runs; Type: TABLE DATA; Schema: uws; Owner: armillary_jobs
--

COPY uws.runs (cost, seconds, finished) FROM stdin;
1.22	0.052	2026-11-28 07:38:54.176269+00
1.22	0.692	2026-11-28 07:38:54.915149+00
\.


--
-- Data for Name: turn; Type: TABLE DATA; Schema: uws; Owner: armillary_jobs
--

COPY uws.turn (one) FROM stdin;
t
\.


--
-- Name: accounts_account_id_seq; Type: SEQUENCE SET; Schema: accounts; Owner: armillary_accounts
--

SELECT pg_catalog.setval('accounts.accounts_account_id_seq', 1, true);


--
-- Name: events_event_id_seq; Type: SEQUENCE SET; Schema: accounts; Owner: armillary_accounts
--

SELECT pg_catalog.setval('accounts.events_event_id_seq', 1, true);


--
-- Name: groups_group_id_seq; Type: SEQUENCE SET; Schema: accounts; Owner: armillary_accounts
--

SELECT pg_catalog.setval('accounts.groups_group_id_seq', 1, false);


--
-- Name: messages_message_id_seq; Type: SEQUENCE SET; Schema: accounts; Owner: armillary_accounts
--

SELECT pg_catalog.setval('accounts.messages_message_id_seq', 1, true);


--
-- Name: shares_share_id_seq; Type: SEQUENCE SET; Schema: accounts; Owner: armillary_accounts
--

SELECT pg_catalog.setval('accounts.shares_share_id_seq', 1, true);


--
-- Name: tokens_token_id_seq; Type: SEQUENCE SET; Schema: accounts; Owner: armillary_accounts
--

SELECT pg_catalog.setval('accounts.tokens_token_id_seq', 1, false);


--
-- Name: publications_publication_id_seq; Type: SEQUENCE SET; Schema: armillary; Owner: armillary_owner
--

SELECT pg_catalog.setval('armillary.publications_publication_id_seq', 1, false);


--
-- Name: accounts accounts_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (account_id);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (event_id);


--
-- Name: failures failures_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.failures
    ADD CONSTRAINT failures_pkey PRIMARY KEY (key);


--
-- Name: groups groups_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.groups
    ADD CONSTRAINT groups_pkey PRIMARY KEY (group_id);


--
-- Name: members members_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (group_id, account_id);


--
-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (message_id);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);


--
-- Name: shares shares_digest_key; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.shares
    ADD CONSTRAINT shares_digest_key UNIQUE (digest);


--
-- Name: shares shares_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.shares
    ADD CONSTRAINT shares_pkey PRIMARY KEY (share_id);


--
-- Name: tokens tokens_digest_key; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.tokens
    ADD CONSTRAINT tokens_digest_key UNIQUE (digest);


--
-- Name: tokens tokens_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (token_id);


--
-- Name: web_processes web_processes_pkey; Type: CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.web_processes
    ADD CONSTRAINT web_processes_pkey PRIMARY KEY (process);


--
-- Name: access access_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.access
    ADD CONSTRAINT access_pkey PRIMARY KEY (name);


--
-- Name: audiences audiences_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.audiences
    ADD CONSTRAINT audiences_pkey PRIMARY KEY (table_name);


--
-- Name: bounds bounds_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.bounds
    ADD CONSTRAINT bounds_pkey PRIMARY KEY (table_name, column_name);


--
-- Name: loaded loaded_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.loaded
    ADD CONSTRAINT loaded_pkey PRIMARY KEY (table_name);


--
-- Name: loads loads_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.loads
    ADD CONSTRAINT loads_pkey PRIMARY KEY (table_name);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);


--
-- Name: own_schemas own_schemas_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.own_schemas
    ADD CONSTRAINT own_schemas_pkey PRIMARY KEY (account);


--
-- Name: own_schemas own_schemas_schema_name_key; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.own_schemas
    ADD CONSTRAINT own_schemas_schema_name_key UNIQUE (schema_name);


--
-- Name: own_table_jobs own_table_jobs_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.own_table_jobs
    ADD CONSTRAINT own_table_jobs_pkey PRIMARY KEY (table_name, job);


--
-- Name: own_tables own_tables_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.own_tables
    ADD CONSTRAINT own_tables_pkey PRIMARY KEY (table_name);


--
-- Name: parts parts_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.parts
    ADD CONSTRAINT parts_pkey PRIMARY KEY (schema_name, partition);


--
-- Name: publications publications_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.publications
    ADD CONSTRAINT publications_pkey PRIMARY KEY (publication_id);


--
-- Name: ranges ranges_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.ranges
    ADD CONSTRAINT ranges_pkey PRIMARY KEY (table_name, first);


--
-- Name: reader_versions reader_versions_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.reader_versions
    ADD CONSTRAINT reader_versions_pkey PRIMARY KEY (role);


--
-- Name: readers readers_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.readers
    ADD CONSTRAINT readers_pkey PRIMARY KEY (name, grantee);


--
-- Name: session_roles session_roles_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.session_roles
    ADD CONSTRAINT session_roles_pkey PRIMARY KEY (role);


--
-- Name: shards shards_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.shards
    ADD CONSTRAINT shards_pkey PRIMARY KEY (shard_name);


--
-- Name: tables tables_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.tables
    ADD CONSTRAINT tables_pkey PRIMARY KEY (table_name);


--
-- Name: writers writers_pkey; Type: CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.writers
    ADD CONSTRAINT writers_pkey PRIMARY KEY (table_name, grantee);


--
-- Name: columns columns_pkey; Type: CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.columns
    ADD CONSTRAINT columns_pkey PRIMARY KEY (table_name, column_name);


--
-- Name: key_columns key_columns_pkey; Type: CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.key_columns
    ADD CONSTRAINT key_columns_pkey PRIMARY KEY (key_id, from_column, target_column);


--
-- Name: keys keys_pkey; Type: CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (key_id);


--
-- Name: schemas schemas_pkey; Type: CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.schemas
    ADD CONSTRAINT schemas_pkey PRIMARY KEY (schema_name);


--
-- Name: tables tables_pkey; Type: CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.tables
    ADD CONSTRAINT tables_pkey PRIMARY KEY (table_name);


--
-- Name: jobs jobs_pkey; Type: CONSTRAINT; Schema: uws; Owner: armillary_jobs
--

ALTER TABLE ONLY uws.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (job_id);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: uws; Owner: armillary_jobs
--

ALTER TABLE ONLY uws.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);


--
-- Name: turn turn_pkey; Type: CONSTRAINT; Schema: uws; Owner: armillary_jobs
--

ALTER TABLE ONLY uws.turn
    ADD CONSTRAINT turn_pkey PRIMARY KEY (one);


--
-- Name: accounts_by_subject; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE UNIQUE INDEX accounts_by_subject ON accounts.accounts USING btree (issuer, subject) WHERE (subject IS NOT NULL);


--
-- Name: accounts_differ_by_more_than_case; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE UNIQUE INDEX accounts_differ_by_more_than_case ON accounts.accounts USING btree (lower(name));


--
-- Name: events_by_account; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE INDEX events_by_account ON accounts.events USING btree (account_id, at DESC);


--
-- Name: failures_by_age; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE INDEX failures_by_age ON accounts.failures USING btree (latest);


--
-- Name: groups_differ_by_more_than_case; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE UNIQUE INDEX groups_differ_by_more_than_case ON accounts.groups USING btree (lower(name));


--
-- Name: members_by_account; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE INDEX members_by_account ON accounts.members USING btree (account_id);


--
-- Name: shares_are_made_once; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE UNIQUE INDEX shares_are_made_once ON accounts.shares USING btree (kind, name, grantee) WHERE (grantee IS NOT NULL);


--
-- Name: shares_by_account; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE INDEX shares_by_account ON accounts.shares USING btree (account_id);


--
-- Name: shares_by_grantee; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE INDEX shares_by_grantee ON accounts.shares USING btree (grantee);


--
-- Name: shares_that_end; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE INDEX shares_that_end ON accounts.shares USING btree (expires) WHERE (expires IS NOT NULL);


--
-- Name: tokens_of_an_account_have_names; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE UNIQUE INDEX tokens_of_an_account_have_names ON accounts.tokens USING btree (account_id, name) WHERE (name IS NOT NULL);


--
-- Name: tokens_that_end; Type: INDEX; Schema: accounts; Owner: armillary_accounts
--

CREATE INDEX tokens_that_end ON accounts.tokens USING btree (expires) WHERE (expires IS NOT NULL);


--
-- Name: mine_spoint_idx; Type: INDEX; Schema: ada; Owner: armillary_owner
--

CREATE INDEX mine_spoint_idx ON ada.mine USING gist (public.spoint(radians(ra_deg), radians(dec_deg)));


--
-- Name: a_table_is_offered_once; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE UNIQUE INDEX a_table_is_offered_once ON armillary.publications USING btree (table_name) WHERE (state = 'offered'::text);


--
-- Name: announced_access; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX announced_access ON armillary.access USING btree (name) WHERE announced;


--
-- Name: audiences_by_name; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX audiences_by_name ON armillary.audiences USING btree (lower(table_name));


--
-- Name: audiences_by_rule; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX audiences_by_rule ON armillary.audiences USING btree (rule);


--
-- Name: own_schemas_differ_by_more_than_case; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE UNIQUE INDEX own_schemas_differ_by_more_than_case ON armillary.own_schemas USING btree (lower(schema_name));


--
-- Name: own_tables_by_account; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX own_tables_by_account ON armillary.own_tables USING btree (account);


--
-- Name: own_tables_by_name; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX own_tables_by_name ON armillary.own_tables USING btree (lower(table_name));


--
-- Name: own_tables_that_end; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX own_tables_that_end ON armillary.own_tables USING btree (expires) WHERE (expires IS NOT NULL);


--
-- Name: publications_by_account; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX publications_by_account ON armillary.publications USING btree (account);


--
-- Name: readers_by_grantee; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX readers_by_grantee ON armillary.readers USING btree (grantee);


--
-- Name: readers_by_role; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX readers_by_role ON armillary.readers USING btree (role);


--
-- Name: tables_named_alike; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX tables_named_alike ON armillary.tables USING btree (lower(replace(table_name, '"'::text, ''::text)));


--
-- Name: writers_by_grantee; Type: INDEX; Schema: armillary; Owner: armillary_owner
--

CREATE INDEX writers_by_grantee ON armillary.writers USING btree (grantee);


--
-- Name: stars_spoint_idx; Type: INDEX; Schema: my; Owner: armillary_owner
--

CREATE INDEX stars_spoint_idx ON my.stars USING gist (public.spoint(radians(ra_deg), radians(dec_deg)));


--
-- Name: keys_from_table; Type: INDEX; Schema: tap_schema; Owner: armillary_owner
--

CREATE INDEX keys_from_table ON tap_schema.keys USING btree (from_table);


--
-- Name: keys_to_table; Type: INDEX; Schema: tap_schema; Owner: armillary_owner
--

CREATE INDEX keys_to_table ON tap_schema.keys USING btree (target_table);


--
-- Name: tables_by_schema; Type: INDEX; Schema: tap_schema; Owner: armillary_owner
--

CREATE INDEX tables_by_schema ON tap_schema.tables USING btree (schema_name);


--
-- Name: archived; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX archived ON uws.jobs USING btree (destruction) WHERE ((phase = 'ARCHIVED'::text) AND (NOT deleted));


--
-- Name: due; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX due ON uws.jobs USING btree (destruction) WHERE ((phase <> 'ARCHIVED'::text) AND (NOT deleted));


--
-- Name: gone; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX gone ON uws.jobs USING btree (job_id) WHERE deleted;


--
-- Name: of_all; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX of_all ON uws.jobs USING btree (phase, creation_time DESC);


--
-- Name: of_owner; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX of_owner ON uws.jobs USING btree (owner_id, phase, creation_time DESC) WHERE (owner_id IS NOT NULL);


--
-- Name: of_session; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX of_session ON uws.jobs USING btree (session, phase, creation_time DESC) WHERE (session IS NOT NULL);


--
-- Name: runs_by_cost; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX runs_by_cost ON uws.runs USING btree (cost);


--
-- Name: unfinished; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX unfinished ON uws.jobs USING btree (share, phase) WHERE (phase = ANY (ARRAY['PENDING'::text, 'QUEUED'::text, 'EXECUTING'::text, 'HELD'::text, 'SUSPENDED'::text]));


--
-- Name: waiting; Type: INDEX; Schema: uws; Owner: armillary_jobs
--

CREATE INDEX waiting ON uws.jobs USING btree (priority DESC, queue_time) WHERE (phase = 'QUEUED'::text);


--
-- Name: jobs tell_changed; Type: TRIGGER; Schema: uws; Owner: armillary_jobs
--

CREATE TRIGGER tell_changed AFTER UPDATE OF phase, deleted ON uws.jobs FOR EACH ROW WHEN (((old.phase <> new.phase) OR (old.deleted <> new.deleted))) EXECUTE FUNCTION uws.tell();


--
-- Name: jobs tell_created; Type: TRIGGER; Schema: uws; Owner: armillary_jobs
--

CREATE TRIGGER tell_created AFTER INSERT ON uws.jobs FOR EACH ROW WHEN ((new.phase = 'QUEUED'::text)) EXECUTE FUNCTION uws.tell();


--
-- Name: jobs tell_deleted; Type: TRIGGER; Schema: uws; Owner: armillary_jobs
--

CREATE TRIGGER tell_deleted AFTER DELETE ON uws.jobs FOR EACH ROW WHEN ((NOT old.deleted)) EXECUTE FUNCTION uws.tell();


--
-- Name: events events_account_id_fkey; Type: FK CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.events
    ADD CONSTRAINT events_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts.accounts(account_id) ON DELETE CASCADE;


--
-- Name: members members_account_id_fkey; Type: FK CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.members
    ADD CONSTRAINT members_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts.accounts(account_id) ON DELETE CASCADE;


--
-- Name: members members_group_id_fkey; Type: FK CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.members
    ADD CONSTRAINT members_group_id_fkey FOREIGN KEY (group_id) REFERENCES accounts.groups(group_id) ON DELETE CASCADE;


--
-- Name: shares shares_account_id_fkey; Type: FK CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.shares
    ADD CONSTRAINT shares_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts.accounts(account_id) ON DELETE CASCADE;


--
-- Name: tokens tokens_account_id_fkey; Type: FK CONSTRAINT; Schema: accounts; Owner: armillary_accounts
--

ALTER TABLE ONLY accounts.tokens
    ADD CONSTRAINT tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts.accounts(account_id) ON DELETE CASCADE;


--
-- Name: audiences audiences_table_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.audiences
    ADD CONSTRAINT audiences_table_name_fkey FOREIGN KEY (table_name) REFERENCES tap_schema.tables(table_name) ON DELETE CASCADE;


--
-- Name: bounds bounds_table_name_column_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.bounds
    ADD CONSTRAINT bounds_table_name_column_name_fkey FOREIGN KEY (table_name, column_name) REFERENCES tap_schema.columns(table_name, column_name) ON DELETE CASCADE;


--
-- Name: own_table_jobs own_table_jobs_table_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.own_table_jobs
    ADD CONSTRAINT own_table_jobs_table_name_fkey FOREIGN KEY (table_name) REFERENCES armillary.own_tables(table_name) ON DELETE CASCADE;


--
-- Name: own_tables own_tables_account_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.own_tables
    ADD CONSTRAINT own_tables_account_fkey FOREIGN KEY (account) REFERENCES armillary.own_schemas(account);


--
-- Name: own_tables own_tables_table_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.own_tables
    ADD CONSTRAINT own_tables_table_name_fkey FOREIGN KEY (table_name) REFERENCES tap_schema.tables(table_name) ON DELETE CASCADE;


--
-- Name: ranges ranges_shard_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.ranges
    ADD CONSTRAINT ranges_shard_name_fkey FOREIGN KEY (shard_name) REFERENCES armillary.shards(shard_name);


--
-- Name: ranges ranges_table_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.ranges
    ADD CONSTRAINT ranges_table_name_fkey FOREIGN KEY (table_name) REFERENCES armillary.tables(table_name) ON DELETE CASCADE;


--
-- Name: readers readers_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.readers
    ADD CONSTRAINT readers_name_fkey FOREIGN KEY (name) REFERENCES armillary.access(name) ON DELETE CASCADE;


--
-- Name: writers writers_table_name_fkey; Type: FK CONSTRAINT; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE ONLY armillary.writers
    ADD CONSTRAINT writers_table_name_fkey FOREIGN KEY (table_name) REFERENCES armillary.own_tables(table_name) ON DELETE CASCADE;


--
-- Name: columns columns_table_name_fkey; Type: FK CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.columns
    ADD CONSTRAINT columns_table_name_fkey FOREIGN KEY (table_name) REFERENCES tap_schema.tables(table_name) ON DELETE CASCADE;


--
-- Name: key_columns key_columns_key_id_fkey; Type: FK CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.key_columns
    ADD CONSTRAINT key_columns_key_id_fkey FOREIGN KEY (key_id) REFERENCES tap_schema.keys(key_id) ON DELETE CASCADE;


--
-- Name: keys keys_from_table_fkey; Type: FK CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.keys
    ADD CONSTRAINT keys_from_table_fkey FOREIGN KEY (from_table) REFERENCES tap_schema.tables(table_name) ON DELETE CASCADE;


--
-- Name: keys keys_target_table_fkey; Type: FK CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.keys
    ADD CONSTRAINT keys_target_table_fkey FOREIGN KEY (target_table) REFERENCES tap_schema.tables(table_name) ON DELETE CASCADE;


--
-- Name: tables tables_schema_name_fkey; Type: FK CONSTRAINT; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE ONLY tap_schema.tables
    ADD CONSTRAINT tables_schema_name_fkey FOREIGN KEY (schema_name) REFERENCES tap_schema.schemas(schema_name);


--
-- Name: bounds; Type: ROW SECURITY; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE armillary.bounds ENABLE ROW LEVEL SECURITY;

--
-- Name: bounds readable; Type: POLICY; Schema: armillary; Owner: armillary_owner
--

CREATE POLICY readable ON armillary.bounds FOR SELECT USING ((table_name = ANY (ARRAY( SELECT armillary.readable_tables() AS readable_tables))));


--
-- Name: tables readable; Type: POLICY; Schema: armillary; Owner: armillary_owner
--

CREATE POLICY readable ON armillary.tables FOR SELECT USING ((table_name = ANY (ARRAY( SELECT armillary.readable_tables() AS readable_tables))));


--
-- Name: tables; Type: ROW SECURITY; Schema: armillary; Owner: armillary_owner
--

ALTER TABLE armillary.tables ENABLE ROW LEVEL SECURITY;

--
-- Name: columns; Type: ROW SECURITY; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE tap_schema.columns ENABLE ROW LEVEL SECURITY;

--
-- Name: key_columns; Type: ROW SECURITY; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE tap_schema.key_columns ENABLE ROW LEVEL SECURITY;

--
-- Name: keys; Type: ROW SECURITY; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE tap_schema.keys ENABLE ROW LEVEL SECURITY;

--
-- Name: columns readable; Type: POLICY; Schema: tap_schema; Owner: armillary_owner
--

CREATE POLICY readable ON tap_schema.columns FOR SELECT USING ((table_name = ANY (ARRAY( SELECT armillary.readable_tables() AS readable_tables))));


--
-- Name: key_columns readable; Type: POLICY; Schema: tap_schema; Owner: armillary_owner
--

CREATE POLICY readable ON tap_schema.key_columns FOR SELECT USING ((key_id = ANY (ARRAY( SELECT keys.key_id
   FROM tap_schema.keys))));


--
-- Name: keys readable; Type: POLICY; Schema: tap_schema; Owner: armillary_owner
--

CREATE POLICY readable ON tap_schema.keys FOR SELECT USING (((from_table = ANY (ARRAY( SELECT armillary.readable_tables() AS readable_tables))) AND (target_table = ANY (ARRAY( SELECT armillary.readable_tables() AS readable_tables)))));


--
-- Name: schemas readable; Type: POLICY; Schema: tap_schema; Owner: armillary_owner
--

CREATE POLICY readable ON tap_schema.schemas FOR SELECT USING ((schema_name = ANY (ARRAY( SELECT armillary.readable_schemas() AS readable_schemas))));


--
-- Name: tables readable; Type: POLICY; Schema: tap_schema; Owner: armillary_owner
--

CREATE POLICY readable ON tap_schema.tables FOR SELECT USING ((table_name = ANY (ARRAY( SELECT armillary.readable_tables() AS readable_tables))));


--
-- Name: schemas; Type: ROW SECURITY; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE tap_schema.schemas ENABLE ROW LEVEL SECURITY;

--
-- Name: tables; Type: ROW SECURITY; Schema: tap_schema; Owner: armillary_owner
--

ALTER TABLE tap_schema.tables ENABLE ROW LEVEL SECURITY;

--
-- Name: DATABASE armillary; Type: ACL; Schema: -; Owner: armillary_admin
--

REVOKE CONNECT,TEMPORARY ON DATABASE armillary FROM PUBLIC;
GRANT ALL ON DATABASE armillary TO armillary_owner;
GRANT ALL ON DATABASE armillary TO armillary_jobs;
GRANT ALL ON DATABASE armillary TO armillary_accounts;
GRANT CONNECT,TEMPORARY ON DATABASE armillary TO armillary_reader;
GRANT CONNECT ON DATABASE armillary TO armillary_member;


--
-- Name: SCHEMA ada; Type: ACL; Schema: -; Owner: armillary_owner
--

GRANT USAGE ON SCHEMA ada TO armillary_reader;


--
-- Name: SCHEMA armillary; Type: ACL; Schema: -; Owner: armillary_owner
--

GRANT USAGE ON SCHEMA armillary TO armillary_reader;


--
-- Name: SCHEMA my; Type: ACL; Schema: -; Owner: armillary_owner
--

GRANT USAGE ON SCHEMA my TO armillary_reader;


--
-- Name: SCHEMA tap_schema; Type: ACL; Schema: -; Owner: armillary_owner
--

GRANT USAGE ON SCHEMA tap_schema TO armillary_reader;


--
-- Name: FUNCTION grantee_roles(); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.grantee_roles() FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.grantee_roles() TO armillary_reader;


--
-- Name: FUNCTION announced_tables(); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.announced_tables() FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.announced_tables() TO armillary_reader;


--
-- Name: FUNCTION area(polygon public.spoly); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.area(polygon public.spoly) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.area(polygon public.spoly) TO armillary_reader;


--
-- Name: FUNCTION box(centre public.spoint, width double precision, height double precision); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.box(centre public.spoint, width double precision, height double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.box(centre public.spoint, width double precision, height double precision) TO armillary_reader;


--
-- Name: FUNCTION dms_to_degrees(dms text); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.dms_to_degrees(dms text) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.dms_to_degrees(dms text) TO armillary_reader;


--
-- Name: FUNCTION doubles(numbers double precision[]); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.doubles(numbers double precision[]) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.doubles(numbers double precision[]) TO armillary_reader;


--
-- Name: FUNCTION drop_grantee_role(grantee text); Type: ACL; Schema: armillary; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION armillary.drop_grantee_role(grantee text) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.drop_grantee_role(grantee text) TO armillary_owner;


--
-- Name: FUNCTION epoch_prop_pos(lon double precision, lat double precision, parallax double precision, pmra double precision, pmdec double precision, radial_velocity double precision, ref_epoch double precision, out_epoch double precision); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.epoch_prop_pos(lon double precision, lat double precision, parallax double precision, pmra double precision, pmdec double precision, radial_velocity double precision, ref_epoch double precision, out_epoch double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.epoch_prop_pos(lon double precision, lat double precision, parallax double precision, pmra double precision, pmdec double precision, radial_velocity double precision, ref_epoch double precision, out_epoch double precision) TO armillary_reader;


--
-- Name: FUNCTION floats(numbers real[]); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.floats(numbers real[]) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.floats(numbers real[]) TO armillary_reader;


--
-- Name: FUNCTION grantee_role(grantee text); Type: ACL; Schema: armillary; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION armillary.grantee_role(grantee text) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.grantee_role(grantee text) TO armillary_owner;


--
-- Name: FUNCTION histogram_step(counts integer[], val double precision, low double precision, high double precision, bins integer); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.histogram_step(counts integer[], val double precision, low double precision, high double precision, bins integer) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.histogram_step(counts integer[], val double precision, low double precision, high double precision, bins integer) TO armillary_reader;


--
-- Name: FUNCTION hms_to_degrees(hms text); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.hms_to_degrees(hms text) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.hms_to_degrees(hms text) TO armillary_reader;


--
-- Name: FUNCTION ints(numbers integer[]); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.ints(numbers integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.ints(numbers integer[]) TO armillary_reader;


--
-- Name: FUNCTION longs(numbers bigint[]); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.longs(numbers bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.longs(numbers bigint[]) TO armillary_reader;


--
-- Name: FUNCTION polygon(vertices double precision[]); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.polygon(vertices double precision[]) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.polygon(vertices double precision[]) TO armillary_reader;


--
-- Name: FUNCTION readable_tables(); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.readable_tables() FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.readable_tables() TO armillary_reader;


--
-- Name: TABLE tables; Type: ACL; Schema: tap_schema; Owner: armillary_owner
--

GRANT SELECT ON TABLE tap_schema.tables TO armillary_reader;


--
-- Name: FUNCTION readable_schemas(); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.readable_schemas() FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.readable_schemas() TO armillary_reader;


--
-- Name: FUNCTION session_role(grantees text[]); Type: ACL; Schema: armillary; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION armillary.session_role(grantees text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.session_role(grantees text[]) TO armillary_owner;


--
-- Name: TABLE catalogue; Type: ACL; Schema: armillary; Owner: armillary_owner
--

GRANT SELECT ON TABLE armillary.catalogue TO armillary_reader;


--
-- Name: FUNCTION session_version(); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.session_version() FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.session_version() TO armillary_reader;


--
-- Name: FUNCTION sexagesimal(value text, first text); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.sexagesimal(value text, first text) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.sexagesimal(value text, first text) TO armillary_reader;


--
-- Name: FUNCTION shorts(numbers smallint[]); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.shorts(numbers smallint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.shorts(numbers smallint[]) TO armillary_reader;


--
-- Name: FUNCTION vertices(polygon public.spoly); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.vertices(polygon public.spoly) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.vertices(polygon public.spoly) TO armillary_reader;


--
-- Name: FUNCTION cursor_to_xml(cursor refcursor, count integer, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.cursor_to_xml(cursor refcursor, count integer, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION cursor_to_xmlschema(cursor refcursor, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.cursor_to_xmlschema(cursor refcursor, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION database_to_xml(nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.database_to_xml(nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION database_to_xml_and_xmlschema(nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.database_to_xml_and_xmlschema(nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION database_to_xmlschema(nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.database_to_xmlschema(nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION inet_client_addr(); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.inet_client_addr() FROM PUBLIC;


--
-- Name: FUNCTION inet_client_port(); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.inet_client_port() FROM PUBLIC;


--
-- Name: FUNCTION inet_server_addr(); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.inet_server_addr() FROM PUBLIC;


--
-- Name: FUNCTION inet_server_port(); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.inet_server_port() FROM PUBLIC;


--
-- Name: FUNCTION lo_close(integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_close(integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_creat(integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_creat(integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_create(oid); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_create(oid) FROM PUBLIC;


--
-- Name: FUNCTION lo_from_bytea(oid, bytea); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC;


--
-- Name: FUNCTION lo_get(oid); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_get(oid) FROM PUBLIC;


--
-- Name: FUNCTION lo_get(oid, bigint, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_get(oid, bigint, integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_lseek(integer, integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_lseek(integer, integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_lseek64(integer, bigint, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_lseek64(integer, bigint, integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_open(oid, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_open(oid, integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_put(oid, bigint, bytea); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_put(oid, bigint, bytea) FROM PUBLIC;


--
-- Name: FUNCTION lo_tell(integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_tell(integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_tell64(integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_tell64(integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_truncate(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_truncate(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_truncate64(integer, bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_truncate64(integer, bigint) FROM PUBLIC;


--
-- Name: FUNCTION lo_unlink(oid); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lo_unlink(oid) FROM PUBLIC;


--
-- Name: FUNCTION loread(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.loread(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION lowrite(integer, bytea); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.lowrite(integer, bytea) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock_shared(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock_shared(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_unlock(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_unlock(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_unlock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_unlock(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_unlock_all(); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_unlock_all() FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_unlock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_unlock_shared(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_unlock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_unlock_shared(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_xact_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_xact_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_xact_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock_shared(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_xact_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock_shared(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_cancel_backend(integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_cancel_backend(integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_export_snapshot(); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_export_snapshot() FROM PUBLIC;


--
-- Name: FUNCTION pg_logical_emit_message(boolean, text, bytea); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_logical_emit_message(boolean, text, bytea) FROM PUBLIC;


--
-- Name: FUNCTION pg_logical_emit_message(boolean, text, text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_logical_emit_message(boolean, text, text) FROM PUBLIC;


--
-- Name: FUNCTION pg_notify(text, text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_notify(text, text) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_notify(text, text) TO armillary_jobs;


--
-- Name: FUNCTION pg_read_file_old(text, bigint, bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_read_file_old(text, bigint, bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_relation_filepath(regclass); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_relation_filepath(regclass) FROM PUBLIC;


--
-- Name: FUNCTION pg_sleep(double precision); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;


--
-- Name: FUNCTION pg_sleep_for(interval); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_sleep_for(interval) FROM PUBLIC;


--
-- Name: FUNCTION pg_sleep_until(timestamp with time zone); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_sleep_until(timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION pg_terminate_backend(pid integer, timeout bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_terminate_backend(pid integer, timeout bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock_shared(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock_shared(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_xact_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_xact_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_xact_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock_shared(bigint) FROM PUBLIC;


--
-- Name: FUNCTION pg_try_advisory_xact_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock_shared(integer, integer) FROM PUBLIC;


--
-- Name: FUNCTION query_to_xml(query text, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.query_to_xml(query text, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION query_to_xml_and_xmlschema(query text, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.query_to_xml_and_xmlschema(query text, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION query_to_xmlschema(query text, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.query_to_xmlschema(query text, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION schema_to_xml(schema name, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.schema_to_xml(schema name, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION schema_to_xml_and_xmlschema(schema name, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.schema_to_xml_and_xmlschema(schema name, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION schema_to_xmlschema(schema name, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.schema_to_xmlschema(schema name, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION set_config(text, text, boolean); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;


--
-- Name: FUNCTION table_to_xml(tbl regclass, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.table_to_xml(tbl regclass, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION table_to_xml_and_xmlschema(tbl regclass, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.table_to_xml_and_xmlschema(tbl regclass, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION table_to_xmlschema(tbl regclass, nulls boolean, tableforest boolean, targetns text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.table_to_xmlschema(tbl regclass, nulls boolean, tableforest boolean, targetns text) FROM PUBLIC;


--
-- Name: FUNCTION ts_rewrite(tsquery, text); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.ts_rewrite(tsquery, text) FROM PUBLIC;


--
-- Name: FUNCTION ts_rewrite(tsquery, tsquery, tsquery); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.ts_rewrite(tsquery, tsquery, tsquery) FROM PUBLIC;


--
-- Name: FUNCTION ts_stat(query text, OUT word text, OUT ndoc integer, OUT nentry integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.ts_stat(query text, OUT word text, OUT ndoc integer, OUT nentry integer) FROM PUBLIC;


--
-- Name: FUNCTION ts_stat(query text, weights text, OUT word text, OUT ndoc integer, OUT nentry integer); Type: ACL; Schema: pg_catalog; Owner: armillary_admin
--

REVOKE ALL ON FUNCTION pg_catalog.ts_stat(query text, weights text, OUT word text, OUT ndoc integer, OUT nentry integer) FROM PUBLIC;


--
-- Name: FUNCTION histogram(double precision, double precision, double precision, integer); Type: ACL; Schema: armillary; Owner: armillary_owner
--

REVOKE ALL ON FUNCTION armillary.histogram(double precision, double precision, double precision, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION armillary.histogram(double precision, double precision, double precision, integer) TO armillary_reader;


--
-- Name: TABLE mine; Type: ACL; Schema: ada; Owner: armillary_owner
--

GRANT SELECT ON TABLE ada.mine TO armillary_to_47ba85484f4243d3f8e23627d03438886c71dce3;


--
-- Name: TABLE bounds; Type: ACL; Schema: armillary; Owner: armillary_owner
--

GRANT SELECT ON TABLE armillary.bounds TO armillary_reader;


--
-- Name: TABLE ranges; Type: ACL; Schema: armillary; Owner: armillary_owner
--

GRANT SELECT ON TABLE armillary.ranges TO armillary_reader;


--
-- Name: COLUMN shards.shard_name; Type: ACL; Schema: armillary; Owner: armillary_owner
--

GRANT SELECT(shard_name) ON TABLE armillary.shards TO armillary_reader;


--
-- Name: COLUMN shards.engine; Type: ACL; Schema: armillary; Owner: armillary_owner
--

GRANT SELECT(engine) ON TABLE armillary.shards TO armillary_reader;


--
-- Name: TABLE tables; Type: ACL; Schema: armillary; Owner: armillary_owner
--

GRANT SELECT ON TABLE armillary.tables TO armillary_reader;


--
-- Name: TABLE stars; Type: ACL; Schema: my; Owner: armillary_owner
--

GRANT SELECT ON TABLE my.stars TO armillary_reader;


--
-- Name: TABLE columns; Type: ACL; Schema: tap_schema; Owner: armillary_owner
--

GRANT SELECT ON TABLE tap_schema.columns TO armillary_reader;


--
-- Name: TABLE key_columns; Type: ACL; Schema: tap_schema; Owner: armillary_owner
--

GRANT SELECT ON TABLE tap_schema.key_columns TO armillary_reader;


--
-- Name: TABLE keys; Type: ACL; Schema: tap_schema; Owner: armillary_owner
--

GRANT SELECT ON TABLE tap_schema.keys TO armillary_reader;


--
-- Name: TABLE schemas; Type: ACL; Schema: tap_schema; Owner: armillary_owner
--

GRANT SELECT ON TABLE tap_schema.schemas TO armillary_reader;


--
-- PostgreSQL database dump complete
--

\unrestrict dF8gIrPu5YdHKbHq7Yb9lLl4ReFcSQ3hd6WaB5QgM2lvjUe773blQmi2DVWbRM5

--
-- Database "postgres" dump
--

\connect postgres

--
-- PostgreSQL database dump
--

\restrict Ng1fV5S4tZyhtcaPHAyhe3fVQAUwNSK9gyHEzfJxGqgqvp7DmAWRRQDrCrBI2Ms

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- PostgreSQL database dump complete
--

\unrestrict Ng1fV5S4tZyhtcaPHAyhe3fVQAUwNSK9gyHEzfJxGqgqvp7DmAWRRQDrCrBI2Ms

--
-- PostgreSQL database cluster dump complete
--

