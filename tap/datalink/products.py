"""The rows of products for IDs, as files of any format: one for each ID, or one for all.

The IDs of a chunk come into a temporary table, with which the product's table is joined; so a statement gives the rows of many
IDs, one after the other, and their bytes are cut where the next ID begins.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from itertools import chain, groupby
from operator import itemgetter

import psycopg
import pyarrow as pa

from adql.info import Info
from adql.nodes import Output
from adql.translate import Translation, translate
from schema import types
from schema.links import Product
from schema.load.copy_binary import encode
from schema.load.reader import ARROW_OF
from schema.model import Table
from tap.datalink.archive import File
from tap.datalink.identifiers import RequestedId
from tap.engine import temp_tables
from tap.engine.engine import Session
from tap.engine.row_encoding import CELL, RowEncoding
from tap.engine.rows import BLOCK, Block
from tap.formats.format import Ending, Format, Header
from tap.progress import QueryProgress

_IDS, _MOST_ROWS = "ids", 2**40
_PLACE = Output("place", "place", Info(types.BIGINT))
_SEPARATORS = {RowEncoding.CSV: b",", RowEncoding.ECSV: b",", RowEncoding.TSV: b"\t"}
_VOTABLE = "vot"
_UNSAFE = re.compile(r"[^\w .+-]")
"""What names of files do not have everywhere."""


class Structure(Enum):
    """How the rows of several IDs are told apart, as the Gaia archive calls it."""

    INDIVIDUAL = "a file for each ID"
    COMBINED = "one file for all"
    RAW = "one file for all, with rows as they are stored"


@dataclass(frozen=True, slots=True)
class ProductRequest:
    """What is wanted of the products of IDs; `is_valid`: only rows that are marked as valid."""

    structure: Structure
    format: Format
    is_valid: bool


@dataclass(frozen=True)
class ProductRows:
    """The rows of one product, in a session that may make temporary tables."""

    product: Product
    table: Table
    request: ProductRequest
    session: Session
    header: Header
    progress: QueryProgress

    def files(self, chunks: Iterable[list[RequestedId]]) -> Iterator[File]:
        """Yield the files, each to be read before the next. Raises: psycopg.Error, Interrupted."""
        if self.request.structure is not Structure.INDIVIDUAL:
            yield f"{self.product.name}_{self.request.structure.name}.{self._extension}", self.one_file(chunks)
            return
        for chunk in chunks:
            for place, rows in groupby(self._numbered_rows(chunk), itemgetter(0)):
                file_name = f"{self.product.name}-{_UNSAFE.sub('_', chunk[place].text)}.{self._extension}"
                yield file_name, self._written(blocks_of(row for _, row in rows))

    def one_file(self, chunks: Iterable[list[RequestedId]]) -> Iterator[bytes]:
        """Yield one file with the rows of all IDs."""
        return self._written(block for chunk in chunks for block in self._rows(chunk, self._outputs))

    @property
    def _extension(self) -> str:
        """The one that the Gaia archive's files have, by which its clients know VOTables."""
        extension = self.request.format.extension
        return "xml" if extension == _VOTABLE else extension

    def _written(self, blocks: Iterator[Block]) -> Iterator[bytes]:
        """Yield a file; what fails before its first row raises before its first byte."""
        first = next(blocks, None)
        with closing(self.request.format.writer(self._full_header)) as writer:
            yield writer.header()
            yield from map(writer.rows, chain([first] if first else [], blocks))
            yield from writer.footer(Ending())

    @cached_property
    def _translation(self) -> Translation:
        return translate(f"SELECT * FROM {self.table.table_name}", self.session.catalogue)

    @property
    def _outputs(self) -> tuple[Output, ...]:
        return self._translation.outputs

    @cached_property
    def _full_header(self) -> Header:
        return replace(self.header, outputs=self._outputs, origins=(self.table.origin,))

    def _numbered_rows(self, chunk: list[RequestedId]) -> Iterator[tuple[int, bytes]]:
        """Yield rows in the order of their IDs, each with the place of its ID in the chunk."""
        encoding = self.request.format.encoding
        separator = _SEPARATORS.get(encoding, CELL)
        for block in self._rows(chunk, (_PLACE, *self._outputs)):
            start = 0
            for length in block.lengths:
                row = block.data[start : start + length]
                yield _without_place(row) if encoding.is_binary else _without_first_cell(row, separator)
                start += length

    def _rows(self, chunk: list[RequestedId], outputs: tuple[Output, ...]) -> Iterator[Block]:
        self.session.run_in_write_transaction(lambda connection: put_ids(connection, chunk))
        translation = Translation(self._joined(), outputs, ())
        for block in self.session.rows(translation, self.request.format.encoding, _MOST_ROWS, overflow=False):
            self.progress.add(rows=len(block.lengths))
            yield block

    def _joined(self) -> str:
        """Return SQL of the product's rows for the IDs in the temporary table, in their order."""
        columns = {output.name: f"p.{output.sql_name}" for output in self._outputs}
        outputs = ", ".join(f"p.{output.sql_name}" for output in self._outputs)
        order = f", {columns[self.product.order_by]}" if self.product.order_by else ""
        return (
            f"SELECT i.place, {outputs} FROM pg_temp.{_IDS} AS i"
            f" JOIN ({self._translation.sql}) AS p ON {columns[self.product.id]} = i.id{self._condition(columns)}"
            f" ORDER BY i.place{order}"
        )

    def _condition(self, columns: Mapping[str, str]) -> str:
        if not (self.request.is_valid and self.product.valid):
            return ""
        column = next(column for column in self.table.columns if column.name == self.product.valid)
        sql = columns[column.name]
        return f" WHERE {sql}" if column.type is types.BOOLEAN else f" WHERE {sql} <> 0"


