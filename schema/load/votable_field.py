"""A FIELD of a VOTable as a column (VOTable 1.4 §4)."""

import re
from dataclasses import dataclass

from schema import types
from schema.load.reader import FileColumn, LoadError
from schema.types import Type, of_votable

_SIZE = re.compile(r"(\d{1,9}x)*(\d{1,9}\*?|\*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    datatype: str
    arraysize: str | None
    null: str | None
    column: FileColumn

    @property
    def type(self) -> Type:
        return self.column.type

    @property
    def count(self) -> int | None:
        """Elements of an array; None where each value says."""
        if self.arraysize is None:
            return 1
        sizes = self.arraysize.split("x")
        if self.arraysize.endswith("*"):
            return None
        product = 1
        for size in sizes:
            product *= int(size)
        return product


def field_of(attributes: dict[str, str]) -> Field:
    name = attributes.get("name") or attributes.get("ID") or ""
    datatype, arraysize = attributes.get("datatype", ""), attributes.get("arraysize")
    arraysize = None if arraysize == "1" and datatype not in {"char", "unicodeChar"} else arraysize
    if arraysize is not None and not _SIZE.fullmatch(arraysize):
        raise LoadError(f"column {name[:60]}: there is no arraysize {arraysize[:40]!r}")
    xtype = attributes.get("xtype")
    known = xtype if xtype in {"timestamp", "adql:TIMESTAMP"} else None
    type_ = (
        types.SMALLINT if (datatype, arraysize) == ("unsignedByte", None) else of_votable(datatype, arraysize, known)
    )
    if (datatype, arraysize) == ("bit", None):
        type_ = types.BOOLEAN
    if type_ is None:
        raise LoadError(f"column {name}: values of type {datatype}({arraysize or ''}) cannot be loaded")
    said = {key: attributes.get(key) for key in ("unit", "ucd", "utype", "description")}
    return Field(name, datatype, arraysize, attributes.get("null"), FileColumn(name, type_, **said))
