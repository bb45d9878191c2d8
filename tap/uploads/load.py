"""Uploads → temporary tables of the query's own session, and their place in the Catalogue.

What a client calls its columns never reaches PostgreSQL: there they are c0, c1, …
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import psycopg
import pyarrow as pa
from psycopg import sql

from schema import types
from schema.geometries import COORDINATES, MADE, geometry_of, stored_as
from schema.load import open_file
from schema.load.compressed import ANYHOW, Unpacking
from schema.load.copy_binary import Ints, encode_rows
from schema.load.reader import FileColumn, LoadError, Reader
from schema.model import Column, Schema, Table, adql_names, delimited
from schema.text_sizes import TextSizes
from schema.types import Type
from tap.engine import temp_tables
from tap.temp_files import without_path
from tap.uploads.sources import Opened
from tap.uploads.upload import SCHEMA, Upload


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits of all uploads of one query together."""

    rows: int
    columns: int = 1_000
    cells: int = 10**10
    unpacked_bytes: int = 10**11
    unpacking: Unpacking = ANYHOW


_AHEAD_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Declared:
    """An upload whose table is there in the session, still empty.

    The reader knows its rows, `first` has some of them already. `places` are those of its columns in the file,
    `left_out` says why others were not taken.
    """

    table: Table
    first: tuple[pa.RecordBatch, ...]
    rest: Iterator[pa.RecordBatch]
    places: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its table in the session."""
        return self.table.stored_parts[-1]

    @property
    def filled(self) -> str:
        """The temporary table that its rows come into."""
        return f"{self.name}_rows" if self.has_geometry else self.name

    @property
    def has_geometry(self) -> bool:
        return any(column.type.is_geometry for column in self.table.columns)

    @property
    def types(self) -> tuple[Type, ...]:
        """The types in which its columns come."""
        return tuple(stored_as(column.type) for column in self.table.columns)

    def batches(self, allowance: "Allowance") -> Iterator[pa.RecordBatch]:
        """Yield its rows, counted against what uploads may still have. Raises: LoadError."""
        try:
            for batch in chain(self.first, self.rest):
                allowance.take(batch)
                yield batch.select(self.places) if self.left_out else batch
        except LoadError as error:
            raise _of(self.table.parts[-1], error) from error

    def encode(self, batch: pa.RecordBatch) -> tuple[bytes, Ints]:
        """Return rows as COPY BINARY has them, and where each begins.

        Raises: LoadError for a value that its column cannot hold.
        """
        try:
            return encode_rows(batch, self.types)
        except LoadError as error:
            raise _of(self.table.parts[-1], error) from error


class Allowance:
    """What uploads of one query may still have."""

    def __init__(self, limits: UploadLimits) -> None:
        self._limits = limits
        self._taken = dict.fromkeys(("rows", "cells", "unpacked_bytes"), 0)

    def take(self, batch: pa.RecordBatch) -> None:
        """Count a batch. Raises: LoadError if uploads have too much then."""
        counts = {"rows": batch.num_rows, "cells": batch.num_rows * batch.num_columns, "unpacked_bytes": batch.nbytes}
        for unit, count in counts.items():
            self._taken[unit] += count
            most = getattr(self._limits, unit)
            if self._taken[unit] > most:
                shown = unit.replace("_", " ")
                raise LoadError(f"it has more {shown} than are taken: {most:,} in all uploads of a query")


def _of(table_name: str, error: LoadError) -> LoadError:
    return LoadError(f"The upload {table_name}: {error}")


def schema_of(uploads: Iterable[Declared]) -> Schema:
    """Return the schema TAP_UPLOAD."""
    return Schema(SCHEMA, tuple(upload.table for upload in uploads))


def declare(connection: psycopg.Connection, uploads: list[Opened], limits: UploadLimits) -> list[Declared]:
    """Make an empty table for each upload. Raises: LoadError naming the upload; psycopg.Error."""
    declared = []
    for number, opened in enumerate(uploads):
        try:
            upload = _declared(opened, f"u{number}", limits, _AHEAD_BYTES // len(uploads))
        except LoadError as error:
            raise _of(opened.upload.table_name, error) from error
        create(connection, upload)
        declared.append(upload)
    return declared


def _declared(opened: Opened, storage: str, limits: UploadLimits, ahead: int) -> Declared:
    reader = reader_of(opened.upload, opened.path, limits.unpacking)
    _check(reader.columns, limits)
    batches = reader.batches()
    first = tuple(_until(ahead, batches))
    is_all = sum(batch.nbytes for batch in first) < ahead
    places = tuple(place for place, column in enumerate(reader.columns) if not column.problem)
    left_out = tuple(column.problem.removesuffix("; leave it out") for column in reader.columns if column.problem)
    if not places:
        raise LoadError(f"none of its columns can be read: {left_out[0]}")
    columns = tuple(_column(reader.columns[place], place, first, is_all=is_all) for place in places)
    names = adql_names([column.name for column in columns])
    columns = tuple(replace(column, column_name=name) for column, name in zip(columns, names, strict=True))
    name = f"{SCHEMA}.{opened.upload.table_name}"
    table = Table(SCHEMA, name, columns, storage=storage, storage_schema="pg_temp")
    warnings = tuple(f"The upload {opened.upload.table_name} without {reason}" for reason in left_out)
    return Declared(table, first, batches, places, warnings)


def _until(size: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the first batches, of so many bytes together."""
    for batch in batches:
        yield batch
        size -= batch.nbytes
        if size <= 0:
            return


