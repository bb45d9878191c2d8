"""The database of a configuration: which connections each role has, and how it is made ready."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from schema.migrate import ChangedMigration, Migration, NotMigrated, migrate, migrations, pending
from schema.model import Table
from schema.readers import prepare_reader_roles
from schema.roles import ACCOUNTS, JOBS, MEMBER, OWNER, READER, prepare_roles
from tap.config import Config
from tap.config_sections import DatabaseConfig
from tap.engine.pgsphere import ensure_pgsphere
from tap.engine.private import ADMIN, PrivateCluster
from tap.observe import Kept, observe
from uws.periodic import Periodic

Say = Callable[[str], None]
_Step = Callable[[psycopg.Connection, list[Migration], str], list[str]]

ON_THIS_NODE_ONLY = "SET citus.enable_ddl_propagation = off"
"""Where Citus is installed, each node is made ready for itself, since another may be away; elsewhere it means nothing."""
_ONE_AT_A_TIME = "SELECT pg_advisory_lock(hashtext('armillary prepares this database'))"
"""Machines that start at the same time wait for each other: PostgreSQL refuses one of two who alter the same role at once."""
_LOOK = 1.0
"""Seconds between looks whether the private cluster runs."""
PLANNERS = 2
"""Sessions of one web process that only ask the planner what a job will cost."""


def cluster_of(where: DatabaseConfig) -> PrivateCluster:
    return PrivateCluster(Path(where.data_dir).absolute(), where.shared_buffers)


def reader_conninfo(config: Config) -> str:
    return _conninfo(config, READER, "")


def member_conninfo(config: Config) -> str:
    return _conninfo(config, MEMBER, "")


def owner_conninfo(config: Config) -> str:
    return _conninfo(config, OWNER, config.database.owner_database)


def jobs_conninfo(config: Config) -> str:
    return _conninfo(config, JOBS, config.database.jobs_database)


def accounts_conninfo(config: Config) -> str:
    return _conninfo(config, ACCOUNTS, config.database.accounts_database)


def _conninfo(config: Config, role: str, own: str) -> str:
    if own:
        return own
    if config.database.database:
        return make_conninfo(config.database.database, user=role)
    return cluster_of(config.database).conninfo(role)


def admin_conninfo(config: Config) -> str:
    return config.database.admin_database or config.database.database or cluster_of(config.database).conninfo(ADMIN)


@contextmanager
def running_database(config: Config, *, keeps: bool = False) -> Iterator[None]:
    """Run the private cluster, where it is ours, as long as the block lasts; `keeps` for the service. Raises: NoPostgres."""
    if config.database.database:
        yield
        return
    with cluster_of(config.database).running(keeps=keeps):
        yield


@contextmanager
def kept_running(config: Config) -> Iterator[None]:
    """Start the private cluster again whenever it goes down, as long as the block lasts: after a crash, or a full disk."""
    if config.database.database:
        yield
        return
    cluster = cluster_of(config.database)

    def look() -> None:
        if cluster.keep_running():
            observe(Kept("PostgreSQL started again", 1))

    thread = Periodic("postgresql", _LOOK, look)
    thread.start()
    try:
        yield
    finally:
        thread.stop()


def reader_settings(config: Config) -> dict[str, str]:
    """Return PostgreSQL's settings for every session that runs what strangers wrote, on shards too."""
    return {
        "default_transaction_read_only": "on",
        "statement_timeout": f"{int(config.limits.sync_limit * 1000) + 5000}",
        "idle_in_transaction_session_timeout": "60s",
        "lock_timeout": "2s",
        "temp_file_limit": config.database.temp_file_limit,
        "work_mem": config.database.work_mem,
        "client_connection_check_interval": "1s",
        "enable_partitionwise_join": "on",
        "enable_partitionwise_aggregate": "on",
        "jit": "off",
        "timezone": "UTC",
        # What strangers write is not for PostgreSQL's log, which nobody bounds; ours tells what failed.
        "log_min_messages": "fatal",
        "log_min_error_statement": "panic",
    }


def prepare(config: Config, say: Say) -> list[str]:
    """Extension, roles and migrations, as a superuser; what is there already is left. The names of what was applied.

    Raises: PgSphereMissing, ChangedMigration, psycopg.Error.
    """
    with psycopg.connect(admin_conninfo(config), autocommit=True) as connection:
        connection.execute(ON_THIS_NODE_ONLY)
        connection.execute(_ONE_AT_A_TIME)
        ensure_pgsphere(connection, say)
        prepare_roles(connection, reader_settings(config), reader_connections(config))
        applied = []
        for journal in _journals(config):
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(journal.role)))
            applied += _in_its_database(journal, connection, migrate)
        connection.execute("RESET ROLE")
        prepare_reader_roles(connection)
        return applied


