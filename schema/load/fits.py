"""FITS binary tables, read through a memory map a piece at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits

from schema.load.reader import FileColumn, LoadError, Reader, type_of_arrow

_ROWS = 50_000


class FitsReader:
    def __init__(self, path: Path) -> None:
        try:
            self._hdus = fits.open(path, memmap=True, character_as_bytes=True)
            self._hdu = next(hdu for hdu in self._hdus if isinstance(hdu, fits.BinTableHDU))
        except OSError as error:
            raise LoadError(f"{path} is no readable FITS file: {error}") from error
        except StopIteration:
            raise LoadError(f"{path} has no binary table") from None
        self._read = 0
        self._rows = int(self._hdu.header["NAXIS2"])
        self._sample = self._batch(0, min(1, self._rows))
        self.columns = tuple(self._column(i, field) for i, field in enumerate(self._sample.schema))

    def _column(self, index: int, field: pa.Field) -> FileColumn:
        header = self._hdu.header
        unit = header.get(f"TUNIT{index + 1}")
        ucd = header.get(f"TUCD{index + 1}")
        comment = header.get(f"TCOMM{index + 1}") or header.comments[f"TTYPE{index + 1}"]
        return FileColumn(field.name, type_of_arrow(field.type, field.name), unit, ucd, None, comment or None)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, self._rows, _ROWS):
            batch = self._batch(start, min(start + _ROWS, self._rows))
            self._read += batch.num_rows
            yield batch

    def _batch(self, start: int, end: int) -> pa.RecordBatch:
        rows = self._hdu.data[start:end]
        names = self._hdu.columns.names
        arrays = [self._array(rows, name) for name in names]
        return pa.RecordBatch.from_arrays(arrays, names=names)

    def _array(self, rows: Any, name: str) -> pa.Array:
        column = self._hdu.columns[name]
        values = rows[name]
        if values.dtype.kind == "S":
            return pa.array([_text(each, name) for each in values], pa.string())
        if values.dtype.kind == "O":
            return pa.array([np.asarray(each).tolist() for each in values])
        native = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("="))
        if native.ndim > 1:
            width = int(np.prod(native.shape[1:]))
            return pa.FixedSizeListArray.from_arrays(pa.array(native.reshape(-1)), width)
        mask = native == column.null if column.null is not None and native.dtype.kind in "iu" else None
        return pa.array(native, mask=mask)

    def fraction(self) -> float | None:
        return self._read / max(1, self._rows)


def _text(value: bytes, name: str) -> str | None:
    try:
        return value.rstrip(b" \0").decode("utf-8") or None
    except UnicodeDecodeError as error:
        raise LoadError(f"column {name}: {value!r} is no text") from error


class FitsFormat:
    name = "FITS"

    def reads(self, path: Path, head: bytes) -> bool:
        return head.startswith(b"SIMPLE  =")

    def open(self, path: Path, wanted_types: dict[str, str]) -> Reader:
        return FitsReader(path)


FITS = FitsFormat()
