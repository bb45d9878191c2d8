"""What is wrong with a query, in the service's words, with the place marked in the query."""

import re

from adql.errors import AdqlError, Span, quoted_line

_PLACES = (
    re.compile(r"\bline[ :=]*(?P<line>\d+)[ ,;]*(?:col(?:umn)?|character|char)\b[. :=]*(?P<column>\d+)", re.IGNORECASE),
    re.compile(r"\[l\.\s*(?P<line>\d+)\s+c\.\s*(?P<column>\d+)"),
)
"""Parsers of services: of pyparsing, of JavaCC, of JSqlParser, ours; and of CDS's library."""
_OFFSETS = re.compile(r"\b(?:at (?:character|char|position)|position:)\s*(?P<offset>\d+)", re.IGNORECASE)
_CARET = re.compile(r"^ *\^+ *$", re.MULTILINE)


def with_place(message: str, query: str) -> str:
    """Return a service's message, and the line of the query that it speaks of, marked, unless it has that itself."""
    span = None if _CARET.search(message) else _span(message, query)
    if span is None:
        return message
    error = AdqlError(message, span).within(query)
    return "\n".join([message.rstrip(), *quoted_line(error)])


def _span(message: str, query: str) -> Span | None:
    """Return the word of a query that a message speaks of."""
    start = _offset(message, query)
    if start is None or not 0 <= start < len(query):
        return None
    word = re.match(r"\w+|.", query[start:], re.DOTALL)
    return Span(start, start + (word.end() if word else 1))


def _offset(message: str, query: str) -> int | None:
    for pattern in _PLACES:
        if match := pattern.search(message):
            lines = query.split("\n")
            line, column = int(match["line"]) - 1, max(1, int(match["column"])) - 1
            known = line < len(lines) and column <= len(lines[line])
            return sum(len(each) + 1 for each in lines[:line]) + column if known else None
    match = _OFFSETS.search(message)
    return int(match["offset"]) - 1 if match else None
