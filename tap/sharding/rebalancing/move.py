"""A range of cells from one shard to another, while queries run.

All tables of its layout are copied first. Then the coordinator changes, in one transaction; for a while the range is
on both shards, until the queries that began before the change are over. Whatever interrupts it, answers are right:
either the old part is used or the new one, and the other is left over until it is dropped.
"""

from collections.abc import Callable
from dataclasses import replace

import psycopg
from psycopg import sql

from schema.tap_schema import count_change
from tap.sharding.loading.checksum import PartitionContent
from tap.sharding.loading.foreign_partitions import attach_range
from tap.sharding.loading.partitions import Partition, connected, listed_parts, note_part
from tap.sharding.rebalancing.balance import RangeLocation, placed
from tap.sharding.rebalancing.copy_partition import MOVED, copy_part
from tap.sharding.rebalancing.drain import wait_for_old_queries, with_lock_retry
from tap.sharding.rebalancing.orphans import PATIENCE, drop_orphans, orphans
from tap.sharding.shards import Shard, ShardError, known_shards

SWITCH_PATIENCE = 600.0
"""Seconds in which an instant without queries on the table must be found."""

Say = Callable[[str], None]


def move_range(connection: psycopg.Connection, layout: str, first: int, target: str, say: Say) -> None:
    """Move a range to another shard; the old partitions stay until `sweep`. May be repeated. Raises: ShardError, LoadError, psycopg.Error."""
    shards = {shard.name: shard for shard in known_shards(connection)}
    if target not in shards:
        raise ShardError(f"there is no shard {target}; known are {', '.join(shards)}")
    with connection.transaction():
        _hold(connection, layout)
        wanted = [each for each in placed(connection, layout) if each.range.first == first]
        away = [each for each in wanted if each.range.shard != target]
        if not away:
            say(f"{layout}: cells from {first} are on {target}")
            return
        _await_readers(connection, away, shards[target])
        copies = [(each, _copied(each, shards, target, say)) for each in away]
        try:
            with_lock_retry(connection, lambda: _switch(connection, copies, target), SWITCH_PATIENCE)
        except psycopg.errors.LockNotAvailable as error:
            raise ShardError(f"{layout} was never free of queries; nothing has changed, repeat the move") from error
    rows = sum(each.rows for each in wanted)
    say(f"{layout}: cells {first} to {wanted[0].range.stop - 1}, {rows:,} rows, are on {target} now")


def _hold(connection: psycopg.Connection, layout: str) -> None:
    """Lock a layout, so that no load and no other move changes it meanwhile. Raises: ShardError."""
    try:
        connection.execute("SELECT FROM armillary.tables WHERE layout = %s FOR UPDATE NOWAIT", (layout,))
    except psycopg.errors.LockNotAvailable as error:
        raise ShardError(f"{layout} is being loaded or moved by another process") from error


def _await_readers(connection: psycopg.Connection, away: list[RangeLocation], target: Shard) -> None:
    """Wait for queries that may still read what the target has of an earlier move. Raises: ShardError."""
    names = {(each.schema_name, each.range.partition) for each in away}
    with connected(target) as there:
        old = [each for each in listed_parts(there) if (each.schema_name, each.partition) in names]
    if old and not wait_for_old_queries(connection, [target], PATIENCE):
        raise ShardError(
            f"{target.name} has {old[0].partition} from before, and queries still run: repeat the move later"
        )


def _copied(each: RangeLocation, shards: dict[str, Shard], target: str, say: Say) -> PartitionContent:
    source = shards[each.range.shard]
    say(f"{each.table_name}, {each.range.partition}: {each.rows:,} rows from {source.name} to {target}")
    part = Partition(each.schema_name, each.range.partition, each.storage, each.table_name, MOVED)
    with connected(source) as there, connected(shards[target]) as here:
        note_part(there, part)
        there.commit()
        return copy_part(there, here, each, say)


def _switch(connection: psycopg.Connection, copies: list[tuple[RangeLocation, PartitionContent]], target: str) -> None:
    for each, _ in copies:
        connection.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(each.parent))
    for each, found in copies:
        connection.execute(sql.SQL("DROP FOREIGN TABLE {}").format(each.part))
        attach_range(connection, each.schema_name, each.storage, replace(each.range, shard=target))
        connection.execute(
            "UPDATE armillary.ranges SET shard_name = %s, checksum = %s WHERE table_name = %s AND first = %s",
            (target, found.checksum, each.table_name, each.range.first),
        )
    count_change(connection)


def sweep(connection: psycopg.Connection, layout: str, patience: float, say: Say) -> None:
    """Drop the old partitions when the queries that may read them are over."""
    tables = {each.table_name for each in placed(connection, layout)}
    for each in drop_orphans(connection, tables, patience):
        say(f"{each.part.table_name}, {each.part.partition}: dropped on {each.shard.name}")
    for each in orphans(connection):
        if each.part.table_name in tables:
            say(
                f"{each.part.table_name}, {each.part.partition} stays on {each.shard.name}: queries that began before"
                " still run; armillary shards drop-orphans drops it later"
            )
