"""ECSV 1.0 (APE 6): CSV under a header in YAML that holds what CSV cannot: types, units, descriptions.

NULL is an empty cell, arrays are JSON. As in CSV, an overflow is silent and an error breaks the connection.
"""

import json
from typing import Any

from schema import types
from tap.engine.wire import Wire
from tap.formats.delimited import DelimitedWriter
from tap.formats.format import Format, Header
from tap.formats.metadata import Field, fields, infos

_DATATYPES = {
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "boolean": "bool",
}
_LENGTHS = {types.POINT: 2, types.CIRCLE: 3}


class EcsvWriter(DelimitedWriter):
    def __init__(self, header: Header) -> None:
        super().__init__(header, ",")

    def header(self) -> bytes:
        """YAML's flow style with JSON's quotes, which YAML knows."""
        columns = [f"- {json.dumps(column_in_yaml(each), ensure_ascii=False)}" for each in fields(self._header.outputs)]
        about = [f"- {json.dumps({name: value}, ensure_ascii=False)}" for name, value in infos(self._header)]
        lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:", *columns, "meta: !!omap", *about]
        return "".join(f"# {line}\n" for line in [*lines, "schema: astropy-2.0"]).encode() + super().header()


def column_in_yaml(field: Field) -> dict[str, Any]:
    """A column as astropy describes it."""
    about: dict[str, Any] = {"name": field.name, "datatype": _DATATYPES.get(field.datatype, "string")}
    if field.type.is_array or field.type.is_geometry:
        length = _LENGTHS.get(field.type, "null")
        about |= {"datatype": "string", "subtype": f"{about['datatype']}[{length}]"}
    if field.unit:
        about["unit"] = field.unit
    if field.description:
        about["description"] = field.description
    meta = {name: value for name in ("ucd", "utype", "xtype") if (value := getattr(field, name))}
    return about | ({"meta": meta} if meta else {})


ECSV = Format(
    name="ECSV",
    media_types=("application/x-ecsv", "text/x-ecsv", "text/ecsv"),
    aliases=("ecsv",),
    extension="ecsv",
    wire=Wire.ECSV,
    writer=EcsvWriter,
)
