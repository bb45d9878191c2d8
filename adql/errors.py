"""What is wrong with a query, where, and how to repair it.

    AdqlError                the text is not ADQL
    ├── WrongCharacter       a character that is no part of it
    ├── UnknownName          a name that is not there:
    │   ├── UnknownTable     a table
    │   │   ├── ClosedTable  one that only others may read
    │   │   └── WithdrawnTable  one that is there no longer, for a reason
    │   ├── UnknownColumn    a column
    │   └── UnknownFunction  a function
    ├── AmbiguousName        a name that may mean several things
    ├── TypeMismatch         it is there, but not for this use
    ├── WrongArguments       a function that takes other arguments
    ├── WrongAggregation     aggregates, windows and columns that do not go together
    ├── WrongJoin            tables that are joined by nothing, or twice
    ├── WrongColumns         queries that give other columns than are needed
    ├── ImpossibleValue      a number that cannot stand there
    ├── NumberRunsOn         a number and a word without anything between them
    └── TooComplex           a limit on the size of queries

Each has a message, a position, a `code` for programs (docs/checks.md) and, where we can tell, a hint; `str()` is the message
with its place, `explain()` is the whole, with the line of the query and a caret.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the query's text: offsets of its first character and of the one after its last."""

    start: int
    end: int

    def to(self, last: "Span") -> "Span":
        return Span(self.start, last.end)


def place_of(text: str, span: Span) -> tuple[int, int]:
    """Return line and column of a span's first character, both from 1."""
    return text.count("\n", 0, span.start) + 1, span.start - text.rfind("\n", 0, span.start)


NOWHERE = Span(0, 0)
_SHOWN = 400


class Suggestion(str):
    """A hint that gives names to write in place of one, `wrong`, which stands at the error or shortly before it."""

    __slots__ = ("choices", "wrong")

    wrong: str
    choices: tuple[str, ...]

    @classmethod
    def of(cls, text: str, wrong: str, choices: Sequence[str]) -> "Suggestion":
        suggestion = cls(text)
        suggestion.wrong, suggestion.choices = wrong, tuple(choices)
        return suggestion


