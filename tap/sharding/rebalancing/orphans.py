"""Parts that no table uses: what loads and moves left that were interrupted, and tables that are gone.

A part is used if a foreign table of the coordinator is about it, or a load that has not ended.
"""

from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from schema.model import split_name, stored_name
from tap.sharding.loading.partitions import Partition, ShardUnreachable, connected, drop_part, listed_parts
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
    """A part that nobody uses."""

    shard: Shard
    part: Partition


def orphans(connection: psycopg.Connection) -> list[Orphan]:
    """Return those of all shards that can be reached; `connection` is the owner's on the coordinator."""
    found = [each for shard in known_shards(connection) for each in _listed(shard)]
    # What is used is asked afterwards: a load or a move may end meanwhile.
    used = set(connection.execute(_USED).fetchall())
    loads = {load_id for (load_id,) in connection.execute("SELECT load_id FROM armillary.loads")}
    return [
        each
        for each in found
        if (each.shard.name, each.part.schema_name, each.part.partition) not in used and each.part.load_id not in loads
    ]


def _listed(shard: Shard) -> list[Orphan]:
    with suppress(ShardUnreachable), connected(shard) as there:
        return [Orphan(shard, part) for part in listed_parts(there)]
    return []


def drop_orphans(
    connection: psycopg.Connection, tables: set[str] | None = None, patience: float = PATIENCE
) -> list[Orphan]:
    """Drop the orphans of these tables or of all, when the queries that run now are over; return what was dropped.

    Tables that are moved or loaded right now keep theirs, and parts that somebody still reads stay.
    """
    shards = {each.shard for each in _of(connection, tables)}
    if not shards or not wait_for_old_queries(connection, shards, patience):
        return []
    with connection.transaction():
        busy = _busy(connection)
        wanted = [each for each in _of(connection, tables) if each.part.table_name not in busy]
        return [each for each in wanted if _drop(each)]


def _of(connection: psycopg.Connection, tables: set[str] | None) -> list[Orphan]:
    return [each for each in orphans(connection) if tables is None or each.part.table_name in tables]


def _busy(connection: psycopg.Connection) -> set[str]:
    """Return the tables that somebody holds, and lock the others until the end of the transaction."""
    tables = {each for (each,) in connection.execute("SELECT table_name FROM armillary.tables")}
    free = connection.execute("SELECT table_name FROM armillary.tables FOR UPDATE SKIP LOCKED")
    return tables - {each for (each,) in free}


def forget_loads(connection: psycopg.Connection, table_name: str | None = None) -> None:
    """Forget loads that do not run; what they made is left over then."""
    connection.execute(
        "DELETE FROM armillary.loads WHERE table_name IN (SELECT table_name FROM armillary.loads"
        " WHERE %(name)s::text IS NULL OR table_name = %(name)s FOR UPDATE SKIP LOCKED)",
        {"name": table_name},
    )


def _drop(orphan: Orphan) -> bool:
    """Drop the partition; return False if its lock is taken."""
    with suppress(psycopg.errors.LockNotAvailable), connected(orphan.shard) as there:
        with_lock_retry(there, lambda: drop_part(there, orphan.part), _LOCK_SECONDS)
        there.commit()
        return True
    return False


def drop_parts_of(connection: psycopg.Connection, load_id: str) -> None:
    """Drop what a load made; shards that are away keep theirs, as orphans."""
    for shard in known_shards(connection):
        for each in _listed(shard):
            if each.part.load_id == load_id:
                _drop(each)


def drop_replaced(connection: psycopg.Connection, table_name: str) -> None:
    """Drop what a table left that has been loaded anew under this name, on shards or not: here, and on the shards."""
    schema_name = stored_name(split_name(table_name)[0])
    listed = [each.part for shard in known_shards(connection) for each in _listed(shard)]
    storages = {part.storage for part in listed if part.table_name == table_name} - _published(connection, schema_name)
    schema = sql.Identifier(schema_name).as_string(connection)
    for (name,) in connection.execute(_REMAINS, (schema, list(storages))).fetchall():
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema_name, name)))
    forget_loads(connection, table_name)
    drop_orphans(connection, {table_name})


def _published(connection: psycopg.Connection, schema_name: str) -> set[str]:
    """Return the names in the database of the schema's tables."""
    rows = connection.execute("SELECT table_name, storage FROM armillary.tables").fetchall()
    named = [(*map(stored_name, split_name(name)), storage) for name, storage in rows]
    return {storage or name for schema, name, storage in named if schema == schema_name}
