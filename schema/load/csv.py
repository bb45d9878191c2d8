"""CSV, TSV and ECSV (whose header is YAML with types, units and descriptions)."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from astropy.units import UnitBase

from schema.load.masks import masks_of, unmasked
from schema.load.reader import ARROW_OF, FileColumn, LoadError, Reader, column_of_arrow, flat, named_type

_BLOCK = 3_000_000
_LONGEST_HEADER = 250_000
_NULLS = ["", "NULL", "null", "NaN", "nan", "--"]
_ECSV_TYPES = {
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


_TIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?$"
_ARRAY = re.compile(r"(\w+)\[([0-9nul, ]*)\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    """`skip` lines come before the names; `is_list`: there is one column, in which an empty line is a missing value."""

    delimiter: str
    skip: int = 0
    is_list: bool = False


class CsvReader:
    """`header` are the columns as ECSV describes them, `wanted` ADQL types that a description asks for."""

    def __init__(self, path: Path, layout: Layout, header: list[dict[str, Any]], wanted: dict[str, str]) -> None:
        self._size = max(1, path.stat().st_size)
        self._rows = 0
        described = {each["name"]: each for each in header}
        asked = {name: pa.string() if name in wanted else _type(each) for name, each in described.items()}
        asked |= {name: ARROW_OF[named_type(type_, name)] for name, type_ in wanted.items()}
        self._arrays = {name: array for name, each in described.items() if (array := _array_type(each))}

        def opened() -> pacsv.CSVStreamingReader:
            self._source = _source(path)
            return pacsv.open_csv(
                self._source,
                pacsv.ReadOptions(block_size=_BLOCK, skip_rows=layout.skip, use_threads=False),
                pacsv.ParseOptions(
                    delimiter=layout.delimiter, newlines_in_values=True, ignore_empty_lines=not layout.is_list
                ),
                pacsv.ConvertOptions(
                    column_types=asked,
                    # ECSV says nothing but by an empty cell that a value is missing.
                    null_values=[""] if header else _NULLS,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=bool(header) or layout.is_list,
                ),
            )

        try:
            self._csv = opened()
            if times := [field.name for field in self._csv.schema if pa.types.is_time(field.type)]:
                # 05:35:17 is as likely a right ascension.
                asked |= dict.fromkeys(times, pa.string())
                self._csv = opened()
            self._first = next(self._csv, None)
            if not header and (times := _times(self._first, asked)):
                # Arrow guesses times with fractions as nanoseconds, which go from 1677 to 2262 only.
                asked |= dict.fromkeys(times, pa.timestamp("us"))
                self._csv, self._first = opened(), None
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise LoadError(f"{path}: {error}") from error
        if binary := [field.name for field in self._csv.schema if pa.types.is_binary(field.type)]:
            raise LoadError(f"column {binary[0]}: its texts are not in UTF-8")
        self.columns = tuple(_column(f, described.get(f.name, {}), self._arrays.get(f.name)) for f in self._csv.schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in chain([self._first] if self._first else [], self._csv):
                self._rows += batch.num_rows
                yield self._with_arrays(batch) if self._arrays else batch
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise LoadError(
                f"after row {self._rows}: {error}; types are guessed from the first rows, a description can give them"
            ) from error

    def _with_arrays(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            _parsed(column, self._arrays[name], name) if name in self._arrays else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def fraction(self) -> float | None:
        return float(min(1.0, self._source.tell() / self._size))


def _source(path: Path) -> pa.NativeFile:
    """Open the file; a short one ends its last line, without which Arrow finds no column in a line of names alone."""
    if path.stat().st_size > _LONGEST_HEADER:
        return pa.OSFile(str(path))
    content = path.read_bytes()
    return pa.BufferReader(content if content.endswith(b"\n") else content + b"\n")


def _times(first: pa.RecordBatch | None, asked: dict[str, pa.DataType]) -> list[str]:
    """The columns of texts that are all times, by their first rows."""
    if first is None:
        return []
    texts = {f.name: c for f, c in zip(first.schema, first.columns, strict=True) if f.type == pa.string()}
    matches = {n: pc.match_substring_regex(c, _TIME) for n, c in texts.items() if n not in asked}
    return [n for n, each in matches.items() if each.null_count < len(each) and pc.all(each).as_py()]


def _type(column: dict[str, Any]) -> pa.DataType:
    """In which a column of ECSV is read; arrays are texts first."""
    return _ECSV_TYPES.get(column["datatype"], pa.string())


def _array_type(column: dict[str, Any]) -> tuple[pa.DataType, str | None] | None:
    """Of a column of ECSV that holds arrays as JSON the type, and the shape as VOTable writes it."""
    found = _ARRAY.fullmatch(str(column.get("subtype", "")))
    element = _ECSV_TYPES.get(found[1]) if found else None
    if not found or element is None or pa.types.is_string(element):
        return None
    sizes = [each.strip() for each in found[2].split(",")]
    if not all(size.isdigit() for size in sizes):
        return pa.list_(element), None
    return pa.list_(element, math.prod(map(int, sizes))), "x".join(reversed(sizes))


def shape_of(column: dict[str, Any]) -> str | None:
    """Of a column of astropy's header that holds arrays of one shape the arraysize."""
    array = _array_type(column)
    return array[1] if array else None


