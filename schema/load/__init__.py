"""Data files → tables. A new format is a new file here and a line in FORMATS."""

from pathlib import Path

from schema.load.csv import CSV
from schema.load.fits import FITS
from schema.load.parquet import PARQUET
from schema.load.reader import Format, LoadError, Reader
from schema.load.votable import VOTABLE

FORMATS: tuple[Format, ...] = (PARQUET, FITS, VOTABLE, CSV)
_HEAD = 8192


def open_file(path: Path, wanted_types: dict[str, str] | None = None, name: Path | None = None) -> Reader:
    """A reader for a file, by its content and its name, which may be another than it has now. Raises: LoadError; OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise LoadError(f"{path} is empty")
    for each in FORMATS:
        if each.reads(name or path, head):
            return each.open(path, wanted_types or {})
    known = ", ".join(each.name for each in FORMATS)
    raise LoadError(f"{path}: what kind of file it is cannot be told; known are {known}")
