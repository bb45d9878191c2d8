"""FITS binary tables, read through a memory map a piece at a time."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits

from schema.load.reader import FileColumn, LoadError, Reader, type_of_arrow

_ROWS = 50_000
_WIDTHS = {"L": 1, "X": 1 / 8, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16}
_FORM = re.compile(r"(\d*)(?:([LXBIJKAEDCM])[^PQ]*|[PQ]([LXBIJKAEDCM])(?:\(\d*\))?)")


class FitsReader:
    def __init__(self, path: Path) -> None:
        self._read = 0
        with _clearly():
            self._hdus = fits.open(path, memmap=True, character_as_bytes=True)
            found = next((hdu for hdu in self._hdus if isinstance(hdu, fits.BinTableHDU)), None)
            if found is None:
                raise LoadError(f"{path} has no binary table")
            self._hdu = found
            self._rows = _check(found.header)
            sample = self._batch(0, min(1, self._rows))
            self.columns = tuple(self._column(i, field) for i, field in enumerate(sample.schema))

    def _column(self, index: int, field: pa.Field) -> FileColumn:
        header = self._hdu.header
        comment = header.get(f"TCOMM{index + 1}") or header.comments[f"TTYPE{index + 1}"]
        said = (header.get(f"TUNIT{index + 1}"), header.get(f"TUCD{index + 1}"), None, comment)
        texts = (each if isinstance(each, str) and each else None for each in said)
        return FileColumn(field.name, type_of_arrow(field.type, field.name), *texts)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, self._rows, _ROWS):
            with _clearly():
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
        if "P" in column.format or "Q" in column.format:
            self._check_descriptors(rows.view(np.ndarray)[name], column)
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

    def _check_descriptors(self, descriptors: Any, column: Any) -> None:
        """What varies in length must stand in the heap behind the rows (FITS 4.0 §7.3.5)."""
        form = _FORM.fullmatch(column.format.strip())
        width = _WIDTHS[form[3]] if form and form[3] else 1
        counts, places = (descriptors[..., i].astype(np.int64) for i in (0, 1))
        room = int(self._hdu.header["PCOUNT"])
        if (counts < 0).any() or (places < 0).any() or (places + np.ceil(counts * width) > room).any():
            raise LoadError(f"column {column.name}: its values do not lie within the file")

    def fraction(self) -> float | None:
        return self._read / max(1, self._rows)


@contextmanager
def _clearly() -> Iterator[None]:
    try:
        yield
    except fits.VerifyError as error:
        raise LoadError(f"the FITS header is broken: {str(error)[:200]}") from error


def _check(header: Any) -> int:
    """The number of rows; the header's numbers must agree with each other (FITS 4.0 §7.3.1). Raises: LoadError."""
    rows, width, count = (header.get(name) for name in ("NAXIS2", "NAXIS1", "TFIELDS"))
    if type(rows) is not int or type(count) is not int or rows < 0 or f"TFORM{count + 1}" in header:
        raise LoadError("the FITS header is broken: it does not say how many rows and columns there are")
    if sum(_width(header.get(f"TFORM{i}"), i) for i in range(1, count + 1)) != width:
        raise LoadError("the FITS header is broken: rows are not as wide as their columns")
    return rows


def _width(form: Any, index: int) -> int:
    found = _FORM.fullmatch(form.strip()) if isinstance(form, str) else None
    if not found or found[1] == "0":
        raise LoadError(f"column {index} of the FITS table: a TFORM of {str(form)[:20]!r} cannot be loaded")
    if found[3]:
        return 8 if "P" in form else 16
    return math.ceil(int(found[1] or 1) * _WIDTHS[found[2]])


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
