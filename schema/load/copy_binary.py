"""Arrow batches → PostgreSQL's COPY BINARY, column by column with numpy, no loop over rows.

A row is `int16 number of fields, (int32 length, bytes) of each`, big-endian; length -1 is NULL.
NaN becomes NULL: in PostgreSQL it would be equal to itself and greater than every number.
"""

import struct

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schema import types
from schema.load.reader import ARROW_OF, LoadError, flat
from schema.load.times import in_microseconds, moments
from schema.types import Type

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)

_EPOCH = np.datetime64("2000-01-01", "us").astype(np.int64)
_OIDS = {
    types.BOOLEANS: (16, ">u1"),
    types.SMALLINTS: (21, ">i2"),
    types.INTS: (23, ">i4"),
    types.BIGINTS: (20, ">i8"),
    types.REALS: (700, ">f4"),
    types.DOUBLES: (701, ">f8"),
}

_LONG = 256
"""From this mean length on, values are copied one by one: an index of their bytes would take more."""
_EMPTY, _HEAD = 12, 20
"""Bytes of an array without elements, and before the first element of any other."""

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


class CopyField:
    """A column's values in PostgreSQL's form: NULLs, and a width for all or bytes with lengths."""

    def __init__(self, null: npt.NDArray[np.bool_], values: npt.NDArray[np.void] | Bytes, lengths: Ints | None) -> None:
        self.null = null
        self.values = values
        self.lengths = lengths

    def sizes(self) -> Ints:
        lengths = self.lengths if self.lengths is not None else np.full(len(self.null), self.values.dtype.itemsize)
        return np.where(self.null, 0, lengths).astype(np.int64)


def encode(batch: pa.RecordBatch, column_types: tuple[Type, ...]) -> bytes:
    """Return the rows of a batch.

    Raises: LoadError naming the column for a value that its type cannot hold.
    """
    return encode_rows(batch, column_types)[0]


def encode_rows(batch: pa.RecordBatch, column_types: tuple[Type, ...]) -> tuple[bytes, Ints]:
    """Return the same, with where each row begins, shape (rows,)."""
    return interleave(fields_of(batch, column_types), batch.num_rows)


def fields_of(batch: pa.RecordBatch, column_types: tuple[Type, ...]) -> list[CopyField]:
    """Return the columns of a batch as PostgreSQL has them. Raises: LoadError."""
    return [_field(batch.column(i), type_, batch.schema.field(i).name) for i, type_ in enumerate(column_types)]


def interleave(fields: list[CopyField], rows: int) -> tuple[bytes, Ints]:
    """Return the rows, and where each begins, shape (rows,)."""
    sizes = [field.sizes() for field in fields]
    total = np.full(rows, 2 + 4 * len(fields), np.int64)
    for size in sizes:
        total += size
    starts = np.cumsum(total) - total
    out = np.zeros(int(total.sum()) + 8, np.uint8)
    _view(out, ">i2")[starts] = len(fields)
    place = starts + 2
    for field, size in zip(fields, sizes, strict=True):
        _view(out, ">i4")[place] = np.where(field.null, -1, size)
        place = place + 4
        _put(out, place, field)
        place = place + size
    return out[:-8].tobytes(), starts


def _view(buffer: Bytes, dtype: str) -> npt.NDArray[np.generic]:
    """Return the buffer as values that begin at every byte."""
    kind = np.dtype(dtype)
    return np.ndarray((buffer.nbytes - kind.itemsize + 1,), kind, buffer, 0, (1,))


def _put(out: Bytes, place: Ints, field: CopyField) -> None:
    present = ~field.null
    if field.lengths is None:
        kind = f"V{field.values.dtype.itemsize}"
        _view(out, kind)[place[present]] = field.values.view(kind)[present]
        return
    lengths, place = field.lengths[present], place[present]
    starts = (np.cumsum(field.lengths) - field.lengths)[present]
    if int(lengths.sum()) > _LONG * len(lengths):
        for at, start, length in zip(place.tolist(), starts.tolist(), lengths.tolist(), strict=True):
            out[at : at + length] = field.values[start : start + length]
        return
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    out[np.repeat(place, lengths) + inside] = field.values[np.repeat(starts, lengths) + inside]


def _field(column: pa.Array, type_: Type, name: str) -> CopyField:
    column = cast(column, type_, name)
    null = column.is_null().to_numpy(zero_copy_only=False)
    if type_ in (types.TEXT, types.UNICODE, types.BYTES):
        return _strings(column, null, name)
    if type_.is_array:
        return _arrays(column, null, type_)
    filled = column.fill_null(False if type_ is types.BOOLEAN else 0) if column.null_count else column
    values = filled.to_numpy(zero_copy_only=False)
    if type_ in (types.REAL, types.DOUBLE):
        null = null | np.isnan(values)
    if type_ is types.TIMESTAMP:
        values = values.astype("datetime64[us]").astype(np.int64) - _EPOCH
    dtype = {types.BOOLEAN: ">u1", types.REAL: ">f4", types.DOUBLE: ">f8"}.get(type_, f">i{type_.width or 8}")
    return CopyField(null, np.ascontiguousarray(values.astype(dtype)), None)


