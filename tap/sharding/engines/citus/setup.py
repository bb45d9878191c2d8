"""Workers are made ready and made known to Citus, whose coordinator is the service's database.

A query runs on workers as armillary_reader, as it does here: what it may see is told there too.
"""

from dataclasses import replace
from importlib.resources import files

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from schema.roles import OWNER, READER, prepare_roles
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
from tap.sharding.planning.citus import PLACED
from tap.sharding.setup import migrate_shard
from tap.sharding.shards import Shard, ShardError, connected_as, remember

_BACKENDS = 16
"""Connections that Citus opens to a worker for one session, at most (citus.max_adaptive_executor_pool_size)."""
_SETTINGS = {
    "citus.enable_repartition_joins": "on",  # joins by other columns than the cell
    "citus.max_intermediate_result_size": "4194304",  # kB
    "citus.propagate_set_commands": "local",  # the limits of a transaction hold on workers too
    "citus.multi_shard_modify_mode": "sequential",  # else no join by other columns after a list was placed
    "citus.node_connection_timeout": "2000",
}
_CLOSED = (
    "run_command_on_%",
    "master_run_on_worker",
    "citus_run_local_command",
    "citus_check_%",
    "citus_node%_for_nodeid",
    "%_get_active_worker_nodes",
    "%_move_shard_placement",
    "%_copy_shard_placement",
    "%rebalance%",
    "citus_job%",
    "citus_task%",
    "citus_stat%",
    "citus_query_stats",
    "citus_locks",
    "citus_shards_on_worker",
    "dump_%_wait_edges",
    "get_%active_transactions",
    "worker_copy_table_to_node",
    "worker_create_or%",
    "worker_save_query_explain_analyze",
    "alter_role_if_exists",
    "citus_cleanup%",
    "%_blocked_processes",
)
"""Functions of Citus's that anybody may call, and that run SQL from text, move data or tell of hosts and of others' queries."""
_FUNCTIONS = (files("tap.sharding.engines.citus") / "coordinator.sql").read_text("utf-8").encode()


def init_workers(config: Config, workers: tuple[Shard, ...], say: Say, coordinator: str | None = None) -> None:
    """Make workers ready; what is there is brought up to date. `coordinator`: as they reach it, host:port.

    Raises: ShardError, PgSphereMissing, psycopg.Error.
    """
    with psycopg.connect(admin_conninfo(config), autocommit=True) as admin:
        _create_citus(admin, "this server")
        _check_names(admin, workers)
        for worker in workers:
            _make_ready(config, worker, say)
        host, port = _split(coordinator) if coordinator else node_of(admin_conninfo(config), "the coordinator")
        admin.execute("SELECT citus_set_coordinator_host(%s, %s)", (host, port))
        for worker in workers:
            _add(admin, worker)
        _open_to_reader(admin)
        _hand_on_roles(admin)
    for worker in workers:
        _raise_limit(config, worker)
    with owner_connection(config) as owner:
        for worker in workers:
            host, port = node_of(worker.database, f"shard {worker.name}")
            remember(owner, replace(worker, node=f"{host}:{port}"))
            say(f"shard {worker.name} is ready")


def node_of(conninfo: str, whose: str) -> tuple[str, int]:
    """Return host and port as other nodes reach it. Raises: ShardError."""
    known = conninfo_to_dict(conninfo)
    host, port = str(known.get("host") or ""), str(known.get("port") or "5432")
    if not host or "," in host or not port.isdigit():
        raise ShardError(f'{whose}: with engine = "citus" its conninfo needs one host by its name, and one port')
    return host, int(port)


def _split(node: str) -> tuple[str, int]:
    host, _, port = node.rpartition(":")
    if not host or not port.isdigit():
        raise ShardError(f"coordinator = {node!r}: write it as host:port, as the workers reach it")
    return host, int(port)


def _create_citus(connection: psycopg.Connection, where: str) -> None:
    """Raises: ShardError."""
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS citus")
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile) as error:
        raise ShardError(f"{where}: Citus is not installed there; docs/scaling.md says where it comes from") from error
    except psycopg.Error as error:
        if "shared_preload_libraries" not in str(error):
            raise
        raise ShardError(
            f"{where}: shared_preload_libraries must begin with citus there; PostgreSQL is restarted after that"
        ) from error


