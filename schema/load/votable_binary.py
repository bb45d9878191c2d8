"""Rows of VOTable's BINARY and BINARY2 → Arrow, with numpy (VOTable 1.4 §5.3, §5.4).

Where the rows begin is found one after the other, as texts have lengths of their own; everything else is done for all
rows of a block at once.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schema import types
from schema.load.reader import ARROW_OF, LoadError
from schema.load.times import moments
from schema.load.votable_field import LONGEST, VotableField

_KINDS = {"short": ">i2", "int": ">i4", "long": ">i8", "float": ">f4", "double": ">f8", "unsignedByte": "u1"}
_ELEMENTS = {"boolean": 1, "bit": 1, "char": 1, "unicodeChar": 2, "floatComplex": 8, "doubleComplex": 16} | {
    name: np.dtype(kind).itemsize for name, kind in _KINDS.items()
}
_LONG = 256
"""From this mean length on, values are copied one by one: an index of their bytes would take more."""

_LENGTH = struct.Struct(">i").unpack_from
_TRUTH = np.full(256, 3, np.uint8)
_TRUTH[list(b"? \0")] = 2
_TRUTH[list(b"Tt1")] = 1
_TRUTH[list(b"Ff0")] = 0

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


class BinaryDecoder:
    """Takes the stream in pieces of any size; gives the rows that are whole."""

    def __init__(self, fields: tuple[VotableField, ...], *, masked: bool) -> None:
        self._fields = fields
        self._mask = (len(fields) + 7) // 8 if masked else 0
        self._widths = [_width(field) for field in fields]
        self._rest = bytearray()
        self.rows = 0

    def decode(self, data: bytes) -> pa.RecordBatch | None:
        """Return the rows that are whole by now, None if there are none. Raises: LoadError."""
        self._rest += data
        starts, lengths, end = self._rows_of(self._rest)
        if len(self._rest) - end > LONGEST:
            raise LoadError(f"row {self.rows + 1} is longer than {LONGEST} bytes")
        if not len(starts):
            return None
        buffer = np.frombuffer(bytes(self._rest[:end]), np.uint8)
        del self._rest[:end]
        arrays, place, varying = [], starts + self._mask, iter(lengths.T)
        for index, (field, width) in enumerate(zip(self._fields, self._widths, strict=True)):
            counts = next(varying) if width is None else None
            place = place + 4 if counts is not None else place
            column = _column(buffer, field, place, counts, self.rows)
            arrays.append(self._masked(column, buffer, index, starts))
            place = place + (counts * _ELEMENTS[field.datatype] if counts is not None else width or 0)
        self.rows += len(starts)
        return pa.RecordBatch.from_arrays(arrays, names=[f.name for f in self._fields])

    def finish(self) -> None:
        """Check that the stream has ended. Raises: LoadError where it ended within a row."""
        if self._rest:
            raise LoadError(f"after row {self.rows}: the data end in the middle of a row")

    def _masked(self, column: pa.Array, buffer: Bytes, index: int, starts: Ints) -> pa.Array:
        """Make missing values NULL.

        BINARY2 marks them with a bit at the beginning of the row; in BINARY what has no length is missing.
        """
        if not self._mask:
            return _without_empty(column)
        missing = (buffer[starts + index // 8] & (128 >> index % 8)).astype(bool)
        return pc.if_else(pa.array(missing), pa.scalar(None, column.type), column) if missing.any() else column

    # ---- where the rows begin

    def _rows_of(self, data: bytearray) -> tuple[Ints, npt.NDArray[np.int64], int]:
        """Return where each row begins, the lengths that it says, and where the last row ends.

        Lengths have the shape (rows, varying fields).
        """
        if None not in self._widths:
            stride = self._mask + sum(width or 0 for width in self._widths)
            count = len(data) // stride
            return np.arange(count, dtype=np.int64) * stride, np.zeros((count, 0), np.int64), count * stride
        row_starts, counts, end = self._walk(data)
        varying, lengths = self._widths.count(None), np.array(counts, np.int64)
        if lengths.size and lengths.min() < 0:
            raise LoadError(f"row {self.rows + int(lengths.argmin()) // varying + 1}: a value has a negative length")
        starts = np.array(row_starts, np.int64)
        return starts, lengths[: len(starts) * varying].reshape(-1, varying), end

    def _walk(self, data: bytearray) -> tuple[list[int], list[int], int]:
        """Walk from row to row over the lengths that they say; the one loop over rows that there is."""
        gaps, last_gap = self._gaps()
        starts: list[int] = []
        counts: list[int] = []
        place, end, size = 0, 0, len(data)
        try:
            while True:
                for gap, element in gaps:
                    place += gap
                    count = _LENGTH(data, place)[0]
                    counts.append(count)
                    place += 4 + count * element
                place += last_gap
                if place > size or place <= end:
                    break
                starts.append(end)
                end = place
        except struct.error:
            pass  # the last row is not whole yet
        return starts, counts, end

    def _gaps(self) -> tuple[list[tuple[int, int]], int]:
        """Return the gap before each varying field, with the width of its elements; and the gap after the last.

        A gap goes from the end of the varying field before, in bytes.
        """
        gaps, gap = [], self._mask
        for field, width in zip(self._fields, self._widths, strict=True):
            if width is None:
                gaps.append((gap, _ELEMENTS[field.datatype]))
                gap = 0
            else:
                gap += width
        return gaps, gap


def _width(field: VotableField) -> int | None:
    """Return the bytes of a value, None where each says; eight bits lie in one."""
    if field.count is None:
        return None
    return -(-field.count // 8) if field.datatype == "bit" else field.count * _ELEMENTS[field.datatype]


# ---- columns: `place` is where each value begins, `counts` how many elements it has where that varies


def _column(buffer: Bytes, field: VotableField, place: Ints, counts: Ints | None, row: int) -> pa.Array:
    if field.column.problem:
        return pa.nulls(len(place), pa.string())
    try:
        if field.datatype in {"char", "unicodeChar"}:
            return _texts(buffer, field, place, counts)
        if field.datatype == "bit":
            # Writers do not agree on which bit of the byte it is.
            return pa.array(buffer[place] != 0)
        if field.type is types.BOOLEAN:
            return _truths(_TRUTH[buffer[place]])
        if field.type.is_array or field.type is types.BYTES:
            return _arrays(buffer, field, place, counts)
        values = _gather(buffer, _KINDS[field.datatype], place)
        missing = values == field.null if field.null is not None else None
        return pa.array(values.astype(values.dtype.newbyteorder("=")), ARROW_OF[field.type], mask=missing)
    except (pa.ArrowException, ValueError) as error:
        raise LoadError(f"column {field.name}, from row {row + 1} on: {error}") from error


def _without_empty(column: pa.Array) -> pa.Array:
    if pa.types.is_list(column.type):
        lengths = pc.list_value_length(column)
    elif pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        lengths = pc.binary_length(column)
    else:
        return column
    empty = pc.equal(lengths, 0)
    return pc.if_else(empty, pa.scalar(None, column.type), column) if pc.any(empty).as_py() else column


def _truths(truth: npt.NDArray[np.uint8]) -> pa.Array:
    """Return booleans. Raises: ValueError for a byte that is none."""
    if (truth == 3).any():
        raise ValueError(f"value {int((truth == 3).argmax()) + 1} of these is no boolean")
    return pa.array(truth == 1, mask=truth == 2)


def _gather(buffer: Bytes, kind: str, place: Ints) -> npt.NDArray[Any]:
    """Return the values that begin at these places, aligned or not."""
    dtype = np.dtype(kind)
    everywhere = np.ndarray((max(0, buffer.nbytes - dtype.itemsize + 1),), dtype, buffer, 0, (1,))
    return everywhere[place]


def gathered(buffer: Bytes, place: Ints, lengths: Ints) -> Bytes:
    """Return the bytes of all values, one after the other; `place` is where each begins."""
    if len(lengths) and int(lengths.sum()) > _LONG * len(lengths):
        pairs = zip(place.tolist(), lengths.tolist(), strict=True)
        return np.frombuffer(b"".join([buffer[start : start + size].tobytes() for start, size in pairs]), np.uint8)
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    content: Bytes = buffer[np.repeat(place, lengths) + inside]
    return content


def offsets_of(lengths: Ints) -> pa.Buffer:
    return pa.py_buffer(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))


def _arrays(buffer: Bytes, field: VotableField, place: Ints, counts: Ints | None) -> pa.Array:
    if counts is None:
        counts = np.full(len(place), field.count, np.int64)
    content = gathered(buffer, place, counts * _ELEMENTS[field.datatype])
    if field.type is types.BYTES:
        return pa.Array.from_buffers(pa.binary(), len(place), [None, offsets_of(counts), pa.py_buffer(content)])
    offsets = pa.Array.from_buffers(pa.int32(), len(place) + 1, [None, offsets_of(counts)])
    if field.type is types.BOOLEANS:
        return pa.ListArray.from_arrays(offsets, _truths(_TRUTH[content]))
    numbers = content.view(_KINDS[field.datatype])
    missing = numbers == field.null if field.null is not None else None
    elements = pa.array(numbers.astype(numbers.dtype.newbyteorder("=")), ARROW_OF[field.type].value_type, mask=missing)
    return pa.ListArray.from_arrays(offsets, elements)


def _texts(buffer: Bytes, field: VotableField, place: Ints, counts: Ints | None) -> pa.Array:
    """Return texts up to the first NUL. Raises: ValueError for what is not UTF-8."""
    if counts is None:
        counts = np.full(len(place), field.count, np.int64)
    if field.datatype == "unicodeChar":
        content, counts = _narrowed(buffer, place, counts)
    else:
        content = gathered(buffer, place, counts)
    if field.shape:
        # A value of NULs alone is nothing.
        filled = np.concatenate(([0], np.cumsum(content != 0)))
        ends = np.cumsum(counts)
        is_text = np.repeat(filled[ends] > filled[ends - counts], counts)
        content = np.where((content == 0) & is_text, ord(" "), content).astype(np.uint8)
    content, counts = _up_to_nul(content, counts)
    texts = pa.Array.from_buffers(pa.string(), len(counts), [None, offsets_of(counts), pa.py_buffer(content)])
    if content.size and int(content.max()) > 127:
        texts.validate(full=True)
    return moments(texts) if field.type is types.TIMESTAMP else texts


def _narrowed(buffer: Bytes, place: Ints, counts: Ints) -> tuple[Bytes, Ints]:
    """Return UTF-16 as UTF-8; quick where all is ASCII."""
    wide = gathered(buffer, place, counts * 2)
    units = wide.view(">u2")
    if not units.size or int(units.max()) < 128:
        return units.astype(np.uint8), counts
    ends = np.cumsum(counts) * 2
    texts = [
        bytes(wide[end - 2 * count : end]).decode("utf-16-be").encode()
        for end, count in zip(ends.tolist(), counts.tolist(), strict=True)
    ]
    return np.frombuffer(b"".join(texts), np.uint8), np.fromiter(map(len, texts), np.int64, len(texts))


def _up_to_nul(content: Bytes, counts: Ints) -> tuple[Bytes, Ints]:
    if not content.size or content.all():
        return content, counts
    ends = np.cumsum(counts)
    starts = ends - counts
    nuls = np.flatnonzero(content == 0)
    first_nul = np.append(nuls, content.size)[np.searchsorted(nuls, starts)]
    lengths = np.minimum(first_nul, ends) - starts
    return gathered(content, starts, lengths), lengths
