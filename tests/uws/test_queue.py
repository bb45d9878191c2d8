"""The queue: who comes next, leases, and that no attempt but the job's own can change it."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

import uws.queue
from tests.uws.conftest import REASON, RESULT, Sql, at_once, attempt_of, claimed, create, row_of
from uws.errors import NoSuchJob, StoreAway
from uws.job import Attempt, ErrorSummary, Job, JobEnding, Result
from uws.phases import FINAL, Move, Phase
from uws.queue import LEASE, MOST_CRASHES, Queue
from uws.statements import statements
from uws.store import Store

LONG, SHORT = 1e9, 1.0
"""Costs that put a job into either lane."""


def expire(sql: Sql, job: Job) -> None:
    """Lets the lease of a running job run out."""
    sql("UPDATE uws.jobs SET lease = now() - interval '1 ms' WHERE job_id = %(id)s", id=job.job_id)


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL has only just come back in these tests, and is not forgiven for it."""
    monkeypatch.setattr(uws.queue, "_GRACE", 0.0)


def drained(queue: Queue, worker: str = "w") -> list[str]:
    """Ids of the jobs as they are claimed, each aborted before the next."""
    ids = []
    while job := queue.claim(worker, long=True):
        ids.append(job.job_id)
        queue.store.move(job.job_id, Move.ABORT)
    return ids


# ---- who comes next


def test_who_came_first_goes_first(store: Store, queue: Queue) -> None:
    pending = [create(store) for _ in range(4)]
    order = [pending[2], pending[0], pending[3], pending[1]]
    for job in order:
        store.run(job)
    assert drained(queue) == [job.job_id for job in order]


def test_a_higher_priority_goes_before_everything(store: Store, queue: Queue) -> None:
    jobs = [create(store, run=True) for _ in range(3)]
    store.prioritise(jobs[2].job_id, 5)
    store.prioritise(jobs[0].job_id, -5)
    assert drained(queue) == [jobs[number].job_id for number in (2, 1, 0)]


def test_a_hundred_jobs_of_one_do_not_starve_the_one_of_another(store: Store, queue: Queue) -> None:
    for _ in range(100):
        create(store, "greedy", run=True)
    late = create(store, "modest", run=True)
    assert claimed(store).share == "greedy"
    assert claimed(store).job_id == late.job_id


def test_those_who_have_jobs_share_the_places_evenly(make_store: Callable[..., Store]) -> None:
    store = make_store(running_per_owner=0)
    for share, count in (("a", 30), ("b", 5), ("c", 5)):
        for _ in range(count):
            create(store, share, run=True)
    assert Counter(claimed(store).share for _ in range(12)) == {"a": 4, "b": 4, "c": 4}


def test_priority_does_not_pass_the_limit_of_an_owner(make_store: Callable[..., Store]) -> None:
    store = make_store(running_per_owner=1)
    for _ in range(3):
        store.prioritise(create(store, "one", run=True).job_id, 9)
    create(store, "two", run=True)
    assert [claimed(store).share, claimed(store).share] == ["one", "two"]
    assert Queue(store).claim("w", long=True) is None


def test_long_jobs_are_for_those_who_take_them(store: Store, queue: Queue) -> None:
    long = create(store, run=True, cost=LONG)
    assert long.lane == "long"
    assert queue.claim("w", long=False) is None
    short = create(store, run=True, cost=SHORT)
    found = queue.claim("w", long=False)
    assert found
    assert found.job_id == short.job_id
    assert claimed(store).job_id == long.job_id


@pytest.mark.parametrize("move", [None, Move.HOLD, Move.ABORT])
def test_only_what_is_in_the_queue_is_claimed(store: Store, queue: Queue, move: Move | None) -> None:
    job = create(store, run=move is not None)
    if move:
        store.move(job.job_id, move)
    assert queue.claim("w", long=True) is None
    deleted = create(store, run=True)
    store.delete(deleted.job_id)
    assert queue.claim("w", long=True) is None


def test_a_claim_is_an_attempt_with_a_lease_of_database_time(store: Store, sql: Sql) -> None:
    create(store, run=True)
    job = claimed(store, "a-worker")
    assert (job.phase, job.worker, job.attempt, job.crashes) == (Phase.EXECUTING, "a-worker", 1, 0)
    (row,) = sql("SELECT extract(epoch FROM lease - start_time)::float8 AS seconds FROM uws.jobs")
    assert row["seconds"] == pytest.approx(LEASE, abs=0.01)


