"""What a reader of data files is: columns with what the file says of them, and batches of rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from schema import types
from schema.types import Type


class LoadError(Exception):
    """The file cannot be loaded; the message says which row and column, and why."""


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column as the file has it; `unit` and the rest where the file says them, `xtype` of a geometry."""

    name: str
    type: Type
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None
    xtype: str | None = None


BROKEN = (
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
def refusing(what: str) -> Iterator[None]:
    """Whatever a library says of a broken file is a LoadError that begins with `what`."""
    try:
        yield
    except BROKEN as error:
        raise LoadError(f"{what}: {str(error)[:200] or type(error).__name__}") from error


class Reader(Protocol):
    """Reads one file from its beginning to its end, in constant memory."""

    @property
    def columns(self) -> tuple[FileColumn, ...]: ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Rows, the columns in the order of `columns`. Raises: LoadError."""
        ...

    def fraction(self) -> float | None:
        """How much of the file has been read, 0 to 1; None where that cannot be told."""
        ...


class Format(Protocol):
    """A kind of file."""

    name: str

    def reads(self, path: Path, head: bytes) -> bool:
        """Whether a file is one, by its name and its first bytes."""
        ...

    def open(self, path: Path, wanted_types: dict[str, str]) -> Reader:
        """`wanted_types`: ADQL types that the description asks for. Raises: LoadError."""
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
_ELEMENTS = {
    types.SMALLINT: types.SMALLINTS,
    types.INTEGER: types.INTS,
    types.BIGINT: types.BIGINTS,
    types.REAL: types.REALS,
    types.DOUBLE: types.DOUBLES,
}


def type_of_arrow(arrow: pa.DataType, column: str) -> Type:
    """The type that a column of Arrow's type is loaded as. Raises: LoadError for those we cannot publish."""
    if pa.types.is_dictionary(arrow):
        return type_of_arrow(arrow.value_type, column)
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow) or pa.types.is_fixed_size_list(arrow):
        element = type_of_arrow(arrow.value_type, column)
        if element in _ELEMENTS:
            return _ELEMENTS[element]
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow):
        return types.TEXT
    if pa.types.is_binary(arrow) or pa.types.is_large_binary(arrow):
        return types.BYTES
    if pa.types.is_timestamp(arrow) or pa.types.is_date(arrow):
        return types.TIMESTAMP
    if pa.types.is_decimal(arrow):
        return types.DOUBLE
    if arrow in _ARROW:
        return _ARROW[arrow]
    raise LoadError(f"column {column}: values of type {arrow} cannot be published; leave it out with omit = true")


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
    types.SMALLINTS: pa.list_(pa.int16()),
    types.INTS: pa.list_(pa.int32()),
    types.BIGINTS: pa.list_(pa.int64()),
    types.REALS: pa.list_(pa.float32()),
    types.DOUBLES: pa.list_(pa.float64()),
}
"""The Arrow type in which a column of each type reaches COPY."""


def named_type(name: str, column: str) -> Type:
    """A type that a description asks for, by its ADQL name. Raises: LoadError."""
    for each in ARROW_OF:
        if each.adql == name.upper() and not each.is_array:
            return each
    known = sorted({each.adql for each in ARROW_OF})
    raise LoadError(f"column {column}: there is no type {name}; known are {', '.join(known)}")
