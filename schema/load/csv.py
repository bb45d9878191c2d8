"""CSV, TSV and ECSV (whose header is YAML with types, units and descriptions)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from astropy.units import UnitBase

from schema.load.csv_layout import CsvLayout, first_lines, guessed_types, layout_of, open_rows, source, trimmed
from schema.load.ecsv_header import ECSV_TYPES, array_type_of, ecsv_header, type_of
from schema.load.masks import unmasked
from schema.load.reader import ARROW_OF, FileColumn, LoadError, Reader, column_of_arrow, flat, named_type


class CsvReader:
    """`header` are the columns as ECSV describes them, `wanted_types` ADQL types that a description asks for."""

    def __init__(
        self, path: Path, layout: CsvLayout, header: list[dict[str, Any]], wanted_types: dict[str, str]
    ) -> None:
        self._size = max(1, path.stat().st_size)
        self._rows = 0
        described = {column["name"]: column for column in header}
        column_types = {
            name: pa.string() if name in wanted_types else type_of(column) for name, column in described.items()
        }
        column_types |= {name: ARROW_OF[named_type(type_, name)] for name, type_ in wanted_types.items()}
        self._arrays = {name: array for name, column in described.items() if (array := array_type_of(column))}
        try:
            if not layout.is_typed:
                column_types = guessed_types(path, layout) | column_types
            self._types = column_types if layout.is_padded else {}
            self._source = source(path)
            self._csv = open_rows(
                self._source, layout, dict.fromkeys(column_types, pa.string()) if self._types else column_types
            )
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise LoadError(f"{path}: {error}") from error
        if binary := [field.name for field in self._csv.schema if pa.types.is_binary(field.type)]:
            raise LoadError(f"column {binary[0]}: its texts are not in UTF-8")
        schema = [pa.field(f.name, self._types.get(f.name, f.type)) for f in self._csv.schema]
        self.columns = tuple(_column(f, described.get(f.name, {}), self._arrays.get(f.name)) for f in schema)

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._csv:
                self._rows += batch.num_rows
                yield self._with_arrays(batch) if self._arrays else self._unpadded(batch) if self._types else batch
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise LoadError(
                f"after row {self._rows}: {error}; types are guessed from the first rows: give the column's type in a"
                " description, or write a file that says it (ECSV, VOTable, Parquet)"
            ) from error

    def _unpadded(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        names = batch.schema.names
        columns = [trimmed(column).cast(self._types[name]) for name, column in zip(names, batch.columns, strict=True)]
        return pa.RecordBatch.from_arrays(columns, names=names)

    def _with_arrays(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [
            _parsed(column, self._arrays[name], name) if name in self._arrays else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

    def fraction(self) -> float | None:
        return float(min(1.0, self._source.tell() / self._size))


def _parsed(texts: pa.Array, array: tuple[pa.DataType, str | None], name: str) -> pa.Array:
    """Return arrays, which the file has as JSON. Raises: LoadError."""
    try:
        values = [None if text is None else list(flat(json.loads(text))) for text in texts.to_pylist()]
        return pa.array(values, array[0])
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise LoadError(f"column {name}: a value is no array of {array[0].value_type}: {str(error)[:100]}") from error


def _column(field: pa.Field, header: dict[str, Any], array: tuple[pa.DataType, str | None] | None) -> FileColumn:
    metadata = header.get("meta")
    extras = metadata if isinstance(metadata, dict) else {}
    words = {key: extras.get(key) for key in ("ucd", "utype", "xtype")}
    words |= {"unit": header.get("unit"), "description": header.get("description")}
    texts = {key: str(word) if isinstance(word, str | UnitBase) else None for key, word in words.items()}
    kind, shape = array or (field.type, None)
    column = column_of_arrow(pa.field(field.name, kind), **texts, arraysize=shape)
    datatype = header.get("datatype", "string")
    if datatype not in ECSV_TYPES:
        problem = f"column {field.name}: values of type {datatype} cannot be loaded; leave it out"
        return replace(column, problem=problem)
    return column


class CsvFormat:
    name = "CSV, TSV or ECSV"

    def reads(self, path: Path, head: bytes) -> bool:
        return path.suffix.lower() in {".csv", ".tsv", ".txt", ".ecsv"} or head.startswith(b"# %ECSV")

    def open(self, path: Path, wanted_types: dict[str, str], most_at_once: int | None) -> Reader:
        lines = first_lines(path)
        if lines[0].startswith("# %ECSV"):
            header, masks, skip, delimiter = ecsv_header(path)
            return unmasked(CsvReader(path, CsvLayout(delimiter, skip, is_typed=True), header, wanted_types), masks)
        return CsvReader(path, layout_of(lines), [], wanted_types)


CSV = CsvFormat()
