"""WAIT: requests that sleep until their job changes (UWS 1.1 §2.2.1.2).

They are woken by the store and ask it nothing meanwhile. However many wait for however many jobs, what
changed is read with one query and handed to all.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from uws.errors import StoreAway
from uws.events import JobChange, JobEvents
from uws.job import Job
from uws.notifications import JobNotifications
from uws.phases import ACTIVE, Phase
from uws.store import Store

_RETRY = 0.5
_ENDED = frozenset({"DELETED", Phase.ARCHIVED})


@dataclass(frozen=True)
class WaitingPlaces:
    """How many requests of one process wait at once: of all, and of one share."""

    most: int = 2000
    most_of_share: int = 200
    counts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taken(self, share: str) -> Iterator[bool]:
        """Take a place as long as the block lasts, if there is one; tell whether."""
        if self.counts.total() >= self.most or self.counts[share] >= self.most_of_share:
            yield False
            return
        self.counts[share] += 1
        try:
            yield True
        finally:
            self.counts[share] -= 1
            if not self.counts[share]:
                del self.counts[share]


class Waiting:
    """The waiters of one process. `open` belongs to its event loop.

    `gone` is told of jobs whose results are no longer there.
    """

    def __init__(
        self,
        store: Store,
        gone: Callable[[str], object] = lambda job_id: None,
        places: WaitingPlaces | None = None,
    ) -> None:
        self.places = places or WaitingPlaces()
        self.events = JobEvents()
        self._store = store
        self._gone = gone
        self._waiters: defaultdict[str, set[asyncio.Future[Job | None]]] = defaultdict(set)
        self._changed: set[str] = set()
        self._reading: asyncio.Task[None] | None = None

    def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._news = JobNotifications(
            self._store.conninfo,
            lambda *change: self._heard(loop, JobChange(*change)),
            lambda: loop.call_soon_threadsafe(self._hear_all),
        )
        self._news.start()

    def close(self) -> None:
        self._news.stop()

    def _heard(self, loop: asyncio.AbstractEventLoop, change: JobChange) -> None:
        """In the thread that listens."""
        if change.phase in _ENDED:
            self._gone(change.job_id)
        loop.call_soon_threadsafe(self._hear, change.job_id)
        loop.call_soon_threadsafe(self.events.hear, change)

    async def job(self, job_id: str, seconds: float, phase: Phase | None) -> Job | None:
        """Return the job when its phase is not `phase` (None: the present one), or after `seconds`.

        None when it is gone.
        """
        future: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()
        # Subscribe before reading, so that no change is missed.
        self._waiters[job_id].add(future)
        try:
            job = await run_in_threadpool(self._store.job, job_id)
            if job.phase not in ACTIVE or (phase is not None and job.phase is not phase):
                return job
            return await self._next(job, future, seconds)
        finally:
            self._leave(job_id, future)

    async def _next(self, job: Job, future: "asyncio.Future[Job | None]", seconds: float) -> Job | None:
        """Return the job in another phase than that of `job`; at the end of the time, what the store says."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (remaining := end - loop.time()) > 0:
            done, _ = await asyncio.wait([future], timeout=remaining)
            if not done:
                break
            changed_job = future.result()
            if changed_job is None or changed_job.phase is not job.phase:
                return changed_job
            self._leave(job.job_id, future)
            future = loop.create_future()
            self._waiters[job.job_id].add(future)
        self._leave(job.job_id, future)
        return await run_in_threadpool(self._store.job, job.job_id)

    def _leave(self, job_id: str, future: "asyncio.Future[Job | None]") -> None:
        waiters = self._waiters.get(job_id)
        if waiters is not None:
            waiters.discard(future)
            if not waiters:
                del self._waiters[job_id]

    def _hear_all(self) -> None:
        """Take every job that is waited for as changed, after a time without notifications."""
        for job_id in list(self._waiters):
            self._hear(job_id)
        self.events.hear_all()

    def _hear(self, job_id: str) -> None:
        if job_id in self._waiters:
            self._changed.add(job_id)
            if self._reading is None or self._reading.done():
                self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while self._changed:
            job_ids, self._changed = list(self._changed), set()
            try:
                changed_jobs = await run_in_threadpool(self._store.jobs, job_ids)
            except StoreAway:
                self._changed.update(job_ids)
                await asyncio.sleep(_RETRY)
                continue
            jobs = {job.job_id: job for job in changed_jobs}
            for job_id in job_ids:
                self._wake(job_id, jobs.get(job_id))

    def _wake(self, job_id: str, job: Job | None) -> None:
        for future in self._waiters.pop(job_id, ()):
            if not future.done():
                future.set_result(job)