def test_position_and_company_in_the_queue_are_told(store: Store) -> None:
    create(store, "mine", run=True)
    claimed(store)
    first, second = (create(store, "mine", run=True) for _ in range(2))
    assert (store.job(first.job_id).ahead, store.job(second.job_id).ahead) == (0, 1)
    assert store.job(second.job_id).running == 1
    store.prioritise(second.job_id, 1)
    assert (store.job(first.job_id).ahead, store.job(second.job_id).ahead) == (1, 0)


# ---- many at once


def _claim_all(store: Store, jobs: list[str], lock: threading.Lock) -> None:
    while job := Queue(store).claim(threading.current_thread().name, long=True):
        with lock:
            jobs.append(job.job_id)


def test_sixteen_workers_claim_every_job_and_none_twice(make_store: Callable[..., Store]) -> None:
    store = make_store(16, running_per_owner=0)
    wanted = {create(store, f"share {number % 7}", run=True).job_id for number in range(160)}
    found: list[str] = []
    lock = threading.Lock()
    given = at_once(*[lambda: _claim_all(store, found, lock)] * 16)
    assert given == [None] * 16
    assert len(found) == len(wanted)
    assert set(found) == wanted
    assert all(job.attempt == 1 for job in store.jobs(found))


@pytest.mark.parametrize("most", [1, 3])
def test_no_owner_runs_more_than_may_be_however_many_claim_at_once(make_store: Callable[..., Store], most: int) -> None:
    store = make_store(16, running_per_owner=most)
    for number in range(24):
        create(store, "ab"[number % 2], run=True)
    for _ in range(4):
        found = [job for job in at_once(*[lambda: Queue(store).claim("w", long=True)] * 12) if job]
        assert Counter(job.share for job in found) == {"a": most, "b": most}
        for job in found:
            store.move(job.job_id, Move.ABORT)


def test_nor_while_jobs_come_and_go(make_store: Callable[..., Store]) -> None:
    store = make_store(16, running_per_owner=2)
    for number in range(80):
        create(store, "ab"[number % 2], run=True)
    seen: list[int] = []

    def work() -> None:
        while job := Queue(store).claim(threading.current_thread().name, long=True):
            seen.append(store.rows("running", {"share": job.share}, _RUNNING)[0]["count"])
            Queue(store).complete(attempt_of(job), (RESULT,), {})

    while store.references(None, [Phase.QUEUED], last=1):
        assert not [each for each in at_once(*[work] * 8) if each is not None]
    assert len(seen) == 80
    assert max(seen) <= 2


_RUNNING = "SELECT count(*) FROM uws.jobs WHERE phase = 'EXECUTING' AND share = %(share)s"


def test_a_worker_that_falls_asleep_while_it_claims_does_not_stop_the_others(make_store: Callable[..., Store]) -> None:
    """A paused process keeps its connection, and with it the turn; those who wait for it cannot renew their leases."""
    store, others = make_store(), make_store()
    job = create(store, run=True)
    found: list[str] = []
    claim = threading.Thread(target=lambda: found.append(claimed(others).job_id), daemon=True)
    # Whoever is cut off for sleeping learns it when it wakes.
    with contextlib.suppress(StoreAway), store.connection() as asleep, asleep.transaction():
        asleep.execute(statements()["turn"].encode())
        claim.start()
        claim.join(LEASE)
        in_time = list(found)
    claim.join(5)
    assert in_time == [job.job_id]


# ---- leases


def test_a_lease_is_renewed_with_what_was_done(store: Store, queue: Queue, sql: Sql) -> None:
    create(store, run=True, execution_duration=77)
    job = claimed(store)
    expire(sql, job)
    assert queue.renew(job.worker or "", [(attempt_of(job), {"rows": 5, "bytes": 9})]) == {job.job_id: 77}
    assert store.job(job.job_id).progress == (("bytes", 9), ("rows", 5))
    assert sql("SELECT lease > now() + interval '5 s' AS fresh FROM uws.jobs") == [{"fresh": True}]


