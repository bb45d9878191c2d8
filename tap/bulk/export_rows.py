"""The rows that are exported: of a published table, slice by slice from where they lie, or of a job's result."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from adql.translate import Translation, translate
from schema import types
from schema.load.copy_binary import cast
from schema.load.reader import FileColumn, LoadError, Reader
from schema.model import Catalogue, Column, Origin, Schema, Table, delimited, unquoted_parts
from schema.positions import find_position
from schema.statements import statement
from schema.tap_schema import read_catalogue
from tap.bulk.tiles import BASE_CELLS, Cell, cells_of_range
from tap.engine.cancellation import Cancellation
from tap.engine.row_encoding import RowEncoding, copy_command
from tap.engine.rows import CopyRows, RowStream
from tap.formats.arrow_columns import ArrowColumns
from tap.formats.format import Header
from tap.formats.metadata import FieldMetadata, fields
from tap.sharding.loading.partitions import connected
from tap.sharding.model import Placement
from tap.sharding.placements import read_placements
from tap.sharding.shards import known_shards

Batches = Callable[[int], Iterator[pa.RecordBatch]]
"""Gives rows, without so many at their beginning."""
_IN_ONE_ORDER = "SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0"
"""So that a second reading gives the same rows first."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows that are read together: all that lie in `cells`, and what has no position."""

    name: str
    cells: tuple[Cell, ...]
    batches: Batches


@dataclass(frozen=True, slots=True)
class ExportRows:
    """What is exported as `name`. `identity` is another whenever the rows may be; empty where that cannot be told.

    `position` are the names of right ascension and declination among the fields, `whole` gives all rows in any
    encoding, where PostgreSQL has them.
    """

    name: str
    identity: str
    header: Header
    fields: tuple[FieldMetadata, ...]
    position: tuple[str, str] | None
    nrows: int | None
    slices: tuple[Slice, ...]
    description: str | None = None
    data_version: int | None = None
    whole: Callable[[RowEncoding], RowStream] | None = None


def table_of(connection: psycopg.Connection, table_name: str) -> Table:
    """Return a published table. Raises: LoadError."""
    tables = read_catalogue(connection).find(unquoted_parts(table_name))
    if len(tables) != 1:
        raise LoadError(f"there is no published table {table_name}")
    return tables[0]


def rows_of_table(connection: psycopg.Connection, table: Table, service: dict[str, str]) -> ExportRows:
    """Return the rows of a table; `service` is what files say of us. `connection` is the owner's."""
    translation = _translation(table, table.storage)
    origins = () if table.origin == Origin() else (table.origin,)
    header = Header(translation.outputs, f"SELECT * FROM {table.table_name}", origins, service)
    placement = read_placements(connection).get(table.stored_parts)
    slices = tuple(_slices(connection, table, placement, translation))
    names = "/".join(each.name for each in slices)
    identity = f"{table.table_name} {table.data_version} {hashlib.sha256(names.encode()).hexdigest()[:16]}"
    return ExportRows(
        table.table_name,
        identity if table.data_version is not None else "",
        header,
        fields(translation.outputs),
        _position(connection, table),
        table.nrows,
        slices,
        table.description,
        table.data_version,
        partial(_all_rows, connection, translation),
    )


def _all_rows(connection: psycopg.Connection, translation: Translation, encoding: RowEncoding) -> RowStream:
    command = copy_command(translation, encoding, sys.maxsize)
    return CopyRows(connection, command, sys.maxsize, Cancellation(), binary=encoding.is_binary)


def _translation(table: Table, storage: str | None) -> Translation:
    """Return the query for all of a table, which is stored under that name."""
    stored = replace(table, storage=storage)
    catalogue = Catalogue((Schema(table.schema_name, (stored,)),))
    return translate(f"SELECT * FROM {table.table_name}", catalogue)


def _position(connection: psycopg.Connection, table: Table) -> tuple[str, str] | None:
    row = connection.execute(statement("more_of_table"), (table.table_name,)).fetchone()
    if row and row[2] and row[3]:
        return row[2], row[3]
    position = find_position(table.columns).position
    return (position[0].name, position[1].name) if position else None