def cast(column: pa.Array, type_: Type, name: str) -> pa.Array:
    """Return a column's values as those of a type. Raises: LoadError naming the column for one that it cannot hold."""
    target = ARROW_OF[type_]
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.type == target:
        return column
    if type_.is_array and pa.types.is_nested(getattr(column.type, "value_type", pa.null())):
        return pa.array([None if value is None else list(flat(value)) for value in column.to_pylist()], target)
    _check_kinds(column, type_, name)
    if pa.types.is_floating(column.type) and pa.types.is_integer(target):
        # A missing whole number is NaN in many files.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        if type_ is types.TIMESTAMP:
            return moments(column.cast(pa.string())) if _is_text(column.type) else in_microseconds(column)
        result = (column.cast(pa.string()) if pa.types.is_decimal(column.type) else column).cast(target)
        _check_finite(column, result, name)
        return result
    except pa.ArrowInvalid as error:
        raise LoadError(
            f"column {name}: {error}; write it as texts or doubles in the file, or give its type in a description"
        ) from error


def _check_kinds(column: pa.Array, type_: Type, name: str) -> None:
    """Raise LoadError where Arrow would take a number for a time, or any number for a truth."""
    is_number = (
        pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    )
    if not is_number:
        return
    if type_ is types.TIMESTAMP:
        raise LoadError(f"column {name}: it holds numbers, not times; write them as in 2016-01-01T00:00:00")
    if type_ is types.BOOLEAN and not pc.all(pc.is_in(column.drop_null(), pa.array([0, 1], column.type))).as_py():
        raise LoadError(f"column {name}: of numbers only 0 and 1 are false and true")


def _check_finite(column: pa.Array, result: pa.Array, name: str) -> None:
    """Raise LoadError for a finite number that its type has no room for, which Arrow makes infinite."""
    if not pa.types.is_floating(result.type):
        return
    infinite = pc.is_inf(result)
    if not pc.any(infinite).as_py():
        return
    said = pc.match_substring(column, "inf", ignore_case=True) if _is_text(column.type) else _are_infinite(column)
    if pc.any(pc.and_(infinite, pc.invert(said))).as_py():
        raise LoadError(f"column {name}: a number is too large for its type")


def _are_infinite(column: pa.Array) -> pa.Array:
    return pc.is_inf(column) if pa.types.is_floating(column.type) else pa.array([False] * len(column))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _strings(column: pa.Array, null: npt.NDArray[np.bool_], name: str) -> CopyField:
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1].astype(
        np.int64
    )
    data = column.buffers()[2]
    content = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] if data is not None else np.zeros(0, np.uint8)
    if pa.types.is_string(column.type) and content.size and not content.all():
        raise LoadError(f"column {name}: a text holds a NUL character, which PostgreSQL cannot store")
    if pa.types.is_string(column.type) and content.size and int(content.max()) > 127:
        _check_utf8(column, name)
    return CopyField(null, content, np.diff(offsets))


def _check_utf8(column: pa.Array, name: str) -> None:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise LoadError(f"column {name}: {error}") from error


def _arrays(column: pa.Array, null: npt.NDArray[np.bool_], type_: Type) -> CopyField:
    """Encode arrays: dimensions, whether there are NULLs, the elements' type, and of each its length and its bytes."""
    oid, dtype = _OIDS[type_]
    width, offsets = np.dtype(dtype).itemsize, column.offsets.to_numpy().astype(np.int64)
    counts = np.where(null, 0, np.diff(offsets))
    firsts = np.cumsum(counts) - counts
    elements = np.repeat(offsets[:-1] - firsts, counts) + np.arange(int(counts.sum()))
    missing = column.values.is_null().to_numpy(zero_copy_only=False)[elements]
    ends = np.concatenate([[0], np.cumsum(np.where(missing, 4, 4 + width))])
    lengths = np.where(null, 0, np.where(counts == 0, _EMPTY, _HEAD + ends[firsts + counts] - ends[firsts]))
    starts = np.cumsum(lengths) - lengths
    out = np.zeros(int(lengths.sum()) + 8, np.uint8)
    holes, full, numbers = np.concatenate([[0], np.cumsum(missing)]), counts > 0, _view(out, ">i4")
    has_hole = holes[firsts + counts] > holes[firsts]
    numbers[starts[~null] + 8] = oid
    for place, values in ((0, 1), (4, has_hole[full]), (12, counts[full]), (16, 1)):
        numbers[starts[full] + place] = values
    places = np.repeat(starts + _HEAD - ends[firsts], counts) + ends[:-1]
    numbers[places] = np.where(missing, -1, width)
    zero = False if type_ is types.BOOLEANS else 0
    values = column.values.fill_null(zero).to_numpy(zero_copy_only=False)[elements]
    _view(out, dtype)[places[~missing] + 4] = values[~missing]
    return CopyField(null, out[:-8], lengths)


def is_ascii(column: pa.Array) -> bool:
    """Return whether all of a text column's characters are ASCII."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return True
    return bool(pc.all(pc.string_is_ascii(column), min_count=0).as_py())
