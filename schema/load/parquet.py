"""Parquet; units and the rest from the columns' metadata, or from a VOParquet header where there is one."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.units import UnitBase

from schema.load.ecsv_header import astropy_header, is_column, shape_of
from schema.load.masks import masks_of, unmasked
from schema.load.parquet_pages import RowGroup, elements, row_groups
from schema.load.reader import FileColumn, LoadError, Reader, column_of_arrow
from schema.load.votable_document import Document

_ASTROPY = b"table_meta_yaml"
_VOTABLE = b"IVOA.VOTable-Parquet.content"
_ROWS = 50_000
_BYTES = 16 << 20
_MOST_FOOTER = 64_000_000


class ParquetReader:
    """`most_at_once` are bytes that may be unpacked at once, None for any."""

    def __init__(self, path: Path, most_at_once: int | None) -> None:
        _check_footer(path)
        self._most_at_once = most_at_once
        # Opened now: an unpacked file is gone from its folder when its rows are read.
        with path.open("rb") as file:
            self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # A repeated text is kept once until its rows are sliced: a small file may hold a vast table.
        schema = pq.read_schema(path)
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
        self._file = pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False, buffer_size=1 << 20)
        columns = self._file.metadata.schema
        self._are_arrays = [columns.column(index).max_repetition_level > 0 for index in range(len(columns))]
        self._read = 0
        header = _astropy(schema.metadata or {})
        self.masks = masks_of(header.get("meta"))
        descriptions = _said(header) | _voparquet(schema.metadata or {})
        self.columns = tuple(described(field, descriptions.get(field.name, {})) for field in schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for number, group in enumerate(row_groups(self._content)):
            for batch in self._file.iter_batches(self._rows_at_once(group), row_groups=[number]):
                yield from self._parts(batch)

    def _rows_at_once(self, group: RowGroup) -> int:
        """Return how many rows of a group to read at once: fewer where their arrays are long. Raises: LoadError."""
        counts = elements(group, self._content, self._most_at_once)
        size = 8 * sum(count for count, is_array in zip(counts, self._are_arrays, strict=False) if is_array)
        if self._most_at_once is not None and size > self._most_at_once:
            # All of them may be those of one row.
            raise LoadError(
                f"arrays of {size:,} bytes may be read at once; {self._most_at_once:,} are taken: write smaller groups of rows"
            )
        return max(1, min(_ROWS, max(1, group.rows) * _BYTES // max(1, size)))

    def _parts(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        for part in _small(batch):
            self._read += part.num_rows
            yield part

    def fraction(self) -> float | None:
        return self._read / max(1, int(self._file.metadata.num_rows))


def _check_footer(path: Path) -> None:
    """Raise LoadError for a footer that is too long to be read whole."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8))
        size, ends_well = int.from_bytes(file.read(4), "little"), file.read() == b"PAR1"
    if ends_well and size > _MOST_FOOTER:
        raise LoadError(f"its footer has {size:,} bytes; {_MOST_FOOTER:,} are taken: write larger groups of rows")


def _small(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a batch, with texts written out, a few megabytes at a time."""
    ends = np.cumsum(sum((_sizes(column) for column in batch.columns), np.full(batch.num_rows, 8, np.int64)))
    start = 0
    while start < batch.num_rows:
        bytes_before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, bytes_before + _BYTES)))
        part = batch.slice(start, end - start)
        arrays = [_written_out(column) for column in part.columns]
        yield pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
        start = end


def _sizes(column: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how many bytes each row's text takes, shape (rows,)."""
    if not pa.types.is_dictionary(column.type):
        return np.zeros(len(column), np.int64)
    lengths = pc.fill_null(pc.binary_length(column.dictionary).cast(pa.int64()), 0)
    rows = pc.fill_null(lengths.take(column.indices), 0)
    return np.asarray(rows.to_numpy(zero_copy_only=False), np.int64)


def _written_out(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


_SAID = ("unit", "ucd", "utype", "description", "xtype", "arraysize")


def described(field: pa.Field, defaults: dict[str, str] | None = None) -> FileColumn:
    """Return a column with what its own metadata say, which count more than `defaults` from elsewhere."""
    metadata = {
        k.decode("utf-8", "replace").lower(): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()
    }
    texts = {name: metadata.get(name) or (defaults or {}).get(name) for name in _SAID}
    return column_of_arrow(field, **texts)


def _voparquet(metadata: dict[bytes, bytes]) -> dict[str, dict[str, str]]:
    """Return what the FIELDs of a VOTable in the file's metadata say; nothing else of it is looked at."""
    document = Document()
    try:
        document.feed(metadata.get(_VOTABLE, b""))
    except LoadError:
        return {}
    return {field.get("name", ""): field for field in document.fields}


def _astropy(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    """Return the header that astropy writes, as in ECSV; empty where there is none that can be read. Raises: LoadError."""
    try:
        return astropy_header(metadata.get(_ASTROPY, b"").decode().splitlines())
    except (ValueError, KeyError, TypeError):
        return {}


def _said(header: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return the unit, the description and the shape of each column of astropy's header."""
    columns = header.get("datatype")
    descriptions = {}
    for column in filter(is_column, columns if isinstance(columns, list) else []):
        words = {"unit": column.get("unit"), "description": column.get("description"), "arraysize": shape_of(column)}
        texts = {key: str(word) for key, word in words.items() if isinstance(word, str | UnitBase)}
        descriptions[column["name"]] = texts
    return descriptions


class ParquetFormat:
    name = "Parquet"

    def reads(self, path: Path, head: bytes) -> bool:
        return head.startswith(b"PAR1")

    def open(self, path: Path, wanted_types: dict[str, str], most_at_once: int | None) -> Reader:
        reader = ParquetReader(path, most_at_once)
        return unmasked(reader, reader.masks)


PARQUET = ParquetFormat()
