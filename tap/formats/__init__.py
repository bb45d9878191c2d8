"""Output formats. A new one is a new file here and a line in FORMATS; the first is the default."""

from tap.formats.delimited import CSV, TSV
from tap.formats.format import Format
from tap.formats.votable_binary import VOTABLE_BINARY, VOTABLE_BINARY2
from tap.formats.votable_tabledata import VOTABLE_TABLEDATA

FORMATS: tuple[Format, ...] = (VOTABLE_BINARY2, VOTABLE_BINARY, VOTABLE_TABLEDATA, CSV, TSV)


def find_format(name: str) -> tuple[Format, str] | None:
    """The format of an alias or a media type (RESPONSEFORMAT), and the media type to answer with."""
    wanted = _plain(name)
    for each in FORMATS:
        if wanted in each.aliases:
            return each, each.media_types[0]
        for media_type in each.media_types:
            if wanted == _plain(media_type):
                return each, media_type
    return None


def _plain(media_type: str) -> str:
    """Blanks, quotes and capitals do not count."""
    return "".join(media_type.lower().replace('"', "").split())
