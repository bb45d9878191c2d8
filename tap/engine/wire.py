"""How each type leaves PostgreSQL: as bytes that VOTable's binary forms take over, or as text.

COPY BINARY has no form for pgSphere's types, and its arrays carry headers; so those are turned into
plain big-endian numbers in SQL.
"""

from enum import Enum

from adql import Translation
from adql.nodes import Output
from schema import types
from schema.types import Type


class Wire(Enum):
    """The ways to ask PostgreSQL for rows."""

    BINARY = "(FORMAT binary)"
    CSV = "(FORMAT csv)"
    TSV = "(FORMAT csv, DELIMITER E'\\t')"
    CELLS = "(FORMAT text, DELIMITER E'\\x1f', NULL '')"


_TIMESTAMP = "to_char(({0})::timestamp, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
_BINARY = {
    types.TIMESTAMP: _TIMESTAMP,
    types.POINT: "float8send(degrees(long({0}))) || float8send(degrees(lat({0})))",
    types.CIRCLE: "float8send(degrees(long(center({0})))) || float8send(degrees(lat(center({0}))))"
    " || float8send(degrees(radius({0})))",
    types.POLYGON: "armillary.doubles(armillary.vertices({0}))",
    types.SMALLINTS: "armillary.shorts({0})",
    types.INTS: "armillary.ints({0})",
    types.BIGINTS: "armillary.longs({0})",
    types.REALS: "armillary.floats({0})",
    types.DOUBLES: "armillary.doubles({0})",
}
_TEXT = {
    types.TIMESTAMP: _TIMESTAMP,
    types.BOOLEAN: "({0})::boolean::text",
    types.BYTES: "encode({0}, 'hex')",
    types.POINT: "concat_ws(' ', degrees(long({0})), degrees(lat({0})))",
    types.CIRCLE: "concat_ws(' ', degrees(long(center({0}))), degrees(lat(center({0}))), degrees(radius({0})))",
    types.POLYGON: "array_to_string(armillary.vertices({0}), ' ')",
    types.REALS: "array_to_string({0}, ' ', 'NaN')",
    types.DOUBLES: "array_to_string({0}, ' ', 'NaN')",
    types.SMALLINTS: f"array_to_string({{0}}, ' ', '{-(2**15)}')",
    types.INTS: f"array_to_string({{0}}, ' ', '{-(2**31)}')",
    types.BIGINTS: f"array_to_string({{0}}, ' ', '{-(2**63)}')",
}
_CELLS = _TEXT | {
    types.BOOLEAN: "CASE WHEN {0} THEN 'T' WHEN NOT {0} THEN 'F' ELSE '?' END",
    types.BYTES: "(SELECT string_agg(get_byte({0}, i)::text, ' ' ORDER BY i) FROM generate_series(0, length({0}) - 1) AS i)",
    types.SMALLINT: f"coalesce(({{0}})::smallint, {-(2**15)})",
    types.INTEGER: f"coalesce(({{0}})::integer, {-(2**31)})",
    types.BIGINT: f"coalesce(({{0}})::bigint, {-(2**63)})",
}
_MISSING = {types.POINT: "NaN NaN", types.CIRCLE: "NaN NaN NaN", types.POLYGON: "NaN NaN NaN NaN NaN NaN"}
_FORMS = {Wire.BINARY: _BINARY, Wire.CSV: _TEXT, Wire.TSV: _TEXT, Wire.CELLS: _CELLS}


def column_type(output: Output) -> Type:
    """The type of a result's column; that of a bare NULL is text."""
    return output.info.type or types.TEXT


def copy_command(translation: Translation, wire: Wire, limit: int) -> bytes:
    columns = ", ".join(_expression(output, wire) for output in translation.outputs)
    query = f"SELECT {columns} FROM ({translation.sql}) AS q LIMIT {limit}"
    return f"COPY ({query}) TO STDOUT {wire.value}".encode()


def _expression(output: Output, wire: Wire) -> str:
    type_ = column_type(output)
    form = _FORMS[wire].get(type_)
    name = f"q.{output.sql_name}"
    if form is None:
        return f"{name}::{type_.name}"
    text = form.format(name)
    if wire is Wire.BINARY or type_ not in _MISSING:
        return text
    missing = f"'{_MISSING[type_]}'" if wire is Wire.CELLS else "NULL"
    return f"CASE WHEN {name} IS NOT NULL THEN {text} ELSE {missing} END"
