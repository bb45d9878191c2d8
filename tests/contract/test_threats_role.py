"""The second fence (docs/demands.md R2, R5, R6): what armillary_reader may do if ever SQL of a stranger reached PostgreSQL."""

from collections.abc import Iterator

import psycopg
import pytest

from adql.translate import translate
from tap.config import Config
from tap.engine.database import cluster_of, reader_conninfo
from tap.engine.engine import Access, Engine
from tap.engine.private import ADMIN
from tap.engine.row_encoding import RowEncoding

_REFUSALS = {
    "InsufficientPrivilege",
    "UndefinedObject",
    "FeatureNotSupported",
    "WrongObjectType",
    "InvalidGrantOperation",
}


@pytest.fixture
def unfenced(reader: psycopg.Connection, sample: Config) -> psycopg.Connection:
    """The reader with its read-only default switched off, as a session of it could do with SET."""
    reader.execute("SET default_transaction_read_only = off")
    return reader


@pytest.fixture
def admin(sample: Config) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster_of(sample.database).conninfo(ADMIN), autocommit=True) as connection:
        yield connection


def test_it_reads_what_is_published(sample: Config, reader: psycopg.Connection) -> None:
    assert reader.execute("SELECT count(*) FROM tap_schema.tables").fetchone() != (0,)


def test_it_has_no_privileges_of_a_role(reader: psycopg.Connection) -> None:
    row = reader.execute(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = 'armillary_reader'"
    ).fetchone()
    assert row == (False,) * 6
    assert reader.execute(
        "SELECT count(*) FROM pg_auth_members WHERE member = 'armillary_reader'::regrole"
    ).fetchone() == (0,)


@pytest.mark.parametrize(
    "role", ["armillary_owner", "armillary_jobs", "armillary_admin", "pg_read_server_files", "pg_monitor"]
)
def test_it_becomes_nobody_else(reader: psycopg.Connection, role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(f"SET ROLE {role}".encode())


WRITES = (
    "CREATE TABLE x (a int)",
    "CREATE TABLE public.x (a int)",
    "CREATE TABLE demo.x (a int)",
    "CREATE TABLE tap_schema.x (a int)",
    "CREATE TABLE armillary.x (a int)",
    "CREATE SCHEMA x",
    "CREATE VIEW public.x AS SELECT 1",
    "CREATE FUNCTION public.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "INSERT INTO tap_schema.schemas (schema_name) VALUES ('x')",
    "DELETE FROM tap_schema.tables",
    "UPDATE armillary.catalogue SET version = 9",
    "TRUNCATE tap_schema.columns CASCADE",
    "DROP TABLE tap_schema.keys",
    "ALTER TABLE tap_schema.tables ADD x int",
    "COMMENT ON TABLE tap_schema.tables IS 'x'",
    "GRANT SELECT ON tap_schema.tables TO PUBLIC WITH GRANT OPTION",
    "BEGIN; LOCK TABLE tap_schema.tables IN ACCESS EXCLUSIVE MODE",
    "CREATE EXTENSION dblink",
    "CREATE ROLE x",
    "ALTER ROLE armillary_owner PASSWORD 'x'",
    "CREATE DATABASE x",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "COPY tap_schema.tables FROM '/etc/passwd'",
    "VACUUM FULL tap_schema.tables",
    "CHECKPOINT",
    "CREATE SERVER x FOREIGN DATA WRAPPER y",
)


TEMPORARY = ("CREATE TEMP TABLE x (a int)", "SELECT * INTO TEMP x FROM tap_schema.tables", "CREATE TEMP SEQUENCE x")
"""Possible only where an upload is made: a query's transaction reads, also after its uploads are in."""


@pytest.mark.parametrize("statement", TEMPORARY)
def test_a_query_makes_nothing_temporary(sample: Config, statement: str) -> None:
    engine = Engine(reader_conninfo(sample), 1)
    engine.open()
    try:
        for access in Access:
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), engine.session(5, access=access) as session:
                if access is Access.READ_WRITE:
                    session.run_in_write_transaction(
                        lambda connection: connection.execute("CREATE TEMP TABLE u0 (a int)")
                    )
                query = translate("SELECT TOP 1 table_name FROM tap_schema.tables", session.catalogue)
                assert len(list(session.rows(query, RowEncoding.CSV, 1))) == 1
                session._connection.execute(statement.encode())
    finally:
        engine.close()


@pytest.mark.parametrize("statement", WRITES)
def test_it_writes_nothing_even_outside_of_read_only(
    unfenced: psycopg.Connection, admin: psycopg.Connection, statement: str
) -> None:
    before = admin.execute("SELECT count(*), (SELECT sum(version) FROM armillary.catalogue) FROM pg_class").fetchone()
    told = ""
    try:
        unfenced.execute(statement.encode())
    except psycopg.Error as error:
        told = type(error).__name__
    # A warning instead of an error is PostgreSQL's way with VACUUM.
    assert told in _REFUSALS or statement.startswith("VACUUM"), told
    assert (
        admin.execute("SELECT count(*), (SELECT sum(version) FROM armillary.catalogue) FROM pg_class").fetchone()
        == before
    )


