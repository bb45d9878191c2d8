"""FITS binary tables, from the bytes of their rows and heap a piece at a time (FITS 4.0 §7.3).

astropy reads the headers only: its tables lose what a NULL is in logicals, scaled columns and arrays.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from astropy.io import fits

from schema.load.reader import FileColumn, LoadError, Reader, column_of_arrow
from schema.load.votable_binary import gathered, offsets_of
from schema.load.votable_document import Document
from schema.load.votable_field import LONGEST

_ROWS = 50_000
_BYTES = 16 << 20
"""Of the rows that are read at once, what they have in the heap included."""
_BLOCK = 2880
_MOST_BLOCKS = 1000
"""Blocks of a header: 36,000 cards, where the standard's 999 columns need some thousands."""
_MOST_HDUS = 1000
_KINDS = {"L": "u1", "X": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "A": "u1", "E": ">f4", "D": ">f8"}
_WIDTHS = {"C": 8, "M": 16} | {letter: np.dtype(kind).itemsize for letter, kind in _KINDS.items()}
_NUMBERS = "BIJKED"
_FORM = re.compile(r"(\d*)(?:([LXBIJKAEDCM])[^PQ]*|([PQ])([LXBIJKAEDCM])(?:\(\d*\))?)")
_DIMENSIONS = re.compile(r"\((\d{1,9}(?:,\d{1,9})*)\)")
_WHOLE = re.compile(r"-?\d{1,19}")
_LONGEST_VOTABLE = 10_000_000
_UNSIGNED = {"B": (-128, pa.int8()), "I": (2**15, pa.uint16()), "J": (2**31, pa.uint32()), "K": (2**63, pa.uint64())}
"""TZERO of what is stored as the other kind of whole number, signed or not (FITS 4.0 §7.2.2)."""

Bytes = npt.NDArray[np.uint8]
Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Field:
    """A column of the table: where it stands in a row, and what its values are.

    `descriptor` is P or Q where the row only says how many elements lie where in the heap, else empty; `null` is TNULL,
    a value as it is stored, `scale` TSCAL and TZERO.
    """

    name: str
    letter: str
    repeat: int
    descriptor: str
    offset: int
    null: int | None
    scale: tuple[float, float]
    dimensions: tuple[int, ...]

    @property
    def width(self) -> int:
        """Bytes in a row."""
        if self.descriptor:
            return self.repeat * (8 if self.descriptor == "P" else 16)
        return math.ceil(self.repeat / 8) if self.letter == "X" else self.repeat * _WIDTHS[self.letter]

    @property
    def problem(self) -> str | None:
        """Why its values cannot be read."""
        if self.letter in "CM":
            return "complex numbers cannot be published"
        if self.letter == "X" and (self.descriptor or self.repeat != 1):
            return "arrays of bits cannot be published"
        return None

    @property
    def arraysize(self) -> str | None:
        """The shape of each value, as VOTable writes it; None for single ones, and where it varies."""
        if self.descriptor or (self.letter != "A" and self.repeat <= 1):
            return None
        if len(self.dimensions) > 1 and math.prod(self.dimensions) == self.repeat:
            return "x".join(map(str, self.dimensions))
        return None if self.letter == "A" else str(self.repeat)


