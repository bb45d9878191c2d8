"""Data files → tables. A new format is a new file here and a line in FORMATS."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from schema.load.arrow import ARROW
from schema.load.compressed import ANYHOW, Unpacking, is_packed, name_within, unpacked
from schema.load.csv import CSV
from schema.load.fits import FITS
from schema.load.mocs import MocsReader, moc_columns
from schema.load.parquet import PARQUET
from schema.load.reader import FileColumn, FileFormat, LoadError, Reader, check_columns, refusing
from schema.load.regions import RegionsReader, has_regions
from schema.load.votable import VOTABLE

FORMATS: tuple[FileFormat, ...] = (PARQUET, ARROW, FITS, VOTABLE, CSV)
_HEAD = 8192


@dataclass(frozen=True)
class _Careful:
    """A reader whose file may be broken in ways that nobody has thought of."""

    reader: Reader

    @property
    def columns(self) -> tuple[FileColumn, ...]:
        return self.reader.columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        with refusing("the file is broken"):
            yield from self.reader.batches()

    def fraction(self) -> float | None:
        return self.reader.fraction()


def open_file(
    path: Path,
    wanted_types: dict[str, str] | None = None,
    name: Path | None = None,
    unpacking: Unpacking = ANYHOW,
) -> Reader:
    """Return a reader for a file, by its content and its name, which may be another than it has now.

    Files packed with gzip or zstd are unpacked first. Raises: LoadError; OSError.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise LoadError(f"{path} is empty")
    if is_packed(head):
        with unpacked(path, unpacking) as content:
            return _open(content, wanted_types or {}, name_within(name or path), unpacking.most_at_once)
    return _open(path, wanted_types or {}, name or path, unpacking.most_at_once)


def _open(path: Path, wanted_types: dict[str, str], name: Path, most_at_once: int | None) -> Reader:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for file_format in FORMATS:
        if file_format.reads(name, head):
            with refusing(f"{path} is no {file_format.name} that can be read"):
                reader = _Careful(file_format.open(path, wanted_types, most_at_once))
            check_columns(reader.columns)
            return _with_regions_and_mocs(reader, wanted_types)
    names = ", ".join(file_format.name for file_format in FORMATS)
    raise LoadError(f"{path}: what kind of file it is cannot be told; known are {names}")


def _with_regions_and_mocs(reader: Reader, wanted_types: dict[str, str]) -> Reader:
    """Return a reader that also reads the regions and MOCs among the texts of a file."""
    if has_regions(reader.columns):
        reader = RegionsReader(reader)
    mocs = moc_columns(reader.columns, wanted_types)
    return MocsReader(reader, mocs) if mocs else reader
