"""ECSV 1.0 (APE 6): CSV under a header in YAML that holds what CSV cannot: types, units, descriptions.

NULL is an empty cell, arrays are JSON. As in CSV, an overflow is silent and an error breaks the connection.
"""

import csv
import json
import re
from dataclasses import replace
from itertools import accumulate
from typing import Any

from schema import types
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.delimited import line_of
from tap.formats.format import Format, Header, Writer
from tap.formats.metadata import FieldMetadata, fields, infos_by_name, numbered

_DATATYPES = {
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "boolean": "bool",
}
_LENGTHS = {types.POINT: 2, types.CIRCLE: 3}


_NOT_ASCII = re.compile("[\x7f-\U0010ffff]")
_ENDS_OF_LINES = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_EMPTY = b'""\n'
"""The NULL of a lone column: readers skip lines without anything."""


class EcsvWriter(Writer):
    def __init__(self, header: Header) -> None:
        self._header = header
        columns = fields(header.outputs)
        names = numbered([_ENDS_OF_LINES.sub("?", column.name) for column in columns])
        self._fields = [replace(field, name=name) for field, name in zip(columns, names, strict=True)]

    def header(self) -> bytes:
        columns = [item_in_yaml(column_in_yaml(field)) for field in self._fields]
        about = [item_in_yaml({name: one_or_all(values)}) for name, values in infos_by_name(self._header).items()]
        lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:", *columns, "meta: !!omap", *about]
        text = "".join(f"# {line}\n" for line in [*lines, "schema: astropy-2.0"])
        return text.encode() + line_of((field.name for field in self._fields), ",", csv.QUOTE_ALL)

    def rows(self, block: Block) -> bytes:
        if len(self._fields) > 1 or 1 not in block.lengths:
            return block.data
        lines = zip(block.lengths, accumulate(block.lengths), strict=True)
        return b"".join(_EMPTY if length == 1 else block.data[end - length : end] for length, end in lines)


def item_in_yaml(value: dict[str, Any]) -> str:
    """Return an item of a list, in YAML's flow style with JSON's quotes.

    It is in ASCII, as readers take few characters for printable.
    """
    text = json.dumps(value, ensure_ascii=False)
    return "- " + _NOT_ASCII.sub(lambda m: f"\\u{ord(m[0]):04x}" if m[0] <= "\uffff" else f"\\U{ord(m[0]):08x}", text)


def one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def column_in_yaml(field: FieldMetadata) -> dict[str, Any]:
    """Return a column as astropy describes it."""
    about: dict[str, Any] = {"name": field.name, "datatype": _DATATYPES.get(field.datatype, "string")}
    if field.type.is_array or field.type.is_geometry:
        shape = ",".join(map(str, field.shape)) or _LENGTHS.get(field.type, "null")
        about |= {"datatype": "string", "subtype": f"{about['datatype']}[{shape}]"}
    if field.unit:
        about["unit"] = field.unit
    if field.description:
        about["description"] = field.description
    meta = {key: value for key in ("ucd", "utype", "xtype") if (value := getattr(field, key))}
    return about | ({"meta": meta} if meta else {})


ECSV = Format(
    name="ECSV",
    media_types=("application/x-ecsv", "text/x-ecsv", "text/ecsv"),
    aliases=("ecsv",),
    extension="ecsv",
    encoding=RowEncoding.ECSV,
    writer=EcsvWriter,
)
