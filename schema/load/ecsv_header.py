"""The header that astropy writes into ECSV and Parquet: YAML with the columns' types, shapes, units and descriptions."""

import math
import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from schema.load.csv_layout import LONGEST_HEADER
from schema.load.masks import masks_of
from schema.load.reader import LoadError

ECSV_TYPES = {
    "bool": pa.bool_(),
    "int8": pa.int16(),
    "uint8": pa.int16(),
    "int16": pa.int16(),
    "uint16": pa.int32(),
    "int32": pa.int32(),
    "uint32": pa.int64(),
    "uint64": pa.uint64(),
    "int64": pa.int64(),
    "float16": pa.float32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
}

_ARRAY = re.compile(r"(\w+)\[([0-9nul, ]*)\]", re.ASCII)


def type_of(column: dict[str, Any]) -> pa.DataType:
    """Return the type in which a column of ECSV is read; arrays are texts first."""
    return ECSV_TYPES.get(column["datatype"], pa.string())


def array_type_of(column: dict[str, Any]) -> tuple[pa.DataType, str | None] | None:
    """Return the type of a column of ECSV that holds arrays as JSON, and their shape as VOTable writes it."""
    subtype = column.get("subtype")
    match = _ARRAY.fullmatch(subtype) if isinstance(subtype, str) else None
    element = ECSV_TYPES.get(match[1]) if match else None
    if not match or element is None or pa.types.is_string(element):
        return None
    sizes = [size.strip() for size in match[2].split(",")]
    if not all(size.isdigit() for size in sizes):
        return pa.list_(element), None
    return pa.list_(element, math.prod(map(int, sizes))), "x".join(reversed(sizes))


def shape_of(column: dict[str, Any]) -> str | None:
    """Return the arraysize of a column of astropy's header that holds arrays of one shape."""
    array = array_type_of(column)
    return array[1] if array else None


def astropy_header(lines: list[str]) -> dict[str, Any]:
    """Return what YAML says, whose structures may hold each other many times over: they must not be written out.

    Raises: LoadError where it is too long to be parsed, ValueError, KeyError or TypeError where it is none.
    """
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    if sum(map(len, lines)) > LONGEST_HEADER:
        raise LoadError(f"its header is longer than {LONGEST_HEADER} bytes")
    try:
        return dict(get_header_from_yaml(lines))
    except YamlParseError as error:
        raise ValueError(str(error)[:200]) from error


def ecsv_header(path: Path) -> tuple[list[dict[str, Any]], dict[str, str], int, str]:
    """Return the columns' descriptions, their masks, how many lines they take, and the delimiter."""
    lines = []
    size = 0
    with path.open(encoding="utf-8") as file:
        while (line := file.readline(LONGEST_HEADER)).startswith("#"):
            size += len(line)
            if size >= LONGEST_HEADER:
                raise LoadError(f"{path}: its header is longer than {LONGEST_HEADER} bytes")
            lines.append(line[1:].strip("\n").removeprefix(" "))
    try:
        header = astropy_header(lines[1:] if lines[0].startswith("%ECSV") else lines)
    except (ValueError, KeyError) as error:
        raise LoadError(f"{path}: the ECSV header cannot be read: {error}") from error
    columns, delimiter = header.get("datatype"), header.get("delimiter", " ")
    if not isinstance(columns, list) or not all(map(is_column, columns)) or delimiter not in {" ", ",", "\t", ";", "|"}:
        raise LoadError(f"{path}: the ECSV header has no list of columns with their names, or no delimiter")
    return columns, masks_of(header.get("meta")), len(lines), delimiter


def is_column(column: object) -> bool:
    return isinstance(column, dict) and all(isinstance(column.get(key), str) for key in ("name", "datatype"))
