"""What to change in the text of a query so that an error is gone: changes that were tried, not guesses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from adql.errors import AdqlError, Span, Suggestion
from adql.tokens import DELIMITED, WORD, tokenize

_MOST = 3


@dataclass(frozen=True, slots=True)
class Repair:
    """A text to put in place of another one of a query."""

    span: Span
    text: str

    def applied(self, query: str) -> str:
        return query[: self.span.start] + self.text + query[self.span.end :]


def repairs(query: str, error: AdqlError, check: Callable[[str], object]) -> list[Repair]:
    """Return the changes after which the query is right; where there are none, those that bring another error, elsewhere.

    `check` raises an AdqlError for a query that is wrong.
    """
    later = {repair: _later(repair, query, check) for repair in _candidates(query, error)}
    right = [repair for repair, error in later.items() if error is None]
    helpful = [repair for repair, error in later.items() if error is not None and _is_elsewhere(error, repair)]
    return (right or helpful)[:_MOST]


def _candidates(query: str, error: AdqlError) -> list[Repair]:
    suggestion = error.suggestion
    if suggestion is None:
        return []
    spans = _places(query, error.span, suggestion)
    return [Repair(span, choice) for choice in suggestion.choices for span in spans]


def _places(query: str, error: Span, suggestion: Suggestion) -> list[Span]:
    """Return where the wrong name stands: within the error's span, or else the last time before it."""
    if query[error.start : error.end] == suggestion.wrong:
        return [error]
    places = [span for span in _spans(query, suggestion.wrong) if span.start < error.end]
    return [span for span in places if span.start >= error.start] or places[-1:]


def _spans(query: str, wrong: str) -> Iterator[Span]:
    """Yield where a name stands; its parts may be apart, in quotes or not, or all within quotes."""
    parts = wrong.split(".")
    try:
        tokens = tokenize(query)
    except AdqlError:
        return
    for index, token in enumerate(tokens):
        if len(parts) > 1 and token.kind == DELIMITED and token.value.lower() == wrong.lower():
            yield token.span
        row = tokens[index : index + 2 * len(parts) - 1]
        names, dots = row[::2], row[1::2]
        if (
            len(row) == 2 * len(parts) - 1
            and all(token.kind in {WORD, DELIMITED} for token in names)
            and all(token.value == "." for token in dots)
            and [token.value.lower() for token in names] == [part.lower() for part in parts]
        ):
            yield row[0].span.to(row[-1].span)


def _later(repair: Repair, query: str, check: Callable[[str], object]) -> AdqlError | None:
    """Return what is wrong after a change, if anything."""
    try:
        check(repair.applied(query))
    except AdqlError as later:
        return later
    return None


def _is_elsewhere(error: AdqlError, repair: Repair) -> bool:
    end = repair.span.start + len(repair.text)
    return error.span.end <= repair.span.start or error.span.start >= end
