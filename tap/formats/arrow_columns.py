"""COPY BINARY's rows → Arrow record batches: bytes turned round and gathered, no Python object for a value.

Timestamps come as numbers (RowEncoding.COLUMNS). Points and circles are lists of 2 and 3 numbers in degrees.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schema import types
from schema.types import Type
from tap.engine.rows import Block
from tap.formats.layout import BlockColumn, BlockLayout, Bytes, Mask, pieces, read_layout, view
from tap.formats.metadata import FieldMetadata

_NUMBERS = {
    types.SMALLINT: pa.int16(),
    types.INTEGER: pa.int32(),
    types.BIGINT: pa.int64(),
    types.REAL: pa.float32(),
    types.DOUBLE: pa.float64(),
}
_TUPLES = {types.POINT: 2, types.CIRCLE: 3}
_LISTS = {
    types.POLYGON: pa.float64(),
    types.BOOLEANS: pa.bool_(),
    types.SMALLINTS: pa.int16(),
    types.INTS: pa.int32(),
    types.BIGINTS: pa.int64(),
    types.REALS: pa.float32(),
    types.DOUBLES: pa.float64(),
}
_2000 = 946_684_800_000_000
"""PostgreSQL counts microseconds from 2000, Arrow from 1970."""
_LAST = 2**63 - 1 - _2000
"""What is later, infinity and the last days that PostgreSQL knows, has no number in Arrow."""


def arrow_type(type_: Type, count: int | None = None) -> pa.DataType:
    """Return Arrow's type for a column; `count`: the elements of every array, where that is fixed."""
    if type_ in _LISTS and count is not None:
        return pa.list_(_LISTS[type_], count)
    if type_ in _NUMBERS:
        return _NUMBERS[type_]
    if type_ in _TUPLES:
        return pa.list_(pa.float64(), _TUPLES[type_])
    if type_ in _LISTS:
        return pa.list_(_LISTS[type_])
    return {types.BOOLEAN: pa.bool_(), types.TIMESTAMP: pa.timestamp("us"), types.BYTES: pa.binary()}.get(
        type_, pa.string()
    )


class ArrowColumns:
    """Makes record batches of one result's blocks, under `schema`.

    `times_as_text` if times come so (RowEncoding.BINARY).
    """

    def __init__(
        self, fields: tuple[FieldMetadata, ...], metadata: dict[str, list[str]], *, times_as_text: bool = False
    ) -> None:
        lines = {name: "\n".join(values) for name, values in metadata.items()}
        replacements = {types.TIMESTAMP: types.TEXT} if times_as_text else {}
        self._types = tuple(replacements.get(field.type, field.type) for field in fields)
        self._counts = tuple(field.count if field.type.is_array else None for field in fields)
        self.schema = pa.schema([_arrow_field(f, t) for f, t in zip(fields, self._types, strict=True)], lines)
        self._widths = tuple(_width(t, count) for t, count in zip(self._types, self._counts, strict=True))

    def batch(self, block: Block) -> pa.RecordBatch:
        layout = read_layout(block, self._widths)
        kinds = zip(layout.columns, self._types, self._counts, strict=True)
        columns = [_array(layout, c, t) if n is None else _fixed_lists(layout, c, t, n) for c, t, n in kinds]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _arrow_field(field: FieldMetadata, type_: Type) -> pa.Field:
    about = {name: value for name, value in field.attributes.items() if name in ("unit", "ucd", "utype", "xtype")}
    if field.arraysize not in {None, "*"} and (len(field.shape) > 1 or (field.type.is_array and field.count is None)):
        about["arraysize"] = str(field.arraysize)
    if field.description:
        about["description"] = field.description
    return pa.field(field.name, arrow_type(type_, field.count), metadata=about)


def text_offsets(texts: pa.Array) -> npt.NDArray[np.int32]:
    """Return where each text begins and the last one ends, in bytes, shape (texts + 1,)."""
    return np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]


def longest_text(texts: pa.Array) -> int:
    """Return the bytes of the longest text, 0 if there is none."""
    return int(np.diff(text_offsets(texts)).max(initial=0))


def _width(type_: Type, count: int | None) -> int | None:
    if count is not None:
        return count * _bytes_of(_LISTS[type_])
    if type_ is types.TIMESTAMP:
        return 8
    return 8 * _TUPLES[type_] if type_ in _TUPLES else type_.width


