"""Workers looked after: what they hold, whether rows are as they were loaded, and where shards move. Citus does it, and is asked."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from schema.model import split_name, stored_name
from tap.engine.database import Say
from tap.sharding.engines.engine import ShardState
from tap.sharding.loading.checksum import PartitionContent, held
from tap.sharding.rebalancing.orphans import forget_loads
from tap.sharding.setup import problem_of
from tap.sharding.shards import ShardError, known_shards

_TRANSFER = "block_writes"
"""How shards move: catalogues are only read, which goes on meanwhile."""
_TABLES = "SELECT table_name, partition, nrows, checksum FROM armillary.ranges WHERE shard_name IS NULL ORDER BY 1"
_DISTRIBUTED = """
SELECT nspname, relname FROM pg_dist_partition
JOIN pg_class ON pg_class.oid = logicalrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE pg_get_userbyid(relowner) = current_user
"""
_NAMED = """
SELECT table_name, partition FROM armillary.ranges WHERE shard_name IS NULL
UNION SELECT table_name, storage FROM armillary.loads
UNION SELECT table_name, storage FROM armillary.loaded
"""
_PATIENCE = 1.0
"""Seconds between two looks at a move that goes on in the background."""


@dataclass(frozen=True, slots=True)
class DistributedTable:
    """A published table that Citus has placed, and what was loaded into it."""

    table_name: str
    storage: str
    content: PartitionContent

    @property
    def identifier(self) -> sql.Identifier:
        return _stored(self.table_name, self.storage)

    @property
    def regclass(self) -> str:
        return self.identifier.as_string()


def distributed_tables(connection: psycopg.Connection) -> list[DistributedTable]:
    rows = connection.execute(_TABLES).fetchall()
    return [
        DistributedTable(name, storage, PartitionContent(nrows, int(checksum)))
        for name, storage, nrows, checksum in rows
    ]


def states(connection: psycopg.Connection) -> list[ShardState]:
    shards = "SELECT nodename || ':' || nodeport, count(*) FROM citus_shards WHERE table_name = %s::regclass GROUP BY 1"
    held_by: dict[str, list[tuple[str, int, int | None]]] = {}
    for table in distributed_tables(connection):
        for node, count in connection.execute(shards, (table.regclass,)):
            held_by.setdefault(node, []).append((table.table_name, count, None))
    return [
        ShardState(shard.name, problem_of(shard), tuple(held_by.get(str(shard.node), ())), "shards")
        for shard in known_shards(connection)
    ]


def problems(connection: psycopg.Connection) -> list[str]:
    """Return in words where rows are not as they were loaded, and which nodes do not reach each other."""
    return [
        *_unreached(connection),
        *(text for table in distributed_tables(connection) for text in _wrong(connection, table)),
    ]


def _wrong(connection: psycopg.Connection, table: DistributedTable) -> Iterator[str]:
    try:
        content = held(connection, table.identifier)
    except psycopg.Error as error:
        yield f"{table.table_name}: {str(error).strip()}"
        return
    if content.rows != table.content.rows:
        yield f"{table.table_name}: {content.rows:,} rows where {table.content.rows:,} were loaded"
    elif content != table.content:
        yield f"{table.table_name}: values are other than they were loaded"


def _unreached(connection: psycopg.Connection) -> Iterator[str]:
    health = connection.execute("SELECT * FROM citus_check_cluster_node_health() WHERE result IS NOT TRUE").fetchall()
    for source, source_port, target, target_port, _ in health:
        yield f"{source}:{source_port} does not reach {target}:{target_port}"


def unused(connection: psycopg.Connection) -> list[str]:
    """Return in words what lies on workers for nobody, and loads that have not ended."""
    loads = connection.execute("SELECT table_name FROM armillary.loads ORDER BY 1").fetchall()
    return [
        *(
            f"{name}: a load has not ended; if it was interrupted, the next one of that table begins anew"
            for (name,) in loads
        ),
        *(f"{name}: no table uses it; armillary shards drop-orphans drops it" for name in _orphans(connection)),
    ]


def _orphans(connection: psycopg.Connection) -> list[str]:
    """Return the distributed tables that nothing names, as SQL has them."""
    # What there is is asked first: a load may end, and another begin, meanwhile.
    distributed = _distributed(connection)
    named = _named(connection)
    return [name for name in distributed if name not in named]


def _stored(table_name: str, storage: str) -> sql.Identifier:
    return sql.Identifier(stored_name(split_name(table_name)[0]), storage)


def _distributed(connection: psycopg.Connection) -> list[str]:
    return [sql.Identifier(*parts).as_string() for parts in connection.execute(_DISTRIBUTED).fetchall()]


def _named(connection: psycopg.Connection) -> set[str]:
    """Return the tables that are published, that are being loaded, or that may be published again, at one instant."""
    return {
        _stored(table_name, storage or stored_name(split_name(table_name)[-1])).as_string()
        for table_name, storage in connection.execute(_NAMED)
    }


def drop_unused(connection: psycopg.Connection, *, unfinished: bool) -> list[str]:
    if unfinished:
        forget_loads(connection)
    dropped = _orphans(connection)
    for name in dropped:
        connection.execute(f"DROP TABLE {name}".encode())
    return [f"{name} dropped" for name in dropped]


# ---- moving


def move(connection: psycopg.Connection, table_name: str, cells: tuple[str, ...], target: str, say: Say) -> None:
    """Move the shards that have these cells, with those of the tables beside it. Raises: ShardError, psycopg.Error."""
    table = next((table for table in distributed_tables(connection) if table.table_name == table_name), None)
    if table is None:
        raise ShardError(f"{table_name} is not a sharded table")
    nodes = {shard.name: str(shard.node) for shard in known_shards(connection)}
    if target not in nodes:
        raise ShardError(f"there is no shard {target}; known are {', '.join(nodes)}")
    for shard_id in dict.fromkeys(_shard_of(connection, table, cell) for cell in cells):
        _move_shard(connection, shard_id, nodes, target, say)


def with_patience(act: Callable[[], None], seconds: float) -> None:
    """Run `act`, again where a list is placed beside a table for a query just then, until so many seconds are over. Raises: what `act` raises."""
    end = time.monotonic() + seconds
    while True:
        try:
            act()
            return
        except psycopg.errors.InternalError as error:
            if "could not acquire the lock" not in str(error) or time.monotonic() > end:
                raise
        time.sleep(_PATIENCE)


def _shard_of(connection: psycopg.Connection, table: DistributedTable, cell: str) -> int:
    if not cell.lstrip("-").isdigit():
        raise ShardError(f"{cell}: with Citus a range is the shard that has a cell; name it by a cell's number")
    row = connection.execute(
        "SELECT get_shard_id_for_distribution_column(%s::regclass, %s::integer)", (table.regclass, int(cell))
    ).fetchone()
    return int(row[0]) if row else 0


def _move_shard(connection: psycopg.Connection, shard_id: int, nodes: dict[str, str], target: str, say: Say) -> None:
    row = connection.execute("SELECT nodename, nodeport FROM citus_shards WHERE shardid = %s", (shard_id,)).fetchone()
    host, port = row or ("", 0)
    there, _, there_port = nodes[target].rpartition(":")
    if f"{host}:{port}" == nodes[target]:
        say(f"shard {shard_id} is on {target}")
        return
    command = "SELECT citus_move_shard_placement(%s, %s, %s, %s, %s, %s)"
    connection.execute(command, (shard_id, host, port, there, int(there_port), _TRANSFER))
    say(f"shard {shard_id} and those beside it are on {target} now")


def rebalance(connection: psycopg.Connection, table_name: str | None, say: Say, *, dry_run: bool) -> None:
    """Let Citus move shards until the workers hold about as much. Raises: ShardError, psycopg.Error."""
    if table_name and not dry_run:
        raise ShardError("Citus balances all tables at once; leave the table's name out, or look at it with --dry-run")
    names = {shard.node: shard.name for shard in known_shards(connection)}
    moves = _planned_moves(connection, table_name)
    for (source, target), count in sorted(Counter((m[1], m[2]) for m in moves).items()):
        say(f"{count} shards: {names.get(source, source)} to {names.get(target, target)}")
    if not moves:
        say("nothing to move")
    elif not dry_run:
        _run_rebalance(connection, say)


def _planned_moves(connection: psycopg.Connection, table_name: str | None) -> list[tuple[int, str, str]]:
    """Return shard, source and target of each move that Citus would make. Raises: ShardError."""
    tables = {table.table_name: table.regclass for table in distributed_tables(connection)}
    if table_name and table_name not in tables:
        raise ShardError(f"{table_name} is not a sharded table")
    plan = (
        "SELECT shardid, sourcename || ':' || sourceport, targetname || ':' || targetport"
        " FROM get_rebalance_table_shards_plan(%s::regclass, rebalance_strategy => 'by_disk_size')"
    )
    return connection.execute(plan, (tables[table_name] if table_name else None,)).fetchall()


def _run_rebalance(connection: psycopg.Connection, say: Say) -> None:
    """Run all moves in the background of Citus, which goes on if this process ends, and wait for it."""
    start = "SELECT citus_rebalance_start(rebalance_strategy => 'by_disk_size', shard_transfer_mode => %s)"
    row = connection.execute(start, (_TRANSFER,)).fetchone()
    status = "SELECT state::text FROM citus_job_status(%s)"
    state = "running"
    while row and state in ("scheduled", "running", "cancelling", "failing"):
        time.sleep(_PATIENCE)
        (state,) = connection.execute(status, (row[0],)).fetchone() or ("finished",)
    if state != "finished":
        raise ShardError(f"Citus's rebalancing ended as {state}; SELECT * FROM citus_rebalance_status() says why")
    say("the workers hold about as much now")
