"""A range of cells from one shard to another, while queries run.

All tables of its layout are copied first. Then the coordinator changes, in one transaction; for a while the range is
on both shards, until the queries that began before the change are over. Whatever interrupts it, answers are right:
either the old partition is used or the new one, and the other is left over until it is dropped.
"""

from collections.abc import Callable
from dataclasses import replace

import psycopg
from psycopg import sql

from schema.tap_schema import count_change
from tap.sharding.loading.checksum import PartitionContent
from tap.sharding.loading.foreign_partitions import attach_range
from tap.sharding.loading.partitions import Partition, connected, listed_partitions, note_partition
from tap.sharding.rebalancing.balance import RangeLocation, placed
from tap.sharding.rebalancing.copy_partition import MOVED, copy_partition
from tap.sharding.rebalancing.drain import wait_for_old_queries, with_lock_retry
from tap.sharding.rebalancing.orphans import PATIENCE, drop_orphans, orphans
from tap.sharding.shards import Shard, ShardError, known_shards

SWITCH_PATIENCE = 600.0
"""Seconds in which an instant without queries on the table must be found."""

Say = Callable[[str], None]


def move_range(connection: psycopg.Connection, layout: str, first: int, target: str, say: Say) -> None:
    """Move a range to another shard; the old partitions stay until `sweep`. May be repeated.

    Raises: ShardError, LoadError, psycopg.Error.
    """
    shards = {shard.name: shard for shard in known_shards(connection)}
    if target not in shards:
        raise ShardError(f"there is no shard {target}; known are {', '.join(shards)}")
    with connection.transaction():
        _hold(connection, layout)
        locations = [location for location in placed(connection, layout) if location.range.first == first]
        to_move = [location for location in locations if location.range.shard != target]
        if not to_move:
            say(f"{layout}: cells from {first} are on {target}")
            return
        _await_readers(connection, to_move, shards[target])
        copies = [(location, _copied(location, shards, target, say)) for location in to_move]
        try:
            with_lock_retry(connection, lambda: _switch(connection, copies, target), SWITCH_PATIENCE)
        except psycopg.errors.LockNotAvailable as error:
            raise ShardError(f"{layout} was never free of queries; nothing has changed, repeat the move") from error
    rows = sum(location.rows for location in locations)
    say(f"{layout}: cells {first} to {locations[0].range.stop - 1}, {rows:,} rows, are on {target} now")


def _hold(connection: psycopg.Connection, layout: str) -> None:
    """Lock a layout, so that no load and no other move changes it meanwhile. Raises: ShardError."""
    try:
        connection.execute("SELECT FROM armillary.tables WHERE layout = %s FOR UPDATE NOWAIT", (layout,))
    except psycopg.errors.LockNotAvailable as error:
        raise ShardError(f"{layout} is being loaded or moved by another process") from error


def _await_readers(connection: psycopg.Connection, locations: list[RangeLocation], target: Shard) -> None:
    """Wait for queries that may still read what the target has of an earlier move. Raises: ShardError."""
    names = {(location.schema_name, location.range.partition) for location in locations}
    with connected(target) as on_target:
        listed = listed_partitions(on_target)
    old = [partition for partition in listed if (partition.schema_name, partition.partition) in names]
    if old and not wait_for_old_queries(connection, [target], PATIENCE):
        raise ShardError(
            f"{target.name} has {old[0].partition} from before, and queries still run: repeat the move later"
        )


def _copied(location: RangeLocation, shards: dict[str, Shard], target: str, say: Say) -> PartitionContent:
    source = shards[location.range.shard]
    say(f"{location.table_name}, {location.range.partition}: {location.rows:,} rows from {source.name} to {target}")
    partition = Partition(location.schema_name, location.range.partition, location.storage, location.table_name, MOVED)
    with connected(source) as on_source, connected(shards[target]) as on_target:
        note_partition(on_source, partition)
        on_source.commit()
        return copy_partition(on_source, on_target, location, say)


def _switch(connection: psycopg.Connection, copies: list[tuple[RangeLocation, PartitionContent]], target: str) -> None:
    for location, _ in copies:
        connection.execute(sql.SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE").format(location.parent))
    for location, content in copies:
        connection.execute(sql.SQL("DROP FOREIGN TABLE {}").format(location.partition))
        attach_range(connection, location.schema_name, location.storage, replace(location.range, shard=target))
        connection.execute(
            "UPDATE armillary.ranges SET shard_name = %s, checksum = %s WHERE table_name = %s AND first = %s",
            (target, content.checksum, location.table_name, location.range.first),
        )
    count_change(connection)


def sweep(connection: psycopg.Connection, layout: str, patience: float, say: Say) -> None:
    """Drop the old partitions when the queries that may read them are over."""
    tables = {location.table_name for location in placed(connection, layout)}
    for orphan in drop_orphans(connection, tables, patience):
        say(f"{orphan.partition.table_name}, {orphan.partition.partition}: dropped on {orphan.shard.name}")
    for orphan in orphans(connection):
        partition = orphan.partition
        if partition.table_name in tables:
            say(
                f"{partition.table_name}, {partition.partition} stays on {orphan.shard.name}: queries that began before"
                " still run; armillary shards drop-orphans drops it later"
            )
