"""Values of a result as people read them: sensible digits, links as links, and NULL told from an empty text."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

_LONGEST, _WIDE = 300, 40
_DIGITS = {"float": 7, "double": 12}


@dataclass(frozen=True, slots=True)
class Cell:
    """`title` is the whole value where `text` is less, `link` where it leads."""

    text: str
    is_null: bool = False
    title: str = ""
    link: str = ""
    is_number: bool = False


def rows_of(table: pa.Table) -> Iterator[list[Cell]]:
    """Yield rows of cells."""
    values = [table.column(index).to_pylist() for index in range(table.num_columns)]
    digits = [_digits(field.type) for field in table.schema]
    for row in zip(*values, strict=True):
        yield [cell_of(value, count) for value, count in zip(row, digits, strict=True)]


def _digits(type_: pa.DataType) -> int:
    """Return how many digits the numbers of a column have, or of the arrays in it."""
    while pa.types.is_nested(type_) and type_.num_fields:
        type_ = type_.field(0).type
    return _DIGITS.get(str(type_), 17)


def cell_of(value: Any, digits: int = 12) -> Cell:
    """Return a value as it is shown; of a float at most so many digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Cell("NULL", is_null=True)
    if isinstance(value, float):
        return Cell(_number(value, digits), title=repr(value), is_number=True)
    if isinstance(value, bytes):
        return _shortened(value.hex(" "))
    if isinstance(value, bool):
        return Cell(str(value).lower())
    if isinstance(value, int):
        return Cell(str(value), is_number=True)
    if isinstance(value, list):
        return _shortened(" ".join(_plain(part, digits) for part in value))
    text = str(value)
    return _shortened(text, text if _is_link(text) else "")


def _plain(value: Any, digits: int) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return _number(value, digits) if isinstance(value, float) else str(value)


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}g}"


def _shortened(text: str, link: str = "") -> Cell:
    if len(text) <= _LONGEST:
        return Cell(text, title=text if len(text) > _WIDE else "", link=link)
    return Cell(text[:_LONGEST] + " …", title=text[:5000], link=link)


def _is_link(text: str) -> bool:
    if not text.startswith(("http://", "https://")) or any(letter.isspace() for letter in text):
        return False
    try:
        return bool(urlsplit(text).netloc)
    except ValueError:
        return False
