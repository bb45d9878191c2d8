"""Statistics of tables, kept in the database beside TAP_SCHEMA: none can read more of them than of the rows."""

import json
from dataclasses import replace

import numpy as np
import psycopg

from schema.coverage import Coverage, coverage_of_measure
from schema.statements import statement
from schema.statistics.cells import USUAL_ORDER, CellCounts, SkyCoverage
from schema.statistics.columns import ColumnStatistics
from schema.statistics.measure import TableMeasure


def keep_statistics(connection: psycopg.Connection, table_name: str, measure: TableMeasure) -> None:
    """Keep what was measured of a published table, instead of what was known; in the caller's transaction."""
    drop_statistics(connection, table_name)
    coverage = coverage_of_measure(measure)
    if coverage != Coverage():
        sky = (coverage.moc, coverage.moc_order, coverage.sky_fraction)
        intervals = (*(coverage.temporal or (None, None)), *(coverage.spectral or (None, None)))
        connection.execute(statement("add_coverage"), (table_name, *sky, *intervals))
    if measure.cells is not None:
        counts = measure.cells
        values = (table_name, counts.order, counts.cells.tolist(), counts.counts.tolist())
        connection.execute(statement("add_cell_counts"), values)
    with connection.cursor() as cursor:
        cursor.executemany(
            statement("add_column_statistics"), [_row(table_name, column) for column in measure.statistics]
        )
    # Of a column that is left out, nobody learns anything.
    connection.execute(statement("drop_statistics_of_others"), {"name": table_name})


def _row(table_name: str, column: ColumnStatistics) -> tuple[object, ...]:
    frequent = json.dumps(column.frequent_values, ensure_ascii=False) if column.frequent_values else None
    return (
        table_name,
        column.column_name,
        column.nulls,
        column.distinct_values,
        column.least,
        column.largest,
        column.min_value,
        column.percentile03,
        column.median,
        column.percentile97,
        column.max_value,
        frequent,
    )


def drop_statistics(connection: psycopg.Connection, table_name: str) -> None:
    connection.execute(statement("drop_statistics"), {"name": table_name})


def copy_statistics(connection: psycopg.Connection, old: str, new: str) -> None:
    """Keep of a table what is known of another one that has the same rows."""
    connection.execute(statement("copy_statistics"), {"old": old, "new": new})


def sky_of_tables(connection: psycopg.Connection, table_names: list[str]) -> SkyCoverage | None:
    """Return where these tables together have rows, as far as it is known and the role of the connection may read it."""
    rows = connection.execute(statement("cells_of_tables"), (table_names,)).fetchall()
    cells = np.array([cell for (cell,) in rows], np.int64)
    return CellCounts(USUAL_ORDER, cells, np.zeros_like(cells)).coverage()


def sparse_cells(connection: psycopg.Connection) -> dict[str, tuple[int, int]]:
    """Return order and number of the cell that has the fewest rows, of each table that the role of the connection may read."""
    rows = connection.execute(statement("sparse_cells")).fetchall()
    return {str(name): (int(order), int(cell)) for name, order, cell in rows}


def column_statistics_of(connection: psycopg.Connection, table_name: str) -> dict[str, ColumnStatistics]:
    """Return by column what is kept, as far as the role of the connection may read it."""
    rows = connection.execute(statement("column_statistics_of"), (table_name,)).fetchall()
    return {row[0]: replace(ColumnStatistics(*row[:-1]), frequent_values=_frequent(row[-1])) for row in rows}


def _frequent(text: str | None) -> tuple[tuple[str, float], ...]:
    return tuple((value, share) for value, share in json.loads(text or "[]"))


def cell_counts_of(connection: psycopg.Connection, table_name: str) -> CellCounts | None:
    """Return how many rows each cell has, if the role of the connection may read it; None where it is not known."""
    row = connection.execute(statement("cell_counts_of"), (table_name,)).fetchone()
    return CellCounts(row[0], np.array(row[1], np.int64), np.array(row[2], np.int64)) if row else None
