"""A wrong query and the place in it: what the functions that mend slips look at, and what they give."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from adql import tokens
from adql.errors import AdqlError, Span
from adql.tokens import Token, tokenize, tokens_of_unfinished
from schema.words import RESERVED

_NEAR = 200
_NAMES = (tokens.WORD, tokens.DELIMITED)
STRUCTURE = frozenset(
    "SELECT FROM WHERE GROUP ORDER HAVING BY AS ON USING AND OR NOT IN IS LIKE ILIKE BETWEEN JOIN INNER LEFT RIGHT FULL"
    " OUTER NATURAL CROSS UNION EXCEPT INTERSECT ALL DISTINCT TOP OFFSET CASE WHEN THEN ELSE END CAST NULL WITH ASC DESC"
    " EXISTS TRUE FALSE".split()
)
"""Words that are no name even where one forgot the quotes."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A text to put in place of another one of a query."""

    span: Span
    text: str

    def applied(self, query: str) -> str:
        return query[: self.span.start] + self.text + query[self.span.end :]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A query with its error, its tokens, and the index of the first token that does not end before the error."""

    text: str
    error: AdqlError
    tokens: list[Token]
    index: int

    @classmethod
    def of(cls, text: str, error: AdqlError) -> "Mistake":
        found = _tokens(text)
        index = next((i for i, token in enumerate(found) if token.end > error.span.start), len(found) - 1)
        return cls(text, error, found, index)

    @property
    def token(self) -> Token:
        return self.at(self.index)

    @property
    def previous(self) -> Token:
        return self.at(self.index - 1)

    @property
    def following(self) -> Token:
        return self.at(self.index + 1)

    @property
    def expected(self) -> str:
        """What the grammar wanted here; empty where the grammar was satisfied."""
        match = re.match("Expected (.*), found ", self.error.message)
        return match[1] if match else ""

    def at(self, index: int) -> Token:
        """Return a token; before the first and after the last one there is the end."""
        return self.tokens[index] if 0 <= index < len(self.tokens) else self.tokens[-1]

    def is_at(self, index: int, *values: str) -> bool:
        """Return whether there stands one of some words or operators."""
        token = self.at(index)
        return token.kind in (tokens.WORD, tokens.OPERATOR) and token.value in values

    def is_name(self, index: int) -> bool:
        token = self.at(index)
        return token.kind == tokens.DELIMITED or (token.kind == tokens.WORD and token.value not in RESERVED)

    def written(self, first: int, last: int) -> str:
        return self.text[self.at(first).start : self.at(last).end]

    def is_call(self, index: int) -> bool:
        """Return whether the name of a function stands at an index."""
        token = self.at(index)
        return token.kind == tokens.WORD and token.value not in STRUCTURE and self.is_at(index + 1, "(")

    @property
    def has_or(self) -> bool:
        """Return whether OR stands anywhere: then conditions that are put together may come to mean something else."""
        return any(self.is_at(index, "OR") for index in range(len(self.tokens)))

    # ---- values

    def first_of_value(self, last: int) -> int:
        """Return the index where the value begins that ends at one: a number, a text, a name, a call, a parenthesis."""
        if self.is_at(last, ")"):
            opening = self.opening(last)
            return self.first_of_value(opening - 1) if self.is_call(opening - 1) else opening
        first = last
        while self.at(first).kind in _NAMES and self.is_at(first - 1, ".") and self.at(first - 2).kind in _NAMES:
            first -= 2
        return first

    def last_of_value(self, first: int) -> int:
        """Return the index where the value ends that begins at one."""
        if self.is_at(first, "-", "+"):
            first += 1
        last = first
        while self.at(last).kind in _NAMES and self.is_at(last + 1, ".") and self.at(last + 2).kind in _NAMES:
            last += 2
        if self.is_at(last, "("):
            return self.closing(last)
        return self.closing(last + 1) if self.at(last).kind in _NAMES and self.is_at(last + 1, "(") else last

    def opening(self, last: int) -> int:
        """Return the index of the parenthesis that is open before the token at `last`; 0 where none is."""
        depth = 0
        for index in range(last - 1, -1, -1):
            if self.is_at(index, "("):
                if depth == 0:
                    return index
                depth -= 1
            depth += self.is_at(index, ")")
        return 0

    def closing(self, first: int) -> int:
        """Return the index of the parenthesis that closes the one at `first`, or of the end."""
        depth = 0
        for index in range(first, len(self.tokens)):
            depth += self.is_at(index, "(") - self.is_at(index, ")")
            if depth == 0:
                return index
        return len(self.tokens) - 1

    def arguments(self, function: int) -> list[str]:
        """Return the arguments, as they are written, of the call whose name stands at an index."""
        end, depth, first, written = self.closing(function + 1), 0, function + 2, []
        for index in range(function + 2, end):
            depth += self.is_at(index, "(", "[") - self.is_at(index, ")", "]")
            if depth == 0 and self.is_at(index, ","):
                written.append(self.written(first, index - 1))
                first = index + 1
        return [*written, self.written(first, end - 1)] if first < end else written

    # ---- changes

    def replaced(self, first: int, last: int, text: str) -> Repair:
        return Repair(Span(self.at(first).start, self.at(last).end), text)

    def removed(self, first: int, last: int) -> Repair:
        """Return the change that takes tokens away, with the blanks before them."""
        start = self.at(first - 1).end if first > 0 else 0
        beginning = start if first > 0 else self.at(first).start
        end = self.at(last).end
        would_join = (self.text[max(0, beginning - 1) : beginning] + self.text[end : end + 1]).isalnum()
        return Repair(Span(beginning, end), " " if would_join and beginning else "")

    def before(self, index: int, text: str) -> Repair:
        """Return the change that puts a text before a token."""
        return Repair(Span(self.at(index).start, self.at(index).start), text)

    def behind(self, index: int, text: str) -> Repair:
        return Repair(Span(self.at(index).end, self.at(index).end), text)

    def call_replaced(self, function: int, text: str) -> Repair:
        return self.replaced(function, self.closing(function + 1), text)

    def touching(self, pattern: "re.Pattern[str]") -> "re.Match[str] | None":
        """Return the match of a pattern in the text that is where the error is, or ends or begins there."""
        near = self.error.span
        matches = pattern.finditer(self.text, max(0, near.start - _NEAR), near.start + _NEAR)
        return next((match for match in matches if match.start() <= near.end and match.end() >= near.start), None)


Mending = Callable[[Mistake], Iterator[Repair]]
"""Gives the changes that may mend one kind of slip, the likeliest first; nothing for other mistakes."""


def _tokens(text: str) -> list[Token]:
    try:
        return tokenize(text)
    except AdqlError:
        end = Token(tokens.END, "", len(text), len(text))
        return [*map(_upper, tokens_of_unfinished(text, len(text))), end]


def _upper(token: Token) -> Token:
    return token._replace(value=token.value.upper()) if token.kind == tokens.WORD else token