def _parsed(texts: pa.Array, array: tuple[pa.DataType, str | None], name: str) -> pa.Array:
    """Raises: LoadError."""
    try:
        values = [None if text is None else list(flat(json.loads(text))) for text in texts.to_pylist()]
        return pa.array(values, array[0])
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise LoadError(f"column {name}: a value is no array of {array[0].value_type}: {str(error)[:100]}") from error


def _column(field: pa.Field, header: dict[str, Any], array: tuple[pa.DataType, str | None] | None) -> FileColumn:
    meta = header.get("meta")
    more = meta if isinstance(meta, dict) else {}
    words = {key: more.get(key) for key in ("ucd", "utype", "xtype")}
    words |= {"unit": header.get("unit"), "description": header.get("description")}
    texts = {key: str(each) if isinstance(each, str | UnitBase) else None for key, each in words.items()}
    kind, shape = array or (field.type, None)
    column = column_of_arrow(pa.field(field.name, kind), **texts, arraysize=shape)
    datatype = header.get("datatype", "string")
    if datatype not in _ECSV_TYPES:
        problem = f"column {field.name}: values of type {datatype} cannot be loaded; leave it out"
        return replace(column, problem=problem)
    return column


def _ecsv_header(path: Path) -> tuple[list[dict[str, Any]], dict[str, str], int, str]:
    """The columns' descriptions, their masks, how many lines they take, and the delimiter."""
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    lines = []
    size = 0
    with path.open(encoding="utf-8") as file:
        while (line := file.readline(_LONGEST_HEADER)).startswith("#"):
            size += len(line)
            if size >= _LONGEST_HEADER:
                raise LoadError(f"{path}: its header is longer than {_LONGEST_HEADER} bytes")
            lines.append(line[1:].strip("\n").removeprefix(" "))
    try:
        header = get_header_from_yaml(lines[1:] if lines[0].startswith("%ECSV") else lines)
    except (ValueError, KeyError, YamlParseError) as error:
        raise LoadError(f"{path}: the ECSV header cannot be read: {error}") from error
    columns, delimiter = header.get("datatype"), header.get("delimiter", " ")
    if (
        not isinstance(columns, list)
        or not all(map(_is_column, columns))
        or delimiter not in {" ", ",", "\t", ";", "|"}
    ):
        raise LoadError(f"{path}: the ECSV header has no list of columns with their names, or no delimiter")
    return columns, masks_of(header.get("meta")), len(lines), delimiter


def _is_column(said: object) -> bool:
    return isinstance(said, dict) and all(isinstance(said.get(key), str) for key in ("name", "datatype"))


class CsvFormat:
    name = "CSV, TSV or ECSV"

    def reads(self, path: Path, head: bytes) -> bool:
        return path.suffix.lower() in {".csv", ".tsv", ".txt", ".ecsv"} or head.startswith(b"# %ECSV")

    def open(self, path: Path, wanted_types: dict[str, str]) -> Reader:
        with path.open("rb") as file:
            first = file.readline(_LONGEST_HEADER)
        if len(first) == _LONGEST_HEADER:
            raise LoadError(f"{path}: its first line, which names the columns, is longer than {_LONGEST_HEADER} bytes")
        if first.startswith(b"# %ECSV"):
            header, masks, skip, delimiter = _ecsv_header(path)
            return unmasked(CsvReader(path, Layout(delimiter, skip), header, wanted_types), masks)
        counts = {each: first.count(each.encode()) for each in (",", "\t", ";", "|")}
        commonest = max(counts, key=lambda each: counts[each])
        return CsvReader(path, Layout(commonest, is_list=not counts[commonest]), [], wanted_types)


CSV = CsvFormat()
