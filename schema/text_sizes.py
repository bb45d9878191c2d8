"""How long the texts of a table are, and whether they are ASCII, as its rows go by."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from schema import types
from schema.load.copy_binary import is_ascii
from schema.model import Column


@dataclass(slots=True)
class TextSizes:
    """By the place of a column: the characters of its longest text, and which hold more than ASCII."""

    longest: dict[int, int] = field(default_factory=dict)
    wide: set[int] = field(default_factory=set)

    def add(self, batch: pa.RecordBatch) -> None:
        """Measure the texts of more rows; `batch` has the columns of the table, in their order."""
        for place, column in enumerate(batch.columns):
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                ascii_only = is_ascii(column)
                if not ascii_only:
                    self.wide.add(place)
                self.longest[place] = max(self.longest.get(place, 1), _longest(column, ascii_only=ascii_only))

    def include(self, columns: Sequence[Column]) -> None:
        """Count the texts that a table had before, by what is said of its columns."""
        for place, column in enumerate(columns):
            size = (column.arraysize or "").removesuffix("*")
            if column.type.is_text and size.isdigit():
                self.longest[place] = max(self.longest.get(place, 1), int(size))
            if column.datatype == types.UNICODE.datatype:
                self.wide.add(place)

    def applied(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """Return texts as char or unicodeChar, with their longest length; an array of texts keeps its shape."""
        return tuple(self._applied(place, column) for place, column in enumerate(columns))

    def _applied(self, place: int, column: Column) -> Column:
        if not column.type.is_text:
            return column
        datatype = types.UNICODE.datatype if place in self.wide else types.TEXT.datatype
        if "x" in (column.arraysize or ""):
            return replace(column, datatype=datatype)
        return replace(column, datatype=datatype, arraysize=f"{self.longest.get(place, 1)}*")


def _longest(texts: pa.Array, *, ascii_only: bool) -> int:
    """Return the length of the longest text in characters as VOTable counts them, units of UTF-16."""
    if ascii_only:
        return pc.max(pc.binary_length(texts)).as_py() or 0
    if not pc.any(pc.match_substring_regex(texts, "[\U00010000-\U0010ffff]")).as_py():
        return pc.max(pc.utf8_length(texts)).as_py() or 0
    return max((len(text.encode("utf-16-le")) // 2 for text in texts.to_pylist() if text is not None), default=0)