def _check_names(admin: psycopg.Connection, workers: tuple[Shard, ...]) -> None:
    """Raise ShardError for a worker whose database is called otherwise than the coordinator's, which Citus cannot have."""
    own = admin.info.dbname
    for worker in workers:
        name = conninfo_to_dict(worker.database).get("dbname")
        if name != own:
            raise ShardError(
                f"shard {worker.name}: its database is called {name}; with Citus it must be {own}, as that of the service"
            )


def _make_ready(config: Config, worker: Shard, say: Say) -> None:
    if worker.admin:
        with connected_as(worker, worker.admin) as connection:
            _create_citus(connection, f"shard {worker.name}")
            connection.execute(ON_THIS_NODE_ONLY)
            ensure_pgsphere(connection, say)
            prepare_roles(connection, reader_settings(config), _BACKENDS * reader_connections(config))
            _close(connection)
    migrate_shard(worker)


def _add(admin: psycopg.Connection, worker: Shard) -> None:
    host, port = node_of(worker.database, f"shard {worker.name}")
    try:
        admin.execute("SELECT citus_add_node(%s, %s)", (host, port))
    except psycopg.OperationalError as error:
        raise ShardError(
            f"shard {worker.name}: Citus cannot reach it as {host}:{port}; {str(error).strip()}"
        ) from error


def _open_to_reader(admin: psycopg.Connection) -> None:
    """Make what queries need on the coordinator, and close what they must not have."""
    schema, reader = sql.Identifier(PLACED), sql.Identifier(READER)
    if admin.execute("SELECT to_regnamespace(%s)", (PLACED,)).fetchone() == (None,):
        # Citus makes it on the workers too, and gives the rights there.
        with admin.transaction():
            admin.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            admin.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(schema, reader))
    admin.execute(ON_THIS_NODE_ONLY)
    for name, value in _SETTINGS.items():
        command = sql.SQL("ALTER ROLE {} SET {} = {}")
        admin.execute(command.format(reader, sql.SQL(name), sql.Literal(value)))
    admin.execute(_FUNCTIONS)
    _close(admin)


def _hand_on_roles(admin: psycopg.Connection) -> None:
    """Distribute a table of the roles and types that catalogues have, and drop it.

    With a table Citus takes its roles to the workers, which needs a superuser; from then on the owner's tables need none.
    """
    table = sql.Identifier(PLACED, "first_table")
    owner, reader = sql.Identifier(OWNER), sql.Identifier(READER)
    admin.execute("SET citus.enable_ddl_propagation = on")
    with admin.transaction():
        admin.execute(sql.SQL("CREATE TABLE {} (cell integer, place spoint)").format(table))
        admin.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, reader))
        admin.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(table, owner))
        admin.execute("SELECT create_distributed_table(%s, 'cell')", (table.as_string(admin),))
        admin.execute(sql.SQL("DROP TABLE {}").format(table))


def _raise_limit(config: Config, worker: Shard) -> None:
    """Let the reader have as many connections there as Citus opens for its sessions here."""
    if worker.admin:
        with connected_as(worker, worker.admin) as connection:
            connection.execute(ON_THIS_NODE_ONLY)
            limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
            connection.execute(limit.format(sql.Identifier(READER), _BACKENDS * reader_connections(config)))


def _close(connection: psycopg.Connection) -> None:
    """Take from everybody but the owner of the catalogues what runs SQL from text or tells of hosts."""
    patterns = [pattern.replace("_", r"\_") for pattern in _CLOSED]
    for kind, name in connection.execute(_OPEN, (patterns,)).fetchall():
        for command in ("REVOKE ALL ON {} {} FROM PUBLIC", "GRANT {right} ON {} {} TO {owner}"):
            right = sql.SQL("EXECUTE" if kind == "ROUTINE" else "SELECT")
            text = sql.SQL(command).format(sql.SQL(kind), sql.SQL(name), right=right, owner=sql.Identifier(OWNER))
            connection.execute(text)


_OPEN = """
SELECT 'ROUTINE', p.oid::regprocedure::text
FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid JOIN pg_proc AS p ON p.oid = d.objid
WHERE e.extname = 'citus' AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND p.proname LIKE ANY (%s)
    AND has_function_privilege('public', p.oid, 'EXECUTE')
UNION ALL
SELECT 'TABLE', c.oid::regclass::text
FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid JOIN pg_class AS c ON c.oid = d.objid
WHERE e.extname = 'citus' AND d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'v')
    AND has_table_privilege('public', c.oid, 'SELECT')
"""
