-- The five roles of Armillary, made with one password or given another, so that they can log in over the network.
-- Run by a superuser with psql, before the first `armillary migrate`, which does the rest:
--   ROLE_PASSWORD_FILE=armillary_password psql -f roles.sql
\set ON_ERROR_STOP on
\set password `cat "$ROLE_PASSWORD_FILE"`
SELECT format(
    '%s ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT PASSWORD %L',
    CASE WHEN EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN 'ALTER' ELSE 'CREATE' END, role, :'password'
)
FROM unnest(ARRAY['armillary_owner', 'armillary_jobs', 'armillary_accounts', 'armillary_reader', 'armillary_member']) AS role
\gexec