def test_a_worker_renews_nothing_but_its_own_attempt(store: Store, queue: Queue, sql: Sql) -> None:
    create(store, run=True)
    job = claimed(store, "mine")
    before = row_of(sql, job)
    strangers = [
        ("another", Attempt(job.job_id, "another", 1)),
        ("another", attempt_of(job)),
        ("mine", Attempt(job.job_id, "mine", 2)),
        ("mine", Attempt(job.job_id, "mine", 0)),
        ("mine", Attempt("0" * 32, "mine", 1)),
    ]
    for worker, attempt in strangers:
        assert queue.renew(worker, [(attempt, {"rows": 1})]) == {}
    assert row_of(sql, job) == before


@pytest.mark.parametrize("move", [Move.ABORT, Move.HOLD, None])
def test_what_was_taken_away_is_not_renewed(store: Store, queue: Queue, move: Move | None) -> None:
    create(store, run=True)
    job = claimed(store)
    if move:
        store.move(job.job_id, move)
    else:
        store.delete(job.job_id)
    assert queue.renew(job.worker or "", [(attempt_of(job), {})]) == {}


@pytest.mark.usefixtures("no_grace")
def test_a_job_of_a_dead_worker_goes_back_to_its_place(store: Store, queue: Queue, sql: Sql) -> None:
    first = create(store, run=True)
    create(store, run=True)
    job = claimed(store)
    assert queue.expire() == []
    expire(sql, job)
    assert queue.expire() == [(job.job_id, Phase.QUEUED)]
    again = store.job(job.job_id)
    assert (again.phase, again.crashes, again.worker, again.start_time, again.progress) == (
        Phase.QUEUED,
        1,
        None,
        None,
        (),
    )
    assert again.ahead == 0
    assert claimed(store).job_id == first.job_id


@pytest.mark.usefixtures("no_grace")
def test_after_three_crashes_a_job_ends_and_says_why(store: Store, queue: Queue, sql: Sql) -> None:
    job = create(store, run=True)
    ends = []
    for number in range(1, MOST_CRASHES + 1):
        assert claimed(store).attempt == number
        expire(sql, job)
        ends += queue.expire()
    assert [phase for _, phase in ends] == [Phase.QUEUED, Phase.QUEUED, Phase.ERROR]
    ended = store.job(job.job_id)
    assert ended.error
    assert "3 times" in ended.error.message
    assert ended.end_time
    assert queue.claim("w", long=True) is None


def test_no_worker_is_taken_for_dead_while_postgresql_has_just_come_back(
    store: Store, queue: Queue, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uws.queue, "_GRACE", 10_000.0)
    create(store, run=True)
    expire(sql, claimed(store))
    assert queue.expire() == []


# ---- clocks


def test_a_job_that_waits_is_taken_though_the_clock_was_set_back(store: Store, queue: Queue, sql: Sql) -> None:
    """It was put into the queue at what is now the future."""
    job = create(store, run=True)
    sql("UPDATE uws.jobs SET queue_time = now() + interval '1 hour'")
    assert claimed(store).job_id == job.job_id


@pytest.mark.usefixtures("no_grace")
def test_the_job_of_a_dead_worker_goes_back_though_the_clock_was_set_back(store: Store, queue: Queue, sql: Sql) -> None:
    """Its lease ends in a future in which no lease can end that is given now."""
    job = create(store, run=True)
    claimed(store)
    sql("UPDATE uws.jobs SET lease = now() + interval '1 hour'")
    assert queue.expire() == [(job.job_id, Phase.QUEUED)]


@pytest.mark.usefixtures("no_grace")
def test_many_keepers_count_a_crash_once(make_store: Callable[..., Store], sql: Sql) -> None:
    store = make_store(8, running_per_owner=0)
    jobs = [create(store, run=True) for _ in range(10)]
    for _ in jobs:
        expire(sql, claimed(store))
    ends = [end for found in at_once(*[Queue(store).expire] * 8) for end in found]
    assert sorted(ends) == sorted((job.job_id, Phase.QUEUED) for job in jobs)
    assert all(job.crashes == 1 for job in store.jobs([each.job_id for each in jobs]))


# ---- an attempt that is over


@pytest.fixture(
    params=["queued again", "run by another", "run by itself again", "complete by another", "aborted", "held"]
)
def overtaken(request: pytest.FixtureRequest, store: Store, queue: Queue, sql: Sql, no_grace: None) -> Job:
    """A job as a worker knows it that slept through its lease, while this happened."""
    create(store, run=True)
    job = claimed(store, "sleeper")
    if request.param in {"aborted", "held"}:
        store.move(job.job_id, Move.ABORT if request.param == "aborted" else Move.HOLD)
        return job
    expire(sql, job)
    queue.expire()
    if "run by" in request.param or "complete" in request.param:
        claimed(store, "sleeper" if "itself" in request.param else "another")
    if "complete" in request.param:
        other = Result("result", "0/2.vot", "text/plain", 6, "BBBB", 2)
        assert queue.complete(Attempt(job.job_id, "another", 2), (other,), {})
    return job