def make_ids_table(connection: psycopg.Connection, *, of_numbers: bool) -> None:
    columns = (("place", types.INTEGER), ("id", types.BIGINT if of_numbers else types.TEXT))
    temp_tables.create(connection, _IDS, columns)


def put_ids(connection: psycopg.Connection, chunk: list[RequestedId]) -> None:
    """Put a chunk into the temporary table in place of the one before, without what cannot be an identifier."""
    pairs = [(place, identifier.key) for place, identifier in enumerate(chunk) if identifier.key is not None]
    key_type = types.TEXT if any(isinstance(key, str) for _, key in pairs) else types.BIGINT
    batch = pa.RecordBatch.from_arrays(
        [pa.array([place for place, _ in pairs], pa.int32()), pa.array([key for _, key in pairs], ARROW_OF[key_type])],
        names=["place", "id"],
    )
    connection.execute(f"TRUNCATE pg_temp.{_IDS}".encode())
    temp_tables.copy_in(connection, _IDS, [encode(batch, (types.INTEGER, key_type))])
    temp_tables.analyze(connection, _IDS)


def _without_place(row: bytes) -> tuple[int, bytes]:
    """Take the first field off a row of COPY BINARY: of the number of fields, and a length and a bigint."""
    fields = int.from_bytes(row[:2], "big")
    return int.from_bytes(row[6:14], "big"), (fields - 1).to_bytes(2, "big") + row[14:]


def _without_first_cell(row: bytes, separator: bytes) -> tuple[int, bytes]:
    place, _, rest = row.partition(separator)
    return int(place), rest


def blocks_of(rows: Iterable[bytes]) -> Iterator[Block]:
    """Yield rows in blocks of the size that writers are used to."""
    block, size = list[bytes](), 0
    for row in rows:
        block.append(row)
        size += len(row)
        if size >= BLOCK:
            yield Block(b"".join(block), [len(row) for row in block])
            block, size = [], 0
    if block:
        yield Block(b"".join(block), [len(row) for row in block])
