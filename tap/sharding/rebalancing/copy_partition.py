"""A part of a table from one shard to another: as it is, verified, and attached there."""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from schema.existing import exists
from schema.publish import make_schema
from schema.roles import READER
from tap.sharding.loading.checksum import PartitionContent, held
from tap.sharding.loading.partitions import Partition, attach_part, drop_part, list_part
from tap.sharding.rebalancing.balance import RangeLocation
from tap.sharding.rebalancing.drain import with_lock_retry
from tap.sharding.shards import ShardError

MOVED = "moved"
"""In the list of parts, instead of a load."""
_PATIENCE = 60.0
_SETTINGS = "SET LOCAL datestyle = 'ISO'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"


@dataclass(frozen=True, slots=True)
class _Definition:
    """What a part is made of, as PostgreSQL spells it."""

    columns: tuple[tuple[str, str], ...]
    constraints: tuple[tuple[str, str], ...]
    indexes: tuple[str, ...]


def copy_part(
    source: psycopg.Connection, target: psycopg.Connection, placed: RangeLocation, say: Callable[[str], None]
) -> PartitionContent:
    """Copy a partition and return what both hold then. What an earlier try left on the target is replaced. Raises: ShardError, psycopg.Error."""
    part = Partition(placed.schema_name, placed.range.partition, placed.storage, placed.table_name, MOVED)
    with_lock_retry(target, lambda: drop_part(target, part), _PATIENCE)
    target.commit()
    definition = _defined(source, placed.part)
    make_schema(target, placed.schema_name)
    _create(target, placed.part, definition)
    _stream(source, target, placed.part, definition)
    say(f"{placed.table_name}, {placed.range.partition}: copied; indexes and checksums")
    _complete(target, placed.part, definition)
    found = _verified(source, target, placed)
    _attach(source, target, placed)
    list_part(target, part, ready=True)
    target.commit()
    target.execute(sql.SQL("ANALYZE {}").format(placed.parent))
    target.commit()
    return found


def _defined(connection: psycopg.Connection, part: sql.Identifier) -> _Definition:
    name = (part.as_string(connection),)
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
    return _Definition(tuple(columns), tuple(constraints), tuple(str(each) for (each,) in indexes))


def _create(connection: psycopg.Connection, part: sql.Identifier, definition: _Definition) -> None:
    """Create the table with its CHECK, by which it can be attached without being read; keys come when the rows are there."""
    columns = [sql.SQL("{} " + type_).format(sql.Identifier(name)) for name, type_ in definition.columns]
    checks = [sql.SQL(text) for kind, text in definition.constraints if kind == "c"]
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(part, sql.SQL(", ").join([*columns, *checks])))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(part, sql.Identifier(READER)))


def _stream(
    source: psycopg.Connection, target: psycopg.Connection, part: sql.Identifier, definition: _Definition
) -> None:
    """Copy the rows in constant memory, in the order in which they lie."""
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in definition.columns)
    read = sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT (FORMAT binary)").format(names, part)
    write = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary, FREEZE)").format(part, names)
    with source.cursor() as there, target.cursor() as here, there.copy(read) as rows, here.copy(write) as sink:
        for block in rows:
            sink.write(block)


def _complete(connection: psycopg.Connection, part: sql.Identifier, definition: _Definition) -> None:
    for kind, text in definition.constraints:
        if kind != "c":
            connection.execute(sql.SQL("ALTER TABLE {} ADD {}").format(part, sql.SQL(text)))
    for each in definition.indexes:
        connection.execute(each.encode())
    connection.execute(sql.SQL("ANALYZE {}").format(part))


def _verified(source: psycopg.Connection, target: psycopg.Connection, placed: RangeLocation) -> PartitionContent:
    """Compare every value with the source, and the partition with what the coordinator says of it. Raises: ShardError."""
    if _whole(source, placed.part) != _whole(target, placed.part):
        raise ShardError(f"{placed.table_name}, {placed.range.partition}: the copy differs; nothing has changed")
    found = held(target, placed.part)
    if found.rows != placed.rows or placed.checksum not in (None, found.checksum):
        raise ShardError(
            f"{placed.table_name}, {placed.range.partition} on {placed.range.shard} is not as it was loaded:"
            " armillary shards check. Nothing has changed"
        )
    return found


def _whole(connection: psycopg.Connection, part: sql.Identifier) -> object:
    """Return the number of rows, and a sum over all columns as text: nothing that a row shows may differ."""
    connection.execute(_SETTINGS)
    command = "SELECT count(*), sum(hashtextextended(p::text, 0)) FROM ONLY {} AS p"
    return connection.execute(sql.SQL(command).format(part)).fetchone()


def _attach(source: psycopg.Connection, target: psycopg.Connection, placed: RangeLocation) -> None:
    if not exists(target, placed.parent):
        (division,) = source.execute(
            "SELECT pg_get_partkeydef(%s::regclass)", (placed.parent.as_string(source),)
        ).fetchone() or ("",)
        columns = [
            sql.SQL("{} " + type_.removesuffix(" NOT NULL")).format(sql.Identifier(name))
            for name, type_ in _defined(source, placed.part).columns
        ]
        command = sql.SQL("CREATE TABLE {} ({}) PARTITION BY " + division)
        target.execute(command.format(placed.parent, sql.SQL(", ").join(columns)))
        target.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(placed.parent, sql.Identifier(READER)))
    attach_part(target, placed.parent, placed.part, placed.range)
