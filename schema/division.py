"""What the database says of how a table's rows are divided among servers: columns of armillary.tables, rows of armillary.ranges."""

from typing import Any

import psycopg
from psycopg import sql

from schema.statements import statement

Ranges = tuple[tuple[Any, ...], ...]
"""Rows of armillary.ranges, without the table's name."""
UNDIVIDED = {"pixel_column": None, "pixel_order": None, "layout": None, "pixel_key": None, "pixel_margin": 0}
"""The division of a table all of whose rows are here."""


def division_of(connection: psycopg.Connection, table_name: str) -> dict[str, Any]:
    """Return the division of a published table, as Known has it."""
    columns = sql.SQL(", ").join(map(sql.Identifier, UNDIVIDED))
    query = sql.SQL("SELECT {} FROM armillary.tables WHERE table_name = %s AND pixel_column IS NOT NULL").format(
        columns
    )
    row = connection.execute(query, (table_name,)).fetchone()
    return dict(zip(UNDIVIDED, row, strict=True)) if row else {}


def ranges_of(connection: psycopg.Connection, table_name: str) -> Ranges:
    return tuple(connection.execute(statement("ranges"), (table_name,)).fetchall())


def restore_ranges(connection: psycopg.Connection, name: str, ranges: Ranges) -> None:
    """Record again where the rows of a table on shards lie.

    A table whose layout shares ranges that were moved meanwhile gets a layout of its own.
    """
    with connection.cursor() as cursor:
        cursor.executemany(statement("add_range"), [(name, *row) for row in ranges])
    connection.execute(statement("part_layouts"), {"name": name})