def reader_of(upload: Upload, path: Path, unpacking: Unpacking) -> Reader:
    """Return a reader for an upload's file. Raises: LoadError."""
    with without_path(path):
        return open_file(path, name=Path(upload.says) if upload.says else None, unpacking=unpacking)


def _check(columns: tuple[FileColumn, ...], limits: UploadLimits) -> None:
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
        if column.name in seen:
            raise LoadError(f"two columns are called {column.name[:60]}; give them different names")
        seen.add(column.name)


def _column(column: FileColumn, place: int, rows: tuple[pa.RecordBatch, ...], *, is_all: bool) -> Column:
    """Return an upload's column as the Catalogue has it.

    Texts are char, and as long as the longest, only where all of them have been seen: programs read other bytes as
    Latin-1.
    """
    attributes = (column.unit, column.ucd, column.utype, column.description)
    type_ = geometry_of(column.type, column.xtype)
    arraysize = column.arraysize if type_ is column.type and column.arraysize else type_.arraysize
    name = delimited(column.name)
    if not type_.is_text:
        coordinates = (f"c{place}_lon", f"c{place}_lat") if type_ is types.POINT else None
        xtype, stored = type_.xtype or column.xtype, f"c{place}"
        return Column(name, type_.datatype, arraysize, xtype, *attributes, storage=stored, coordinates=coordinates)
    about = Column(name, types.UNICODE.datatype, arraysize, column.xtype, *attributes, storage=f"c{place}")
    if not is_all:
        return about
    sizes = TextSizes()
    for batch in rows:
        sizes.add(batch.select([place]))
    return sizes.applied([about])[0]


def create(connection: psycopg.Connection, upload: Declared) -> None:
    """Create the table; where geometries are made of its numbers also a view that makes them."""
    names = (column.stored for column in upload.table.columns)
    temp_tables.create(connection, upload.filled, tuple(zip(names, upload.types, strict=True)))
    if upload.has_geometry:
        outputs = sql.SQL(", ").join(output for column in upload.table.columns for output in _made(column))
        view, rows = sql.Identifier(upload.name), sql.Identifier(upload.filled)
        connection.execute(sql.SQL("CREATE TEMPORARY VIEW {} AS SELECT {} FROM {}").format(view, outputs, rows))


def _made(column: Column) -> Iterator[sql.Composed]:
    """Yield a geometry, and the coordinates of a point beside it."""
    name = sql.Identifier(column.stored)
    yield sql.SQL(MADE.get(column.type, "{0}") + " AS {0}").format(name)
    for expression, coordinate in zip(COORDINATES, column.coordinates or (), strict=False):
        yield sql.SQL(expression + " AS {1}").format(name, sql.Identifier(coordinate))


def fill(connection: psycopg.Connection, upload: Declared, rows: Iterable[bytes]) -> None:
    """Put rows, as COPY BINARY has them, into an upload's table in place of what was there.

    Raises: LoadError, psycopg.Error.
    """
    connection.execute(sql.SQL("TRUNCATE pg_temp.{}").format(sql.Identifier(upload.filled)))
    temp_tables.copy_in(connection, upload.filled, rows)
    temp_tables.analyze(connection, upload.filled)


def fill_whole(connection: psycopg.Connection, upload: Declared, allowance: Allowance) -> None:
    """Put all rows into an upload's table. Raises: LoadError, psycopg.Error."""
    fill(connection, upload, (upload.encode(batch)[0] for batch in upload.batches(allowance)))
