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
    """Return the columns of a table whose parts have been measured one by one."""
    return tuple(_widest(columns) for columns in zip(*parts, strict=True))


def _widest(columns: tuple[Column, ...]) -> Column:
    bounds = [c.bounds for c in columns if c.bounds]
    widest = (min(low for low, _ in bounds), max(high for _, high in bounds)) if len(bounds) == len(columns) else None
    return replace(columns[0], bounds=widest)


def measured(connection: psycopg.Connection, target: sql.Composable, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Return the columns, with the bounds that the table has now; what a description says of them counts more."""
    unmeasured = [c for c in columns if c.bounds is None and c.type.is_numeric and (c.ucd or "").startswith(_UCDS)]
    if not unmeasured:
        return columns
    extremes = [
        sql.SQL("ARRAY[min({0}), max({0})]::double precision[]").format(sql.Identifier(column.name))
        for column in unmeasured
    ]
    row = connection.execute(sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(extremes), target)).fetchone() or ()
    extremes_of = dict(zip((c.column_name for c in unmeasured), row, strict=True))
    return tuple(_with(column, extremes_of.get(column.column_name)) for column in columns)


def _with(column: Column, extremes: list[float | None] | None) -> Column:
    """Return a column with its bounds: zeros where all is NULL, which moves nothing; none where a value is infinite."""
    least, largest = (value or 0.0 for value in extremes or (math.inf, math.inf))
    return replace(column, bounds=(least, largest)) if math.isfinite(least) and math.isfinite(largest) else column
