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
    """Return the format of an alias or a media type (RESPONSEFORMAT), and the media type to answer with."""
    plain_name, _, version = _plain(name).partition(";version=")
    for format_ in FORMATS:
        if version and version not in format_.versions:
            continue
        media_type = next((m for m in format_.media_types if plain_name == _plain(m)), None)
        if plain_name in format_.aliases:
            media_type = format_.media_types[0]
        if media_type:
            return (
                (replace(format_, versions=(version,)), f"{media_type};version={version}")
                if version
                else (format_, media_type)
            )
    return None


def _plain(media_type: str) -> str:
    """Return a media type as it is compared, with its version last.

    Blanks, quotes and capitals do not count, nor does the order of parameters (RFC 9110 §8.3.1).
    """
    name, *parameters = "".join(media_type.lower().replace('"', "").split()).split(";")
    return ";".join([name, *sorted(parameters, key=lambda parameter: (parameter.startswith("version="), parameter))])
