"""Parquet; units and the rest from the columns' metadata, or from a VOParquet header where there is one."""

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schema.load.reader import FileColumn, LoadError, Reader, type_of_arrow

_VOTABLE = b"IVOA.VOTable-Parquet.content"
_ROWS = 50_000


class ParquetReader:
    def __init__(self, path: Path) -> None:
        try:
            self._file = pq.ParquetFile(path)
        except pa.ArrowException as error:
            raise LoadError(f"{path} is no readable Parquet file: {error}") from error
        self._read = 0
        described = _voparquet(self._file.schema_arrow.metadata or {})
        self.columns = tuple(_column(each, described) for each in self._file.schema_arrow)

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._file.iter_batches(_ROWS):
                self._read += batch.num_rows
                yield batch
        except (pa.ArrowException, OSError) as error:
            raise LoadError(f"after row {self._read}: {error}") from error

    def fraction(self) -> float | None:
        return self._read / max(1, int(self._file.metadata.num_rows))


def _column(field: pa.Field, described: dict[str, dict[str, str]]) -> FileColumn:
    own = {k.decode().lower(): v.decode("utf-8", "replace") for k, v in (field.metadata or {}).items()}
    own = {k: v for k, v in own.items() if k in {"unit", "ucd", "utype", "description"} and v}
    return FileColumn(field.name, type_of_arrow(field.type, field.name), **(described.get(field.name, {}) | own))


def _voparquet(metadata: dict[bytes, bytes]) -> dict[str, dict[str, str]]:
    """What a VOTable in the file's metadata says of the columns."""
    if _VOTABLE not in metadata:
        return {}
    from astropy.io.votable import parse

    table = parse(io.BytesIO(metadata[_VOTABLE])).get_first_table()
    return {f.name: _said(f) for f in table.fields}


def _said(field: object) -> dict[str, str]:
    names = ("unit", "ucd", "utype", "description")
    return {name: str(value) for name in names if (value := getattr(field, name, None))}


class ParquetFormat:
    name = "Parquet"

    def reads(self, path: Path, head: bytes) -> bool:
        return head.startswith(b"PAR1")

    def open(self, path: Path, wanted_types: dict[str, str]) -> Reader:
        return ParquetReader(path)


PARQUET = ParquetFormat()
