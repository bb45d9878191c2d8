"""Partitions that no table uses: what loads and moves left that were interrupted, and tables that are gone.

A partition is used if a foreign table of the coordinator is about it, or a load that has not ended.
"""

from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from schema.model import split_name, stored_name
from tap.sharding.loading.partitions import Partition, ShardUnreachable, connected, drop_partition, listed_partitions
from tap.sharding.rebalancing.drain import wait_for_old_queries, with_lock_retry
from tap.sharding.shards import Shard, known_shards

PATIENCE = 600.0
"""Seconds that queries are waited for."""
_LOCK_SECONDS = 30.0
_USED = """
SELECT srvname, max(option_value) FILTER (WHERE option_name = 'schema_name'),
    max(option_value) FILTER (WHERE option_name = 'table_name')
FROM pg_foreign_table JOIN pg_foreign_server AS s ON s.oid = ftserver, pg_options_to_table(ftoptions)
GROUP BY ftrelid, srvname
"""
_REMAINS = """
SELECT relname FROM pg_class
WHERE relnamespace = to_regnamespace(%s) AND relkind = 'p' AND relname = ANY (%s)
    AND EXISTS (SELECT FROM pg_inherits JOIN pg_foreign_table ON ftrelid = inhrelid WHERE inhparent = pg_class.oid)
"""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A partition that nobody uses."""

    shard: Shard
    partition: Partition


def orphans(connection: psycopg.Connection) -> list[Orphan]:
    """Return the orphans of all shards that can be reached; `connection` is the owner's on the coordinator."""
    listed = [orphan for shard in known_shards(connection) for orphan in _listed(shard)]
    # What is used is asked afterwards: a load or a move may end meanwhile.
    used = set(connection.execute(_USED).fetchall())
    loads = {load_id for (load_id,) in connection.execute("SELECT load_id FROM armillary.loads")}
    return [
        orphan
        for orphan in listed
        if (orphan.shard.name, orphan.partition.schema_name, orphan.partition.partition) not in used
        and orphan.partition.load_id not in loads
    ]


def _listed(shard: Shard) -> list[Orphan]:
    with suppress(ShardUnreachable), connected(shard) as on_shard:
        return [Orphan(shard, partition) for partition in listed_partitions(on_shard)]
    return []


def drop_orphans(
    connection: psycopg.Connection, tables: set[str] | None = None, patience: float = PATIENCE
) -> list[Orphan]:
    """Drop the orphans of these tables or of all, when the queries that run now are over; return what was dropped.

    Tables that are moved or loaded right now keep theirs, and partitions that somebody still reads stay.
    """
    shards = {orphan.shard for orphan in _of(connection, tables)}
    if not shards or not wait_for_old_queries(connection, shards, patience):
        return []
    with connection.transaction():
        busy = _busy(connection)
        free = [orphan for orphan in _of(connection, tables) if orphan.partition.table_name not in busy]
        return [orphan for orphan in free if _drop(orphan)]


def _of(connection: psycopg.Connection, tables: set[str] | None) -> list[Orphan]:
    return [orphan for orphan in orphans(connection) if tables is None or orphan.partition.table_name in tables]


def _busy(connection: psycopg.Connection) -> set[str]:
    """Return the tables that somebody holds, and lock the others until the end of the transaction."""
    tables = {table_name for (table_name,) in connection.execute("SELECT table_name FROM armillary.tables")}
    free = connection.execute("SELECT table_name FROM armillary.tables FOR UPDATE SKIP LOCKED")
    return tables - {table_name for (table_name,) in free}


def forget_loads(connection: psycopg.Connection, table_name: str | None = None) -> None:
    """Forget loads that do not run; what they made is left over then."""
    connection.execute(
        "DELETE FROM armillary.loads WHERE table_name IN (SELECT table_name FROM armillary.loads"
        " WHERE %(name)s::text IS NULL OR table_name = %(name)s FOR UPDATE SKIP LOCKED)",
        {"name": table_name},
    )


def _drop(orphan: Orphan) -> bool:
    """Drop the partition; return False if its lock is taken."""
    with suppress(psycopg.errors.LockNotAvailable), connected(orphan.shard) as on_shard:
        with_lock_retry(on_shard, lambda: drop_partition(on_shard, orphan.partition), _LOCK_SECONDS)
        on_shard.commit()
        return True
    return False


def drop_partitions_of(connection: psycopg.Connection, load_id: str) -> None:
    """Drop what a load made; shards that are away keep theirs, as orphans."""
    for shard in known_shards(connection):
        for orphan in _listed(shard):
            if orphan.partition.load_id == load_id:
                _drop(orphan)


def drop_replaced(connection: psycopg.Connection, table_name: str) -> None:
    """Drop what a table left that has been loaded anew under this name, on shards or not: here, and on the shards."""
    schema_name = stored_name(split_name(table_name)[0])
    listed = [orphan.partition for shard in known_shards(connection) for orphan in _listed(shard)]
    storages = {partition.storage for partition in listed if partition.table_name == table_name} - _published(
        connection, schema_name
    )
    schema = sql.Identifier(schema_name).as_string(connection)
    for (name,) in connection.execute(_REMAINS, (schema, list(storages))).fetchall():
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema_name, name)))
    forget_loads(connection, table_name)
    drop_orphans(connection, {table_name})


def _published(connection: psycopg.Connection, schema_name: str) -> set[str]:
    """Return the names in the database of the schema's tables."""
    rows = connection.execute("SELECT table_name, storage FROM armillary.tables").fetchall()
    names = [(*map(stored_name, split_name(name)), storage) for name, storage in rows]
    return {storage or name for schema, name, storage in names if schema == schema_name}