def _array(layout: BlockLayout, column: BlockColumn, type_: Type) -> pa.Array:
    make: Callable[[BlockLayout, BlockColumn, Type], pa.Array] = _text
    if type_ in _NUMBERS:
        make = _numbers
    elif type_ in _TUPLES:
        make = _tuples
    elif type_ in _LISTS:
        make = _lists
    elif type_ is types.BOOLEAN:
        make = _booleans
    elif type_ is types.TIMESTAMP:
        make = _timestamps
    return make(layout, column, type_)


def _gathered(layout: BlockLayout, column: BlockColumn, kind: str) -> npt.NDArray[Any]:
    """Return the big-endian values of every row in the machine's order, shape (rows,); where NULL is, any at all."""
    return view(layout.data, f">{kind}")[column.places].astype(f"<{kind}")


def _kind(type_: pa.DataType) -> str:
    return str(np.dtype(type_.to_pandas_dtype()).str[1:])


def _numbers(layout: BlockLayout, column: BlockColumn, type_: Type) -> pa.Array:
    kind = _NUMBERS[type_]
    values = _gathered(layout, column, _kind(kind))
    return pa.Array.from_buffers(kind, layout.rows, [_validity(column.null), pa.py_buffer(values)])


def _timestamps(layout: BlockLayout, column: BlockColumn, type_: Type) -> pa.Array:
    values = _gathered(layout, column, "i8")
    unrepresentable = (values > _LAST) | (values == -(2**63))
    null = unrepresentable if column.null is None else unrepresentable | column.null
    return pa.Array.from_buffers(pa.timestamp("us"), layout.rows, [_validity(null), pa.py_buffer(values + _2000)])


def _booleans(layout: BlockLayout, column: BlockColumn, type_: Type) -> pa.Array:
    bits = np.packbits(layout.data[column.places] != 0, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), layout.rows, [_validity(column.null), pa.py_buffer(bits)])


def _tuples(layout: BlockLayout, column: BlockColumn, type_: Type) -> pa.Array:
    width = 8 * _TUPLES[type_]
    values = view(layout.data, f"V{width}")[column.places].view(">f8").astype("<f8")
    return pa.Array.from_buffers(
        arrow_type(type_), layout.rows, [_validity(column.null)], children=[pa.array(values, pa.float64())]
    )


def _lists(layout: BlockLayout, column: BlockColumn, type_: Type) -> pa.Array:
    kind = _LISTS[type_]
    offsets, data = pieces(layout, column)
    counts = (offsets // _bytes_of(kind)).astype(np.int32)
    children = [_elements(data, kind)]
    buffers = [_validity(column.null), pa.py_buffer(counts)]
    return pa.Array.from_buffers(pa.list_(kind), layout.rows, buffers, children=children)


def _fixed_lists(layout: BlockLayout, column: BlockColumn, type_: Type, count: int) -> pa.Array:
    kind = _LISTS[type_]
    data = view(layout.data, f"V{count * _bytes_of(kind)}")[column.places].view(np.uint8)
    children = [_elements(data, kind)]
    return pa.Array.from_buffers(arrow_type(type_, count), layout.rows, [_validity(column.null)], children=children)


def _bytes_of(kind: pa.DataType) -> int:
    """Return the bytes of an element; a truth is a letter, T, F or ?."""
    return max(1, int(kind.bit_width) // 8)


def _elements(data: Bytes, kind: pa.DataType) -> pa.Array:
    if pa.types.is_boolean(kind):
        return pa.array(data == ord("T"), mask=data == ord("?"))
    values = data.view(f">{_kind(kind)}").astype(f"<{_kind(kind)}")
    # The least whole number is a NULL among elements (row_encoding): Arrow has its own.
    null = values == np.iinfo(values.dtype).min if pa.types.is_integer(kind) else None
    validity = _validity(null) if null is not None and null.any() else None
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(values)])


def _text(layout: BlockLayout, column: BlockColumn, type_: Type) -> pa.Array:
    offsets, data = pieces(layout, column)
    buffers = [_validity(column.null), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(arrow_type(type_), layout.rows, buffers)


def _validity(null: Mask | None) -> pa.Buffer | None:
    return None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
