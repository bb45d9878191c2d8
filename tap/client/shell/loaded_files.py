"""Files on this machine that queries see as tables of TAP_UPLOAD (TAP 1.1 §2.7.5)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from schema.load import open_file
from schema.load.reader import FileColumn, LoadError, Reader
from schema.model import Column, Schema, Table, adql_names

SCHEMA = "TAP_UPLOAD"
_VOTABLE = {".vot", ".votable", ".xml"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """`sent` is the VOTable that services get, which all of them read."""

    path: Path
    sent: Path
    table: Table


def load_file(path: Path, name: str, folder: Path) -> LoadedFile:
    """Make a table of a file, to be uploaded with each query that names it; `folder` keeps what is made for that.

    Raises: LoadError, OSError.
    """
    if not _NAME.match(name):
        raise LoadError(f"{name!r} cannot be the name of a table; give another: load {path} as mine")
    reader = open_file(path)
    columns = [column for column in reader.columns if not column.problem]
    names = adql_names([column.name for column in columns])
    table = Table(SCHEMA, f"{SCHEMA}.{name}", tuple(map(_column, names, columns)))
    sent = path
    if path.suffix.lower() not in _VOTABLE:
        sent = folder / f"{name}.vot"
        _write_votable(reader, sent)
    return LoadedFile(path, sent, table)


def _column(name: str, column: FileColumn) -> Column:
    type_ = column.type
    shape = column.arraysize if type_.is_array else type_.arraysize
    return Column(name, type_.datatype, shape, type_.xtype, column.unit, column.ucd, None, column.description)


def name_of(path: Path) -> str:
    """Return the name that a file's table has if none is given."""
    name = re.sub(r"\W", "_", path.name.partition(".")[0], flags=re.ASCII)
    return name if _NAME.match(name) else f"t_{name}"


def schema_of(files: Mapping[str, LoadedFile]) -> Schema:
    return Schema(SCHEMA, tuple(file.table for file in files.values()), "Files of this session")


def named_in(query: str, files: Mapping[str, LoadedFile]) -> dict[str, Path]:
    """Return what must be sent with a query."""
    names = {name.lower() for name in re.findall(rf'\b{SCHEMA}"?\s*\.\s*"?(\w+)', query, re.IGNORECASE)}
    return {name: file.sent for name, file in files.items() if name.lower() in names}


def _write_votable(reader: Reader, path: Path) -> None:
    from astropy.io.votable import from_table
    from astropy.table import Table as AstropyTable

    batches = list(reader.batches())
    rows = pa.Table.from_batches(batches) if batches else pa.table([[] for _ in reader.columns], _names(reader))
    columns = {column.name: _values(column, rows.column(index)) for index, column in _sendable(reader.columns)}
    document = from_table(AstropyTable(columns))
    for field, (_, column) in zip(document.get_first_table().fields, _sendable(reader.columns), strict=True):
        field.unit, field.ucd, field.description = column.unit, column.ucd, column.description
        field.xtype = column.type.xtype
    document.to_xml(str(path), tabledata_format="binary")


def _names(reader: Reader) -> list[str]:
    return [column.name for column in reader.columns]


def _sendable(columns: Iterable[FileColumn]) -> Iterator[tuple[int, FileColumn]]:
    return ((index, column) for index, column in enumerate(columns) if not column.problem)


def _values(column: FileColumn, array: pa.ChunkedArray) -> Any:
    """Return the values of a column as astropy has them. Raises: LoadError for what it has no type for."""
    import numpy as np
    from astropy.table import MaskedColumn

    if pa.types.is_nested(array.type) or pa.types.is_binary(array.type):
        raise LoadError(f"column {column.name} holds arrays; write the file as a VOTable to upload it")
    missing = np.array(array.is_null())
    if pa.types.is_temporal(array.type):
        array = array.cast(pa.string())
    text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    values = array.fill_null("" if text else False if pa.types.is_boolean(array.type) else 0).to_pylist()
    data = np.array(values, dtype=str if text else array.type.to_pandas_dtype())
    return MaskedColumn(data, mask=missing)
