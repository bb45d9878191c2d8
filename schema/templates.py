"""Templates of descriptions: texts with names of columns in braces, as in `https://example.org/chart?ra={ra}&dec={dec}`; `{{` is a brace."""

from collections.abc import Iterable
from functools import lru_cache
from string import Formatter


@lru_cache(4096)
def pieces_of(template: str) -> tuple[tuple[str, str | None], ...]:
    """Return texts, each with the column whose value follows it, if any. Raises: ValueError for what is no template."""
    pieces = []
    for text, column, form, conversion in Formatter().parse(template):
        if column == "" or form or conversion:
            raise ValueError("braces hold the name of a column and nothing else; {{ is a brace")
        pieces.append((text, column))
    return tuple(pieces)


def columns_of(templates: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that templates use, each once. Raises: ValueError."""
    names = (column for template in templates for _, column in pieces_of(template) if column is not None)
    return tuple(dict.fromkeys(names))


def lone_column(template: str) -> str | None:
    """Return the column that a template is, if it is nothing else."""
    match pieces_of(template):
        case (("", str(column)),):
            return column
    return None
