"""Files on their way into a folder: counted and hashed as they are written, and Parquet with all that is known of its columns."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from schema import types
from tap.bulk.folder import Folder
from tap.bulk.manifest import ExportedFile
from tap.formats.arrow_columns import ArrowColumns, longest_text
from tap.formats.format import Header
from tap.formats.metadata import FieldMetadata, infos_by_name
from tap.formats.sink import ByteSink
from tap.formats.votable_document import without_data
from tap.storage.storage import ResultSink

_GROUP_ROWS = 131_072


class HashedSink:
    """Hands bytes on to a sink; `size` and `sha256` are of what came."""

    def __init__(self, sink: ResultSink) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._sink.write(data)
        self._digest.update(data)
        self.size += len(data)

    def file(self, rows: int | None = None) -> ExportedFile:
        return ExportedFile(self.size, self._digest.hexdigest(), rows)


@contextmanager
def written(folder: Folder, name: str) -> Iterator[HashedSink]:
    """Give the sink of a file, which is there whole after the block."""
    with folder.sink(name) as sink:
        yield HashedSink(sink)


def write_content(folder: Folder, name: str, content: bytes) -> ExportedFile:
    """Write a small file."""
    with written(folder, name) as sink:
        sink.write(content)
    return sink.file()


@dataclass(frozen=True)
class ParquetFiles:
    """Writes Parquet files of the same columns: units and the rest in the metadata of each column, and as VOTable in the footer."""

    header: Header
    fields: tuple[FieldMetadata, ...]

    @property
    def schema(self) -> pa.Schema:
        return ArrowColumns(self.fields, infos_by_name(self.header), times_as_text=True).schema

    def write(self, folder: Folder, name: str, batches: Iterator[pa.RecordBatch]) -> ExportedFile:
        """Write one file, a group of rows after the other."""
        content, rows, longest = ByteSink(), 0, [1] * len(self.fields)
        with (
            written(folder, name) as sink,
            pq.ParquetWriter(content, self.schema, compression="zstd") as writer,
        ):
            for group in _groups(batches):
                writer.write_batch(group, row_group_size=group.num_rows)
                rows, longest = rows + group.num_rows, _longest(group, longest)
                sink.write(content.taken())
            writer.add_key_value_metadata(self.votable(longest))
            writer.close()
            sink.write(content.taken())
        return sink.file(rows)

    def votable(self, longest: Sequence[int] | None = None) -> dict[str, str]:
        """Return the metadata of VOParquet 1.0; `longest` are the lengths that texts have."""
        sized = tuple(
            replace(field, arraysize=f"{length}*") if field.type.is_text or field.type is types.TIMESTAMP else field
            for field, length in zip(self.fields, longest or [1] * len(self.fields), strict=True)
        )
        content = without_data(self.header, sized if longest else self.fields, overflow=False)
        return {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": content}


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches as large as a row group."""
    waiting, rows = list[pa.RecordBatch](), 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, _GROUP_ROWS - rows)
            waiting.append(part)
            start, rows = start + part.num_rows, rows + part.num_rows
            if rows == _GROUP_ROWS:
                yield pa.concat_batches(waiting)
                waiting, rows = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


def _longest(group: pa.RecordBatch, before: list[int]) -> list[int]:
    columns = zip(group.columns, before, strict=True)
    return [max(n, longest_text(column)) if pa.types.is_string(column.type) else n for column, n in columns]