class FitsReader:
    def __init__(self, path: Path) -> None:
        self._read = 0
        with _clearly():
            self._open(path)

    def _open(self, path: Path) -> None:
        _check_header(path, 0)
        with fits.open(path, memmap=True) as hdus:
            table = _first_table(path, hdus)
            header = table.header
            self._rows, fields = _layout(header)
            self._fields = _with_declared_nulls(fields, hdus[0])
            begin, width = int(table.fileinfo()["datLoc"]), int(header["NAXIS1"])
        data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
        table_size = self._rows * width
        if len(data) < begin + table_size:
            raise LoadError("the FITS file breaks off within its rows")
        self._table = data[begin : begin + table_size].reshape(self._rows, width)
        heap = begin + int(header.get("THEAP", table_size))
        self._heap = data[heap : begin + table_size + int(header["PCOUNT"])]
        sample = self._batch(0, 0)
        self.columns = tuple(self._column(i, header, field) for i, field in enumerate(sample.schema))

    def _column(self, index: int, header: Any, field: pa.Field) -> FileColumn:
        fits_field = self._fields[index]
        description = header.get(f"TCOMM{index + 1}") or header.comments[f"TTYPE{index + 1}"]
        keywords = {"unit": "TUNIT", "ucd": "TUCD", "utype": "TUTYP", "xtype": "TXTYP"}
        values = {key: header.get(f"{word}{index + 1}") for key, word in keywords.items()} | {
            "description": description
        }
        texts = {key: text if isinstance(text, str) and text else None for key, text in values.items()}
        if fits_field.problem:
            texts.pop("xtype")
            problem = f"column {fits_field.name}: {fits_field.problem}; leave it out"
            return FileColumn(
                fits_field.name, column_of_arrow(pa.field("", pa.string())).type, **texts, problem=problem
            )
        return column_of_arrow(field, **texts, arraysize=fits_field.arraysize)

    def batches(self) -> Iterator[pa.RecordBatch]:
        while self._read < self._rows:
            batch = self._batch(self._read, self._end(self._read))
            self._read += batch.num_rows
            yield batch

    def _end(self, start: int) -> int:
        """Return up to which row to read at once. Raises: LoadError for a row that is too long."""
        rows = self._table[start : start + _ROWS]
        sizes = np.full(len(rows), max(1, rows.shape[1]), np.int64)
        for field in self._fields:
            if field.descriptor and field.repeat:
                counts, _ = _descriptors(rows[:, field.offset : field.offset + field.width], field)
                sizes += np.clip(counts, 0, len(self._heap)) * _WIDTHS[field.letter]
        if sizes[0] > LONGEST:
            raise LoadError(f"row {start + 1} is longer than {LONGEST} bytes")
        return start + max(1, int(np.searchsorted(np.cumsum(sizes), _BYTES, "right")))

    def _batch(self, start: int, end: int) -> pa.RecordBatch:
        rows = self._table[start:end]
        arrays = [
            self._array(rows[:, field.offset : field.offset + field.width], field, start) for field in self._fields
        ]
        return pa.RecordBatch.from_arrays(arrays, names=[field.name for field in self._fields])

    def _array(self, cells: Bytes, field: _Field, row: int) -> pa.Array:
        """Return the values of a column; `cells` are its bytes, shape (rows, bytes of the column)."""
        if field.problem:
            return pa.nulls(len(cells), pa.string())
        if field.descriptor:
            return self._varying(cells, field, row)
        if field.letter == "A":
            return _texts([bytes(cell) for cell in cells], field)
        if field.letter == "X":
            return pa.array((cells[:, 0] & 0x80) != 0)
        raw = np.ascontiguousarray(cells).reshape(-1).view(_KINDS[field.letter])
        if field.repeat == 1:
            return _elements(raw, field)
        if _are_bytes(field):
            return pa.array([bytes(cell) for cell in cells], pa.binary())
        if not field.repeat:
            return pa.nulls(len(cells), pa.list_(_elements(raw, field).type))
        return pa.FixedSizeListArray.from_arrays(_elements(raw, field), field.repeat)

    def _varying(self, cells: Bytes, field: _Field, row: int) -> pa.Array:
        """Return what stands in the heap (FITS 4.0 §7.3.5).

        An array of nothing is NULL: there is no other way to say it.
        """
        counts, places = _descriptors(cells, field) if field.repeat else (np.zeros(len(cells), np.int64),) * 2
        sizes = counts * _WIDTHS[field.letter]
        if (counts < 0).any() or (places < 0).any() or (places + sizes > len(self._heap)).any():
            raise LoadError(f"column {field.name}, from row {row + 1} on: its values do not lie within the file")
        content = gathered(self._heap, places, sizes)
        if field.letter == "A":
            ends = np.cumsum(sizes)
            return _texts(
                [bytes(content[end - size : end]) for end, size in zip(ends.tolist(), sizes.tolist(), strict=True)],
                field,
            )
        missing = pa.array(counts == 0)
        if _are_bytes(field):
            values = pa.Array.from_buffers(pa.binary(), len(counts), [None, offsets_of(counts), pa.py_buffer(content)])
            return pa.compute.if_else(missing, pa.scalar(None, pa.binary()), values)
        offsets = pa.Array.from_buffers(pa.int32(), len(counts) + 1, [None, offsets_of(counts)])
        elements = _elements(content.view(_KINDS[field.letter]), field)
        return pa.ListArray.from_arrays(offsets, elements, mask=missing)

    def fraction(self) -> float | None:
        return self._read / max(1, self._rows)


