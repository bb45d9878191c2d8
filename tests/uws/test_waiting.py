"""WAIT: who waits is woken by the database, asks it nothing meanwhile, and is never forgotten."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, Self

import psycopg
import pytest

from tests.uws.conftest import PHASES, RESULT, Sql, attempt_of, claimed, create, eventually, job_in
from uws.errors import NoSuchJob, StoreAway
from uws.job import Job, JobLimits
from uws.phases import ACTIVE, Move, Phase
from uws.queue import Queue
from uws.store import Row, Store
from uws.waiting import Waiting

FOR_EVER = 60.0
_EAR = "SELECT pid FROM pg_stat_activity WHERE application_name = 'armillary news' AND datname = current_database()"


class CountingStore(Store):
    """Counts its statements by name; may be away."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(conninfo, JobLimits())
        self.asked: Counter[str] = Counter()
        self.is_away = False

    def rows(self, name: str, values: Mapping[str, Any], statement: str | None = None) -> list[Row]:
        self.asked[name] += 1
        if self.is_away:
            raise StoreAway
        return super().rows(name, values, statement)


class Process:
    """A process with an event loop, its waiters, and its ear at the store."""

    def __init__(self, conninfo: str) -> None:
        self.counting = CountingStore(conninfo)
        self.waiting = Waiting(self.counting)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self) -> None:
        self.waiting.open()

    def __enter__(self) -> Self:
        self.counting.open()
        self._thread.start()
        self.run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.waiting.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.counting.close()


@pytest.fixture(scope="module")
def only_process(jobs_conninfo: str) -> Iterator[Process]:
    with Process(jobs_conninfo) as process:
        yield process


@pytest.fixture
def process(only_process: Process, sql: Sql) -> Process:
    """One that listens, and has nobody waiting."""
    assert eventually(lambda: bool(_ears(sql)))
    assert not only_process.waiting._waiters
    return only_process


def _ears(sql: Sql) -> list[int]:
    """Backends that listen."""
    return [row["pid"] for row in sql(f"{_EAR} AND query LIKE 'LISTEN%%' AND state = 'idle'")]


async def until(check: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(check):
        assert time.monotonic() < end, "what was waited for did not come"
        await asyncio.sleep(0.02)


Waiter = asyncio.Task[Job | None]


async def asleep(waiting: Waiting, counting: CountingStore, *jobs: Job) -> list[Waiter]:
    """One that waits for each of the jobs, after it has looked at it once."""
    before = counting.asked["jobs"]
    tasks = [asyncio.create_task(waiting.job(job.job_id, FOR_EVER, job.phase)) for job in jobs]
    await until(lambda: counting.asked["jobs"] >= before + len(jobs))
    await asyncio.sleep(0.1)  # the looks come home
    assert not [task for task in tasks if task.done()]
    return tasks


def test_a_thousand_who_wait_for_a_job_cost_one_query_when_woken(store: Store, process: Process, sql: Sql) -> None:
    async def go() -> None:
        waiting, counting = process.waiting, process.counting
        job = create(store)
        tasks = await asleep(waiting, counting, *[job] * 1000)
        counting.asked.clear()
        await asyncio.sleep(1.0)
        assert counting.asked.total() == 0, "who waits asks nothing"
        store.move(job.job_id, Move.RUN)
        found = await asyncio.wait_for(asyncio.gather(*tasks), 10)
        assert {each.phase for each in found if each} == {Phase.QUEUED}
        assert counting.asked == {"jobs": 1}
        assert not waiting._waiters

    process.run(go())


def test_many_jobs_that_change_together_are_read_together(store: Store, process: Process, sql: Sql) -> None:
    async def go() -> None:
        waiting, counting = process.waiting, process.counting
        jobs = [create(store) for _ in range(100)]
        tasks = await asleep(waiting, counting, *jobs)
        counting.asked.clear()
        await asyncio.to_thread(sql, "UPDATE uws.jobs SET phase = 'QUEUED', queue_time = now()")
        assert {job.job_id for job in await asyncio.gather(*tasks) if job} == {job.job_id for job in jobs}
        assert counting.asked["jobs"] <= 20

    process.run(go())


@pytest.mark.parametrize("move", [Move.RUN, Move.ABORT])
def test_who_waits_is_woken_by_any_change(store: Store, process: Process, sql: Sql, move: Move) -> None:
    async def go() -> None:
        waiting, counting = process.waiting, process.counting
        job = create(store)
        (task,) = await asleep(waiting, counting, job)
        other = create(store)
        store.move(other.job_id, Move.ABORT)
        await asyncio.sleep(0.2)
        assert not task.done(), "woken by another's job"
        after = await asyncio.to_thread(store.move, job.job_id, move)
        assert await asyncio.wait_for(task, 5) == store.job(job.job_id)
        assert after.phase is not job.phase

    process.run(go())


def test_every_step_of_a_job_is_seen_by_who_keeps_waiting(store: Store, process: Process, sql: Sql) -> None:
    seen: list[Phase] = []

    async def follow(waiting: Waiting, job: Job) -> None:
        while job.phase in ACTIVE:
            found = await waiting.job(job.job_id, FOR_EVER, job.phase)
            assert found
            job = found
            seen.append(job.phase)

    async def go() -> None:
        waiting = process.waiting
        job = create(store)
        task = asyncio.create_task(follow(waiting, job))
        store.run(job)
        await until(lambda: len(seen) == 1)
        attempt = attempt_of(claimed(store))
        await until(lambda: len(seen) == 2)
        Queue(store).complete(attempt, (RESULT,), {})
        await asyncio.wait_for(task, 5)
        assert seen == [Phase.QUEUED, Phase.EXECUTING, Phase.COMPLETED]

    process.run(go())


def told(store: Store, job_id: str, seconds: float, phase: Phase | None) -> tuple[Job | None, float]:
    """What one is told who waits with nobody to wake it, and after how many seconds."""
    waiting = Waiting(store)
    began = time.monotonic()
    found = asyncio.run(waiting.job(job_id, seconds, phase))
    assert not waiting._waiters, "somebody is left behind"
    return found, time.monotonic() - began


def test_a_wait_ends_with_the_unchanged_job_when_its_time_is_up(store: Store) -> None:
    """UWS 1.1 §2.2.1.2."""
    job = create(store)
    found, seconds = told(store, job.job_id, 0.5, None)
    assert found == job
    assert seconds >= 0.5


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase not in ACTIVE])
def test_nobody_waits_for_a_job_that_is_not_active(store: Store, phase: Phase) -> None:
    """UWS 1.1 §2.2.1.2: must return immediately, whatever phase the client names."""
    job = job_in(store, phase)
    for named in (None, phase, Phase.PENDING):
        found, seconds = told(store, job.job_id, FOR_EVER, named)
        assert found == job
        assert seconds < FOR_EVER / 4