def test_an_attempt_that_is_over_completes_nothing(queue: Queue, sql: Sql, overtaken: Job) -> None:
    before = row_of(sql, overtaken)
    assert queue.complete(attempt_of(overtaken), (RESULT,), {"rows": 1}) is False
    assert row_of(sql, overtaken) == before
    assert sql("SELECT count(*) FROM uws.runs")[0]["count"] <= 1


@pytest.mark.parametrize("move", [Move.FAIL, Move.TIME_OUT, Move.GIVE_BACK])
def test_an_attempt_that_is_over_ends_nothing(queue: Queue, sql: Sql, overtaken: Job, move: Move) -> None:
    before = row_of(sql, overtaken)
    queue.end(attempt_of(overtaken), move, JobEnding(error=ErrorSummary("late")))
    assert row_of(sql, overtaken) == before


def test_completing_again_is_answered_as_the_first_time(store: Store, queue: Queue, sql: Sql) -> None:
    """The answer to the first may have been lost on its way."""
    create(store, run=True)
    job = claimed(store)
    assert queue.complete(attempt_of(job), (RESULT,), {"rows": 1})
    before = row_of(sql, job)
    assert queue.complete(attempt_of(job), (RESULT,), {"rows": 1})
    assert row_of(sql, job) == before
    assert store.job(job.job_id).results == (RESULT,)


def test_what_was_deleted_is_completed_by_nobody(store: Store, queue: Queue) -> None:
    create(store, run=True)
    job = claimed(store)
    store.delete(job.job_id)
    assert queue.complete(attempt_of(job), (RESULT,), {}) is False
    queue.end(attempt_of(job), Move.FAIL, JobEnding(error=REASON))
    with pytest.raises(NoSuchJob):
        store.job(job.job_id)


@pytest.mark.parametrize(
    ("move", "phase"),
    [(Move.FAIL, Phase.ERROR), (Move.TIME_OUT, Phase.ABORTED), (Move.GIVE_BACK, Phase.QUEUED)],
)
def test_an_attempt_ends_its_own_job(store: Store, queue: Queue, move: Move, phase: Phase) -> None:
    create(store, run=True)
    job = claimed(store)
    queue.end(attempt_of(job), move, JobEnding(error=REASON if phase in FINAL else None))
    ended = store.job(job.job_id)
    assert (ended.phase, ended.error) == (phase, REASON if phase in FINAL else None)
    assert ended.crashes == 0


def test_what_is_given_back_is_run_by_the_next(store: Store, queue: Queue) -> None:
    create(store, run=True)
    queue.end(attempt_of(claimed(store, "one")), Move.GIVE_BACK)
    again = claimed(store, "two")
    assert (again.worker, again.attempt) == ("two", 2)


def test_every_change_of_phase_is_told(store: Store, queue: Queue, jobs_conninfo: str) -> None:
    told: list[str] = []
    with psycopg.connect(jobs_conninfo, autocommit=True) as ear:
        ear.execute("LISTEN uws")
        job = create(store, run=True)
        queue.complete(attempt_of(claimed(store)), (RESULT,), {})
        store.delete(job.job_id)
        store.execute("forget", {"job_id": job.job_id})
        for notify in ear.notifies(timeout=10):
            told.append(notify.payload)
            if len(told) == 4:
                break
    assert told == [f"{job.job_id} {what}" for what in ("QUEUED", "EXECUTING", "COMPLETED", "DELETED")]


def test_a_job_that_was_given_back_with_a_pause_is_not_taken_before_it_is_over(store: Store, queue: Queue) -> None:
    create(store, run=True)
    job = claimed(store, "one")
    queue.end(attempt_of(job), Move.GIVE_BACK, JobEnding(pause=1.5))
    assert queue.claim("two", long=True) is None
    found = None
    for _ in range(40):
        if found := queue.claim("two", long=True):
            break
        time.sleep(0.1)
    assert found is not None
    assert found.job_id == job.job_id
