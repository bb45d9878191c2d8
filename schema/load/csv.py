"""CSV, TSV and ECSV (whose header is YAML with types, units and descriptions)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
from astropy.units import UnitBase

from schema.load.reader import ARROW_OF, FileColumn, LoadError, Reader, named_type, type_of_arrow

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
    "int64": pa.int64(),
    "float16": pa.float32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
}


class CsvReader:
    def __init__(
        self, path: Path, delimiter: str, header: list[dict[str, Any]], skip: int, wanted: dict[str, str]
    ) -> None:
        self._size = max(1, path.stat().st_size)
        self._source = pa.OSFile(str(path))
        self._rows = 0
        described = {each["name"]: each for each in header}
        asked = {
            name: _ECSV_TYPES[each["datatype"]]
            for name, each in described.items()
            if each.get("datatype") in _ECSV_TYPES
        }
        asked |= {name: ARROW_OF[named_type(type_, name)] for name, type_ in wanted.items()}
        try:
            self._csv = pacsv.open_csv(
                self._source,
                pacsv.ReadOptions(block_size=_BLOCK, skip_rows=skip, use_threads=False),
                pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                pacsv.ConvertOptions(
                    column_types=asked,
                    null_values=_NULLS,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=bool(header),
                ),
            )
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise LoadError(f"{path}: {error}") from error
        self.columns = tuple(_column(f, described.get(f.name, {})) for f in self._csv.schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._csv:
                self._rows += batch.num_rows
                yield batch
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise LoadError(
                f"after row {self._rows}: {error}; types are guessed from the first rows, a description can give them"
            ) from error

    def fraction(self) -> float | None:
        return float(min(1.0, self._source.tell() / self._size))


def _column(field: pa.Field, header: dict[str, Any]) -> FileColumn:
    meta = header.get("meta")
    more = meta if isinstance(meta, dict) else {}
    said = (header.get("unit"), more.get("ucd"), more.get("utype"), header.get("description"))
    texts = (str(each) if isinstance(each, str | UnitBase) else None for each in said)
    return FileColumn(field.name, type_of_arrow(field.type, field.name), *texts)


def _ecsv_header(path: Path) -> tuple[list[dict[str, Any]], int, str]:
    """The columns' descriptions, how many lines they take, and the delimiter."""
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
    return columns, len(lines), delimiter


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
            header, skip, delimiter = _ecsv_header(path)
            return CsvReader(path, delimiter, header, skip, wanted_types)
        commonest = max([",", "\t", ";", "|"], key=lambda each: first.count(each.encode()))
        return CsvReader(path, commonest, [], 0, wanted_types)


CSV = CsvFormat()
