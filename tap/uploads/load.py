"""Uploads → temporary tables of the query's own session, and their place in the Catalogue.

What a client calls its columns never reaches PostgreSQL: there they are c0, c1, …
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
from psycopg import sql

from schema.load import open_file
from schema.load.copy_binary import HEADER, TRAILER, Ints, encode_rows
from schema.load.reader import FileColumn, LoadError, Reader
from schema.model import Column, Schema, Table, quoted_if_needed
from schema.types import Type
from tap.uploads.sources import Opened
from tap.uploads.upload import SCHEMA, Upload


@dataclass(frozen=True, slots=True)
class Limits:
    """Of all uploads of one query together."""

    rows: int
    columns: int = 1_000


@dataclass(frozen=True, slots=True)
class Declared:
    """An upload whose table is there in the session, still empty; the reader knows its rows."""

    table: Table
    reader: Reader

    @property
    def storage(self) -> sql.Identifier:
        return sql.Identifier(*self.table.stored_parts)

    @property
    def types(self) -> tuple[Type, ...]:
        return tuple(column.type for column in self.table.columns)

    def batches(self, allowance: "Allowance") -> Iterator[pa.RecordBatch]:
        """Raises: LoadError."""
        try:
            for batch in self.reader.batches():
                allowance.take(batch.num_rows)
                yield batch
        except LoadError as error:
            raise _of(self.table.parts[-1], error) from error

    def encode(self, batch: pa.RecordBatch) -> tuple[bytes, Ints]:
        """Rows as COPY BINARY has them, and where each begins. Raises: LoadError for a value that its column cannot hold."""
        try:
            return encode_rows(batch, self.types)
        except LoadError as error:
            raise _of(self.table.parts[-1], error) from error


class Allowance:
    """The rows that uploads of one query may still have."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.rows

    def take(self, rows: int) -> None:
        """Raises: LoadError."""
        self._left -= rows
        if self._left < 0:
            raise LoadError(f"it has more rows than are taken: {self._limits.rows:,} in all uploads of a query")


def _of(table_name: str, error: LoadError) -> LoadError:
    return LoadError(f"The upload {table_name}: {error}")


def schema_of(uploads: Iterable[Declared]) -> Schema:
    """The schema TAP_UPLOAD."""
    return Schema(SCHEMA, tuple(each.table for each in uploads))


def declare(connection: psycopg.Connection, uploads: list[Opened], limits: Limits) -> list[Declared]:
    """The uploads with empty tables. Raises: LoadError naming the upload; psycopg.Error."""
    found = []
    for number, opened in enumerate(uploads):
        try:
            reader = _reader(opened.upload, opened.path)
            _check(reader.columns, limits)
        except LoadError as error:
            raise _of(opened.upload.table_name, error) from error
        columns = tuple(_column(each, index) for index, each in enumerate(reader.columns))
        name = f"{SCHEMA}.{opened.upload.table_name}"
        table = Table(SCHEMA, name, columns, storage=f"u{number}", storage_schema="pg_temp")
        _create(connection, table)
        found.append(Declared(table, reader))
    return found


def _reader(upload: Upload, path: Path) -> Reader:
    try:
        return open_file(path, name=Path(upload.says) if upload.says else None)
    except LoadError as error:
        raise LoadError(str(error).replace(str(path), "the file")) from error


def _check(columns: tuple[FileColumn, ...], limits: Limits) -> None:
    if not columns:
        raise LoadError("it has no columns")
    if len(columns) > limits.columns:
        raise LoadError(f"it has {len(columns)} columns; at most {limits.columns} are taken")
    seen: set[str] = set()
    for column in columns:
        if not column.name.strip():
            raise LoadError("a column has no name")
        if any(unicodedata.category(character) == "Cc" for character in column.name):
            raise LoadError(f"the name {column.name[:60]!r} of a column has control characters")
        if column.name.lower() in seen:
            raise LoadError(f"two columns are called {column.name[:60]}; give them different names")
        seen.add(column.name.lower())


def _column(column: FileColumn, index: int) -> Column:
    said = (column.unit, column.ucd, column.utype, column.description)
    type_ = column.type
    return Column(
        quoted_if_needed(column.name), type_.datatype, type_.arraysize, type_.xtype, *said, storage=f"c{index}"
    )


def _create(connection: psycopg.Connection, table: Table) -> None:
    parts = sql.SQL(", ").join(sql.SQL("{} " + c.type.name).format(sql.Identifier(c.stored)) for c in table.columns)
    command = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    connection.execute(command.format(sql.Identifier(table.stored_parts[-1]), parts))


def fill(connection: psycopg.Connection, upload: Declared, rows: Iterable[bytes]) -> None:
    """Puts rows, as COPY BINARY has them, into an upload's table in place of what was there. Raises: LoadError, psycopg.Error."""
    connection.execute(sql.SQL("TRUNCATE {}").format(upload.storage))
    command = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(upload.storage)
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(HEADER)
        for piece in rows:
            copy.write(piece)
        copy.write(TRAILER)
    connection.execute(sql.SQL("ANALYZE {}").format(upload.storage))


def fill_whole(connection: psycopg.Connection, upload: Declared, allowance: Allowance) -> None:
    """Raises: LoadError, psycopg.Error."""
    fill(connection, upload, (upload.encode(batch)[0] for batch in upload.batches(allowance)))