def _slices(
    connection: psycopg.Connection, table: Table, placement: Placement | None, translation: Translation
) -> Iterator[Slice]:
    """Yield a slice for each range of cells on shards; one alone where cells do not tell where rows are."""
    if placement is None or not placement.ranges:
        yield Slice("all", BASE_CELLS, partial(_copied, [_Piece(lambda: nullcontext(connection), translation)]))
        return
    shards = {shard.name: shard for shard in known_shards(connection)}
    pieces = {
        cell_range: _Piece(partial(connected, shards[cell_range.shard]), _translation(table, cell_range.partition))
        for cell_range in placement.ranges
    }
    if placement.partitioning.key:
        yield Slice("all", BASE_CELLS, partial(_copied, list(pieces.values())))
        return
    for cell_range, piece in pieces.items():
        cells = cells_of_range(cell_range.first, cell_range.stop, placement.partitioning.order)
        yield Slice(f"{cell_range.first}-{cell_range.stop} on {cell_range.shard}", cells, partial(_copied, [piece]))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A table of one server with some of the rows, or all."""

    connect: Callable[[], AbstractContextManager[psycopg.Connection]]
    translation: Translation


def _copied(pieces: Sequence[_Piece], skipped: int) -> Iterator[pa.RecordBatch]:
    """Yield rows as COPY gives them, in the order in which they are stored. Raises: psycopg.Error."""
    return _without(skipped, (batch for piece in pieces for batch in _of_piece(piece)))


def _of_piece(piece: _Piece) -> Iterator[pa.RecordBatch]:
    columns = ArrowColumns(fields(piece.translation.outputs), {}, times_as_text=True)
    with piece.connect() as connection:
        connection.execute(_IN_ONE_ORDER)
        yield from map(columns.batch, _all_rows(connection, piece.translation, RowEncoding.BINARY))


def _without(skipped: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches without so many rows at their beginning."""
    for batch in batches:
        rest = batch.slice(min(skipped, batch.num_rows))
        skipped -= batch.num_rows - rest.num_rows
        if rest.num_rows:
            yield rest


# ---- results of jobs

Opens = Callable[[], AbstractContextManager[Reader]]


def rows_of_file(name: str, identity: str, opens: Opens) -> ExportRows:
    """Return the rows of a file, such as the result of a job. Raises: LoadError."""
    with opens() as reader:
        columns = reader.columns
    for column in columns:
        if column.problem:
            raise LoadError(column.problem)
    about = tuple(_field(column) for column in columns)
    position = find_position([Column(delimited(f.name), f.datatype, unit=f.unit, ucd=f.ucd) for f in about]).position
    names = (position[0].name, position[1].name) if position else None
    slices = (Slice("all", BASE_CELLS, partial(_read, opens, about)),)
    return ExportRows(name, identity, Header((), f"the result of {name}"), about, names, None, slices)


def _field(column: FileColumn) -> FieldMetadata:
    type_ = column.type
    arraysize = column.arraysize if column.arraysize and type_.is_array else type_.arraysize
    texts = (column.unit, column.ucd, column.utype, column.description)
    return FieldMetadata(type_, column.name, type_.datatype, arraysize, type_.xtype or column.xtype, *texts)


def _read(opens: Opens, about: tuple[FieldMetadata, ...], skipped: int) -> Iterator[pa.RecordBatch]:
    schema = ArrowColumns(about, {}, times_as_text=True).schema
    with opens() as reader:
        for batch in _without(skipped, reader.batches()):
            pairs = zip(about, batch.columns, schema, strict=True)
            arrays = [_cast(field, column, target.type) for field, column, target in pairs]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cast(field: FieldMetadata, column: pa.Array, target: pa.DataType) -> pa.Array:
    if field.type is types.TIMESTAMP:
        return pc.strftime(cast(column, field.type, field.name), format="%Y-%m-%dT%H:%M:%S")
    return cast(column, field.type, field.name).cast(target)
