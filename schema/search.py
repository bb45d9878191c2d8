"""Finding tables by words: in names and descriptions of tables and columns, UCDs and units."""

from dataclasses import dataclass

from schema.model import Catalogue, Column, Table

_COLUMNS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A table that has all words, and columns that have some of them."""

    table: Table
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The hits that were asked for, of `total`."""

    words: str
    hits: tuple[Hit, ...]
    total: int


@dataclass(frozen=True, slots=True)
class _Entry:
    table: Table
    name: str
    text: str


class TableIndex:
    """The texts of a catalogue, made ready to be searched."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._entries = [
            _Entry(table, table.table_name.lower(), "\n".join(_texts(table)).lower()) for table in catalogue.tables
        ]

    def search(self, words: str, first: int, count: int) -> Found:
        """Return tables that have each of the words somewhere; those with a word in their name come first."""
        wanted = words.lower().split()
        matches = [entry for entry in self._entries if all(word in entry.text for word in wanted)]
        # Older versions (name@version) come behind.
        matches.sort(key=lambda entry: (not any(word in entry.name for word in wanted), "@" in entry.name))
        hits = tuple(Hit(entry.table, _columns(entry, wanted)) for entry in matches[first : first + count])
        return Found(words, hits, len(matches))


def _texts(table: Table) -> list[str]:
    texts = [table.table_name, table.description or ""]
    for column in table.columns:
        texts.append(text_of(column))
    return texts


def text_of(column: Column) -> str:
    """Return all that is searched of a column, in lower case."""
    return " ".join(filter(None, (column.column_name, column.unit, column.ucd, column.description))).lower()


def _columns(entry: _Entry, wanted: list[str]) -> tuple[Column, ...]:
    """Return columns with words that the table's own name does not have."""
    words = [word for word in wanted if word not in entry.name]
    matches = (column for column in entry.table.columns if any(word in text_of(column) for word in words))
    return tuple(column for _, column in zip(range(_COLUMNS_SHOWN), matches, strict=False))
