"""Shards are made ready and made known to the coordinator, by postgres_fdw.

A query runs on a shard as armillary_reader, like here: what it may see and how long it may take is told there too.
"""

from collections.abc import Mapping

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from schema.migrate import migrate, migrations
from schema.roles import OWNER, prepare_roles
from tap.config import Config
from tap.engine.database import (
    ON_THIS_NODE_ONLY,
    Say,
    admin_conninfo,
    owner_connection,
    reader_connections,
    reader_settings,
)
from tap.engine.pgsphere import ensure_pgsphere
from tap.sharding.engines.engine import ShardState
from tap.sharding.hosts import may_be_standby
from tap.sharding.shards import Shard, ShardError, connected_as, known_shards, remember

_WAITS = "ALTER ROLE {} SET synchronous_commit = remote_apply"
_OF_THE_MAPPING = ("user", "password", "sslcert", "sslkey")
_OPTIONS = {"extensions": "pg_sphere", "fetch_size": "10000", "async_capable": "true", "use_remote_estimate": "true"}


def init_shards(config: Config, shards: tuple[Shard, ...], say: Say) -> None:
    """Make shards ready; what is there is brought up to date. Raises: ShardError, PgSphereMissing, psycopg.Error."""
    for shard in shards:
        _make_ready(config, shard, len(shards), say)
    with psycopg.connect(admin_conninfo(config), autocommit=True) as admin, owner_connection(config) as owner:
        admin.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
        for shard in shards:
            _attach(admin, shard)
            remember(owner, shard)
            say(f"shard {shard.name} is ready")


def migrate_shards(config: Config, say: Say) -> None:
    """Bring the functions of all shards that can be reached up to date, and say which cannot be."""
    with owner_connection(config) as owner:
        shards = known_shards(owner)
    for shard in shards:
        try:
            migrate_shard(shard)
        except ShardError as error:
            say(f"{error}; when it is back, armillary migrate brings it up to date")


def migrate_shard(shard: Shard) -> None:
    """Raises: ShardError where it cannot be reached, psycopg.Error."""
    with connected_as(shard, shard.database) as connection:
        connection.execute(ON_THIS_NODE_ONLY)
        migrate(connection, migrations())


def _make_ready(config: Config, shard: Shard, shards: int, say: Say) -> None:
    if shard.admin:
        with connected_as(shard, shard.admin) as connection:
            # The reader is tried below, and may be sent to a standby.
            connection.execute("SET synchronous_commit = remote_apply")
            ensure_pgsphere(connection, say)
            # The coordinator's sessions come too, by postgres_fdw; and shards may share a server.
            prepare_roles(connection, reader_settings(config), 2 * shards * reader_connections(config))
            if may_be_standby(shard.reader):
                connection.execute(sql.SQL(_WAITS).format(sql.Identifier(OWNER)))
    with connected_as(shard, shard.database) as connection:
        _check_waits(shard, connection)
    problem = problem_of(shard)
    if problem:
        raise ShardError(f"shard {shard.name}: {problem}")
    migrate_shard(shard)


def _check_waits(shard: Shard, connection: psycopg.Connection) -> None:
    """Refuse a standby that nobody waits for.

    With the first rows of a partition and not yet the others it would answer with those, and say nothing.
    """
    if not may_be_standby(shard.reader):
        return
    row = connection.execute(
        "SELECT current_setting('synchronous_commit') = 'remote_apply' AND current_setting('synchronous_standby_names') <> ''"
    ).fetchone()
    if row != (True,):
        raise ShardError(
            f"shard {shard.name}: queries may run on its standbys, so loads and moves must wait for them: there,"
            f" synchronous_standby_names must name them all, and synchronous_commit be remote_apply for {OWNER};"
            " or let the reader ask for target_session_attrs=primary"
        )


def problem_of(shard: Shard) -> str | None:
    """Return why a shard cannot be used, in words."""
    try:
        for conninfo in (shard.database, shard.reader):
            with connected_as(shard, conninfo) as connection:
                row = connection.execute("SELECT FROM pg_extension WHERE extname = 'pg_sphere'").fetchone()
            if row is None:
                return "pgSphere is not installed there; give `admin`, a superuser's conninfo, or CREATE EXTENSION pg_sphere"
    except ShardError as error:
        return str(error)
    return None


def _attach(admin: psycopg.Connection, shard: Shard) -> None:
    """Make server and user mappings anew; foreign tables keep their server by its name."""
    server_options = {k: str(v) for k, v in conninfo_to_dict(shard.reader).items() if k not in _OF_THE_MAPPING}
    name = sql.Identifier(shard.name)
    row = admin.execute("SELECT srvoptions FROM pg_foreign_server WHERE srvname = %s", (shard.name,)).fetchone()
    if row is None:
        command = sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER postgres_fdw").format(name)
        admin.execute(command)
    _set_options(admin, sql.SQL("ALTER SERVER {}").format(name), _names(row), server_options | _OPTIONS)
    admin.execute(sql.SQL("GRANT USAGE ON FOREIGN SERVER {} TO {}").format(name, sql.Identifier(OWNER)))
    # Whoever may read a table, by whichever role that was made for it, comes to the shard as the reader.
    for role, conninfo in ((sql.Identifier(OWNER), shard.database), (sql.SQL("PUBLIC"), shard.reader)):
        _map(admin, shard.name, role, conninfo)


def _names(row: tuple[list[str] | None] | None) -> set[str]:
    return {option.partition("=")[0] for option in (row[0] if row else None) or []}


def _set_options(
    admin: psycopg.Connection, command: sql.Composed, existing: set[str], options: Mapping[str, str]
) -> None:
    clauses = [sql.SQL("DROP {}").format(sql.Identifier(name)) for name in existing - set(options)]
    for name, value in options.items():
        verb = sql.SQL("SET" if name in existing else "ADD")
        clauses.append(sql.SQL("{} {} {}").format(verb, sql.Identifier(name), value))
    admin.execute(sql.SQL("{} OPTIONS ({})").format(command, sql.SQL(", ").join(clauses)))


def _map(admin: psycopg.Connection, server: str, role: sql.Composable, conninfo: str) -> None:
    options = {k: str(v) for k, v in conninfo_to_dict(conninfo).items() if k in _OF_THE_MAPPING}
    # There is no password where a socket or a certificate says who we are.
    options |= {} if "password" in options else {"password_required": "false"}
    names = role, sql.Identifier(server)
    admin.execute(sql.SQL("DROP USER MAPPING IF EXISTS FOR {} SERVER {}").format(*names))
    clauses = [sql.SQL("{} {}").format(sql.Identifier(name), value) for name, value in options.items()]
    command = sql.SQL("CREATE USER MAPPING FOR {} SERVER {} OPTIONS ({})")
    admin.execute(command.format(*names, sql.SQL(", ").join(clauses)))


def shard_states(connection: psycopg.Connection) -> list[ShardState]:
    """Return the state of each shard; `connection` is the owner's on the coordinator."""
    counts = connection.execute(
        "SELECT shard_name, table_name, count(*), sum(nrows)::bigint FROM armillary.ranges GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    return [
        ShardState(
            shard.name,
            problem_of(shard),
            tuple((table, ranges, rows) for name, table, ranges, rows in counts if name == shard.name),
            "ranges",
        )
        for shard in known_shards(connection)
    ]
