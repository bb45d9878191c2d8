"""What a reader of data files is: columns with what the file says of them, and batches of rows."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from schema import types
from schema.load.times import XTYPES
from schema.types import Type, element_count

MOST_COLUMNS = 10_000
"""Of a file, whatever of it can be published: PostgreSQL takes 1,600."""


MOST_TEXT = 1_000_000
"""Characters of what a file says of all its columns."""


class LoadError(Exception):
    """The file cannot be loaded; the message says which row and column, and why."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column as the file has it; `unit` and the rest where the file says them, `xtype` of a geometry.

    `arraysize` is the shape of an array, or the length of a text, as VOTable writes it. A column with a `problem` cannot
    be read; its values are in the batches all the same, as a column of whatever type.
    """

    name: str
    type: Type
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None
    xtype: str | None = None
    arraysize: str | None = None
    problem: str | None = None


def check_columns(columns: tuple[FileColumn, ...]) -> None:
    """Raise LoadError where there are too many columns, or too much is said of them: all of it is kept in memory."""
    if len(columns) > MOST_COLUMNS:
        raise LoadError(f"the table has more than {MOST_COLUMNS:,} columns")
    texts = (text for c in columns for text in (c.name, c.unit, c.ucd, c.utype, c.xtype, c.description) if text)
    if sum(map(len, texts)) > MOST_TEXT:
        raise LoadError(f"the names, units and descriptions of its columns have more than {MOST_TEXT:,} characters")


BROKEN = (
    csv.Error,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    RecursionError,
    pa.ArrowException,
)
"""What libraries raise over files that are not what they say."""


@contextmanager
def refusing(prefix: str) -> Iterator[None]:
    """Raise a LoadError that begins with `prefix` for whatever a library says of a broken file."""
    try:
        yield
    except BROKEN as error:
        raise LoadError(f"{prefix}: {str(error)[:200] or type(error).__name__}") from error


class Reader(Protocol):
    """Reads one file from its beginning to its end, in constant memory."""

    @property
    def columns(self) -> tuple[FileColumn, ...]: ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield rows, the columns in the order of `columns`. Raises: LoadError."""
        ...

    def fraction(self) -> float | None:
        """Return how much of the file has been read, 0 to 1; None where that cannot be told."""
        ...


class FileFormat(Protocol):
    """A kind of file."""

    name: str

    def reads(self, path: Path, head: bytes) -> bool:
        """Return whether a file is one, by its name and its first bytes."""
        ...

    def open(self, path: Path, wanted_types: dict[str, str], most_at_once: int | None) -> Reader:
        """Open a file.

        `wanted_types`: ADQL types that the description asks for; `most_at_once`: bytes that it may unpack at once where
        its parts are packed, None for any. Raises: LoadError.
        """
        ...


_ARROW = {
    pa.bool_(): types.BOOLEAN,
    pa.int8(): types.SMALLINT,
    pa.uint8(): types.SMALLINT,
    pa.int16(): types.SMALLINT,
    pa.uint16(): types.INTEGER,
    pa.int32(): types.INTEGER,
    pa.uint32(): types.BIGINT,
    pa.int64(): types.BIGINT,
    pa.uint64(): types.BIGINT,
    pa.float16(): types.REAL,
    pa.float32(): types.REAL,
    pa.float64(): types.DOUBLE,
    pa.null(): types.TEXT,
}
_LONG_DIGITS = 18
"""Whole numbers of so many decimal digits fit into 64 bits."""
_ELEMENTS = {
    types.BOOLEAN: types.BOOLEANS,
    types.SMALLINT: types.SMALLINTS,
    types.INTEGER: types.INTS,
    types.BIGINT: types.BIGINTS,
    types.REAL: types.REALS,
    types.DOUBLE: types.DOUBLES,
}


STC_XTYPES = {"adql:REGION", "adql:POINT"}
"""xtypes of TAP 1.0 for geometries as texts (STC-S)."""
_GEOMETRIES = {"point": "2", "circle": "3", "polygon": None}


def kept_xtype(xtype: str | None, type_: Type, arraysize: str | None) -> str | None:
    """Return the xtype as the file says it, unless the values are not that: a geometry (DALI 1.1 §3.3) or a time."""
    if xtype in STC_XTYPES:
        return xtype if type_.is_text else None
    if xtype == types.MOC.xtype:
        return xtype if type_.is_text and "x" not in (arraysize or "") else None
    if xtype not in _GEOMETRIES:
        return None if xtype in XTYPES else xtype
    if type_ not in {types.DOUBLES, types.REALS}:
        return None
    return xtype if _GEOMETRIES[xtype] in {None, arraysize} else None


