"""A table's rows as its server knows them: two passes that are exact, and the sample that ANALYZE took."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from schema import types
from schema.model import Column
from schema.statements import statement
from schema.statistics.cells import MOST_CELLS, CellCounts, order_for, sum_of_counts
from schema.statistics.columns import ColumnMeasure, ColumnStatistics, statistics_of_parts
from schema.types import Type

_COLUMNS_AT_ONCE = 400
"""PostgreSQL takes 1,664 values in a row."""
_LONGEST_TEXT = 100
_NUMBER = "{}({{}})"
_TIME = "replace({}({{0}}::timestamp) FILTER (WHERE isfinite({{0}}::timestamp))::text, ' ', 'T')"
_EXTREMES = {
    types.SMALLINT.name: _NUMBER,
    types.INTEGER.name: _NUMBER,
    types.BIGINT.name: _NUMBER,
    types.REAL.name: "{}(nullif({{}}, 'NaN'))",
    types.DOUBLE.name: "{}(nullif({{}}::double precision, 'NaN'))",
    types.TEXT.name: f'left({{}}({{{{}}}}::text COLLATE "C"), {_LONGEST_TEXT})',
    types.TIMESTAMP.name: _TIME,
}
"""The least or largest value of a column by its type, for `min` or `max`: NaN is none, and infinite times are none."""
_NULL = sql.SQL("NULL")
_CELLS = """
SELECT coalesce(array_agg(cell ORDER BY cell), '{{}}'), coalesce(array_agg(nrows ORDER BY cell), '{{}}')
FROM (SELECT armillary.healpix_nest({order}, spoint(radians(ra), radians(dec))) AS cell, count(*) AS nrows
      FROM (SELECT {ra}::double precision AS ra, {dec}::double precision AS dec FROM {target}) AS positions
      WHERE ra BETWEEN -360 AND 360 AND dec BETWEEN -90 AND 90 GROUP BY 1) AS counted
"""


@dataclass(frozen=True, slots=True)
class Measurable:
    """A table or view by its names in the database; `position` are the columns of right ascension and declination there."""

    names: tuple[str, str]
    columns: tuple[Column, ...]
    position: tuple[str, str] | None = None

    @property
    def target(self) -> sql.Identifier:
        return sql.Identifier(*self.names)


@dataclass(frozen=True, slots=True)
class TableMeasure:
    """What is known of a table, of each column as each of its servers measured it; `cells` None where it has no position."""

    rows: int
    columns: tuple[tuple[ColumnMeasure, ...], ...]
    cells: CellCounts | None = None

    @property
    def statistics(self) -> tuple[ColumnStatistics, ...]:
        return tuple(statistics_of_parts(parts) for parts in self.columns)


def measure_together(parts: Sequence[TableMeasure]) -> TableMeasure:
    """Return what is known of a table whose parts were measured one by one."""
    columns = zip(*(part.columns for part in parts), strict=True)
    cells = [part.cells for part in parts if part.cells is not None]
    return TableMeasure(
        sum(part.rows for part in parts),
        tuple(tuple(chain.from_iterable(of_parts)) for of_parts in columns),
        sum_of_counts(cells) if cells else None,
    )


def measure_table(connection: psycopg.Connection, table: Measurable) -> TableMeasure:
    """Look at all rows of a table, and at the sample of its last ANALYZE. Raises: psycopg.Error."""
    with connection.transaction():
        connection.execute("SET LOCAL timezone = 'UTC'")
        measured = {measure.column.stored: measure for measure in _exact(connection, table)}
        for name, sample in _samples(connection, table):
            measured[name] = replace(measured[name], **sample)
        columns = tuple(measured.values())
        cells = _cells(connection, table, measured) if table.position else None
    return TableMeasure(columns[0].rows if columns else 0, tuple((column,) for column in columns), cells)


# ---- what is exact


def _exact(connection: psycopg.Connection, table: Measurable) -> Iterator[ColumnMeasure]:
    """Yield the rows, NULLs, least and largest value of each column."""
    for columns in _in_pieces(table.columns):
        values = sql.SQL(", ").join(chain([sql.SQL("count(*)")], *map(_aggregates, columns)))
        query = sql.SQL("SELECT {} FROM {}").format(values, table.target)
        rows, *numbers = connection.execute(query).fetchone() or (0,)
        for column, (present, least, largest) in zip(columns, zip(*[iter(numbers)] * 3, strict=True), strict=True):
            yield ColumnMeasure(column, rows, rows - present, least, largest)


def _in_pieces(columns: Sequence[Column]) -> Iterator[Sequence[Column]]:
    for start in range(0, len(columns), _COLUMNS_AT_ONCE):
        yield columns[start : start + _COLUMNS_AT_ONCE]


def _aggregates(column: Column) -> list[sql.Composable]:
    name, extreme = sql.Identifier(column.stored), _extreme_of(column)
    extremes = (
        [sql.SQL(extreme.format(function)).format(name) for function in ("min", "max")] if extreme else [_NULL] * 2
    )
    return [sql.SQL("count({})").format(name), *extremes]


def _extreme_of(column: Column) -> str | None:
    """Return the SQL of the least or largest value; None where values have no order, or none that tells something."""
    return _EXTREMES.get(column.type.name) if column.xtype in {None, types.TIMESTAMP.xtype} else None


def _cells(connection: psycopg.Connection, table: Measurable, measured: dict[str, ColumnMeasure]) -> CellCounts | None:
    """Count the rows by cell; None where pgSphere has no HEALPix, or no row has a position."""
    ra, dec = (measured[name] for name in table.position or ())
    if ra.least is None or dec.least is None or not _has_healpix(connection):
        return None
    order = order_for(ra.rows, (ra.least, ra.largest), (max(dec.least, -90), min(dec.largest, 90)))
    query = sql.SQL(_CELLS).format(
        order=sql.Literal(order),
        ra=sql.Identifier(ra.column.stored),
        dec=sql.Identifier(dec.column.stored),
        target=table.target,
    )
    cells, counts = connection.execute(query).fetchone() or ((), ())
    return CellCounts(order, np.array(cells, np.int64), np.array(counts, np.int64)).at_most(MOST_CELLS)


def _has_healpix(connection: psycopg.Connection) -> bool:
    return connection.execute(statement("has_healpix")).fetchone() is not None


# ---- the sample


def _samples(connection: psycopg.Connection, table: Measurable) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what pg_stats has of the columns whose values are single ones, as fields of ColumnMeasure."""
    by_name = {column.stored: column.type for column in table.columns if _is_single(column)}
    values = {"schema": table.names[0], "table": table.names[1], "columns": list(by_name)}
    for name, distinct, frequent, shares, bounds in connection.execute(statement("samples"), values).fetchall():
        type_ = by_name[name]
        frequent_values = (_shown(value, type_) for value in frequent or ())
        yield (
            name,
            {
                "distinct": distinct,
                "shares": dict(zip(frequent_values, shares or (), strict=True)),
                "bounds": tuple(map(float, bounds or ())) if type_.is_numeric else (),
            },
        )


def _is_single(column: Column) -> bool:
    return column.type is types.BOOLEAN or _extreme_of(column) is not None


def _shown(value: str, type_: Type) -> str:
    """Return a value of PostgreSQL's as results have it."""
    if type_ is types.BOOLEAN:
        return {"t": "true", "f": "false"}[value]
    return value.replace(" ", "T") if type_ is types.TIMESTAMP else value[:_LONGEST_TEXT]