CALLS = (
    "set_config('statement_timeout', '0', false)",
    "lo_creat(-1)",
    "lo_create(0)",
    "lo_from_bytea(0, 'x')",
    "lo_get(1)",
    "lo_import('/etc/passwd')",
    "lo_export(1, '/tmp/x')",
    "loread(1, 1)",
    "lowrite(1, 'x')",
    "pg_notify('a', 'b')",
    "pg_sleep(0)",
    "pg_sleep_for('0')",
    "pg_sleep_until(now())",
    "pg_advisory_lock(1)",
    "pg_try_advisory_lock(1)",
    "pg_advisory_xact_lock(1)",
    "pg_cancel_backend(pg_backend_pid())",
    "pg_terminate_backend(pg_backend_pid(), 0)",
    "query_to_xml('select 1', true, true, '')",
    "query_to_xml_and_xmlschema('select 1', true, true, '')",
    "table_to_xml('tap_schema.tables', true, true, '')",
    "schema_to_xml('tap_schema', true, true, '')",
    "database_to_xml(true, true, '')",
    "cursor_to_xml('c', 1, true, true, '')",
    "ts_stat('select ''a''::tsvector')",
    "ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ''b''::tsquery')",
    "pg_logical_emit_message(false, 'a', 'b')",
    "pg_export_snapshot()",
    "pg_read_file('/etc/passwd')",
    "pg_read_binary_file('/etc/passwd')",
    "pg_ls_dir('/')",
    "pg_ls_waldir()",
    "pg_stat_file('/')",
    "pg_relation_filepath('tap_schema.tables')",
    "pg_reload_conf()",
    "pg_rotate_logfile()",
    "pg_current_logfile()",
    "inet_server_addr()",
    "inet_server_port()",
    "pg_switch_wal()",
    "pg_create_restore_point('x')",
    "pg_promote()",
    "pg_stat_reset()",
)


@pytest.mark.parametrize("call", CALLS)
def test_it_calls_nothing_dangerous(unfenced: psycopg.Connection, call: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        unfenced.execute(f"SELECT {call}".encode())


def test_what_may_not_be_called_is_not_more_than_what_is_dangerous(admin: psycopg.Connection) -> None:
    """A pattern with `_` in LIKE takes more than it says: `lo_%` is LOWER and LOG10, too."""
    found = admin.execute(
        "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND NOT has_function_privilege('armillary_reader', oid, 'EXECUTE') AND proname !~ '^(pg|lo|ts|inet|binary_upgrade|dblink)_|_to_xml|^(loread|lowrite|set_config)'"
    ).fetchall()
    assert found == []


@pytest.mark.parametrize(
    "call", ["lower('A')", "upper('a')", "log(10::double precision)", "ln(1::double precision)", "length('a')"]
)
def test_it_calls_what_translated_queries_need(reader: psycopg.Connection, call: str) -> None:
    reader.execute(f"SELECT {call}".encode())


SECRETS = (
    "pg_authid",
    "pg_shadow",
    "pg_statistic",
    "pg_largeobject",
    "pg_hba_file_rules",
    "pg_file_settings",
    "pg_user_mapping",
    "pg_subscription",
)


@pytest.mark.parametrize("table", SECRETS)
def test_it_reads_no_secrets_of_the_server(reader: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(f"SELECT * FROM pg_catalog.{table}".encode())


def test_it_reads_published_tables_and_the_catalogue_only(
    admin: psycopg.Connection, reader: psycopg.Connection, sample: Config
) -> None:
    """Whatever table there is outside of PostgreSQL's own schemas, job store included."""
    readable = {
        f"{schema}.{table}"
        for schema, table in admin.execute(
            "SELECT relnamespace::regnamespace::text, relname FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'p', 'f')"
            " AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
            " AND has_schema_privilege('armillary_reader', relnamespace, 'USAGE') AND has_table_privilege('armillary_reader', oid, 'SELECT')"
        )
    }
    published = {
        row[0]
        for row in reader.execute(
            "SELECT t.schema_name || '.' || coalesce(a.storage, split_part(t.table_name, '.', 2)) FROM tap_schema.tables AS t LEFT JOIN armillary.tables AS a USING (table_name)"
        )
    }
    assert readable - published <= {
        f"armillary.{each}" for each in ("catalogue", "tables", "bounds", "ranges", "cell_counts", "withdrawn")
    }


def test_a_new_table_of_the_owner_is_closed_to_it(
    sample: Config, owner: psycopg.Connection, reader: psycopg.Connection
) -> None:
    owner.execute("CREATE SCHEMA secretly CREATE TABLE x (a int)")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT * FROM secretly.x")
    finally:
        owner.execute("DROP SCHEMA secretly CASCADE")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("default_transaction_read_only", "on"),
        ("client_connection_check_interval", "1s"),
        ("jit", "off"),
        ("lock_timeout", "2s"),
        ("TimeZone", "UTC"),
        ("standard_conforming_strings", "on"),
    ],
)
def test_its_sessions_begin_with_the_settings_of_a_stranger(
    reader: psycopg.Connection, setting: str, expected: str
) -> None:
    assert reader.execute(f"SHOW {setting}".encode()).fetchone() == (expected,)


@pytest.mark.parametrize("setting", ["statement_timeout", "idle_in_transaction_session_timeout", "temp_file_limit"])
def test_its_sessions_have_limits(reader: psycopg.Connection, setting: str) -> None:
    assert reader.execute(f"SHOW {setting}".encode()).fetchone() not in [("0",), ("-1",), None]


def test_it_cannot_raise_its_limit_of_temporary_files(reader: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SET temp_file_limit = -1")


def test_its_connections_are_limited(admin: psycopg.Connection, sample: Config) -> None:
    """docs/demands.md R5: CONNECTION LIMIT, so that strangers' queries never take the last connection of loading and of the job store."""
    row = admin.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'armillary_reader'").fetchone()
    assert row is not None
    assert row[0] > 0
