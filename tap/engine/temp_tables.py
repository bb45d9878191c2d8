"""Rows into temporary tables as COPY BINARY has them, and from one server to another, unread."""

from collections.abc import Iterable, Iterator

import psycopg
from psycopg import sql

from adql.nodes import Output
from schema import types
from schema.load.copy_binary import HEADER, TRAILER
from schema.types import Type
from tap.engine.rows import Block

Columns = tuple[tuple[str, Type], ...]
"""Their names there, and their types."""

MOST_BYTES = 4 << 30
"""Of what shards give for one query, before it is put together."""
_FEW = 100
"""Rows for which any plan will do."""


def columns_of(outputs: tuple[Output, ...]) -> Columns:
    return tuple((output.sql_name, output.info.type or types.TEXT) for output in outputs)


def create(connection: psycopg.Connection, name: str, columns: Columns) -> None:
    parts = sql.SQL(", ").join(sql.SQL("{} " + type_.name).format(sql.Identifier(column)) for column, type_ in columns)
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(name), parts))


def copy_in(connection: psycopg.Connection, name: str, pieces: Iterable[bytes]) -> None:
    """Copy rows, without header and trailer. Raises: psycopg.Error."""
    command = sql.SQL("COPY pg_temp.{} FROM STDIN (FORMAT binary)").format(sql.Identifier(name))
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(HEADER)
        for piece in pieces:
            copy.write(piece)
        copy.write(TRAILER)


def analyze(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("ANALYZE pg_temp.{}").format(sql.Identifier(name)))


def take_in(connection: psycopg.Connection, name: str, blocks: Iterable[Block]) -> None:
    """Raises: psycopg.Error, ConfigurationLimitExceeded among them where it is too much."""
    size = rows = 0

    def counted() -> Iterator[bytes]:
        nonlocal size, rows
        for block in blocks:
            size, rows = size + len(block.data), rows + len(block.lengths)
            if size > MOST_BYTES:
                raise psycopg.errors.ConfigurationLimitExceeded("more than may be gathered")
            yield block.data

    copy_in(connection, name, counted())
    if rows > _FEW:
        analyze(connection, name)
