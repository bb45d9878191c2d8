"""Comparisons in the words and signs of other languages, and numbers and texts written as nobody reads them here."""

import re
from collections.abc import Iterator

from adql import tokens
from adql.errors import Span, TypeMismatch
from adql.mending.characters import COMPARISONS, call_of_two, follows_a_sign
from adql.mending.mistake import Mistake, Repair
from schema.model import string_literal

_OPERATORS = {
    "==": "=",
    "=<": "<=",
    "=>": ">=",
    "<=": "<=",
    ">=": ">=",
    "<>": "<>",
    "><": "<>",
    "<==": "<=",
    ">==": ">=",
}
_OPERATOR_WORDS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_BEHIND_CONDITION = ("AND", "OR", ")", "GROUP", "ORDER", "HAVING", "UNION", "EXCEPT", "INTERSECT", "OFFSET")
_TRUTH = {"TRUE": "1", "FALSE": "0", "T": "1", "F": "0"}
_UNITS = {
    **dict.fromkeys(("DEG", "DEGREE", "DEGREES", "D"), ""),
    **dict.fromkeys(("ARCMIN", "ARCMINUTE", "ARCMINUTES"), "/60."),
    **dict.fromkeys(("ARCSEC", "ARCSECOND", "ARCSECONDS", "AS"), "/3600."),
    "MAS": "/3600000.",
    "MAG": "",
}
_WITH_UNIT = re.compile(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*([A-Za-z]+)")
_WITH_GAPS = re.compile(r"\d+(?:_\d+)+")


def operator(m: Mistake) -> Iterator[Repair]:
    both = m.previous.value + m.token.value
    if m.is_at(m.index, *COMPARISONS) and m.is_at(m.index - 1, *COMPARISONS) and both in _OPERATORS:
        yield m.replaced(m.index - 1, m.index, _OPERATORS[both])
    elif m.is_at(m.index, "=") and m.is_at(m.index - 1, "NOT"):
        yield m.replaced(m.index - 1, m.index, "<>")
    for index in (m.index - 1, m.index):
        if m.at(index).kind == tokens.WORD and m.at(index).value in _OPERATOR_WORDS and m.is_name(index - 1):
            yield m.replaced(index, index, _OPERATOR_WORDS[m.at(index).value])


def contains_text(m: Mistake) -> Iterator[Repair]:
    """Mend `name CONTAINS 'Nebula'`."""
    for index in (m.index - 1, m.index, m.last_of_value(m.index) + 1):
        is_text = m.at(index + 1).kind == tokens.STRING
        if is_text and m.is_at(index, "CONTAINS", "STARTSWITH", "ENDSWITH") and m.is_name(index - 1):
            before = "" if m.is_at(index, "STARTSWITH") else "%"
            behind = "" if m.is_at(index, "ENDSWITH") else "%"
            yield m.replaced(index, index + 1, f"LIKE {string_literal(before + m.at(index + 1).value + behind)}")


def same_value_again(m: Mistake) -> Iterator[Repair]:
    """Mend `dec > 40 AND < 42`."""
    if m.is_at(m.index, *COMPARISONS) and m.is_at(m.index - 1, "AND", "OR"):
        sign = m.first_of_value(m.index - 2) - 1
        if m.is_at(sign, *COMPARISONS):
            yield m.before(m.index, f"{m.written(m.first_of_value(sign - 1), sign - 1)} ")


def power(m: Mistake) -> Iterator[Repair]:
    if m.is_at(m.index, "*") and m.is_at(m.index - 1, "*") and not follows_a_sign(m, m.index - 2):
        yield call_of_two(m, "POWER", m.index - 2, m.index + 1)


def or_as_in_c(m: Mistake) -> Iterator[Repair]:
    first = m.first_of_value(m.index - 1)
    if m.is_at(m.index, *COMPARISONS) and m.is_at(first - 1, "||"):
        yield m.replaced(first - 1, first - 1, "OR")


def chain(m: Mistake) -> Iterator[Repair]:
    first = m.first_of_value(m.index - 1)
    left = m.first_of_value(first - 2)
    if m.is_at(m.index, *COMPARISONS) and m.is_at(first - 1, *COMPARISONS) and not m.is_at(left - 1, "NOT"):
        yield m.behind(m.index - 1, f" AND {m.written(first, m.index - 1)}")


def is_without_null(m: Mistake) -> Iterator[Repair]:
    """Mend IS, which is for NULL only."""
    if m.expected != "NULL":
        return
    negated = m.is_at(m.index - 1, "NOT")
    first = m.index - 1 - negated
    if m.is_at(m.index, "LIKE", "ILIKE", "IN", "BETWEEN"):
        yield m.removed(first, first)
    elif m.token.value in _TRUTH and m.token.kind == tokens.WORD:
        yield m.replaced(first, m.index, f"{'<>' if negated else '='} {_TRUTH[m.token.value]}")
    elif m.token.kind in (tokens.NUMBER, tokens.STRING):
        yield m.replaced(first, m.index - 1, "<>" if negated else "=")


def null_without_is(m: Mistake) -> Iterator[Repair]:
    if m.is_at(m.index, "NULL") and m.is_at(m.index - 1, "NOT"):
        yield m.before(m.index - 1, "IS ")
    elif m.is_at(m.index, "NOTNULL"):
        yield m.replaced(m.index, m.index, "IS NOT NULL")
    elif m.is_at(m.index, "ISNULL") and not m.is_at(m.index + 1, "("):
        yield m.replaced(m.index, m.index, "IS NULL")


def between(m: Mistake) -> Iterator[Repair]:
    if m.expected == "AND" and m.is_at(m.index, ","):
        yield Repair(Span(m.previous.end, m.token.end), " AND")
    elif m.expected == "AND" and m.is_at(m.index, "TO"):
        yield m.replaced(m.index, m.index, "AND")
    opening = m.opening(m.index)
    if m.is_at(m.index, ",") and m.is_at(opening - 1, "BETWEEN"):
        last = m.closing(opening)
        both = f"{m.written(opening + 1, m.index - 1)} AND {m.written(m.index + 1, last - 1)}"
        yield m.replaced(opening, last, both)


def equal_to_several(m: Mistake) -> Iterator[Repair]:
    opening = m.opening(m.index)
    if m.is_at(m.index, ",") and m.is_at(opening - 1, "=", "<>", "!="):
        yield m.replaced(opening - 1, opening - 1, "IN" if m.is_at(opening - 1, "=") else "NOT IN")


def or_another_value(m: Mistake) -> Iterator[Repair]:
    """Mend `name = 'a' OR 'b'`."""
    is_literal = m.token.kind in (tokens.STRING, tokens.NUMBER)
    if is_literal and m.is_at(m.index - 1, "OR") and m.is_at(m.index - 3, "=", "LIKE", "ILIKE"):
        first = m.first_of_value(m.index - 4)
        if m.is_at(m.index + 1, "AND") or m.is_at(first - 1, "AND", "NOT"):
            return
        yield m.before(m.index, f"{m.written(first, m.index - 3)} ")


def truth(m: Mistake) -> Iterator[Repair]:
    """Mend TRUE, FALSE and their texts."""
    is_text = isinstance(m.error, TypeMismatch) and m.token.kind == tokens.STRING
    word = m.token.value.upper()
    if word in ("TRUE", "FALSE") and (is_text or m.token.kind == tokens.WORD):
        yield m.replaced(m.index, m.index, _TRUTH[word])


def boolean_alone(m: Mistake) -> Iterator[Repair]:
    """Mend a condition that is a column: only one that is a boolean can be equal to 'true'."""
    if not m.error.message.startswith("Expected a condition") or not m.is_name(m.index):
        return
    last = m.last_of_value(m.index)
    if m.is_at(last, ")") or not (m.is_at(last + 1, *_BEHIND_CONDITION) or m.at(last + 1).kind == tokens.END):
        return
    if m.is_at(m.index - 1, "NOT"):
        yield m.replaced(m.index - 1, last, f"{m.written(m.index, last)} = 'false'")
    else:
        yield m.behind(last, " = 'true'")


# ---- numbers and texts


def number(m: Mistake) -> Iterator[Repair]:
    """Mend 3,5 and 10 000 and 10_000."""
    two = (m.is_at(m.index, ",") and m.previous.kind == m.following.kind == tokens.NUMBER, m.previous.end)
    if two == (True, m.token.start) and m.token.end == m.following.start:
        yield m.replaced(m.index, m.index, ".")
    elif m.token.kind == m.previous.kind == tokens.NUMBER and re.fullmatch(r"\d{3}(\.\d*)?", m.token.value):
        yield Repair(Span(m.previous.end, m.token.start), "")
    if gaps := m.touching(_WITH_GAPS):
        yield Repair(Span(*gaps.span()), gaps[0].replace("_", ""))


def unit(m: Mistake) -> Iterator[Repair]:
    match = m.touching(_WITH_UNIT)
    if not match or match[2].upper() not in _UNITS or m.text[match.start() - 1 : match.start()].isalnum():
        return
    factor = _UNITS[match[2].upper()]
    if column := _compared_column(m, match.start()):
        # In what unit a column is cannot be told by its text; parallaxes and motions are in mas everywhere.
        if factor and not (match[2].upper() == "MAS" and column.startswith(("PARALLAX", "PM"))):
            return
        factor = ""
    yield Repair(Span(*match.span()), match[1] + factor)


def _compared_column(m: Mistake, start: int) -> str | None:
    """Return the column that a number is compared with, in capitals; None where that is no mere column."""
    index = next((i for i, token in enumerate(m.tokens) if token.start >= start), 0)
    if m.is_at(index - 1, *COMPARISONS) and m.is_name(index - 2):
        return m.at(index - 2).value.upper()
    return None


def words_without_quotes(m: Mistake) -> Iterator[Repair]:
    """Mend `name = HD 10700`."""
    words = m.previous.kind == tokens.WORD and m.is_name(m.index - 1)
    words = words and (m.token.kind == tokens.NUMBER or m.is_name(m.index))
    if words and m.is_at(m.index - 2, "=", "<>", "!=", "LIKE", "ILIKE"):
        yield m.replaced(m.index - 1, m.index, string_literal(m.written(m.index - 1, m.index)))


def text_for_number(m: Mistake) -> Iterator[Repair]:
    if not isinstance(m.error, TypeMismatch):
        return
    if m.token.kind == tokens.STRING and re.fullmatch(r"\s*[+-]?\d+(\.\d*)?\s*", m.token.value):
        yield m.replaced(m.index, m.index, m.token.value.strip())
    elif m.token.kind == tokens.NUMBER and m.at(m.index - 2).kind == tokens.STRING:
        if re.fullmatch(r"[A-Za-z]\w*", m.at(m.index - 2).value):
            yield m.replaced(m.index - 2, m.index - 2, m.at(m.index - 2).value)
    elif m.token.kind == tokens.NUMBER:
        yield m.replaced(m.index, m.index, string_literal(m.token.value))


def texts_added(m: Mistake) -> Iterator[Repair]:
    if "||" not in (m.error.hint or ""):
        return
    last = m.last_of_value(m.index)
    for place in (last + 1, m.index - 1):
        if m.is_at(place, "+"):
            yield m.replaced(place, place, "||")
