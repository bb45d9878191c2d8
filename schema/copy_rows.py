"""The rows of a file into a table of the database, by COPY BINARY."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from schema.geometries import MADE, stored_as
from schema.load.copy_binary import HEADER, TRAILER, encode
from schema.load.reader import LoadError, Reader
from schema.plan import PlannedColumn
from schema.positions import PositionCheck
from schema.text_sizes import TextSizes

Progress = Callable[[int, float | None], None]
"""Called with the number of rows so far, and the fraction of the file."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """A file, the columns of it that are wanted, and the check of its positions on their way."""

    reader: Reader
    columns: list[PlannedColumn]
    check: PositionCheck


def told_to_nobody(rows: int, fraction: float | None) -> None:
    """Tell nobody."""


def copy_rows(
    connection: psycopg.Connection,
    target: sql.Identifier,
    source: RowSource,
    progress: Progress = told_to_nobody,
    *,
    freeze: bool = True,
) -> tuple[int, TextSizes]:
    """Copy all rows; geometries come as numbers, from which PostgreSQL makes them in a second step.

    `freeze`: the table was made in this transaction.
    """
    columns = source.columns
    if not any(column.type.is_geometry for column in columns):
        return _copy(connection, target, source, progress, freeze=freeze)
    names, rows = [sql.Identifier(f"c{i}") for i in range(len(columns))], sql.Identifier("pg_temp", "rows_of_file")
    definitions = [sql.SQL("{} " + stored_as(c.type).name).format(n) for n, c in zip(names, columns, strict=True)]
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE rows_of_file ({})").format(sql.SQL(", ").join(definitions)))
    result = _copy(connection, rows, source, progress, freeze=True)
    values = [sql.SQL(MADE.get(c.type, "{0}")).format(n) for n, c in zip(names, columns, strict=True)]
    connection.execute(sql.SQL("INSERT INTO {} SELECT {} FROM {}").format(target, sql.SQL(", ").join(values), rows))
    connection.execute(sql.SQL("DROP TABLE {}").format(rows))
    return result


def _copy(
    connection: psycopg.Connection, target: sql.Identifier, source: RowSource, progress: Progress, *, freeze: bool
) -> tuple[int, TextSizes]:
    """Return how many rows were copied, and how long their texts are."""
    rows, sizes = 0, TextSizes()
    column_types = tuple(stored_as(c.type) for c in source.columns)
    options = "FORMAT binary, FREEZE" if freeze else "FORMAT binary"
    command = sql.SQL("COPY {} FROM STDIN (" + options + ")").format(target)
    with refused_rows(), connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(HEADER)
        for batch in source.reader.batches():
            chosen = source.check(chosen_columns(batch, source.columns))
            sizes.add(chosen)
            copy.write(encode(chosen, column_types))
            rows += batch.num_rows
            progress(rows, source.reader.fraction())
        copy.write(TRAILER)
    return rows, sizes


def chosen_columns(batch: pa.RecordBatch, columns: Sequence[PlannedColumn]) -> pa.RecordBatch:
    """Return the planned columns of a batch of the file, under their names in the database."""
    arrays = [batch.column(column.index) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


@contextmanager
def refused_rows() -> Iterator[None]:
    """Raise LoadError for rows that the database does not take."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise LoadError(f"the primary key repeats: {error.diag.message_detail}") from error
    except psycopg.errors.NotNullViolation as error:
        raise LoadError(f"the primary key column {error.diag.column_name} has a NULL") from error
    except psycopg.DataError as error:
        raise LoadError(f"{error.diag.message_primary} ({error.diag.context})") from error
