"""Arrow IPC stream: record batches as they come, with the columns' metadata in the schema, up front.

The last batch has no rows; its own metadata tells QUERY_STATUS. A stream that breaks off has no end mark.
"""

from collections.abc import Iterator

import pyarrow as pa

from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.arrow_columns import ArrowColumns
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.metadata import fields, infos_by_name
from tap.formats.sink import ByteSink


class ArrowWriter(Writer):
    def __init__(self, header: Header) -> None:
        self._columns = ArrowColumns(fields(header.outputs), infos_by_name(header))
        self._sink = ByteSink()
        self._stream = pa.ipc.new_stream(self._sink, self._columns.schema)

    def header(self) -> bytes:
        return self._sink.taken()

    def rows(self, block: Block) -> bytes:
        self._stream.write_batch(self._columns.batch(block))
        return self._sink.taken()

    def footer(self, end: Ending) -> Iterator[bytes]:
        status = {"QUERY_STATUS": "OVERFLOW" if end.overflow else "OK"}
        self._stream.write_batch(pa.RecordBatch.from_pylist([], self._columns.schema), custom_metadata=status)
        self._stream.close()
        yield self._sink.taken()


ARROW = Format(
    name="Arrow stream",
    media_types=("application/vnd.apache.arrow.stream",),
    aliases=("arrow",),
    extension="arrows",
    encoding=RowEncoding.COLUMNS,
    writer=ArrowWriter,
)
