"""COPY BINARY's rows → the rows of VOTable BINARY and BINARY2 (VOTable 1.4 §5.3, §5.4).

Both are big-endian, so bytes move untouched. BINARY2 begins each row with a bit for every NULL; in
BINARY a NULL is a NaN, an empty string, or for whole numbers the value that the FIELD declares.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schema import types
from schema.types import Type
from tap.engine.rows import Block
from tap.formats.layout import BlockColumn, BlockLayout, Bytes, Places, move, read_layout, view
from tap.formats.metadata import FieldMetadata

_FIXED_ARRAYS = {types.POINT: 16, types.CIRCLE: 24}
_ELEMENT = {
    types.POLYGON: 8,
    types.DOUBLES: 8,
    types.REALS: 4,
    types.BOOLEANS: 1,
    types.SMALLINTS: 2,
    types.INTS: 4,
    types.BIGINTS: 8,
}
_WHOLE = (types.SMALLINTS, types.INTS, types.BIGINTS)
_TRUE, _FALSE, _UNKNOWN = ord("T"), ord("F"), ord("?")


def null_number(type_: Type) -> int | None:
    """Return what stands for NULL where the format cannot say it otherwise (VALUES null), also among elements."""
    width = type_.width if type_.is_integer else _ELEMENT.get(type_) if type_ in _WHOLE else None
    return -(2 ** (8 * width - 1)) if width else None


@dataclass(frozen=True, slots=True)
class _Values:
    """A column as it will be written: values of one width, or pieces with a count of such before each."""

    data: Bytes
    places: Places
    lengths: Places | None
    width: int


class BinaryRows:
    """Encodes blocks of one result; `masked` for BINARY2."""

    def __init__(self, fields: tuple[FieldMetadata, ...], *, masked: bool) -> None:
        self._fields = fields
        self._widths = tuple(width_of(field) for field in fields)
        self._mask = (len(fields) + 7) // 8 if masked else 0

    def encode(self, block: Block) -> bytes:
        layout = read_layout(block, self._widths)
        values = [_values(layout, c, field) for c, field in zip(layout.columns, self._fields, strict=True)]
        sizes = np.full(layout.rows, self._mask, np.int64)
        for column in values:
            sizes += column.width if column.lengths is None else column.lengths + 4
        place = np.cumsum(sizes) - sizes
        out = np.empty(int(sizes.sum()), np.uint8)
        if self._mask:
            self._write_mask(out, place, layout)
            place = place + self._mask
        for run in _runs(values):
            place = _write(out, place, run)
        return out.tobytes()

    def _write_mask(self, out: Bytes, place: Places, layout: BlockLayout) -> None:
        mask = np.zeros((layout.rows, self._mask), np.uint8)
        for index, column in enumerate(layout.columns):
            if column.null is not None:
                mask[:, index // 8] |= column.null.view(np.uint8) << np.uint8(7 - index % 8)
        view(out, f"V{self._mask}")[place] = mask.view(f"V{self._mask}")[:, 0]


def _runs(values: list[_Values]) -> Iterator[list[_Values]]:
    """Yield columns that are written together: those of one width, up to the next whose lengths differ."""
    run: list[_Values] = []
    for column in values:
        run.append(column)
        if column.lengths is not None:
            yield run
            run = []
    if run:
        yield run


def _write(out: Bytes, place: Places, run: list[_Values]) -> Places:
    """Write columns into `out` at each row's place; return the places behind them, shape (rows,).

    Values come side by side first, where no place must be looked up, then each row in one piece; at last what has a
    length.
    """
    last = run[-1]
    width = sum(column.width for column in run if column.lengths is None) + (4 if last.lengths is not None else 0)
    rows, offset = np.empty((len(place), width), np.uint8), 0
    for column in run:
        if column.lengths is None:
            kind = f"V{column.width}"
            np.ndarray((len(place),), kind, rows, offset, (width,))[...] = view(column.data, kind)[column.places]
            offset += column.width
        else:
            np.ndarray((len(place),), ">i4", rows, offset, (width,))[...] = column.lengths // column.width
    view(out, f"V{width}")[place] = rows.view(f"V{width}")[:, 0]
    if last.lengths is None:
        return place + width
    move(out, place + width, last.data, last.places, last.lengths)
    return place + width + last.lengths


def width_of(field: FieldMetadata) -> int | None:
    """Return the bytes of a value as it comes, if all have as many."""
    if field.type.is_array and field.count is not None:
        return field.count * _ELEMENT[field.type]
    return _FIXED_ARRAYS.get(field.type, field.type.width)


def _values(layout: BlockLayout, column: BlockColumn, field: FieldMetadata) -> _Values:
    if isinstance(column.lengths, int):
        return _fixed(layout.data, column, field.type, column.lengths)
    values = _Values(layout.data, column.places, column.lengths, _ELEMENT.get(field.type, 1))
    if field.type is types.UNICODE:
        values = _utf16(layout.data, column, column.lengths)
    return values if field.count is None else _padded(values, field.count * values.width)


def _padded(values: _Values, size: int) -> _Values:
    """Return texts side by side, all of one size; NULs at the end of those that are shorter."""
    lengths = np.minimum(values.lengths if values.lengths is not None else size, size)
    out = np.zeros(len(lengths) * size, np.uint8)
    places = np.arange(len(lengths)) * size
    move(out, places, values.data, values.places, lengths)
    return _Values(out, places, None, size)


def _fixed(data: Bytes, column: BlockColumn, type_: Type, width: int) -> _Values:
    if type_ is types.BOOLEAN:
        letters = np.where(data[column.places] != 0, _TRUE, _FALSE).astype(np.uint8)
        if column.null is not None:
            letters[column.null] = _UNKNOWN
        return _Values(letters, np.arange(len(letters)), None, 1)
    if column.null is None:
        return _Values(data, column.places, None, width)
    kind = f"V{width}"
    gathered = view(data, kind)[column.places].copy()
    gathered[column.null] = null_bytes(type_, width)
    return _Values(gathered.view(np.uint8), np.arange(len(gathered)) * width, None, width)


def null_bytes(type_: Type, width: int) -> npt.NDArray[np.void]:
    """Return the bytes of a NULL, as one element: NaNs, question marks, or the number that `null_number` declares."""
    if type_ in (types.REAL, types.REALS):
        return np.frombuffer(b"\x7f\xc0\0\0" * (width // 4), f"V{width}")
    if type_ in (types.DOUBLE, types.DOUBLES) or type_ in _FIXED_ARRAYS:
        return np.frombuffer((b"\x7f\xf8" + b"\0" * 6) * (width // 8), f"V{width}")
    if type_ is types.BOOLEANS:
        return np.frombuffer(bytes([_UNKNOWN]) * width, f"V{width}")
    element = _ELEMENT.get(type_, width)
    return np.frombuffer((b"\x80" + b"\0" * (element - 1)) * (width // element), f"V{width}")


def _utf16(data: Bytes, column: BlockColumn, lengths: Places) -> _Values:
    """Return texts as UTF-16, which unicodeChar is: those of a block at once, their lengths counted apart."""
    packed = np.zeros(int(lengths.sum()) + 1, np.uint8)
    starts = np.cumsum(lengths) - lengths
    move(packed, starts, data, column.places, lengths)
    packed = packed[:-1]
    units = ((packed & 0xC0) != 0x80).astype(np.int64) + (packed >= 0xF0)
    before = np.concatenate(([0], np.cumsum(units)))
    counts = before[starts + lengths] - before[starts]
    wide = np.frombuffer(packed.tobytes().decode("utf-8").encode("utf-16-be"), np.uint8)
    return _Values(wide, np.cumsum(counts * 2) - counts * 2, counts * 2, 2)
