"""Uploads → temporary tables of the query's own session, and their place in the Catalogue.

What a client calls its columns never reaches PostgreSQL: there they are c0, c1, …
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pyarrow as pa
from psycopg import sql

from schema.load import open_file
from schema.load.copy_binary import HEADER, TRAILER, encode
from schema.load.reader import FileColumn, LoadError, Reader
from schema.model import Column, Schema, Table, quoted_if_needed
from tap.uploads.sources import Opened
from tap.uploads.upload import SCHEMA, Upload


@dataclass(frozen=True, slots=True)
class Limits:
    """Of all uploads of one query together."""

    rows: int
    columns: int = 1_000


def load(connection: psycopg.Connection, uploads: list[Opened], limits: Limits) -> Schema:
    """The schema TAP_UPLOAD. Raises: LoadError naming table, row and column; psycopg.Error."""
    tables, rows = [], 0
    for number, opened in enumerate(uploads):
        left = replace(limits, rows=limits.rows - rows)
        try:
            table = _load(connection, opened.upload, opened.path, f"u{number}", left)
        except LoadError as error:
            raise LoadError(f"The upload {opened.upload.table_name}: {error}") from error
        rows += table.nrows or 0
        tables.append(table)
    return Schema(SCHEMA, tuple(tables))


def _load(connection: psycopg.Connection, upload: Upload, path: Path, storage: str, limits: Limits) -> Table:
    try:
        reader = open_file(path, name=Path(upload.says) if upload.says else None)
    except LoadError as error:
        raise LoadError(str(error).replace(str(path), "the file")) from error
    except (ValueError, KeyError, OSError) as error:
        raise LoadError(f"it cannot be read: {str(error)[:200]}") from error
    _check(reader.columns, limits)
    columns = tuple(_column(each, index) for index, each in enumerate(reader.columns))
    _create(connection, storage, columns)
    rows = _copy(connection, storage, reader, columns, limits)
    connection.execute(sql.SQL("ANALYZE pg_temp.{}").format(sql.Identifier(storage)))
    name = f"{SCHEMA}.{upload.table_name}"
    return Table(SCHEMA, name, columns, storage=storage, storage_schema="pg_temp", nrows=rows)


def _check(columns: tuple[FileColumn, ...], limits: Limits) -> None:
    if not columns:
        raise LoadError("it has no columns")
    if len(columns) > limits.columns:
        raise LoadError(f"it has {len(columns)} columns; at most {limits.columns} are taken")
    seen: set[str] = set()
    for column in columns:
        if not column.name.strip():
            raise LoadError("a column has no name")
        if column.name.lower() in seen:
            raise LoadError(f"two columns are called {column.name[:60]}; give them different names")
        seen.add(column.name.lower())


def _column(column: FileColumn, index: int) -> Column:
    said = (column.unit, column.ucd, column.utype, column.description)
    type_ = column.type
    return Column(
        quoted_if_needed(column.name), type_.datatype, type_.arraysize, type_.xtype, *said, storage=f"c{index}"
    )


def _create(connection: psycopg.Connection, storage: str, columns: tuple[Column, ...]) -> None:
    parts = sql.SQL(", ").join(sql.SQL("{} " + c.type.name).format(sql.Identifier(c.stored)) for c in columns)
    command = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    connection.execute(command.format(sql.Identifier(storage), parts))


def _copy(
    connection: psycopg.Connection, storage: str, reader: Reader, columns: tuple[Column, ...], limits: Limits
) -> int:
    rows, wanted = 0, tuple(c.type for c in columns)
    command = sql.SQL("COPY pg_temp.{} FROM STDIN (FORMAT binary)").format(sql.Identifier(storage))
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(HEADER)
        for batch in _read(reader):
            rows += batch.num_rows
            if rows > limits.rows:
                raise LoadError(f"it has more rows than are taken: {limits.rows:,} in all uploads of a query")
            copy.write(encode(batch, wanted))
        copy.write(TRAILER)
    return rows


def _read(reader: Reader) -> Iterator[pa.RecordBatch]:
    """What a library says of a broken file is the user's affair."""
    try:
        yield from reader.batches()
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise LoadError(f"it cannot be read: {str(error)[:200]}") from error
