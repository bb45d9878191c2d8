"""What to change in the text of a query so that an error is gone: changes that were tried, not guesses."""

from collections.abc import Callable, Iterator
from itertools import islice

from adql.errors import AdqlError, Span, Suggestion
from adql.mending import MENDINGS, Mistake, Repair
from adql.mending.calls import is_known_elsewhere
from adql.tokens import DELIMITED, WORD, tokenize

_MOST = 3
_MOST_TRIED = 12
_LONGEST = 50_000


def repairs(query: str, error: AdqlError, check: Callable[[str], object]) -> list[Repair]:
    """Return the changes after which the query is right; where there are none, those that bring another error, elsewhere.

    `check` raises an AdqlError for a query that is wrong.
    """
    candidates = dict.fromkeys(islice(_candidates(query, error), _MOST_TRIED))
    later = {repair: _later(repair, query, check) for repair in candidates}
    right = [repair for repair, left in later.items() if left is None]
    helpful = [repair for repair, left in later.items() if left is not None and _helps(query, error, repair, left)]
    return (right or helpful)[:_MOST]


def _candidates(query: str, error: AdqlError) -> Iterator[Repair]:
    mistake = Mistake.of(query, error) if len(query) <= _LONGEST else None
    suggestion = error.suggestion
    if suggestion is not None and not (mistake and is_known_elsewhere(mistake)):
        spans = _places(query, error.span, suggestion)
        yield from (Repair(span, choice) for choice in suggestion.choices for span in spans)
    if mistake:
        yield from (repair for mending in MENDINGS for repair in mending(mistake))


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


def _helps(query: str, error: AdqlError, repair: Repair, left: AdqlError) -> bool:
    """Return whether what is left is another error than the one to be mended.

    Where the grammar stopped it has to come further, which is counted from the end: a repair may move what is before it.
    """
    if _is_elsewhere(left, repair) and not error.is_syntax:
        return True
    if not left.is_syntax:
        replaced = query[repair.span.start : repair.span.end]
        is_old = repair.applied(query)[left.span.start : left.span.end] in replaced
        return error.is_syntax and (is_old or _is_elsewhere(left, repair))
    if error.is_of_characters and not left.is_of_characters:
        return True
    return len(repair.applied(query)) - left.span.start < len(query) - error.span.end


def _is_elsewhere(error: AdqlError, repair: Repair) -> bool:
    end = repair.span.start + len(repair.text)
    return error.span.end <= repair.span.start or error.span.start >= end


__all__ = ["Repair", "repairs"]
