"""The statistics of a published table made anew: at its load, when it is appended to, and by `armillary analyze`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import psycopg
from psycopg import sql

from schema.load.reader import LoadError
from schema.model import Column, Table
from schema.statements import statement
from schema.statistics.measure import Measurable, TableMeasure, measure_table
from schema.statistics.store import keep_statistics
from schema.tap_schema import count_change_of, read_catalogue

Measure = Callable[[Measurable], TableMeasure]


def analyze_loaded(connection: psycopg.Connection, table: Table, position: tuple[str, str] | None) -> None:
    """Keep the statistics of a table that was just filled, analysed and published, in the same transaction."""
    keep_statistics(connection, table.table_name, measure_table(connection, measurable(table, position)))


def measurable(table: Table, position: tuple[str, str] | None) -> Measurable:
    """Return what is to be measured of a table; a position that is not published is none."""
    names = {column.name for column in table.columns}
    return Measurable(table.stored_parts, table.columns, position if position and names.issuperset(position) else None)


def analyze_table(connection: psycopg.Connection, table_name: str, measure: Measure | None = None) -> Table:
    """Look at all rows of a published table, and keep what is seen; return the table with the rows that it has.

    `measure`: by which a table on shards is measured. Nothing is locked meanwhile. Raises: LoadError where the table is
    not published, or was changed by somebody else before the end.
    """
    table, before = _published(connection, table_name)
    if measure is None:
        # Of a view, or of a table that belongs to somebody else, PostgreSQL takes no sample, and goes on.
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*table.stored_parts)))
    measured = (measure or partial(measure_table, connection))(measurable(table, before.position))
    if measure is not None and measured.rows != before.nrows:
        raise LoadError(
            f"{table.table_name}: its shards have {measured.rows:,} rows and should have {before.nrows:,}; while parts of it move"
            " that is so, else armillary shards check says more"
        )
    with connection.transaction():
        count_change_of(connection, table.table_name)
        if _published(connection, table.table_name)[1] != before:
            raise LoadError(f"{table.table_name} was changed while it was looked at; analyze it again")
        connection.execute(statement("count_rows"), {"name": table.table_name, "nrows": measured.rows})
        keep_statistics(connection, table.table_name, measured)
        count_change_of(connection, table.table_name)
    return replace(table, nrows=measured.rows)


@dataclass(frozen=True, slots=True)
class _State:
    """What another load, an append or a description would change; `oid` of the table that has the rows."""

    columns: tuple[Column, ...]
    position: tuple[str, str] | None
    nrows: int | None
    oid: int


def _published(connection: psycopg.Connection, table_name: str) -> tuple[Table, _State]:
    """Return a table as it is published now. Raises: LoadError."""
    tables = {table.table_name: table for table in read_catalogue(connection, table_name).tables}
    row = connection.execute(statement("position_of"), (table_name,)).fetchone()
    if table_name not in tables or row is None:
        raise LoadError(f"{table_name} is not published")
    table, (ra, dec, nrows) = tables[table_name], row
    name = sql.Identifier(*table.stored_parts).as_string(connection)
    (oid,) = connection.execute(statement("oid_of"), (name,)).fetchone() or (None,)
    if oid is None:
        raise LoadError(f"{table_name} is not in the database any more; load, publish or unpublish it")
    return table, _State(table.columns, (ra, dec) if ra and dec else None, nrows, oid)


def published_names(connection: psycopg.Connection) -> list[str]:
    """Return the published tables but for TAP_SCHEMA's, those of accounts among them."""
    return [table.table_name for table in read_catalogue(connection).tables if table.parts[0] != "tap_schema"]
