"""The five roles of the house, and what PostgreSQL lets everybody do that strangers must not.

armillary_owner owns the catalogues and loads them, armillary_jobs the job store, armillary_accounts the store of
accounts, armillary_reader runs what strangers wrote. armillary_member has no rights: it takes those of a role that was
made for what somebody may read (sql/reader_roles.sql). Needs a superuser's connection; may be repeated.
"""

from collections.abc import Mapping

import psycopg
from psycopg import sql

OWNER, JOBS, READER = "armillary_owner", "armillary_jobs", "armillary_reader"
ACCOUNTS, MEMBER = "armillary_accounts", "armillary_member"

# Callable by anyone in PostgreSQL, yet able to write, to signal, to wait, or to run SQL from text.
_DANGEROUS = (
    "lo_%",
    "loread",
    "lowrite",
    "set_config",
    "pg_notify",
    "pg_sleep%",
    "pg_advisory%",
    "pg_try_advisory%",
    "pg_cancel_backend",
    "pg_terminate_backend",
    "%_to_xml%",
    "ts_stat",
    "ts_rewrite",
    "pg_logical_emit_message",
    "pg_export_snapshot",
    "dblink%",
    "pg_read_%",
    "pg_ls_%",
    "pg_stat_file",
    "pg_current_logfile",
    "pg_relation_filepath",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "inet_%_addr",
    "inet_%_port",
)


def prepare_roles(connection: psycopg.Connection, settings: Mapping[str, str], connections: int) -> None:
    """Make the roles where they are missing, and set what queries may use: `settings` of PostgreSQL, connections."""
    for role in (OWNER, JOBS, ACCOUNTS, READER, MEMBER):
        _ensure_role(connection, role)
    database = connection.info.dbname
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for role in (OWNER, JOBS, ACCOUNTS):
        connection.execute(_grant_database("CONNECT, CREATE, TEMPORARY", database, role))
    # Temporary tables are for uploads only: what strangers write runs in transactions that read.
    connection.execute(_grant_database("CONNECT, TEMPORARY", database, READER))
    connection.execute(_grant_database("CONNECT", database, MEMBER))
    for role in (READER, MEMBER):
        _limit(connection, role, settings, connections)
    revoke_dangerous_functions(connection)


def _limit(connection: psycopg.Connection, role: str, settings: Mapping[str, str], connections: int) -> None:
    for name, value in settings.items():
        command = sql.SQL("ALTER ROLE {} SET {} = {}")
        connection.execute(command.format(sql.Identifier(role), sql.Identifier(name), sql.Literal(value)))
    limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    connection.execute(limit.format(sql.Identifier(role), sql.Literal(connections)))


def _ensure_role(connection: psycopg.Connection, role: str) -> None:
    row = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if not row:
        command = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT")
        connection.execute(command.format(sql.Identifier(role)))


def _grant_database(rights: str, database: str, role: str) -> sql.Composed:
    return sql.SQL("GRANT " + rights + " ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(role))


def revoke_dangerous_functions(connection: psycopg.Connection) -> None:
    """Revoke them from PUBLIC; roles of ours keep what they need."""
    functions = connection.execute(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND proname LIKE ANY (%s) AND (proacl IS NULL OR EXISTS"
        " (SELECT 1 FROM aclexplode(proacl) WHERE grantee = 0))",
        ([pattern.replace("_", r"\_") for pattern in _DANGEROUS],),
    ).fetchall()
    for (signature,) in functions:
        connection.execute(sql.SQL("REVOKE EXECUTE ON FUNCTION " + signature + " FROM PUBLIC"))
    connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION pg_notify(text, text) TO {}").format(sql.Identifier(JOBS)))
    # Programs that dump begin with it.
    connection.execute(
        sql.SQL("GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO {}").format(sql.Identifier(OWNER))
    )
