"""COPY BINARY's rows → rows of a FITS binary table (FITS 4.0 §7.3), in files until all are known.

Rows of FITS are all of one width, and its header tells it first; but how wide the texts are is known
last. So rows are written as wide as the texts were until then, and those that turn out to be too
narrow are widened on the way out. Arrays and long texts go to the heap. Texts in the rows are UTF-8, as
astropy reads them; those in the heap are ASCII, as readers fail there over anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schema import types
from tap.engine.rows import Block
from tap.formats.binary_rows import null_bytes
from tap.formats.layout import BlockColumn, BlockLayout, Bytes, Places, move, pieces, read_layout, view
from tap.formats.metadata import FieldMetadata
from tap.temp_files import TempFiles

_ELEMENTS = {
    types.BOOLEAN: ("L", 1),
    types.SMALLINT: ("I", 2),
    types.INTEGER: ("J", 4),
    types.BIGINT: ("K", 8),
    types.REAL: ("E", 4),
    types.DOUBLE: ("D", 8),
    types.POINT: ("D", 8),
    types.CIRCLE: ("D", 8),
    types.POLYGON: ("D", 8),
    types.BOOLEANS: ("L", 1),
    types.SMALLINTS: ("I", 2),
    types.INTS: ("J", 4),
    types.BIGINTS: ("K", 8),
    types.REALS: ("E", 4),
    types.DOUBLES: ("D", 8),
    types.BYTES: ("B", 1),
}
_REPEATS = {types.POINT: 2, types.CIRCLE: 3}
_LONGEST = 1024
"""Bytes of the longest text that every row gets the room for."""
_DESCRIPTOR = 16
_WASTE = 256 * 1024
"""Bytes of a column that may be empty: one long text among short ones must not make a file of blanks."""
_PIECE = 256 * 1024
_UNKNOWN = ord("?")
"""A NULL among the elements of an array of booleans, which is the byte 0 in FITS."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """So many rows, in which the columns are that wide; 0 stands for what is in the heap."""

    count: int
    widths: tuple[int, ...]

    @property
    def width(self) -> int:
        return sum(width or _DESCRIPTOR for width in self.widths)


class FitsRows:
    """Takes blocks of one result; gives the rows and the heap when all are there."""

    def __init__(self, fields: tuple[FieldMetadata, ...], room: TempFiles) -> None:
        self._types = [field.type for field in fields]
        self._elements = [_ELEMENTS.get(type_, ("A", 1)) for type_ in self._types]
        self._source_widths = tuple(_width(field) for field in fields)
        self._widths = [
            w or (field.count or 1) * int(letter == "A")
            for field, w, (letter, _) in zip(fields, self._source_widths, self._elements, strict=True)
        ]
        self._most = [0] * len(fields)
        self._characters = [0] * len(fields)
        self._written: list[_Rows] = []
        self._room = room
        self._rows, self._heap = room.file(), room.file()

    def close(self) -> None:
        self._rows.close()
        self._heap.close()

    # ---- in

    def add(self, block: Block) -> None:
        self._room.check()
        layout = read_layout(block, self._source_widths)
        for index, column in enumerate(layout.columns):
            if not isinstance(column.lengths, int):
                self._make_room(index, column)
        rows = _Rows(layout.rows, tuple(self._widths))
        out = np.zeros((rows.count, rows.width), np.uint8)
        offset = 0
        for index, column in enumerate(layout.columns):
            self._write(out, offset, layout, column, index)
            offset += self._widths[index] or _DESCRIPTOR
        self._rows.write(out.data)
        if self._written and self._written[-1].widths == rows.widths:
            rows = _Rows(self._written.pop().count + rows.count, rows.widths)
        self._written.append(rows)

    def _make_room(self, index: int, column: BlockColumn) -> None:
        lengths = np.asarray(column.lengths)
        self._most[index] = max(self._most[index], int(lengths.max(initial=0)))
        if self._widths[index]:
            self._widths[index] = max(self._widths[index], self._most[index])
            text_bytes = self._characters[index] + int(lengths.sum())
            if self._most[index] > _LONGEST or self._wastes(index, text_bytes, self.count + len(lengths)):
                self._widths[index] = 0

    def _wastes(self, index: int, text_bytes: int, rows: int) -> bool:
        """Return whether the room for a column's longest text is far more than all its texts take in the heap."""
        room = self._widths[index] * rows
        return room > _WASTE + 4 * (text_bytes + _DESCRIPTOR * rows)

    def _write(self, out: Bytes, offset: int, layout: BlockLayout, column: BlockColumn, index: int) -> None:
        rows, width, flat = len(out), self._widths[index], out.reshape(-1)
        if isinstance(column.lengths, int):
            np.ndarray((rows,), f"V{width}", flat, offset, (out.shape[1],))[...] = self._fixed(layout, column, index)
        elif width:
            move(flat, np.arange(rows) * out.shape[1] + offset, layout.data, column.places, column.lengths)
            self._characters[index] += _characters(out[:, offset : offset + width])
        else:
            offsets, data = pieces(layout, column)
            begin, (letter, size) = self._heap.tell(), self._elements[index]
            if letter == "A":
                offsets, data = _in_ascii(offsets, data)
            elif letter == "L":
                data[data == _UNKNOWN] = 0
            self._heap.write(data.data)
            _descriptors(out, offset)[...] = np.stack([np.diff(offsets) // size, begin + offsets[:-1]], axis=1)

    def _fixed(self, layout: BlockLayout, column: BlockColumn, index: int) -> npt.NDArray[Any]:
        """Return values of one width as they are; those of NULL, as FITS has them."""
        type_, width = self._types[index], self._widths[index]
        if type_ is types.BOOLEAN:
            letters = np.where(layout.data[column.places] != 0, ord("T"), ord("F")).astype(np.uint8)
            if column.null is not None:
                letters[column.null] = 0
            return letters.view("V1")
        values = view(layout.data, f"V{width}")[column.places]
        if column.null is not None:
            values[column.null] = null_bytes(type_, width)
        if type_ is types.BOOLEANS:
            letters = values.view(np.uint8)
            letters[letters == _UNKNOWN] = 0
        return values

    # ---- out

    @property
    def count(self) -> int:
        return sum(rows.count for rows in self._written)

    @property
    def width(self) -> int:
        return _Rows(0, tuple(self._widths)).width

    @property
    def heap_size(self) -> int:
        """The heap's bytes, with what still has to move there, from rows written before a text was too long."""
        moving = (count for count, width in zip(self._characters, self._widths, strict=True) if not width)
        return self._heap.tell() + sum(moving)

    def form(self, index: int) -> str:
        """Return a column's TFORM (FITS 4.0 §7.3.1)."""
        letter, size = self._elements[index]
        if self._widths[index]:
            return f"{self._widths[index] // size}{letter}"
        return f"1Q{letter}({self._most[index] // size})"

    def read(self) -> Iterator[bytes]:
        """Yield all rows as wide as the widest, then the heap."""
        final = tuple(self._widths)
        self._rows.seek(0)
        for rows in self._written:
            piece_size = max(1, _PIECE // rows.width) * rows.width
            remaining = rows.count * rows.width
            while remaining:
                piece = self._rows.read(min(piece_size, remaining))
                remaining -= len(piece)
                yield piece if rows.widths == final else self._widened(piece, rows.widths, final)
        self._heap.seek(0)
        while piece := self._heap.read(_PIECE):
            yield piece

    def _widened(self, piece: bytes, before: tuple[int, ...], after: tuple[int, ...]) -> bytes:
        rows = np.frombuffer(piece, np.uint8).reshape(-1, _Rows(0, before).width)
        out = np.zeros((len(rows), _Rows(0, after).width), np.uint8)
        source = target = 0
        for old, new in zip(before, after, strict=True):
            cells = rows[:, source : source + (old or _DESCRIPTOR)]
            if old and not new:
                _descriptors(out, target)[...] = self._to_heap(cells)
            else:
                out[:, target : target + cells.shape[1]] = cells
            source, target = source + cells.shape[1], target + (new or _DESCRIPTOR)
        return out.tobytes()

    def _to_heap(self, texts: Bytes) -> Bytes:
        """Move texts to the heap, each up to its last character; return their counts and places, shape (rows, 2)."""
        width = texts.shape[1]
        filled = texts != 0
        lengths = np.where(filled.any(axis=1), width - np.argmax(filled[:, ::-1], axis=1), 0)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        offsets, data = _in_ascii(offsets, texts[np.arange(width) < lengths[:, None]])
        begin = self._heap.tell()
        self._heap.write(data.data)
        return np.stack([np.diff(offsets), begin + offsets[:-1]], axis=1)


def _characters(texts: Bytes) -> int:
    """Return how many characters of UTF-8 there are: bytes that do not go on with one, without those that fill up."""
    return int(np.count_nonzero(texts) - np.count_nonzero((texts & 0xC0) == 0x80))


def _in_ascii(offsets: Places, data: Bytes) -> tuple[Places, Bytes]:
    """Return texts of the heap with a question mark for each character that FITS has not.

    No reader takes UTF-8 there.
    """
    if not (data > 127).any():
        return offsets, data
    begins = (data & 0xC0) != 0x80
    places = np.concatenate(([0], np.cumsum(begins)))
    return places[offsets], np.where(data > 127, ord("?"), data).astype(np.uint8)[begins]


def _width(field: FieldMetadata) -> int | None:
    type_ = field.type
    if type_.is_array and field.count is not None:
        return field.count * _ELEMENTS[type_][1]
    if type_ in _REPEATS:
        return 8 * _REPEATS[type_]
    return None if _ELEMENTS.get(type_, ("A", 1))[0] == "A" else type_.width


def _descriptors(out: Bytes, offset: int) -> Bytes:
    """Return a view of the counts and places of a column's arrays, shape (rows, 2) (FITS 4.0 §7.3.5)."""
    return np.ndarray((len(out), 2), ">i8", out, offset, (out.shape[1], 8))