def column_of_arrow(field: pa.Field, **texts: str | None) -> FileColumn:
    """Return the column of a field of Arrow's.

    `texts` are unit, ucd, utype, description, xtype and arraysize, as the file says them.
    """
    xtype, shape = texts.pop("xtype", None), texts.pop("arraysize", None)
    try:
        type_ = type_of_arrow(field.type, field.name)
    except LoadError as error:
        return FileColumn(field.name, types.TEXT, **texts, problem=str(error))
    if type_ is types.TEXT and xtype in XTYPES:
        return FileColumn(field.name, types.TIMESTAMP, **texts)
    arraysize = _shape(field.type) if type_.is_array else None
    if shape and (_fits(shape, arraysize, type_) or (type_ is types.TEXT and "x" in shape)):
        arraysize = shape
    return FileColumn(
        field.name, type_, **texts, xtype=kept_xtype(xtype, type_, arraysize or shape), arraysize=arraysize
    )


def _fits(shape: str, arraysize: str | None, type_: Type) -> bool:
    """Return whether a file may say this of arrays that are of that fixed size, or of none."""
    count = element_count(shape)
    return type_.is_array and count == element_count(arraysize) and (count is not None or shape.endswith("*"))


def _shape(arrow: pa.DataType) -> str | None:
    """Return the shape of lists within lists, the innermost first; None if a length varies, or for 1, a single value's."""
    sizes = []
    while pa.types.is_fixed_size_list(arrow):
        sizes.append(str(arrow.list_size))
        arrow = arrow.value_type
    return None if _is_list(arrow) or sizes in ([], ["1"]) else "x".join(reversed(sizes))


def _is_list(arrow: pa.DataType) -> bool:
    kinds = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
    return any(is_kind(arrow) for is_kind in kinds) or str(arrow).startswith(("list_view<", "large_list_view<"))


def flat(value: Any) -> Iterator[Any]:
    """Yield the elements of lists within lists, in their order."""
    for element in value:
        if isinstance(element, list):
            yield from flat(element)
        else:
            yield element


def type_of_arrow(arrow: pa.DataType, column: str) -> Type:
    """Return the type that a column of Arrow's type is loaded as.

    Raises: LoadError for those we cannot publish.
    """
    if pa.types.is_dictionary(arrow):
        return type_of_arrow(arrow.value_type, column)
    if _is_list(arrow):
        innermost = arrow.value_type
        while _is_list(innermost):
            innermost = innermost.value_type
        element = type_of_arrow(innermost, column)
        if element in _ELEMENTS:
            return _ELEMENTS[element]
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or str(arrow) == "string_view":
        return types.TEXT
    if pa.types.is_binary(arrow) or pa.types.is_large_binary(arrow) or str(arrow) == "binary_view":
        return types.BYTES
    if pa.types.is_fixed_size_binary(arrow):
        return types.BYTES
    if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow):
        return types.TIMESTAMP
    if pa.types.is_decimal(arrow):
        return types.BIGINT if arrow.scale == 0 and arrow.precision <= _LONG_DIGITS else types.DOUBLE
    if arrow in _ARROW:
        return _ARROW[arrow]
    raise LoadError(f"column {column}: values of type {arrow} cannot be published; leave it out")


ARROW_OF = {
    types.BOOLEAN: pa.bool_(),
    types.SMALLINT: pa.int16(),
    types.INTEGER: pa.int32(),
    types.BIGINT: pa.int64(),
    types.REAL: pa.float32(),
    types.DOUBLE: pa.float64(),
    types.TEXT: pa.string(),
    types.UNICODE: pa.string(),
    types.TIMESTAMP: pa.timestamp("us"),
    types.BYTES: pa.binary(),
    types.BOOLEANS: pa.list_(pa.bool_()),
    types.SMALLINTS: pa.list_(pa.int16()),
    types.INTS: pa.list_(pa.int32()),
    types.BIGINTS: pa.list_(pa.int64()),
    types.REALS: pa.list_(pa.float32()),
    types.DOUBLES: pa.list_(pa.float64()),
    types.MOC: pa.string(),
}
"""The Arrow type in which a column of each type reaches COPY."""


def named_type(name: str, column: str) -> Type:
    """Return a type that a description asks for, by its ADQL name. Raises: LoadError."""
    for type_ in ARROW_OF:
        if type_.adql == name.upper() and not type_.is_array:
            return type_
    names = sorted({type_.adql for type_ in ARROW_OF})
    raise LoadError(f"column {column}: there is no type {name}; known are {', '.join(names)}")
