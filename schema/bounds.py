"""The least and the largest values of columns of which a search must know them: motions, distances, velocities, epochs.

A cross-match between epochs looks as far round a star as the fastest of the table can have moved.
"""

import math
from dataclasses import replace

import psycopg
from psycopg import sql

from schema.model import Column

_UCDS = ("pos.pm", "pos.parallax", "spect.dopplerVeloc", "phys.veloc", "time.epoch")


def together(parts: list[tuple[Column, ...]]) -> tuple[Column, ...]:
    """The columns of a table of which each part has been measured alone."""
    return tuple(_widest(each) for each in zip(*parts, strict=True))


def _widest(columns: tuple[Column, ...]) -> Column:
    found = [c.bounds for c in columns if c.bounds]
    widest = (min(a for a, _ in found), max(b for _, b in found)) if len(found) == len(columns) else None
    return replace(columns[0], bounds=widest)


def measured(connection: psycopg.Connection, target: sql.Composable, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns, those with bounds that the table has now; what a description says of them counts more."""
    wanted = [c for c in columns if c.bounds is None and c.type.is_numeric and (c.ucd or "").startswith(_UCDS)]
    if not wanted:
        return columns
    each = [
        sql.SQL("ARRAY[min({0}), max({0})]::double precision[]").format(sql.Identifier(column.name))
        for column in wanted
    ]
    row = connection.execute(sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(each), target)).fetchone() or ()
    found = dict(zip((c.column_name for c in wanted), row, strict=True))
    return tuple(_with(column, found.get(column.column_name)) for column in columns)


def _with(column: Column, found: list[float | None] | None) -> Column:
    """A column of nothing but NULL moves nothing; one that has an infinite value has no bounds."""
    least, largest = (each or 0.0 for each in found or (math.inf, math.inf))
    return replace(column, bounds=(least, largest)) if math.isfinite(least) and math.isfinite(largest) else column
