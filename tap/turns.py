"""Which queries of a web process run now: so many at once, and only a few of those that have just begun.

Most queries are over in a few milliseconds, nearly all of it Python's. Threads that want Python's lock at the same time
take its time from each other, so queries that begin do so one after the other rather than side by side.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from tap.errors import Busy

_BEGINNING_SECONDS = 0.01
"""How long a query counts as one that has just begun."""


def beginning_at_once(processes: int) -> int:
    """Return how many queries may have just begun: two, so that one works while PostgreSQL does for the other.

    One where so many web processes leave no core idle anyway.
    """
    return 1 if processes >= len(os.sched_getaffinity(0)) else 2


class Turns:
    """Lets `count` queries run at once, `beginning` of them as such that have just begun.

    Others wait, in the order in which they came, at most `patience` seconds.
    """

    def __init__(self, count: int, beginning: int, patience: float) -> None:
        self._running = asyncio.Semaphore(count)
        self._beginning = asyncio.Semaphore(beginning)
        self._shares: dict[tuple[str, int], _Share] = {}
        self._patience = patience

    async def take(self, share: str, at_once: int) -> "Turn":
        """Take a turn of an account or address, of which so many queries run at once. Raises: Busy."""
        # Where the number has changed, what runs counts no longer.
        key = share, at_once
        entry = self._shares.setdefault(key, _Share(at_once))
        entry.queries += 1
        try:
            await self._acquire([entry.running, self._running, self._beginning])
        except (Busy, asyncio.CancelledError):
            self._leave(key)
            raise
        return Turn([entry.running, self._running], self._beginning, partial(self._leave, key))

    async def _acquire(self, semaphores: list[asyncio.Semaphore]) -> None:
        """Acquire all or none."""
        if not any(semaphore.locked() for semaphore in semaphores):
            await _acquire_all(semaphores)
            return
        try:
            async with asyncio.timeout(self._patience):
                await _acquire_all(semaphores)
        except TimeoutError:
            raise Busy("Too many queries are running. Please try again soon.") from None

    def _leave(self, key: tuple[str, int]) -> None:
        entry = self._shares[key]
        entry.queries -= 1
        if not entry.queries:
            del self._shares[key]


class _Share:
    """The queries of one account or address: those that run, and how many there are with those that wait."""

    def __init__(self, count: int) -> None:
        self.running = asyncio.Semaphore(count)
        self.queries = 0


async def _acquire_all(semaphores: list[asyncio.Semaphore]) -> None:
    with ExitStack() as stack:
        for semaphore in semaphores:
            await semaphore.acquire()
            stack.callback(semaphore.release)
        stack.pop_all()


class Turn:
    """A query's, until it is over."""

    def __init__(
        self, running: list[asyncio.Semaphore], beginning: asyncio.Semaphore, leave: Callable[[], None]
    ) -> None:
        self._running = running
        self._beginning: asyncio.Semaphore | None = beginning
        self._leave = leave
        self._timer = asyncio.get_running_loop().call_later(_BEGINNING_SECONDS, self._has_begun)

    def end(self) -> None:
        self._timer.cancel()
        self._has_begun()
        for semaphore in self._running:
            semaphore.release()
        self._leave()

    def _has_begun(self) -> None:
        if self._beginning:
            self._beginning.release()
            self._beginning = None
