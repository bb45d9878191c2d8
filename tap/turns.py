"""Which queries of a web process run now: so many at once, and only a few of those that have just begun.

Most queries are over in a few milliseconds, nearly all of it Python's. Threads that want Python's lock at the same time
take its time from each other, so queries that begin do so one after the other rather than side by side.
"""

import asyncio
import os

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
        self._patience = patience

    async def take(self) -> "Turn":
        """Raises: Busy."""
        if self._running.locked() or self._beginning.locked():
            try:
                async with asyncio.timeout(self._patience):
                    await self._acquire()
            except TimeoutError:
                raise Busy("Too many queries are running. Please try again soon.") from None
        else:
            await self._acquire()
        return Turn(self._running, self._beginning)

    async def _acquire(self) -> None:
        await self._running.acquire()
        try:
            await self._beginning.acquire()
        except asyncio.CancelledError:
            self._running.release()
            raise


class Turn:
    """A query's, until it is over."""

    def __init__(self, running: asyncio.Semaphore, beginning: asyncio.Semaphore) -> None:
        self._running = running
        self._beginning: asyncio.Semaphore | None = beginning
        self._timer = asyncio.get_running_loop().call_later(_BEGINNING_SECONDS, self._has_begun)

    def end(self) -> None:
        self._timer.cancel()
        self._has_begun()
        self._running.release()

    def _has_begun(self) -> None:
        if self._beginning:
            self._beginning.release()
            self._beginning = None