def pending_migrations(config: Config) -> list[str]:
    """Return the names of what `prepare` would apply, and change nothing. Raises: ChangedMigration, psycopg.Error."""
    with psycopg.connect(admin_conninfo(config), autocommit=True) as connection:
        return [name for journal in _journals(config) for name in _in_its_database(journal, connection, pending)]


def make_ready(config: Config, say: Say) -> None:
    """Bring the database up to date where it is not, for which alone a superuser is needed.

    Raises: PgSphereMissing, ChangedMigration, psycopg.Error.
    """
    try:
        is_ready = not any(_missing(config, journal) for journal in _journals(config))
    except psycopg.OperationalError:
        is_ready = False
    if not is_ready:
        prepare(config, say)


def check_migrated(config: Config) -> None:
    """Look, as the roles themselves, whether all is there that this version needs.

    What a newer version applied does no harm; that the database cannot be reached is told by other means. Raises: NotMigrated.
    """
    for journal in _journals(config):
        with suppress(psycopg.OperationalError, ChangedMigration):
            if missing := _missing(config, journal):
                raise NotMigrated(f"The database lacks {missing[0]}: run `armillary migrate` first")


def _missing(config: Config, journal: "_Journal") -> list[str]:
    """Return the migrations of a journal that are pending, as its role sees it. Raises: ChangedMigration, psycopg.Error."""
    conninfos = {JOBS: jobs_conninfo, ACCOUNTS: accounts_conninfo, OWNER: owner_conninfo}
    with psycopg.connect(conninfos[journal.role](config), autocommit=True) as connection:
        return pending(connection, migrations(journal.folder), journal.schema)


@dataclass(frozen=True, slots=True)
class _Journal:
    """Migrations of one role, and the schema that remembers them; `database` is empty where it is that of the catalogues."""

    role: str
    schema: str
    folder: Traversable
    database: str = ""


def _journals(config: Config) -> tuple[_Journal, ...]:
    where = config.database
    return (
        _Journal(JOBS, "uws", files("uws") / "sql", where.jobs_database),
        _Journal(ACCOUNTS, "accounts", files("tap") / "auth" / "sql", where.accounts_database),
        _Journal(OWNER, "armillary", files("schema") / "sql"),
    )


def _in_its_database(journal: _Journal, connection: psycopg.Connection, step: _Step) -> list[str]:
    """Take a step with the migrations of a journal, where they belong."""
    if not journal.database:
        return step(connection, migrations(journal.folder), journal.schema)
    with psycopg.connect(journal.database, autocommit=True) as own:
        return step(own, migrations(journal.folder), journal.schema)


def sessions_of(config: Config) -> int:
    """Return how many sessions one web process has: for its queries, and for what is asked beside them."""
    return config.web.concurrent_queries + 2


def reader_connections(config: Config) -> int:
    """Return how many connections the reader needs: web and worker processes, workers elsewhere, the command line, and what a restart leaves for a while."""
    return (
        2 * config.web.processes * (sessions_of(config) + PLANNERS)
        + (config.jobs.workers + 4) * (config.jobs.worker_slots + 1)
        + 10
    )


def owner_connection(config: Config) -> psycopg.Connection:
    return psycopg.connect(owner_conninfo(config), autocommit=True)


def unreadable_tables(config: Config, tables: Iterable[Table]) -> set[str]:
    """Return the names of the published tables that queries cannot read: somebody dropped them, or took the right to read them away."""
    with psycopg.connect(reader_conninfo(config), autocommit=True) as connection:
        names = {table.table_name: sql.Identifier(*table.stored_parts).as_string(connection) for table in tables}
        rows = connection.execute(
            "SELECT name FROM unnest(%s::text[], %s::text[]) AS t (name, stored)"
            " WHERE has_table_privilege(to_regclass(stored), 'SELECT') IS NOT TRUE",
            (list(names), list(names.values())),
        ).fetchall()
    return {name for (name,) in rows}


def versions(config: Config) -> dict[str, str]:
    """Return the versions of PostgreSQL and pgSphere, and whether HEALPix is built in."""
    with psycopg.connect(reader_conninfo(config), autocommit=True) as connection:
        found = connection.execute(
            "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'pg_sphere'),"
            " (SELECT count(*) FROM pg_proc WHERE proname = 'healpix_nest'),"
            " (SELECT count(*) FROM pg_proc WHERE proname = 'spoint_dwithin')"
        ).fetchone()
    server, sphere, healpix, dwithin = found or ("?", None, 0, 0)
    return {
        "PostgreSQL": str(server),
        "pgSphere": str(sphere or "missing"),
        "HEALPix functions": "yes" if healpix else "no: ivo_healpix_index and ivo_healpix_center will fail",
        "cone estimates by area": "yes"
        if dwithin
        else "no: pgSphere is older than 1.3; cones with ORDER BY are fenced instead",
    }
