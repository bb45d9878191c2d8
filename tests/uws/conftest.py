"""A job store of its own in the test cluster: a database that no worker, keeper or service looks at."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from uws.errors import IllegalMove
from uws.job import Attempt, ErrorSummary, Job, JobEnding, JobLimits, NewJob, Requester, Result
from uws.phases import Move, Phase
from uws.queue import Queue
from uws.store import Store

DATABASE = "uws_tests"
WORKER = "worker-of-the-tests"
RESULT = Result("result", "0/1.vot", "text/plain", 5, "AAAA", 1)
REASON = ErrorSummary("It went wrong")
DONE = {
    Move.COMPLETE: JobEnding((RESULT,)),
    Move.FAIL: JobEnding(error=REASON),
    Move.LOSE: JobEnding(error=REASON),
}
"""What a move needs to be told beside its name."""

Make = Callable[..., Job]
Sql = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def jobs_conninfo(config: Config) -> str:
    """Of a database made ready as the service would, for the role that owns the job store."""
    admin = database.cluster_of(config.database).conninfo(ADMIN)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    own = config.changed(database=make_conninfo(admin, dbname=DATABASE))
    database.prepare(own, lambda _: None)
    return database.jobs_conninfo(own)


@pytest.fixture(scope="session")
def usual_store(jobs_conninfo: str) -> Iterator[Store]:
    store = Store(jobs_conninfo, JobLimits())
    store.open()
    yield store
    store.close()


@pytest.fixture
def store(usual_store: Store) -> Store:
    """A job store in which there is nothing yet."""
    with usual_store.connection() as connection:
        connection.execute("DELETE FROM uws.jobs")
        connection.execute("DELETE FROM uws.runs")
    return usual_store


@pytest.fixture
def make_store(store: Store) -> Iterator[Callable[..., Store]]:
    """Opens more stores on the same jobs; arguments are those of JobLimits."""
    opened: list[Store] = []

    def make(connections: int = 4, **limits: int) -> Store:
        more = Store(store.conninfo, JobLimits(**limits), connections)
        more.open()
        opened.append(more)
        return more

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def queue(store: Store) -> Queue:
    return Queue(store)


@pytest.fixture
def sql(store: Store) -> Sql:
    """Runs a statement as the role that owns the jobs."""

    def run(statement: str, **values: Any) -> list[dict[str, Any]]:
        with store.connection() as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def admin(config: Config) -> Iterator[psycopg.Connection]:
    """A superuser's connection to the jobs' database."""
    conninfo = make_conninfo(database.cluster_of(config.database).conninfo(ADMIN), dbname=DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


def create(store: Store, share: str = "somebody", owner: str | None = None, **new: Any) -> Job:
    """A new job; `new` are the fields of NewJob."""
    parameters = new.pop("parameters", (("QUERY", "SELECT 1"),))
    asker = Requester(owner, None if owner else share, share)
    return store.job(store.create(asker, NewJob(parameters, **new)))


def claimed(store: Store, worker: str = WORKER) -> Job:
    """The next job, for a worker that is there."""
    job = Queue(store).claim(worker, long=True)
    assert job is not None
    return job


def attempt_of(job: Job) -> Attempt:
    return Attempt(job.job_id, job.worker or "", job.attempt)


_WAYS: dict[Phase, tuple[Move, ...]] = {
    Phase.PENDING: (),
    Phase.QUEUED: (Move.RUN,),
    Phase.EXECUTING: (Move.RUN, Move.CLAIM),
    Phase.COMPLETED: (Move.RUN, Move.CLAIM, Move.COMPLETE),
    Phase.ERROR: (Move.RUN, Move.CLAIM, Move.FAIL),
    Phase.ABORTED: (Move.ABORT,),
    Phase.HELD: (Move.RUN, Move.HOLD),
    Phase.SUSPENDED: (Move.RUN, Move.CLAIM, Move.HOLD),
    Phase.ARCHIVED: (Move.ABORT, Move.ARCHIVE),
}
PHASES = tuple(_WAYS)
"""All that a job of ours can be in."""


def moved(store: Store, job: Job, move: Move) -> Job:
    """The job after a move. Raises: IllegalMove."""
    if move is Move.CLAIM and store.job(job.job_id).phase is Phase.QUEUED:
        return claimed(store)
    return store.move(job.job_id, move, ending=DONE.get(move, JobEnding()))


def job_in(store: Store, phase: Phase, **new: Any) -> Job:
    """A job that came into that phase by moves that are allowed. Only where no other job is in the queue."""
    job = create(store, **new)
    for move in _WAYS[phase]:
        job = moved(store, job, move)
    assert job.phase is phase
    return store.job(job.job_id)


def row_of(sql: Sql, job: Job) -> dict[str, Any]:
    """All that is stored of a job."""
    return sql("SELECT * FROM uws.jobs WHERE job_id = %(id)s", id=job.job_id)[0]


def is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except IllegalMove:
        return True
    return False


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each gives, all begun at the same moment in threads of their own; an error where one raised."""
    gate, given = threading.Barrier(len(acts)), [None] * len(acts)

    def go(number: int, act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            given[number] = act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            given[number] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=go, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def eventually(check: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
