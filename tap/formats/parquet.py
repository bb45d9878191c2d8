"""Parquet with the VOTable of its columns in the footer (VOParquet 1.0).

Row groups are written as soon as they are large enough, so that memory stays small. A file that breaks
off has no footer, and nobody can read it.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from tap.engine.rows import Block
from tap.engine.wire import Wire
from tap.formats.arrow_columns import ArrowColumns
from tap.formats.format import Format, Header, Writer
from tap.formats.metadata import fields, infos_by_name
from tap.formats.sink import Sink
from tap.formats.votable_document import without_data

_GROUP_ROWS = 131_072
_GROUP_BYTES = 32_000_000


class ParquetWriter(Writer):
    def __init__(self, header: Header) -> None:
        self._header = header
        self._columns = ArrowColumns(fields(header.outputs), infos_by_name(header))
        self._sink = Sink()
        self._file = pq.ParquetWriter(self._sink, self._columns.schema, compression="zstd", use_dictionary=False)
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def header(self) -> bytes:
        return self._sink.taken()

    def rows(self, block: Block) -> bytes:
        self._batches.append(self._columns.batch(block))
        self._rows += len(block.lengths)
        self._bytes += len(block.data)
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()
        return self._sink.taken()

    def _write_group(self) -> None:
        group = pa.Table.from_batches(self._batches, self._columns.schema)
        self._file.write_table(group, row_group_size=max(1, self._rows))
        self._batches, self._rows, self._bytes = [], 0, 0

    def footer(self, *, overflow: bool, error: str | None = None) -> Iterator[bytes]:
        self._write_group()
        self._file.add_key_value_metadata(
            {
                "IVOA.VOTable-Parquet.version": "1.0",
                "IVOA.VOTable-Parquet.content": without_data(self._header, overflow=overflow),
            }
        )
        self._file.close()
        yield self._sink.taken()


PARQUET = Format(
    name="Parquet (VOParquet)",
    media_types=("application/vnd.apache.parquet", "application/x-parquet"),
    aliases=("parquet", "voparquet"),
    extension="parquet",
    wire=Wire.COLUMNS,
    writer=ParquetWriter,
    packs=False,
)
