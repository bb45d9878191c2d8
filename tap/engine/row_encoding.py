"""How each type leaves PostgreSQL: as bytes that VOTable's binary forms take over, or as text.

COPY BINARY has no form for pgSphere's types, and its arrays carry headers; so those are turned into
plain big-endian numbers in SQL.
"""

from enum import Enum

from adql.nodes import Output
from adql.translate import Translation
from schema import types
from schema.types import Type


class RowEncoding(Enum):
    """The ways to ask PostgreSQL for rows; CELL is between the cells of a text."""

    BINARY = "binary rows"
    COLUMNS = "binary rows with timestamps as numbers"
    CSV = "comma-separated"
    TSV = "tab-separated"
    ECSV = "comma-separated, with arrays as JSON"
    CELLS = "cells of VOTable's TABLEDATA"
    TEXT = "cells to be read by people"
    JSON = "cells that are JSON"

    @property
    def is_binary(self) -> bool:
        return self in (RowEncoding.BINARY, RowEncoding.COLUMNS)


CELL = b"\x1f"
_CELLS_OF_TEXT = "(FORMAT text, DELIMITER E'\\x1f', NULL '{0}')"
_OPTIONS = {
    RowEncoding.BINARY: "(FORMAT binary)",
    RowEncoding.COLUMNS: "(FORMAT binary)",
    RowEncoding.CSV: "(FORMAT csv)",
    RowEncoding.TSV: "(FORMAT csv, DELIMITER E'\\t')",
    RowEncoding.ECSV: "(FORMAT csv)",
    RowEncoding.CELLS: _CELLS_OF_TEXT.format(""),
    RowEncoding.TEXT: _CELLS_OF_TEXT.format(""),
    RowEncoding.JSON: _CELLS_OF_TEXT.format("null"),
}
_LEAVES_AS = {
    types.REGION: (types.TEXT, "('POLYGON ICRS ' || array_to_string(armillary.vertices({0}), ' '))"),
    types.RANGE: (types.DOUBLES, "{0}"),
    types.MOC: (types.TEXT, "({0})::text"),
}
"""Types that leave as another one, and the SQL that makes it."""
_QUOTING_TEXTS = "(FORMAT csv, FORCE_QUOTE ({0}))"
"""Readers of ECSV take what begins with # for a comment, and more characters than CR and LF for ends of lines."""


_TIMESTAMP = """CASE WHEN ({0})::timestamp >= '0001-01-01' THEN to_char(({0})::timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.US')
 ELSE to_char(1 + date_part('year', ({0})::timestamp), 'FM0000') || to_char(({0})::timestamp, '-MM-DD"T"HH24:MI:SS.US') END"""
"""Years before the first are counted as ISO 8601 does: 0000 is 1 BC, which YYYY alone would call 0001."""
_BINARY = {
    types.TIMESTAMP: _TIMESTAMP,
    types.POINT: "float8send(degrees(long({0}))) || float8send(degrees(lat({0})))",
    types.CIRCLE: "float8send(degrees(long(center({0})))) || float8send(degrees(lat(center({0}))))"
    " || float8send(degrees(radius({0})))",
    types.POLYGON: "armillary.doubles(armillary.vertices({0}))",
    types.BOOLEANS: "convert_to(translate(array_to_string({0}, '', '?'), 'tf', 'TF'), 'SQL_ASCII')",
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
    types.BOOLEANS: "array_to_string({0}::text[], ' ', '?')",
    types.REALS: "array_to_string({0}, ' ', 'NaN')",
    types.DOUBLES: "array_to_string({0}, ' ', 'NaN')",
    types.SMALLINTS: "array_to_string({0}, ' ', 'NaN')",
    types.INTS: "array_to_string({0}, ' ', 'NaN')",
    types.BIGINTS: "array_to_string({0}, ' ', 'NaN')",
}
_CELLS = _TEXT | {
    types.SMALLINTS: f"array_to_string({{0}}, ' ', '{-(2**15)}')",
    types.INTS: f"array_to_string({{0}}, ' ', '{-(2**31)}')",
    types.BIGINTS: f"array_to_string({{0}}, ' ', '{-(2**63)}')",
    types.BOOLEANS: "translate(array_to_string({0}, ' ', '?'), 'tf', 'TF')",
    types.BOOLEAN: "CASE WHEN {0} THEN 'T' WHEN NOT {0} THEN 'F' ELSE '?' END",
    types.BYTES: "(SELECT string_agg(get_byte({0}, i)::text, ' ' ORDER BY i) FROM generate_series(0, length({0}) - 1) AS i)",
    types.SMALLINT: f"coalesce(({{0}})::smallint, {-(2**15)})",
    types.INTEGER: f"coalesce(({{0}})::integer, {-(2**31)})",
    types.BIGINT: f"coalesce(({{0}})::bigint, {-(2**63)})",
}
_LISTS = dict.fromkeys(types.ARRAYS, "'[' || array_to_string({0}::text[], ',', 'null') || ']'")
_ECSV = (
    _TEXT
    | _LISTS
    | {
        types.BOOLEAN: "CASE WHEN {0} THEN 'True' WHEN NOT {0} THEN 'False' END",
        types.POINT: "'[' || degrees(long({0})) || ',' || degrees(lat({0})) || ']'",
        types.CIRCLE: "'[' || degrees(long(center({0}))) || ',' || degrees(lat(center({0}))) || ',' || degrees(radius({0})) || ']'",
        types.POLYGON: "'[' || array_to_string(armillary.vertices({0}), ',') || ']'",
    }
)
_QUOTED = "'\"' || {0} || '\"'"
_JSON = (
    _ECSV
    | dict.fromkeys((types.TEXT, types.UNICODE, *types.ARRAYS), "to_json({0})")
    | {each: _QUOTED.format(_TEXT[each]) for each in (types.TIMESTAMP, types.BYTES)}
    | {types.BOOLEAN: _TEXT[types.BOOLEAN]}
)
_COLUMNS = {type_: form for type_, form in _BINARY.items() if type_ is not types.TIMESTAMP}
_ELEMENT_BYTES = {
    types.BOOLEANS: 1,
    types.SMALLINTS: 2,
    types.INTS: 4,
    types.BIGINTS: 8,
    types.REALS: 4,
    types.DOUBLES: 8,
}
_NULL_ELEMENTS = {
    types.BOOLEANS: "?",
    types.SMALLINTS: str(-(2**15)),
    types.INTS: str(-(2**31)),
    types.BIGINTS: str(-(2**63)),
    types.REALS: "NaN",
    types.DOUBLES: "NaN",
}
_MISSING = {types.POINT: "NaN NaN", types.CIRCLE: "NaN NaN NaN", types.POLYGON: "NaN NaN NaN NaN NaN NaN"}
_FORMS = {
    RowEncoding.BINARY: _BINARY,
    RowEncoding.COLUMNS: _COLUMNS,
    RowEncoding.CSV: _TEXT,
    RowEncoding.TSV: _TEXT,
    RowEncoding.ECSV: _ECSV,
    RowEncoding.CELLS: _CELLS,
    RowEncoding.TEXT: _TEXT,
    RowEncoding.JSON: _JSON,
}


