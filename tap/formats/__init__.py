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
from tap.formats.moc import MOC_ASCII, MOC_FITS, MOC_JSON
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
    MOC_FITS,
    MOC_JSON,
    MOC_ASCII,
)


def _plain(media_type: str) -> str:
    """Return a media type as it is compared, with its version last.

    Blanks, quotes and capitals do not count, nor does the order of parameters (RFC 9110 §8.3.1).
    """
    name, *parameters = "".join(media_type.lower().replace('"', "").split()).split(";")
    return ";".join([name, *sorted(parameters, key=lambda parameter: (parameter.startswith("version="), parameter))])


def _named(format_: Format) -> dict[str, str]:
    """Return the names that a format is asked for by, each with the media type to answer with."""
    types = {_plain(media_type): media_type for media_type in format_.media_types}
    return types | dict.fromkeys(format_.aliases, format_.media_types[0])


# The first format of a name wins, so it comes last here.
_BY_NAME = {name: (format_, type_) for format_ in reversed(FORMATS) for name, type_ in _named(format_).items()}


def find_format(name: str) -> tuple[Format, str] | None:
    """Return the format of an alias or a media type (RESPONSEFORMAT), and the media type to answer with."""
    plain_name, _, version = _plain(name).partition(";version=")
    match = _BY_NAME.get(plain_name)
    if match is None or not version:
        return match
    format_, media_type = match
    if version not in format_.versions:
        return None
    return replace(format_, versions=(version,)), f"{media_type};version={version}"