def _with_declared_nulls(fields: list[_Field], primary: Any) -> list[_Field]:
    """Return columns with the NULLs that the VOTable in STIL's "fits-plus" declares, where arrays lie in the heap.

    There is no TNULL for them that all readers bear.
    """
    if (
        primary.header.get("VOTMETA") is not True
        or primary.data is None
        or not any(field.descriptor for field in fields)
    ):
        return fields
    document = Document()
    with suppress(LoadError):
        document.feed(bytes(primary.data[:_LONGEST_VOTABLE]))
    declared = [attributes.get("null", "") for attributes in document.fields]
    if len(declared) != len(fields):
        return fields
    return [
        replace(field, null=int(null))
        if field.descriptor and field.letter in "IJK" and _WHOLE.fullmatch(null)
        else field
        for field, null in zip(fields, declared, strict=True)
    ]


def _check_header(path: Path, place: int) -> None:
    """Raise LoadError for a header at a place of the file that is too long; astropy reads it whole, however long it is."""
    with path.open("rb") as file:
        file.seek(place)
        for _ in range(_MOST_BLOCKS):
            block = file.read(_BLOCK)
            if len(block) < _BLOCK or any(block[card : card + 8] == b"END     " for card in range(0, _BLOCK, 80)):
                return
    raise LoadError(f"a header of the FITS file has more than {_MOST_BLOCKS * _BLOCK // 80:,} cards")


def _first_table(path: Path, hdus: Any) -> Any:
    """Return the first binary table of a file, whose parts are read one after the other. Raises: LoadError."""
    for number in range(_MOST_HDUS):
        try:
            hdu = hdus[number]
        except IndexError:
            break
        if isinstance(hdu, fits.BinTableHDU):
            return hdu
        about = hdu.fileinfo()
        _check_header(path, about["datLoc"] + about["datSpan"])
    raise LoadError(f"{path} has no binary table among its first {_MOST_HDUS:,} parts")


def _descriptors(cells: Bytes, field: _Field) -> tuple[Values, Values]:
    """Return how many elements of each row lie in the heap, and where."""
    kind = ">i4" if field.descriptor == "P" else ">i8"
    descriptors = np.ascontiguousarray(cells).reshape(-1).view(kind).reshape(-1, 2).astype(np.int64)
    return descriptors[:, 0], descriptors[:, 1]


def _are_bytes(field: _Field) -> bool:
    """Return whether an array of bytes is just that, not small numbers."""
    return field.letter == "B" and field.scale == (1, 0) and field.null is None


def _elements(raw: Values, field: _Field) -> pa.Array:
    """Return stored values as numbers or truths, NULL where TNULL or the byte 0 of a logical stands."""
    if field.letter == "L":
        return pa.array(raw == ord("T"), mask=~np.isin(raw, [ord("T"), ord("F")]))
    mask = raw == field.null if field.null is not None and field.letter in "BIJK" else None
    factor, zero = field.scale
    offset, unsigned = _UNSIGNED.get(field.letter, (None, None))
    native = raw.astype(raw.dtype.newbyteorder("="))
    if field.scale == (1, 0):
        return pa.array(native, mask=mask)
    if factor == 1 and zero == offset and unsigned is not None:
        return pa.array(_shifted(native, field.letter), unsigned, mask=mask)
    return pa.array(native * factor + zero, pa.float64(), mask=mask)


