"""Clauses that are elsewhere, twice, incomplete or called otherwise: LIMIT and its kin, WHERE after ORDER BY."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from adql import tokens
from adql.errors import Span
from adql.mending.mistake import STRUCTURE, Mistake, Repair
from adql.tokens import Token

_LIMIT = re.compile(r"\bLIMIT\s+(\d+)(?:\s*,\s*(\d+))?(\s+OFFSET\s+\d+)?", re.IGNORECASE)
_FETCH = re.compile(r"(?:\b(OFFSET\s+\d+)\s+ROWS?\s+)?\bFETCH\s+(?:FIRST|NEXT)\s+(\d+)\s+ROWS?\s+ONLY\b", re.IGNORECASE)
_TOP = re.compile(r"\bTOP\s+(\d+)\b", re.IGNORECASE)
_ORDER = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "OFFSET")
_WORDS = tuple(
    "AND BETWEEN DISTINCT EXCEPT FROM GROUP HAVING INTERSECT JOIN LIKE ORDER SELECT UNION USING WHERE".split()
)
_ALIKE = 0.75
_SETS = ("UNION", "EXCEPT", "INTERSECT")
Clauses = list[tuple[str, int, int]]


def select_of(m: Mistake, index: int) -> int | None:
    """Return the index of SELECT of the query that a token stands in; None for one of several in a set operation."""
    depth = 0
    for i in range(index - 1, -1, -1):
        depth += m.is_at(i, ")") - m.is_at(i, "(")
        if depth < 0 or (depth == 0 and m.is_at(i, *_SETS)):
            return None
        if depth == 0 and m.is_at(i, "SELECT"):
            return None if m.is_at(i - 1, *_SETS, "ALL") else i
    return None


def clauses_of(m: Mistake, index: int) -> Clauses:
    """Return the clauses of the query that a token stands in: the word, the indexes of its first and its last token."""
    start = select_of(m, index)
    if start is None:
        return []
    found, depth = [("SELECT", start)], 0
    for i in range(start + 1, len(m.tokens)):
        depth += m.is_at(i, "(") - m.is_at(i, ")")
        if depth < 0 or m.at(i).kind == tokens.END or (depth == 0 and m.is_at(i, *_SETS, ";")):
            break
        if depth == 0 and m.is_at(i, *_ORDER):
            found.append((m.at(i).value, i))
    ends = [first - 1 for _, first in found[1:]] + [i - 1]
    return [(word, first, last) for (word, first), last in zip(found, ends, strict=True)]


# ---- how many rows


def limit(m: Mistake) -> Iterator[Repair]:
    match = m.touching(_LIMIT)
    if match:
        rows, offset = (match[2], f" OFFSET {match[1]}") if match[2] else (match[1], match[3] or "")
        yield from _with_top(m, match, rows, offset)


def fetch(m: Mistake) -> Iterator[Repair]:
    match = m.touching(_FETCH)
    if match:
        yield from _with_top(m, match, match[2], f" {match[1]}" if match[1] else "")


def top_elsewhere(m: Mistake) -> Iterator[Repair]:
    match = m.touching(_TOP)
    if match and not re.search(r"\b(SELECT|DISTINCT|ALL)\s+$", m.text[: match.start()], re.IGNORECASE):
        yield from _with_top(m, match, match[1], "")


def _with_top(m: Mistake, match: "re.Match[str]", rows: str, rest: str) -> Iterator[Repair]:
    """Yield the change that takes a match away and puts TOP behind SELECT."""
    index = next((i for i, token in enumerate(m.tokens) if token.start >= match.start()), len(m.tokens) - 1)
    select = select_of(m, index)
    if select is None:
        return
    if top := next((m.at(i + 1).value for i in (select + 1, select + 2) if m.is_at(i, "TOP")), None):
        if top == rows:
            yield Repair(Span(m.at(index - 1).end, match.end()), rest)
        return
    place = m.at(select + 1 if m.is_at(select + 1, "DISTINCT", "ALL") else select).end
    between = m.text[place : match.start()].rstrip()
    separator = "\n" if rest and "--" in between else ""
    yield Repair(Span(place, match.end()), f" TOP {rows}{between}{separator}{rest}")


def top_as_elsewhere(m: Mistake) -> Iterator[Repair]:
    """Mend `TOP (n)`, `TOP n,`, `TOP n DISTINCT` and `TOPn`."""
    opening = m.index if m.is_at(m.index, "(") else m.index + 1
    if m.is_at(opening, "(") and m.is_at(opening - 1, "TOP") and m.is_at(opening + 2, ")"):
        yield m.replaced(opening - 1, opening + 2, f"TOP {m.at(opening + 1).value}")
    elif m.is_at(m.index - 2, "TOP") and m.is_at(m.index, ","):
        yield m.removed(m.index, m.index)
    elif m.is_at(m.index - 2, "TOP") and m.is_at(m.index, "DISTINCT"):
        yield m.replaced(m.index - 2, m.index, f"DISTINCT {m.written(m.index - 2, m.index - 1)}")
    elif m.is_at(m.index - 1, "SELECT", "DISTINCT") and re.fullmatch(r"TOP\d+", m.token.value):
        yield m.replaced(m.index, m.index, f"TOP {m.token.value[3:]}")


# ---- the order of clauses


def order_of_clauses(m: Mistake) -> Iterator[Repair]:
    clauses = clauses_of(m, m.index) if m.is_at(m.index, *_ORDER) else []
    words = [word for word, _, _ in clauses]
    text = m.written(clauses[0][1], clauses[-1][2]) if clauses else ""
    if len(set(words)) == len(words) and words != sorted(words, key=_ORDER.index) and "--" not in text:
        parts = sorted(clauses, key=lambda clause: _ORDER.index(clause[0]))
        whole = " ".join(m.written(first, last) for _, first, last in parts)
        yield m.replaced(clauses[0][1], clauses[-1][2], whole)


def twice(m: Mistake) -> Iterator[Repair]:
    """Mend two WHEREs, and words that stand twice or after each other."""
    is_again = m.is_at(m.index - 1, m.token.value) and m.is_at(m.index, ".", "||", *STRUCTURE - {"NOT"})
    if is_again or (m.is_at(m.index, "AND", "WHERE") and m.is_at(m.index - 1, "WHERE", "AND", "ON")):
        yield m.removed(m.index, m.index)
    elif m.is_at(m.index, "WHERE") and _clause(m) == "WHERE" and not m.has_or:
        yield m.replaced(m.index, m.index, "AND")


def _clause(m: Mistake) -> str:
    """Return the word of the clause before the place."""
    return next((word for word, first, _ in reversed(clauses_of(m, m.index)) if first < m.index), "")


def comma_between_conditions(m: Mistake) -> Iterator[Repair]:
    if m.is_at(m.index, ",") and _clause(m) in ("WHERE", "HAVING") and m.is_name(m.index + 1):
        yield Repair(Span(m.previous.end, m.token.end), " AND")


# ---- words


def missing_word(m: Mistake) -> Iterator[Repair]:
    has_from = any(m.is_at(i, "FROM") for i in range(len(m.tokens)))
    if m.expected == "SELECT" and m.index == 0 and has_from and m.is_name(0) and m.is_at(1, ",", ".", "(", "FROM"):
        yield m.before(0, "SELECT ")
    elif m.expected == "FROM" and not has_from and m.token.kind != tokens.END and not _is_like(m.previous, "FROM"):
        yield m.before(m.first_of_value(m.index - 1) if m.is_at(m.index, ".") else m.index, "FROM ")
    elif m.expected in ("BY", "AS") and m.token.kind != tokens.END:
        yield m.before(m.index, f"{m.expected} ")
    elif m.is_at(m.index, "FROM") and (m.is_at(m.index - 1, "SELECT", "DISTINCT") or m.is_at(m.index - 2, "TOP")):
        yield m.before(m.index, "* ")
    elif m.expected == "END":
        yield m.behind(m.index - 1, " END")


def _is_like(token: Token, word: str) -> bool:
    return bool(get_close_matches(token.value.upper(), [word], cutoff=_ALIKE))


def called_otherwise(m: Mistake) -> Iterator[Repair]:
    for index in (m.index - 1, m.index):
        if m.is_at(index, "ORDERBY", "GROUPBY"):
            yield m.replaced(index, index, f"{m.at(index).value[:-2]} BY")
        elif m.is_at(index, "SORT") and m.is_at(index + 1, "BY"):
            yield m.replaced(index, index, "ORDER")
        elif m.is_at(index, "MINUS") and m.is_at(index + 1, "SELECT", "("):
            yield m.replaced(index, index, "EXCEPT")
        elif m.is_at(index, "UNIQUE") and m.is_at(index - 1, "SELECT"):
            yield m.replaced(index, index, "DISTINCT")
        elif m.is_at(index, "ASCENDING", "DESCENDING"):
            yield m.replaced(index, index, m.at(index).value.removesuffix("ENDING"))


def misspelt(m: Mistake) -> Iterator[Repair]:
    for index in (m.index - 1, m.index):
        if m.error.is_syntax and m.at(index).kind == tokens.WORD and m.is_name(index) and not m.is_at(index, "RLIKE"):
            name = m.at(index).value
            close = get_close_matches(name, _WORDS, n=1, cutoff=_ALIKE)
            close = close or [word for word in _WORDS if sorted(word) == sorted(name)]
            yield from (m.replaced(index, index, _corrected(m.written(index, index), word)) for word in close)


def _corrected(written: str, word: str) -> str:
    """Return the word; before what ran into it, as in SELECTra, with a blank."""
    return f"{word} {written[len(word) :]}" if written.upper().startswith(word) else word


def direction(m: Mistake) -> Iterator[Repair]:
    """Mend DESC before its column, and NULLS LAST, which is so anyway."""
    if m.is_at(m.index, "ASC", "DESC") and m.is_at(m.index - 1, "BY", ","):
        last = m.last_of_value(m.index + 1)
        yield m.replaced(m.index, last, f"{m.written(m.index + 1, last)} {m.token.value}")
    for index in (m.index - 1, m.index):
        if m.is_at(index, "NULLS") and m.is_at(index + 1, "LAST"):
            yield m.removed(index, index + 1)


def semicolon(m: Mistake) -> Iterator[Repair]:
    index = m.index if m.is_at(m.index, ";") else m.index - 1
    if not m.is_at(index, ";") or m.is_at(index + 1, "SELECT", "WITH"):
        return
    if m.is_at(m.opening(index), "(") and not m.is_at(index + 1, ")"):
        yield m.replaced(index, index, ",")
    else:
        yield m.removed(index, index)
