"""Resumption tokens: where a list goes on, whole in the token, so that any process answers and none remembers.

A list is ordered by the datestamps of its records, and the token names the last that was given. A record that changes meanwhile
moves to the end, so a harvest that goes on while tables are loaded misses none, and no token ever grows stale. Nobody gains by
making one: it says nothing that arguments could not say.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from tap.registry.faults import BAD_TOKEN, OaiError
from tap.registry.listing import DATESTAMP
from tap.registry.requests import Selection

_NONE = "-"
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Resumption:
    """A list that goes on behind the record that changed then; `given` records came before."""

    selection: Selection
    given: int
    changed: datetime
    identifier: str

    def token(self) -> str:
        instants = (self.selection.since, self.selection.until, self.changed)
        words = (self.selection.prefix, *map(_written, instants), str(self.given), self.identifier)
        return base64.urlsafe_b64encode(" ".join(words).encode()).decode().rstrip("=")


def read_token(token: str) -> Resumption:
    """Return where a list goes on. Raises: OaiError."""
    try:
        text = base64.urlsafe_b64decode(token[:_LONGEST] + "=" * (-len(token) % 4)).decode()
        prefix, since, until, changed, given, identifier = text.split(" ")
        selection = Selection(prefix, _read(since), _read(until))
        return Resumption(selection, int(given), _instant(changed), identifier)
    except (binascii.Error, ValueError) as error:
        raise OaiError(BAD_TOKEN, "This is no resumptionToken of this registry; begin the list anew") from error


def _written(instant: datetime | None) -> str:
    return instant.strftime(DATESTAMP) if instant else _NONE


def _read(text: str) -> datetime | None:
    return None if text == _NONE else _instant(text)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, DATESTAMP).replace(tzinfo=UTC)
