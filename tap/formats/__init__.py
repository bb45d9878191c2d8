"""Output formats. A new one is a new file here and a line in FORMATS; the first is the default."""

from dataclasses import replace

from tap.formats.arrow import ARROW
from tap.formats.delimited import CSV, TSV
from tap.formats.ecsv import ECSV
from tap.formats.fits import FITS
from tap.formats.format import Format
from tap.formats.hdf5 import AVAILABLE as HDF5_AVAILABLE
from tap.formats.hdf5 import HDF5
from tap.formats.html import HTML
from tap.formats.json import JSON
from tap.formats.parquet import PARQUET
from tap.formats.text import TEXT
from tap.formats.votable_binary import VOTABLE_BINARY, VOTABLE_BINARY2
from tap.formats.votable_tabledata import VOTABLE_TABLEDATA

FORMATS: tuple[Format, ...] = (
    VOTABLE_BINARY2,
    VOTABLE_BINARY,
    VOTABLE_TABLEDATA,
    CSV,
    TSV,
    ECSV,
    FITS,
    PARQUET,
    ARROW,
    *((HDF5,) if HDF5_AVAILABLE else ()),
    JSON,
    TEXT,
    HTML,
)


def find_format(name: str) -> tuple[Format, str] | None:
    """The format of an alias or a media type (RESPONSEFORMAT), and the media type to answer with."""
    wanted, _, version = _plain(name).partition(";version=")
    for each in FORMATS:
        if version and version not in each.versions:
            continue
        media_type = next((m for m in each.media_types if wanted == _plain(m)), None)
        if wanted in each.aliases:
            media_type = each.media_types[0]
        if media_type:
            return (
                (replace(each, versions=(version,)), f"{media_type};version={version}")
                if version
                else (each, media_type)
            )
    return None


def _plain(media_type: str) -> str:
    """Blanks, quotes and capitals do not count, nor does the order of parameters (RFC 9110 §8.3.1); version comes last."""
    name, *parameters = "".join(media_type.lower().replace('"', "").split()).split(";")
    return ";".join([name, *sorted(parameters, key=lambda each: (each.startswith("version="), each))])