def _shifted(stored: Values, letter: str) -> Values:
    """Shift values by half of what their type can hold: only the highest bit turns."""
    width = _WIDTHS[letter]
    bits = stored.view(f"u{width}") ^ np.array(1 << (8 * width - 1), f"u{width}")
    shifted: Values = bits.view("i1") if letter == "B" else bits
    return shifted


def _texts(values: list[bytes], field: _Field) -> pa.Array:
    decode = _texts_side_by_side if field.arraysize else _text
    return pa.array([decode(value) for value in values], pa.string())


def _text(value: bytes) -> str | None:
    """Return a text up to the first NUL, without blanks at its end; nothing at all is NULL."""
    return _decoded(value.partition(b"\0")[0].rstrip(b" ")) or None


def _texts_side_by_side(value: bytes) -> str | None:
    """Return an array of texts, each with its own blanks or NULs at its end."""
    content = value.replace(b"\0", b" ")
    return _decoded(content) if content.strip(b" ") else None


def _decoded(content: bytes) -> str:
    """Decode a text: FITS is ASCII; astropy and we write UTF-8 beyond, STIL Latin-1."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


@contextmanager
def _clearly() -> Iterator[None]:
    try:
        yield
    except fits.VerifyError as error:
        raise LoadError(f"the FITS header is broken: {str(error)[:200]}") from error


def _layout(header: Any) -> tuple[int, list[_Field]]:
    """Return the number of rows, and the columns; the header's numbers must agree with each other (FITS 4.0 §7.3.1).

    Raises: LoadError.
    """
    rows, width, count = (header.get(name) for name in ("NAXIS2", "NAXIS1", "TFIELDS"))
    if type(rows) is not int or type(count) is not int or rows < 0 or f"TFORM{count + 1}" in header:
        raise LoadError("the FITS header is broken: it does not say how many rows and columns there are")
    columns: list[_Field] = []
    offset = 0
    for index in range(1, count + 1):
        columns.append(_field(header, index, offset))
        offset += columns[-1].width
    if offset != width:
        raise LoadError("the FITS header is broken: rows are not as wide as their columns")
    return rows, columns


def _field(header: Any, index: int, offset: int) -> _Field:
    form = header.get(f"TFORM{index}")
    match = _FORM.fullmatch(form.strip()) if isinstance(form, str) else None
    name = str(header.get(f"TTYPE{index}") or f"col{index}").strip()
    if not match or (match[3] and match[1] not in {"", "0", "1"}):
        raise LoadError(f"column {index} of the FITS table: a TFORM of {str(form)[:20]!r} cannot be loaded")
    null, dimensions = (
        header.get(f"TNULL{index}"),
        _DIMENSIONS.fullmatch(str(header.get(f"TDIM{index}", "")).replace(" ", "")),
    )
    scale = header.get(f"TSCAL{index}", 1), header.get(f"TZERO{index}", 0)
    if not all(isinstance(factor, int | float) for factor in scale):
        raise LoadError(f"column {name}: TSCAL and TZERO must be numbers")
    return _Field(
        name,
        match[2] or match[4],
        int(match[1] or 1),
        match[3] or "",
        offset,
        null if type(null) is int else None,
        scale if (match[2] or match[4]) in _NUMBERS else (1, 0),
        tuple(map(int, dimensions[1].split(","))) if dimensions else (),
    )


class FitsFormat:
    name = "FITS"

    def reads(self, path: Path, head: bytes) -> bool:
        return head.startswith(b"SIMPLE  =")

    def open(self, path: Path, wanted_types: dict[str, str], most_at_once: int | None) -> Reader:
        return FitsReader(path)


FITS = FitsFormat()
