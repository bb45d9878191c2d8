"""Characters that ADQL has not: those of web pages, and operators of other languages."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from adql import tokens
from adql.errors import Span
from adql.mending.mistake import Mistake, Repair
from schema.model import quoted_if_needed, string_literal

_REPLACED = (
    ("\u2018\u2019\u201a\u201b\u2032", "'"),
    ("\u2212\u2013\u2014", "-"),
    ("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000\ufeff", " "),
    ("\u200b\u200c\u200d\u200e\u200f", ""),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "<>"),
    ("\u00d7", "*"),
    ("÷", "/"),
    ("°º", ""),
)
COMPARISONS = ("=", "<", ">", "<=", ">=", "<>", "!=")
_Written = Callable[["re.Match[str]"], str]
_CURLY = re.compile('[\u201c\u201d\u201e\u2033]([^\u201c\u201d\u201e\u2033"]*)[\u201c\u201d\u201e\u2033]')
_BEFORE_A_TEXT = re.compile(r"(?:[=<>(]|\bI?LIKE)\s*$", re.IGNORECASE)
_BACKTICKS = re.compile("`([^`\n]+)`")
_TYPE = re.compile(r"::\s*(\w+)")
_PATTERN = re.compile(r"\bI?LIKE\s+([^\s'\"()]+)", re.IGNORECASE)
_APOSTROPHE = re.compile(r"'(\w+)'s\b([^'\n]*)'")
_ANGLE = re.compile(r"(?<![\w.])(\d+(?:\.\d*)?)(['\"])")
TYPES = {
    **dict.fromkeys(("FLOAT", "FLOAT8", "DOUBLE", "NUMERIC", "DECIMAL", "NUMBER"), "DOUBLE PRECISION"),
    **dict.fromkeys(("INT", "INT4"), "INTEGER"),
    **dict.fromkeys(("LONG", "INT8"), "BIGINT"),
    **dict.fromkeys(("TEXT", "STRING"), "VARCHAR"),
    **dict.fromkeys(("FLOAT4",), "REAL"),
    **dict.fromkeys(("DATE", "DATETIME"), "TIMESTAMP"),
}
"""Types under their names in other databases."""


def _wrong(m: Mistake) -> str:
    """Return the text from the wrong character on."""
    return m.text[m.error.span.start :]


def of_web_pages(m: Mistake) -> Iterator[Repair]:
    for characters, replacement in _REPLACED:
        if _wrong(m)[:1] and _wrong(m)[0] in characters:
            yield _everywhere(m, re.compile(f"[{characters}]"), partial(_always, replacement))


def _always(text: str, _: "re.Match[str]") -> str:
    return text


def curly_quotes(m: Mistake) -> Iterator[Repair]:
    if _CURLY.match(_wrong(m)):
        yield _everywhere(m, _CURLY, lambda match: _quoted(m.text, match))


def _quoted(text: str, match: "re.Match[str]") -> str:
    return (
        string_literal(match[1])
        if _BEFORE_A_TEXT.search(text[max(0, match.start() - 40) : match.start()])
        else f'"{match[1]}"'
    )


def backticks(m: Mistake) -> Iterator[Repair]:
    if _BACKTICKS.match(_wrong(m)):
        yield _everywhere(m, _BACKTICKS, lambda match: quoted_if_needed(match[1]))


def _everywhere(m: Mistake, pattern: "re.Pattern[str]", text: _Written) -> Repair:
    """Return the change of all matches from the wrong place on."""
    start = m.error.span.start
    end = max(match.end() for match in pattern.finditer(m.text, start))
    changed, position = "", start
    for match in pattern.finditer(m.text, start):
        changed += m.text[position : match.start()] + text(match)
        position = match.end()
    return Repair(Span(start, end), changed)


def comment(m: Mistake) -> Iterator[Repair]:
    start = m.error.span.start
    if not m.text[:start][-1:].strip() and _wrong(m).startswith("#"):
        yield Repair(Span(start, start + 1), "--")
    for first in (m.index - 1, m.index):
        if m.expected == "the end of the query" and m.is_at(first, "/") and m.is_at(first + 1, "/"):
            yield m.replaced(first, first + 1, "--")


def logical_operator(m: Mistake) -> Iterator[Repair]:
    start, wrong = m.error.span.start, _wrong(m)
    if wrong.startswith("&"):
        yield Repair(Span(start, start + (2 if wrong.startswith("&&") else 1)), "AND")
    elif re.match(r"!\s*[(\w]", wrong) and m.is_at(m.index - 1, "="):
        yield Repair(Span(m.previous.start, start + 1), "!=")
    elif re.match(r"!\s*\(", wrong):
        yield Repair(Span(start, start + 1), "NOT ")
    elif blank := re.match(r"!\s+=", wrong):
        yield Repair(Span(start, start + blank.end()), "<>")


def arithmetic_operator(m: Mistake) -> Iterator[Repair]:
    """Mend `a % b` and `a ^ b`, where both are plain values."""
    function = {"%": "MOD", "^": "POWER"}.get(_wrong(m)[:1])
    follows_factor = function == "MOD" and m.is_at(m.first_of_value(m.index - 1) - 1, "*", "/")
    if function and m.index and not follows_factor and not follows_a_sign(m, m.index - 1):
        yield call_of_two(m, function, m.index - 1, m.index)


def follows_a_sign(m: Mistake, last: int) -> bool:
    """Return whether the value that ends at an index has a sign, to which -2^2 belongs here and not there."""
    first = m.first_of_value(last)
    follows_value = (
        m.at(first - 2).kind in (tokens.NUMBER, tokens.STRING) or m.is_at(first - 2, ")") or m.is_name(first - 2)
    )
    return first > 0 and m.is_at(first - 1, "-", "+") and not follows_value


def call_of_two(m: Mistake, function: str, left: int, right: int) -> Repair:
    """Return the call of a function for the value that ends at one index and the one that begins at another."""
    first, last = m.first_of_value(left), m.last_of_value(right)
    return m.replaced(first, last, f"{function}({m.written(first, left)}, {m.written(right, last)})")


def cast(m: Mistake) -> Iterator[Repair]:
    match = _TYPE.match(_wrong(m))
    if match and m.index:
        first, end = m.first_of_value(m.index - 1), m.error.span.start + match.end()
        type_ = TYPES.get(match[1].upper(), match[1].upper())
        yield Repair(Span(m.at(first).start, end), f"CAST({m.written(first, m.index - 1)} AS {type_})")


def pattern_without_quotes(m: Mistake) -> Iterator[Repair]:
    match = m.touching(_PATTERN)
    if match and ("%" in match[1] or "*" in match[1] or "_" in match[1]):
        yield Repair(Span(*match.span(1)), string_literal(match[1].replace("*", "%")))


def apostrophe(m: Mistake) -> Iterator[Repair]:
    """Mend 'Barnard's Galaxy'."""
    match = m.touching(_APOSTROPHE)
    if match:
        yield Repair(Span(*match.span()), f"'{match[1]}''s{match[2]}'")


def angle_with_a_sign(m: Mistake) -> Iterator[Repair]:
    """Mend 5" and 5', which are arcseconds and arcminutes."""
    match = m.touching(_ANGLE)
    if match and match.start(2) == m.error.span.start:
        yield Repair(Span(*match.span()), f"{match[1]}/{'3600.' if match[2] == chr(34) else '60.'}")
