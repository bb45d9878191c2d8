"""What is known of a value: its type, and the metadata that a column of a result carries."""

from dataclasses import dataclass

from schema.types import Type


@dataclass(frozen=True, slots=True)
class Info:
    """What is known of a value: its type (None for NULL) and the metadata that a result's FIELD carries.

    `length` is how many characters a text that the query makes may have, 0 where that is not known.
    `bounds` are the least and the largest value of a column, where the catalogue knows them. `coordinates` are
    the columns with the longitudes and latitudes that stand beside a column of points. `source` are the names of the
    published table and column whose values these are, unchanged, where the table's rows lead somewhere; and a name for
    the row there, which values of one row share.
    """

    type: Type | None = None
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None
    arraysize: str | None = None
    xtype: str | None = None
    length: int = 0
    bounds: tuple[float, float] | None = None
    coordinates: tuple[str, str] | None = None
    source: tuple[str, str, str] | None = None


UNKNOWN = Info()


def statistic_of(ucd: str | None, word: str | None) -> str | None:
    """Return a UCD with `stat.mean` and the like; the mean of a main column is itself no main column."""
    if not ucd:
        return None
    words = [part for part in ucd.split(";") if part.strip().lower() != "meta.main"]
    return ";".join([*words, word] if word else words)
