"""Parquet with the VOTable of its columns in the footer (VOParquet 1.0).

Row groups are written as soon as they are large enough, so that memory stays small. A file that breaks
off has no footer, and nobody can read it. Times are texts, as the VOTable says.
"""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from schema import types
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.arrow_columns import ArrowColumns, longest_text
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.metadata import FieldMetadata, fields, infos_by_name
from tap.formats.sink import ByteSink
from tap.formats.votable_document import without_data

_GROUP_ROWS = 131_072
_GROUP_BYTES = 32_000_000


class ParquetWriter(Writer):
    def __init__(self, header: Header) -> None:
        self._header = header
        self._fields = fields(header.outputs)
        self._columns = ArrowColumns(self._fields, infos_by_name(header), times_as_text=True)
        self._longest = [1] * len(self._fields)
        self._sink = ByteSink()
        self._file = pq.ParquetWriter(self._sink, self._columns.schema, compression="zstd", use_dictionary=False)
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def header(self) -> bytes:
        return self._sink.taken()

    def rows(self, block: Block) -> bytes:
        batch = self._columns.batch(block)
        for index, column in enumerate(batch.columns):
            if pa.types.is_string(column.type):
                self._longest[index] = max(self._longest[index], longest_text(column))
        self._batches.append(batch)
        self._rows += len(block.lengths)
        self._bytes += len(block.data)
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()
        return self._sink.taken()

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._batches, self._columns.schema)
        self._file.write_table(group, row_group_size=max(1, self._rows))
        self._batches, self._rows, self._bytes = [], 0, 0

    def footer(self, end: Ending) -> Iterator[bytes]:
        self._write_group()
        self._file.add_key_value_metadata(self._metadata(overflow=end.overflow))
        self._file.close()
        yield self._sink.taken()

    def _metadata(self, *, overflow: bool) -> dict[str, str]:
        content = without_data(self._header, self._sized_fields(), overflow=overflow)
        return {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": content}

    def _sized_fields(self) -> tuple[FieldMetadata, ...]:
        """Return the fields, of texts with the length that they have.

        Under a VOTable without rows astropy takes no others.
        """
        return tuple(
            replace(field, arraysize=f"{longest}*") if field.type.is_text or field.type is types.TIMESTAMP else field
            for field, longest in zip(self._fields, self._longest, strict=True)
        )


PARQUET = Format(
    name="Parquet (VOParquet)",
    media_types=("application/vnd.apache.parquet", "application/x-parquet"),
    aliases=("parquet", "voparquet"),
    extension="parquet",
    encoding=RowEncoding.BINARY,
    writer=ParquetWriter,
    packs=False,
)