@pytest.mark.parametrize("phase", sorted(ACTIVE))
def test_nobody_waits_who_thinks_it_in_another_phase(store: Store, phase: Phase) -> None:
    """UWS 1.1 §2.2.1.2."""
    job = job_in(store, phase)
    found, seconds = told(store, job.job_id, FOR_EVER, Phase.HELD)
    assert found == job
    assert seconds < FOR_EVER / 4


def test_a_wait_of_no_time_is_a_look(store: Store) -> None:
    job = create(store)
    assert told(store, job.job_id, 0, None)[0] == job


def test_who_waits_for_nothing_is_told_so(store: Store) -> None:
    with pytest.raises(NoSuchJob):
        told(store, "0" * 32, FOR_EVER, None)


def test_who_waits_for_a_job_that_is_deleted_is_told_that_it_is_gone(store: Store, process: Process, sql: Sql) -> None:
    async def go() -> None:
        waiting, counting = process.waiting, process.counting
        job = create(store)
        tasks = await asleep(waiting, counting, *[job] * 3)
        store.delete(job.job_id)
        assert await asyncio.wait_for(asyncio.gather(*tasks), 5) == [None] * 3

    process.run(go())


def test_a_client_that_leaves_is_forgotten(store: Store, process: Process, sql: Sql) -> None:
    async def go() -> None:
        waiting, counting = process.waiting, process.counting
        job = create(store)
        leaves, stays = await asleep(waiting, counting, job, job)
        leaves.cancel()
        await asyncio.wait([leaves])
        store.move(job.job_id, Move.RUN)
        found = await asyncio.wait_for(stays, 5)
        assert found
        assert found.phase is Phase.QUEUED
        assert not waiting._waiters

    process.run(go())


def test_what_changed_while_nobody_could_listen_is_heard_afterwards(
    store: Store, process: Process, sql: Sql, admin: psycopg.Connection
) -> None:
    async def go() -> None:
        waiting, counting = process.waiting, process.counting
        job, unchanged = create(store), create(store)
        tasks = await asleep(waiting, counting, *[job] * 10)
        (patient,) = await asleep(waiting, counting, unchanged)
        (deaf,) = _ears(sql)
        # Cut before the change can be told, and it takes a moment until there is another.
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (deaf,))
        store.move(job.job_id, Move.RUN)
        found = await asyncio.wait_for(asyncio.gather(*tasks), 10)
        assert {each.phase for each in found if each} == {Phase.QUEUED}
        await until(lambda: bool(_ears(sql)))
        assert deaf not in _ears(sql)
        assert not patient.done(), "what did not change wakes nobody"
        store.move(unchanged.job_id, Move.RUN)
        assert await asyncio.wait_for(patient, 5)

    process.run(go())


def test_who_waits_outlasts_a_store_that_is_away_for_a_while(store: Store, process: Process, sql: Sql) -> None:
    async def go() -> None:
        waiting, counting = process.waiting, process.counting
        job = create(store)
        (task,) = await asleep(waiting, counting, job)
        counting.is_away = True
        before = counting.asked["jobs"]
        store.move(job.job_id, Move.RUN)
        await until(lambda: counting.asked["jobs"] > before)
        assert not task.done()
        counting.is_away = False
        found = await asyncio.wait_for(task, 5)
        assert found
        assert found.phase is Phase.QUEUED

    process.run(go())