class AdqlError(Exception):
    """The query cannot be translated; `message` is one sentence, `hint` says what to write instead.

    `code` is the kind of error, for programs. It stays as it is when messages change.
    """

    code: ClassVar[str] = "syntax"

    def __init__(self, message: str, span: Span = NOWHERE, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = _shortened(message)
        self.span = span
        self.hint = hint and _shortened(hint)
        self.suggestion = hint if isinstance(hint, Suggestion) else None
        self.text = ""

    def within(self, text: str) -> "AdqlError":
        """Return the same error, knowing the query that it speaks of."""
        self.text = text
        return self

    @property
    def is_syntax(self) -> bool:
        """Return whether the grammar stopped here, before anybody looked at names and types."""
        return self.code == AdqlError.code or self.is_of_characters

    @property
    def is_of_characters(self) -> bool:
        """Return whether not even the words could be told, before anybody looked at the grammar."""
        return isinstance(self, WrongCharacter | NumberRunsOn)

    @property
    def line(self) -> int:
        return place_of(self.text, self.span)[0]

    @property
    def column(self) -> int:
        return place_of(self.text, self.span)[1]

    def __str__(self) -> str:
        return f"{self.message} (line {self.line}, column {self.column})"

    def explain(self) -> str:
        """Return the message, the line of the query with a caret under the offending text, and the hint."""
        lines = [str(self), *quoted_line(self)]
        if self.hint:
            lines.append(f"Hint: {self.hint}")
        return "\n".join(lines)


def _shortened(text: str) -> str:
    """Return the text, cut short: what is shown of a query is never more than a glance."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


class UnknownName(AdqlError):
    """A name that nothing published has; `name` is set if it is a column's, given without its table."""

    code = "unknown-name"
    name: str | None = None


class UnknownTable(UnknownName):
    """A table that is not published, or not in this query."""

    code = "unknown-table"


class ClosedTable(UnknownTable):
    """A table that is there, for others only."""

    code = "closed-table"


class WithdrawnTable(UnknownTable):
    """A table that was taken away; the message says why."""

    code = "withdrawn-table"


class UnknownColumn(UnknownName):
    """A column that no table in reach has."""

    code = "unknown-column"


class UnknownFunction(UnknownName):
    """A function that the service does not have."""

    code = "unknown-function"


class AmbiguousName(AdqlError):
    """A name that may mean several tables or columns."""

    code = "ambiguous-name"


class TypeMismatch(AdqlError):
    """A value of the wrong type for where it stands."""

    code = "type-mismatch"


class WrongArguments(AdqlError):
    """A function called with arguments that it does not take."""

    code = "wrong-arguments"


class WrongAggregation(AdqlError):
    """An aggregate or a window where none can stand, or a column beside one that is not grouped by."""

    code = "wrong-aggregation"


class WrongJoin(AdqlError):
    """A join that does not say what it joins on, or says it twice."""

    code = "wrong-join"


class WrongColumns(AdqlError):
    """A query that gives other columns than the place where it stands, or an output column that is not there."""

    code = "wrong-columns"


class ImpossibleValue(AdqlError):
    """A number or a text that cannot stand there, such as a radius below zero."""

    code = "impossible-value"


class WrongCharacter(AdqlError):
    """A character that begins nothing, or a text, name or comment without an end."""

    code = "wrong-character"


class NumberRunsOn(AdqlError):
    """A number followed directly by letters or digits that are no part of it; `before` is the word in front of it."""

    code = "number-runs-on"

    def __init__(self, number: str, rest: str, before: str, start: int) -> None:
        span = Span(start, start + len(number) + len(rest))
        super().__init__(
            f"The number {number} runs into {rest[:40]}: {(number + rest)[:60]} is neither a number nor a name", span
        )
        self.number = number
        self.rest = rest
        self.before = before


class TooComplex(AdqlError):
    """More of something than we let PostgreSQL plan."""

    code = "too-complex"


UPLOAD_IT = "Upload a long list as a table (UPLOAD) and join it."

_WINDOW = 76


def quoted_line(error: AdqlError) -> list[str]:
    """Return the line of the query that an error speaks of, and one with a caret under the place."""
    lines = error.text.split("\n")
    if error.line > len(lines) or not error.text.strip():
        return []
    line, start = lines[error.line - 1].expandtabs(1).rstrip("\r"), error.column - 1
    first, end = _window(line, start)
    shown = ("… " if first else "") + line[first:end] + (" …" if end < len(line) else "")
    place = start - first + (2 if first else 0)
    width = max(1, min(error.span.end - error.span.start, end - start))
    return ["  " + shown, "  " + " " * place + "^" * width]


def _window(line: str, start: int) -> tuple[int, int]:
    """Return first and end of what is shown of a long line: whole words round a place."""
    if len(line) <= _WINDOW:
        return 0, len(line)
    first = max(0, start - _WINDOW // 2)
    first = line.find(" ", first, start) + 1 or first if first else 0
    end = min(len(line), first + _WINDOW)
    return first, end if end == len(line) else max(line.rfind(" ", start + 1, end), 0) or end


def nearest(
    name: str, known_names: list[str], count: int = 3, written: Callable[[str], str] = str, cutoff: float = 0.6
) -> Suggestion | None:
    """Return a hint that gives the known names most like this one, as they are written; None where none is near.

    `cutoff` is the least similarity, from 0 to 1.
    """
    by_lower = {candidate.lower(): candidate for candidate in known_names}
    matches = get_close_matches(name.lower(), list(by_lower), n=count, cutoff=cutoff)
    if not matches:
        return None
    choices = [written(by_lower[match]) for match in matches]
    return Suggestion.of(f"Did you mean {' or '.join(choices)}?", name, choices)
