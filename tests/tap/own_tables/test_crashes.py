"""Processes that are killed while own tables change: each is wholly as before or wholly as after, and nothing stays behind."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from io import BytesIO
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.kill import WEB_PROCESS, WORKER, processes_of
from tap.auth.accounts import AccountStore
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.own_tables.own_tables import OwnTables
from tap.parts import quota_of
from tests.conftest import ROOT, alone, serving
from tests.contract.own_tables import Asker, path
from tests.tap.own_tables.holdings import Stored

pytestmark = pytest.mark.long

PARQUET = "application/vnd.apache.parquet"
LONG = pytest.mark.long
FEW, MANY = 3_000, 25_000
COUNT = "SELECT COUNT(*) AS n, SUM(x) AS s FROM {}"
STARS = "SELECT TOP {} CAST(ROUND(vmag) AS BIGINT) AS x, ra, dec FROM demo.stars"
GONE = (urllib.error.URLError, HTTPException, OSError)


@pytest.fixture(scope="module")
def frail(sample: Config) -> Config:
    folder = Path(sample.database.data_dir) / "uploads-of-the-killed"
    return alone(sample, processes=2, workers=1, drain_seconds=1.0, jobs_running_per_owner=0, upload_folder=str(folder))


@pytest.fixture(scope="module")
def service(frail: Config) -> Iterator[str]:
    with serving(frail) as url:
        yield url


@pytest.fixture(scope="module")
def keeper(frail: Config, accounts: AccountStore) -> Iterator[OwnTables]:
    """What a worker runs once a minute."""
    tables = OwnTables(database.owner_conninfo(frail), accounts, lambda account: quota_of(frail, account))
    tables.open()
    yield tables
    tables.close()


def sky(rows: int, start: int = 0) -> bytes:
    """A Parquet file of so many places in the sky, whose x count from `start`."""
    rng = np.random.default_rng(start)
    columns = {"x": np.arange(start, start + rows), "ra": rng.uniform(0, 360, rows), "dec": rng.uniform(-90, 90, rows)}
    buffer = BytesIO()
    pq.write_table(pa.table(columns | {"name": [f"star {n}" for n in range(rows)]}), buffer)
    return buffer.getvalue()


def total(rows: int, start: int = 0) -> tuple[int, int]:
    """Count and sum of x that a table of these rows has."""
    return rows, int(np.arange(start, start + rows).sum())


def found(who: Asker, table: str) -> tuple[int, int] | None:
    """Count and sum of x of an own table; None if there is none, which metadata and queries must agree on."""
    status = who.head(table).status
    reply = who.ask(COUNT.format(who.own(table)))
    assert (status, reply.status) in {(200, 200), (404, 400)}, reply.text
    if status == 404:
        return None
    count, sum_ = reply.text.split("\n")[1].strip().split(",")
    return int(count), int(sum_ or 0)


# ---- web processes


def put(who: Asker, name: str, rows: int) -> None:
    assert who.put(name, sky(rows), PARQUET).status == 201


Begin = Callable[[Asker], object]
BEFORE, AFTER = total(FEW), total(MANY)
BOTH = (FEW + MANY, total(FEW)[1] + total(MANY, FEW)[1])
CHANGES: dict[str, tuple[Begin, list[dict[str, tuple[int, int] | None]]]] = {
    "made": (lambda who: who.put("made", sky(MANY), PARQUET), [{"made": None}, {"made": AFTER}]),
    "replaced": (
        lambda who: who.call("PUT", f"{path('replaced')}?REPLACE=true", sky(MANY), Content_Type=PARQUET),
        [{"replaced": BEFORE}, {"replaced": AFTER}],
    ),
    "appended": (
        lambda who: who.post("appended", sky(MANY, FEW), PARQUET),
        [{"appended": BEFORE}, {"appended": BOTH}],
    ),
    "old": (
        lambda who: who.change("old", RENAME="fresh", DESCRIPTION="New"),
        [{"old": BEFORE, "fresh": None}, {"old": None, "fresh": BEFORE}],
    ),
    "dropped": (lambda who: who.delete("dropped"), [{"dropped": BEFORE}, {"dropped": None}]),
    "indexed": (lambda who: who.change("indexed", INDEX="name"), [{"indexed": BEFORE}]),
}
NAMES = sorted({name for _, states in CHANGES.values() for name in states[0]})


def kill_web(config: Config) -> None:
    """Kill all web processes; others take their place."""
    old = processes_of(config, WEB_PROCESS)
    for pid in old:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while len(set(processes_of(config, WEB_PROCESS)) - set(old)) < config.web.processes:
        time.sleep(0.05)


def settled(owner: psycopg.Connection) -> None:
    """Wait until PostgreSQL has seen that its clients are gone."""
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'armillary own tables' AND state <> 'idle'"
        " AND datname = current_database()"
    )
    while owner.execute(busy).fetchone() != (0,):
        time.sleep(0.05)


def attacked(who: Asker, config: Config, moment: float) -> None:
    """Begin all changes at once, and kill what does them."""

    def begin(change: Begin) -> None:
        with suppress(*GONE):
            change(who)

    with ThreadPoolExecutor(len(CHANGES)) as pool:
        for change, _ in CHANGES.values():
            pool.submit(begin, change)
        time.sleep(moment)
        kill_web(config)


def prepared(who: Asker) -> None:
    for name in NAMES:
        who.delete(name)
    for name in set(CHANGES) - {"made"}:
        put(who, name, FEW)


def check_whole(who: Asker, owner: psycopg.Connection) -> int:
    """Return how many changes were done."""
    done = 0
    for _, states in CHANGES.values():
        now = {name: found(who, name) for name in states[0]}
        assert now in states
        done += now == states[-1]
    indexes = owner.execute(
        "SELECT count(*) FROM pg_indexes WHERE schemaname = %s AND tablename LIKE 'indexed%%' AND indexdef LIKE '%%(name)'",
        (who.name,),
    ).fetchone()
    assert indexes == (int("indexed" in who.flags("indexed", "name")),)
    return done


def check_clean(who: Asker, keeper: OwnTables, owner: psycopg.Connection, stored: Stored) -> None:
    """What is published, stored, known and counted is the same, once the keeper came by."""
    keeper.tidy()
    after = stored(who)
    assert after.agrees
    assert after.rows == sum(rows for name in NAMES if (now := found(who, name)) for rows in now[:1])
    known = owner.execute(
        "SELECT l.storage FROM armillary.own_tables AS o JOIN armillary.loaded AS l USING (table_name)"
        " WHERE o.account = %s ORDER BY l.storage",
        (who.name,),
    ).fetchall()
    assert [name for name, _ in after.relations] == [name for (name,) in known]


def attack(
    rounds: int, seed: int, who: Asker, config: Config, *, keeper: OwnTables, owner: psycopg.Connection, stored: Stored
) -> list[int]:
    moments, done = random.Random(seed), []
    for _ in range(rounds):
        prepared(who)
        attacked(who, config, moments.uniform(0.05, 1.0))
        settled(owner)
        done.append(check_whole(who, owner))
        check_clean(who, keeper, owner, stored)
    return done


@pytest.mark.long
def test_tables_are_wholly_as_before_or_as_after_when_web_processes_are_killed(
    ada: Asker, frail: Config, keeper: OwnTables, owner: psycopg.Connection, stored: Stored
) -> None:
    attack(3, 1, ada, frail, keeper=keeper, owner=owner, stored=stored)


@LONG
def test_tables_are_whole_however_often_web_processes_are_killed(
    ada: Asker, frail: Config, keeper: OwnTables, owner: psycopg.Connection, stored: Stored
) -> None:
    done = attack(20, 2, ada, frail, keeper=keeper, owner=owner, stored=stored)
    assert len(set(done)) > 1


def test_two_accounts_that_load_at_once_get_all_their_rows(ada: Asker, bo: Asker, stored: Stored) -> None:
    for who in (ada, bo):
        put(who, "t", 10)
    with ThreadPoolExecutor(8) as pool:
        replies = [
            *(pool.submit(who.put, f"t{n}", sky(20_000, n), PARQUET) for n in range(3) for who in (ada, bo)),
            *(pool.submit(who.post, "t", sky(5_000, 10), PARQUET) for who in (ada, bo)),
        ]
        assert sorted(reply.result().status for reply in replies) == [201] * 6 + [204] * 2
    for who in (ada, bo):
        assert [found(who, f"t{n}") for n in range(3)] == [total(20_000, n) for n in range(3)]
        assert found(who, "t") == total(5_010)
        assert (stored(who).rows, stored(who).agrees) == (65_010, True)


# ---- workers


def kill_workers(config: Config) -> None:
    for pid in processes_of(config, WORKER):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def started(who: Asker, job_list: str = "async", **form: str) -> str:
    reply = who.post_form(job_list, PHASE="RUN", **form)
    assert reply.status == 303, reply.text
    return str(reply.headers["Location"])


def into(who: Asker, name: str, mode: str, rows: int) -> str:
    return started(who, LANG="ADQL", QUERY=STARS.format(rows), DEST=name, DEST_MODE=mode)


def outcome(who: Asker, job: str, seconds: float = 60) -> str:
    end = time.monotonic() + seconds
    while (phase := who.phase(job)) in {"QUEUED", "EXECUTING"} and time.monotonic() < end:
        time.sleep(0.2)
    return phase


def until(check: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def rows_of(owner: psycopg.Connection, who: Asker, name: str) -> int:
    """How many rows of a table are committed."""
    query = "SELECT nrows FROM armillary.own_tables WHERE table_name = %s"
    row = owner.execute(query, (who.own(name),)).fetchone()
    return int(row[0]) if row else 0


def attempt_of(config: Config, job: str) -> int:
    with psycopg.connect(database.jobs_conninfo(config)) as jobs:
        row = jobs.execute("SELECT attempt FROM uws.jobs WHERE job_id = %s", (job.rpartition("/")[2],)).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def unable_to_end(config: Config, job: str) -> Iterator[None]:
    """Let the worker not write down that a job is done, as if it died before: what it says meanwhile is lost."""
    own = f"FROM pg_stat_activity WHERE datname = 'jobs_{config.web.port}' AND wait_event_type = 'Lock'"
    with (
        psycopg.connect(database.jobs_conninfo(config)) as jobs,
        psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin,
    ):
        jobs.execute("SELECT job_id FROM uws.jobs WHERE job_id = %s FOR UPDATE", (job.rpartition("/")[2],))
        yield
        until(lambda: admin.execute(f"SELECT pg_terminate_backend(pid, 2000) {own}".encode()).fetchone() is None)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=LONG), pytest.param(3, marks=LONG)])
def test_jobs_whose_worker_is_killed_make_their_tables_once(
    ada: Asker, frail: Config, keeper: OwnTables, stored: Stored, seed: int
) -> None:
    for name in ("added", "replaced", "indexed"):
        put(ada, name, 1000)
    jobs = [
        into(ada, "made", "create", 60_000),
        into(ada, "added", "append", 50_000),
        into(ada, "replaced", "replace", 40_000),
        started(ada, "table-update", TABLE="indexed", INDEX="name"),
    ]
    time.sleep(random.Random(seed).uniform(0.3, 2.5))
    kill_workers(frail)
    assert [outcome(ada, job) for job in jobs] == ["COMPLETED"] * 4, [ada.error(job) for job in jobs]
    counts = [ada.count(ada.own(name)) for name in ("made", "added", "replaced", "indexed")]
    assert counts == [60_000, 51_000, 40_000, 1000]
    assert "indexed" in ada.flags("indexed", "name")
    keeper.tidy()
    assert (stored(ada).tables, stored(ada).rows, stored(ada).agrees) == (4, sum(counts), True)


AFTERWARDS: dict[str, Callable[[Asker], object] | None] = {
    "nothing": None,
    "rows": lambda who: who.post("added", sky(7, 5000), PARQUET),
    "an index": lambda who: who.change("added", INDEX="x"),
    "a description": lambda who: who.change("added", DESCRIPTION="Numbers"),
}


@pytest.mark.parametrize(
    "meanwhile", ["nothing", "rows", pytest.param("an index", marks=LONG), pytest.param("a description", marks=LONG)]
)
@pytest.mark.long
def test_rows_are_added_once_though_the_worker_dies_before_it_can_tell(
    ada: Asker, frail: Config, owner: psycopg.Connection, meanwhile: str
) -> None:
    """`meanwhile` is what its owner does to the table before the job runs again."""
    put(ada, "added", 1000)
    job = into(ada, "added", "append", 200_000)
    until(lambda: ada.phase(job) == "EXECUTING")
    with unable_to_end(frail, job):
        until(lambda: rows_of(owner, ada, "added") > 1000)
        kill_workers(frail)
        if change := AFTERWARDS[meanwhile]:
            change(ada)
    assert outcome(ada, job) == "COMPLETED", ada.error(job)
    assert attempt_of(frail, job) > 1
    assert ada.count(ada.own("added")) == 201_000 + (7 if meanwhile == "rows" else 0)


@LONG
def test_a_table_that_is_made_stays_though_the_worker_dies_before_it_can_tell(
    ada: Asker, frail: Config, owner: psycopg.Connection
) -> None:
    job = into(ada, "made", "create", 200_000)
    until(lambda: ada.phase(job) == "EXECUTING")
    with unable_to_end(frail, job):
        until(lambda: rows_of(owner, ada, "made") > 0)
        kill_workers(frail)
    assert outcome(ada, job) == "COMPLETED", ada.error(job)
    assert attempt_of(frail, job) > 1
    assert ada.count(ada.own("made")) == 200_000
    assert ada.call("GET", ada.results(job)["table"]).status == 200


def wake(asleep: list[int]) -> None:
    for pid in asleep:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@LONG
def test_a_worker_that_slept_while_another_did_its_job_adds_no_rows(
    ada: Asker, frail: Config, owner: psycopg.Connection
) -> None:
    put(ada, "added", 1000)
    copying = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY %%added%%FROM STDIN%%'"
    job = into(ada, "added", "append", 400_000)
    until(lambda: owner.execute(copying).fetchone() == (1,))
    asleep = processes_of(frail, WORKER)
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    another = subprocess.Popen([sys.executable, "-m", "tap", "work"], cwd=ROOT, env=os.environ | frail.as_environment())
    try:
        waker = threading.Timer(20, wake, (asleep,))
        waker.start()
        assert outcome(ada, job) == "COMPLETED", ada.error(job)
        waker.join()
        settled(owner)
        time.sleep(3)
        settled(owner)
        assert ada.count(ada.own("added")) == 401_000
    finally:
        wake(asleep)
        another.terminate()
        another.wait(30)