def fixed_count(type_: Type, arraysize: str | None) -> int | None:
    """Return how many elements every value of a column has, if it is one of arrays, or of texts side by side, of fixed shape.

    One element is told as any number of them: an arraysize of 1 would be a single value to most readers.
    """
    if arraysize == "1":
        return None
    if type_.is_array or (type_.is_text and "x" in (arraysize or "")):
        return types.element_count(arraysize)
    return None


def column_type(output: Output) -> Type:
    """Return the type in which a column of a result leaves; that of a bare NULL is text."""
    type_ = output.info.type or types.TEXT
    return _LEAVES_AS[type_][0] if type_ in _LEAVES_AS else type_


def limited(translation: Translation, encoding: RowEncoding, limit: int) -> str:
    """Return the SQL of so many rows, each value as it leaves."""
    columns = ", ".join(f"{_expression(output, encoding)} AS c{i}" for i, output in enumerate(translation.outputs))
    return f"SELECT {columns} FROM ({translation.sql}) AS q LIMIT {limit}"


def copy_command(translation: Translation, encoding: RowEncoding, limit: int) -> bytes:
    query = limited(translation, encoding, limit)
    return f"COPY ({query}) TO STDOUT {_options(translation.outputs, encoding)}".encode()


def _options(outputs: tuple[Output, ...], encoding: RowEncoding) -> str:
    texts = ", ".join(f"c{i}" for i, output in enumerate(outputs) if column_type(output).is_text)
    return _QUOTING_TEXTS.format(texts) if encoding is RowEncoding.ECSV and texts else _OPTIONS[encoding]


def _fixed_array(name: str, output: Output, encoding: RowEncoding, count: int) -> str:
    """Return SQL of an array of fixed shape: of one size in binary forms, in lists within lists where there are such."""
    type_ = column_type(output)
    text = _FORMS[encoding][type_].format(name)
    if encoding.is_binary:
        return f"armillary.sized({text}, {count * _ELEMENT_BYTES[type_]})"
    sizes = str(output.info.arraysize).split("x")
    if encoding in (RowEncoding.ECSV, RowEncoding.JSON) and len(sizes) > 1:
        return f"armillary.nested({name}, ARRAY[{', '.join(reversed(sizes))}])"
    if encoding is RowEncoding.CELLS:
        return f"coalesce({text}, '{' '.join([_NULL_ELEMENTS[type_]] * count)}')"
    return text


def readable_form(type_: Type, sql: str) -> str:
    """Return SQL of a value as CSV has it: geometries in degrees."""
    return _TEXT.get(type_, "{0}::text").format(sql)


def _expression(output: Output, encoding: RowEncoding) -> str:
    type_ = column_type(output)
    form = _FORMS[encoding].get(type_)
    name = f"q.{output.sql_name}"
    if output.info.type in _LEAVES_AS:
        name = _LEAVES_AS[output.info.type][1].format(name)
    count = fixed_count(type_, output.info.arraysize) if type_.is_array else None
    if count is not None:
        return _fixed_array(name, output, encoding, count)
    if form is None:
        return f"{name}::{type_.name}"
    text = form.format(name)
    if encoding.is_binary or type_ not in _MISSING:
        return text
    missing = f"'{_MISSING[type_]}'" if encoding is RowEncoding.CELLS else "NULL"
    return f"CASE WHEN {name} IS NOT NULL THEN {text} ELSE {missing} END"
