"""A partition of a table from one shard to another: as it is, verified, and attached there."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from schema.existing import exists
from schema.listing import make_schema
from schema.roles import READER
from tap.sharding.loading.checksum import PartitionContent, held
from tap.sharding.loading.partitions import Partition, attach_partition, drop_partition, list_partition
from tap.sharding.rebalancing.balance import RangeLocation
from tap.sharding.rebalancing.drain import with_lock_retry
from tap.sharding.shards import ShardError

MOVED = "moved"
"""In the list of partitions, instead of a load."""
_PATIENCE = 60.0
_SETTINGS = "SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"


@dataclass(frozen=True, slots=True)
class _Definition:
    """What a partition is made of, as PostgreSQL spells it."""

    columns: tuple[tuple[str, str], ...]
    constraints: tuple[tuple[str, str], ...]
    indexes: tuple[str, ...]


def copy_partition(
    source: psycopg.Connection, target: psycopg.Connection, location: RangeLocation, say: Callable[[str], None]
) -> PartitionContent:
    """Copy a partition and return what both hold then. What an earlier try left on the target is replaced.

    Raises: ShardError, psycopg.Error.
    """
    partition = Partition(location.schema_name, location.range.partition, location.storage, location.table_name, MOVED)
    with_lock_retry(target, lambda: drop_partition(target, partition), _PATIENCE)
    target.commit()
    definition = _defined(source, location.partition)
    make_schema(target, location.schema_name)
    _create(target, location.partition, definition)
    _stream(source, target, location.partition, definition)
    say(f"{location.table_name}, {location.range.partition}: copied; indexes and checksums")
    _complete(target, location.partition, definition)
    content = _verified(source, target, location)
    _attach(source, target, location)
    list_partition(target, partition, ready=True)
    target.commit()
    target.execute(sql.SQL("ANALYZE {}").format(location.parent))
    target.commit()
    return content


def _defined(connection: psycopg.Connection, partition: sql.Identifier) -> _Definition:
    name = (partition.as_string(connection),)
    columns = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END"
        " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        name,
    ).fetchall()
    constraints = connection.execute(
        "SELECT contype::text, format('CONSTRAINT %%I %%s', conname, pg_get_constraintdef(oid)) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype IN ('c', 'p', 'u') ORDER BY contype",
        name,
    ).fetchall()
    indexes = connection.execute(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY indexrelid",
        name,
    ).fetchall()
    return _Definition(tuple(columns), tuple(constraints), tuple(str(index) for (index,) in indexes))


def _create(connection: psycopg.Connection, partition: sql.Identifier, definition: _Definition) -> None:
    """Create the table with its CHECK, by which it can be attached without being read.

    Keys come when the rows are there.
    """
    columns = [sql.SQL("{} " + type_).format(sql.Identifier(name)) for name, type_ in definition.columns]
    checks = [sql.SQL(text) for kind, text in definition.constraints if kind == "c"]
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(partition, sql.SQL(", ").join([*columns, *checks])))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(partition, sql.Identifier(READER)))


def _stream(
    source: psycopg.Connection, target: psycopg.Connection, partition: sql.Identifier, definition: _Definition
) -> None:
    """Copy the rows in constant memory, in the order in which they lie."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in definition.columns)
    read = sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT (FORMAT binary)").format(names, partition)
    write = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE)").format(partition, names)
    with source.cursor() as reader, target.cursor() as writer, reader.copy(read) as rows, writer.copy(write) as sink:
        for block in rows:
            sink.write(block)


def _complete(connection: psycopg.Connection, partition: sql.Identifier, definition: _Definition) -> None:
    for kind, text in definition.constraints:
        if kind != "c":
            connection.execute(sql.SQL("ALTER TABLE {} ADD {}").format(partition, sql.SQL(text)))
    for index in definition.indexes:
        connection.execute(index.encode())
    connection.execute(sql.SQL("ANALYZE {}").format(partition))


def _verified(source: psycopg.Connection, target: psycopg.Connection, location: RangeLocation) -> PartitionContent:
    """Compare every value with the source, and the partition with what the coordinator says. Raises: ShardError."""
    if _whole(source, location.partition) != _whole(target, location.partition):
        raise ShardError(f"{location.table_name}, {location.range.partition}: the copy differs; nothing has changed")
    content = held(target, location.partition)
    if content.rows != location.rows or location.checksum not in (None, content.checksum):
        raise ShardError(
            f"{location.table_name}, {location.range.partition} on {location.range.shard} is not as it was loaded:"
            " armillary shards check. Nothing has changed"
        )
    return content


def _whole(connection: psycopg.Connection, partition: sql.Identifier) -> object:
    """Return the number of rows, and a sum over all columns as text: nothing that a row shows may differ."""
    connection.execute(_SETTINGS)
    command = "SELECT count(*), sum(hashtextextended(p::text, 0)) FROM ONLY {} AS p"
    return connection.execute(sql.SQL(command).format(partition)).fetchone()


def _attach(source: psycopg.Connection, target: psycopg.Connection, location: RangeLocation) -> None:
    if not exists(target, location.parent):
        (division,) = source.execute(
            "SELECT pg_get_partkeydef(%s::regclass)", (location.parent.as_string(source),)
        ).fetchone() or ("",)
        columns = [
            sql.SQL("{} " + type_.removesuffix(" NOT NULL")).format(sql.Identifier(name))
            for name, type_ in _defined(source, location.partition).columns
        ]
        command = sql.SQL("CREATE TABLE {} ({}) PARTITION BY " + division)
        target.execute(command.format(location.parent, sql.SQL(", ").join(columns)))
        target.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(location.parent, sql.Identifier(READER)))
    attach_partition(target, location.parent, location.partition, location.range)
