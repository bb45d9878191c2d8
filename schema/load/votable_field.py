"""A FIELD of a VOTable as a column (VOTable 1.4 §4)."""

import math
import re
from dataclasses import dataclass

from schema import types
from schema.load.reader import FileColumn, LoadError, kept_xtype
from schema.load.times import XTYPES
from schema.types import Type, of_votable

_SIZE = re.compile(r"(\d{1,9}x)*(\d{1,9}\*?|\*)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_HEX = re.compile(r"0[xX]([0-9a-fA-F]+)")
_REAL = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|(?i:inf|nan))", re.ASCII)
_BITS = {"unsignedByte": 8, "short": 16, "int": 32, "long": 64}
_WIDTHS = {"unicodeChar": 2, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8}
_PASSED_OVER = {
    "bit",
    "boolean",
    "char",
    "unicodeChar",
    "short",
    "int",
    "long",
    "float",
    "double",
    "floatComplex",
    "doubleComplex",
}
LONGEST = 64_000_000
"""Bytes of a row at most."""


@dataclass(frozen=True, slots=True)
class VotableField:
    """`null` is the number that stands for a missing one, where there is one that a value can be."""

    name: str
    datatype: str
    arraysize: str | None
    null: float | None
    column: FileColumn

    @property
    def type(self) -> Type:
        return self.column.type

    @property
    def shape(self) -> str | None:
        """The shape of an array of texts, such as 4x3 for three of four characters."""
        return self.arraysize if self.type.is_text and "x" in (self.arraysize or "") else None

    @property
    def count(self) -> int | None:
        """The elements of an array; None where each value says."""
        if self.arraysize is None:
            return 1
        if self.arraysize.endswith("*"):
            return None
        return math.prod(map(int, self.arraysize.split("x")))


def field_of(attributes: dict[str, str]) -> VotableField:
    """Return the column of a FIELD. Raises: LoadError for a type that has no place in a database."""
    name = attributes.get("name") or attributes.get("ID") or ""
    datatype, arraysize = attributes.get("datatype", ""), attributes.get("arraysize")
    arraysize = None if arraysize == "1" and datatype not in {"char", "unicodeChar"} else arraysize
    if arraysize is not None and (len(arraysize) > 60 or not _SIZE.fullmatch(arraysize)):
        raise LoadError(f"column {name[:60]}: there is no arraysize {arraysize[:40]!r}")
    try:
        type_ = _type(name, datatype, arraysize, attributes.get("xtype"))
    except LoadError as error:
        return _unreadable(name, attributes, datatype, arraysize, str(error))
    xtype = kept_xtype(attributes.get("xtype"), type_, arraysize)
    null = _null(attributes.get("null"), datatype)
    has_shape = (type_.is_array or "x" in (arraysize or "")) and arraysize != "*"
    shape = arraysize if has_shape else None
    field = VotableField(
        name, datatype, arraysize, null, FileColumn(name, type_, **said_of(attributes), xtype=xtype, arraysize=shape)
    )
    if field.count is not None and not 0 < field.count * _WIDTHS.get(datatype, 1) <= LONGEST:
        raise LoadError(f"column {name[:60]}: values of arraysize {arraysize} cannot be loaded")
    return field


def _type(name: str, datatype: str, arraysize: str | None, xtype: str | None) -> Type:
    is_text = datatype in {"char", "unicodeChar"}
    if xtype in XTYPES and (not is_text or "x" in (arraysize or "")):
        type_ = None
    elif (datatype, arraysize) == ("unsignedByte", None):
        type_ = types.SMALLINT
    elif (datatype, arraysize) == ("bit", None):
        type_ = types.BOOLEAN
    else:
        type_ = of_votable(datatype, arraysize, xtype if xtype in XTYPES else None)
    if type_ is None:
        type_name = f"{datatype}({arraysize or ''})" + (f" and xtype {xtype}" if xtype in XTYPES else "")
        raise LoadError(f"column {name[:60]}: values of type {type_name[:80]} cannot be loaded")
    return type_


def _unreadable(
    name: str, attributes: dict[str, str], datatype: str, arraysize: str | None, problem: str
) -> VotableField:
    """Return a column whose values have a length that is known, so that they can be passed over.

    Raises: LoadError for others.
    """
    if datatype not in _PASSED_OVER or (datatype == "bit" and "*" in (arraysize or "")):
        raise LoadError(problem)
    column = FileColumn(name, types.TEXT, **said_of(attributes), problem=f"{problem}; leave it out")
    return VotableField(name, datatype, arraysize, None, column)


def said_of(attributes: dict[str, str]) -> dict[str, str | None]:
    return {key: attributes.get(key) for key in ("unit", "ucd", "utype", "description")}


def _null(text: str | None, datatype: str) -> float | None:
    try:
        value = None if text is None else number(text.strip(), datatype)
    except ValueError:
        return None
    bits = _BITS.get(datatype, 0)
    if value is None or math.isnan(value) or (bits == 8 and not 0 <= value < 256):
        return None
    return value if not bits or bits == 8 or -(2 ** (bits - 1)) <= value < 2 ** (bits - 1) else None


def number(text: str, datatype: str) -> float:
    """Return the number that a text of TABLEDATA is. Raises: ValueError.

    Hexadecimal digits are a two's complement (VOTable 1.4 §6).
    """
    if datatype in {"float", "double"}:
        if not _REAL.fullmatch(text):
            raise ValueError(text)
        return float(text)
    if digits := _HEX.fullmatch(text):
        bits, value = _BITS.get(datatype, 64), int(digits[1], 16)
        if value >= 2**bits:
            raise ValueError(text)
        return value - 2**bits if bits > 8 and value >= 2 ** (bits - 1) else value
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)
