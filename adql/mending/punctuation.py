"""Commas and parentheses that are missing, or too many."""

from collections.abc import Iterator

from adql import tokens
from adql.mending.clauses import clauses_of
from adql.mending.mistake import STRUCTURE, Mistake, Repair

_GEOMETRIC = ("POINT", "CIRCLE", "BOX", "POLYGON", "DISTANCE", "CONTAINS", "INTERSECTS")
_VALUES = (tokens.WORD, tokens.DELIMITED, tokens.NUMBER, tokens.STRING)


def comma_too_many(m: Mistake) -> Iterator[Repair]:
    ends_list = m.is_at(m.index, ")", ",", ";") or m.token.kind == tokens.END or m.is_at(m.index, *STRUCTURE)
    if m.is_at(m.index - 1, ",") and ends_list:
        yield m.removed(m.index - 1, m.index - 1)
    elif m.is_at(m.index, ",") and m.is_at(m.index - 1, "SELECT", "DISTINCT", "(", "BY", "FROM"):
        yield m.removed(m.index, m.index)


def comma_in_select(m: Mistake) -> Iterator[Repair]:
    """Mend `s.ra s.dec`, where no name of the column can be meant, and `id COUNT(*)`."""
    is_followed = any(m.is_at(i, "FROM") for i in range(m.index, len(m.tokens)))
    if m.expected != "FROM" or not is_followed:
        return
    if m.is_at(m.index, ".", "("):
        yield m.behind(m.index - 2, ",")
    elif m.token.kind == tokens.WORD and m.is_at(m.index + 1, "("):
        yield m.behind(m.index - 1, ",")
    elif m.is_name(m.index) and m.is_name(m.index - 1) and m.is_name(m.index - 2):
        last = next(i for i in range(m.index, len(m.tokens)) if not m.is_name(i)) - 1
        names = [m.written(i, i) for i in range(m.index - 2, last + 1)]
        yield m.replaced(m.index - 2, last, ", ".join(names))


def comma_in_order(m: Mistake) -> Iterator[Repair]:
    clauses = [word for word, first, _ in clauses_of(m, m.index) if first < m.index]
    if m.expected == "the end of the query" and clauses[-1:] in (["ORDER"], ["GROUP"]) and _is_column(m):
        yield m.behind(m.index - 1, ",")


def _is_column(m: Mistake) -> bool:
    return m.is_name(m.index) and not m.is_at(m.index, "LIMIT", "FETCH", "NULLS") and not m.is_at(m.index - 1, "LIMIT")


def comma_in_geometry(m: Mistake) -> Iterator[Repair]:
    function = m.opening(m.index) - 1
    begins_value = m.token.kind in _VALUES and (m.is_name(m.index) or m.is_at(m.index + 1, "("))
    begins_value = begins_value or m.token.kind in (tokens.NUMBER, tokens.STRING)
    if m.expected == ")" and begins_value and m.is_at(function, *_GEOMETRIC):
        yield m.behind(m.index - 1, ",")


def comma_between_values(m: Mistake) -> Iterator[Repair]:
    is_list = m.is_at(m.opening(m.index) - 1, "IN")
    if m.expected == ")" and is_list and m.token.kind in (tokens.STRING, tokens.NUMBER):
        yield m.behind(m.index - 1, ",")


def parenthesis_missing(m: Mistake) -> Iterator[Repair]:
    """Close what a function, IN or a query has opened; of conditions nobody can tell where they were to end."""
    opening = m.opening(m.index)
    can_tell = m.is_call(opening - 1) or m.is_at(opening - 1, "IN", "CAST") or m.is_at(opening + 1, "SELECT")
    if m.expected == ")" and can_tell and not m.is_at(m.index, ","):
        yield m.behind(m.index - 1, ")")
    elif m.expected == ")" and m.token.kind == tokens.END and opening:
        words = {m.at(i).value for i in range(opening, m.index) if m.is_at(i, "AND", "OR")}
        if len(words) == 1 and not any(m.is_at(i, "BETWEEN", "(") for i in range(opening + 1, m.index)):
            yield m.behind(m.index - 1, ")")


def parenthesis_too_many(m: Mistake) -> Iterator[Repair]:
    depth = 0
    for index in range(len(m.tokens) if m.error.is_syntax and not m.has_or else 0):
        depth += m.is_at(index, "(") - m.is_at(index, ")")
        if depth < 0:
            yield m.removed(index, index)
            return


def values_in_parentheses(m: Mistake) -> Iterator[Repair]:
    """Mend `IN 1, 2`, `IN [1, 2]`, `USING id` and POLYGON((...))."""
    if m.expected != "(":
        return
    if m.is_at(m.index, "["):
        last = next((i for i in range(m.index, len(m.tokens)) if m.is_at(i, "]")), m.index)
        yield m.replaced(m.index, last, f"({m.written(m.index + 1, last - 1)})")
    elif m.is_at(m.index - 1, "IN", "USING") and not m.is_call(m.index):
        last = _end_of_list(m, m.index)
        yield m.replaced(m.index, last, f"({m.written(m.index, last)})")


def _end_of_list(m: Mistake, first: int) -> int:
    last = m.last_of_value(first)
    while m.is_at(last + 1, ","):
        last = m.last_of_value(last + 2)
    return last


def parentheses_twice(m: Mistake) -> Iterator[Repair]:
    opening = m.opening(m.index)
    if m.is_at(m.index, ",") and m.is_at(opening - 1, "(") and m.is_at(opening - 2, *_GEOMETRIC):
        last = m.closing(opening)
        yield m.replaced(opening, last, m.written(opening + 1, last - 1))


def table_in_parentheses(m: Mistake) -> Iterator[Repair]:
    if m.is_at(m.index, "(") and m.is_at(m.index - 1, "FROM", "JOIN", ",") and m.is_name(m.index + 1):
        last = m.closing(m.index)
        yield m.replaced(m.index, last, m.written(m.index + 1, last - 1))
