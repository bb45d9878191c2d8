"""Rows of one server into a temporary table of another, unread, as COPY BINARY writes them."""

from collections.abc import Iterable

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


def take_in(connection: psycopg.Connection, name: str, blocks: Iterable[Block]) -> None:
    """Raises: psycopg.Error, ConfigurationLimitExceeded among them where it is too much."""
    left, rows = MOST_BYTES, 0
    how = sql.SQL("COPY pg_temp.{} FROM STDIN (FORMAT binary)")
    with connection.cursor() as cursor, cursor.copy(how.format(sql.Identifier(name))) as copy:
        copy.write(HEADER)
        for block in blocks:
            left -= len(block.data)
            rows += len(block.lengths)
            if left < 0:
                raise psycopg.errors.ConfigurationLimitExceeded("more than may be gathered")
            copy.write(block.data)
        copy.write(TRAILER)
    if rows > _FEW:
        connection.execute(sql.SQL("ANALYZE pg_temp.{}").format(sql.Identifier(name)))
