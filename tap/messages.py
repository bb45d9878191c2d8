"""What the operator tells all users: on every page, and in the capabilities."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tap.auth.accounts import AccountsAway, AccountStore, NoSuchName
from tap.processes import service_start
from uws.periodic import Periodic

LONGEST = 1000
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Message:
    """A message and until when it is shown; None for ever."""

    message_id: int
    text: str
    posted: datetime
    expires: datetime | None


def messages_in(store: AccountStore) -> tuple[Message, ...]:
    """Return the messages that are not over, the oldest first. Raises: AccountsAway."""
    return tuple(Message(**row) for row in store.rows("messages", {}))


def add_message(store: AccountStore, text: str, days: float | None) -> int:
    """Add a message, and return its number. Raises: AccountsAway."""
    return int(store.rows("add_message", {"text": text, "days": days})[0]["message_id"])


def remove_message(store: AccountStore, message_id: int) -> None:
    """Raises: NoSuchName, AccountsAway."""
    if not store.rows("remove_message", {"message_id": message_id}):
        raise NoSuchName(f"There is no message {message_id}")


@dataclass
class Messages:
    """The messages as one process knows them, and when they last changed, read again every few seconds: no page waits for them."""

    store: AccountStore
    current: tuple[Message, ...] = ()
    changed: datetime = field(default_factory=service_start)
    _periodic: Periodic | None = field(default=None, init=False)

    def open(self) -> None:
        self._read()
        self._periodic = Periodic("messages", _SECONDS, self._read)
        self._periodic.start()

    def close(self) -> None:
        if self._periodic:
            self._periodic.stop()

    def _read(self) -> None:
        with suppress(AccountsAway):
            messages = messages_in(self.store)
            if messages != self.current:
                posted = [message.posted for message in messages]
                # That one is over is seen by each process in its own second, that there is one more by all in the same.
                self.changed = max(posted) if len(messages) > len(self.current) else datetime.now(UTC)
                self.current = messages

    def texts(self) -> list[str]:
        return [message.text for message in self.current]
