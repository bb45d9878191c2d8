"""Changes of jobs as they come from the store, for as many listeners as one likes: none of them asks the store."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

_LONGEST_QUEUE = 1000
"""Changes that wait for a slow listener."""


@dataclass(frozen=True, slots=True)
class JobChange:
    """A job is in another phase, or DELETED; the owner is empty for jobs of strangers."""

    job_id: str
    phase: str
    owner_id: str


Changes = asyncio.Queue[JobChange | None]
"""What a listener hears; None where something may be missing."""


class JobEvents:
    """The listeners of one process. Belongs to its event loop."""

    def __init__(self) -> None:
        self._listeners: defaultdict[tuple[str, str], set[Changes]] = defaultdict(set)

    def hear(self, change: JobChange) -> None:
        for key in (("job", change.job_id), ("owner", change.owner_id)):
            for listener in self._listeners.get(key, ()):
                _put(listener, change)

    def hear_all(self) -> None:
        """Tell all listeners that something may be missing."""
        for listeners in self._listeners.values():
            for listener in listeners:
                _put(listener, None)

    def of_job(self, job_id: str) -> AbstractContextManager[Changes]:
        """Provide the changes of a job as long as the context lasts."""
        return self._listening(("job", job_id))

    def of_owner(self, owner_id: str) -> AbstractContextManager[Changes]:
        """Provide the changes of all jobs of an owner as long as the context lasts."""
        return self._listening(("owner", owner_id))

    @contextmanager
    def _listening(self, key: tuple[str, str]) -> Iterator[Changes]:
        changes: Changes = asyncio.Queue(_LONGEST_QUEUE + 1)
        self._listeners[key].add(changes)
        try:
            yield changes
        finally:
            self._listeners[key].discard(changes)
            if not self._listeners[key]:
                del self._listeners[key]


def _put(listener: Changes, change: JobChange | None) -> None:
    """Let a listener hear of a change; one who is too slow hears that some are missing."""
    if listener.qsize() < _LONGEST_QUEUE:
        listener.put_nowait(change)
    elif listener.qsize() == _LONGEST_QUEUE:
        listener.put_nowait(None)
