"""`armillary groups limit`: what members of a group may use, from their next request on, and nobody else."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tap.auth.accounts import AccountStore
from tap.config import Config
from tests.command import Give, armillary
from tests.conftest import alone, serving
from tests.contract.client import Reply
from tests.contract.own_tables import Asker
from tests.people import MakePerson

pytestmark = pytest.mark.long

ENDLESS = "SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b, demo.ngc AS c WHERE a.ra + b.ra < c.ra"
ROWS = "SELECT TOP 500 name FROM demo.ngc"
ONE = "SELECT TOP 1 name FROM demo.ngc"
STRICT = {
    "processes": 1,
    "maxrec_default": 10,
    "maxrec_hard": 20,
    "sync_limit": 2.0,
    "queries_per_owner": 2,
    "queue_limit": 0.7,
    "job_duration_default": 50,
    "job_duration_limit": 100,
    "jobs_running_per_owner": 2,
    "jobs_waiting_per_owner": 3,
    "results_per_owner": 10_000,
    "results_of_strangers": 2_000,
}


@pytest.fixture(scope="module")
def strict(sample: Config) -> Config:
    return alone(sample, **STRICT)


@pytest.fixture(scope="module")
def service(strict: Config) -> Iterator[str]:
    with serving(strict) as url:
        yield url


# ---- rows of results


def cut(reply: Reply) -> tuple[int, bool]:
    """How many rows came, and whether OVERFLOW tells that there are more."""
    assert reply.status == 200, reply.text
    found = reply.votable()
    return len(found.rows), ("OVERFLOW", "after") in found.statuses


def asked(who: Asker, **form: str) -> tuple[int, bool]:
    return cut(who.ask(ROWS, FORMAT="votable/td", **form))


def test_rows_beyond_ones_own_limit_are_cut_and_that_is_told(ada: Asker, bo: Asker, give: Give) -> None:
    assert asked(ada, MAXREC="300") == (20, True)
    group = give("maxrec_hard=5", to=(ada,))
    assert [asked(ada, MAXREC=each) for each in ("300", "5", "4")] == [(5, True), (5, True), (4, True)]
    assert asked(ada) == (5, True)
    assert asked(bo, MAXREC="300") == (20, True)
    armillary("groups", "limit", group, "maxrec_hard=300")
    assert asked(ada, MAXREC="1000") == (300, True)
    assert asked(ada) == (10, True)
    assert asked(bo, MAXREC="1000") == (20, True)


def test_rows_of_jobs_have_the_limit_of_their_owner(ada: Asker, bo: Asker, give: Give) -> None:
    give("maxrec_hard=40", "results_per_owner=0", to=(ada,))
    for who, rows in ((ada, 40), (bo, 20)):
        job = who.run(ROWS, FORMAT="votable/td", MAXREC="300")
        assert cut(who.call("GET", f"{job}/results/result")) == (rows, True)


def test_a_table_has_all_rows_whatever_the_limit_of_results(ada: Asker, give: Give) -> None:
    give("maxrec_hard=5", "own_rows=1000", to=(ada,))
    job = ada.run(ROWS, DEST="kept")
    if ada.phase(job) == "COMPLETED":
        assert ada.count(ada.own("kept")) == 500
    else:
        assert "rows" in ada.error(job)


# ---- time of queries


def stopped(who: Asker) -> float:
    """After how many seconds a query without end is stopped."""
    began = time.monotonic()
    reply = who.ask(ENDLESS)
    took = time.monotonic() - began
    assert reply.status == 504
    assert reply.headers["X-Armillary-Reason"] == "time-limit"
    assert "longer than this service allows" in reply.votable().message
    return took


def test_a_slow_query_is_stopped_by_the_limit_of_who_asks(ada: Asker, bo: Asker, give: Give) -> None:
    give("sync_limit=0.5", to=(ada,))
    assert 0.5 <= stopped(ada) < 2 <= stopped(bo)


@pytest.mark.long
def test_a_larger_limit_lets_a_query_run_longer_than_all_others_may(ada: Asker, give: Give) -> None:
    # PostgreSQL's own limit for others lies five seconds above theirs.
    give("sync_limit=8", to=(ada,))
    assert stopped(ada) >= 8


@contextmanager
def running(who: Asker, count: int) -> Iterator[None]:
    """Let so many queries of an account run for as long as they may."""
    threads = [threading.Thread(target=who.ask, args=(ENDLESS,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(("most", "others", "status"), [(1, 1, 503), (None, 1, 200), (None, 2, 503), (3, 2, 200)])
def test_so_many_queries_of_one_account_run_at_once(
    ada: Asker, bo: Asker, give: Give, most: int | None, *, others: int, status: int
) -> None:
    if most:
        give(f"queries_per_owner={most}", to=(ada,))
    with running(ada, others):
        assert ada.ask(ONE).status == status
        assert bo.ask(ONE).status == 200
    assert ada.ask(ONE).status == 200


def test_another_limit_of_queries_counts_while_some_run(ada: Asker, give: Give) -> None:
    group = give("queries_per_owner=1", to=(ada,))
    with running(ada, 1):
        assert ada.ask(ONE).status == 503
        armillary("groups", "limit", group, "queries_per_owner=2")
        assert ada.ask(ONE).status == 200


# ---- jobs


def created(who: Asker, query: str = ENDLESS, **form: str) -> str:
    reply = who.post_form("async", LANG="ADQL", QUERY=query, **form)
    assert reply.status == 303, reply.text
    return str(reply.headers["Location"])


def ended(who: Asker, *jobs: str) -> None:
    for job in jobs:
        who.call("DELETE", job)


def duration(who: Asker, **form: str) -> int:
    job = created(who, **form)
    seconds = int(who.call("GET", f"{job}/executionduration").text)
    ended(who, job)
    return seconds


def test_a_job_runs_as_long_as_its_owner_may_let_it(ada: Asker, bo: Asker, give: Give, accounts: AccountStore) -> None:
    group = give(to=(ada,))
    accounts.set_limits(group, {"job_duration_limit": 30})
    assert (duration(ada), duration(ada, EXECUTIONDURATION="90"), duration(ada, EXECUTIONDURATION="9")) == (30, 30, 9)
    assert (duration(bo), duration(bo, EXECUTIONDURATION="900")) == (50, 100)
    accounts.set_limits(group, {"job_duration_limit": 1000})
    assert (duration(ada), duration(ada, EXECUTIONDURATION="900")) == (50, 900)
    armillary("groups", "limit", group, "job_duration_limit=0")
    assert (duration(ada), duration(ada, EXECUTIONDURATION="9000"), duration(ada, EXECUTIONDURATION="0")) == (
        50,
        9000,
        0,
    )


def test_the_duration_of_a_job_is_changed_within_the_limit_of_its_owner(
    ada: Asker, give: Give, accounts: AccountStore
) -> None:
    accounts.set_limits(give(to=(ada,)), {"job_duration_limit": 1000})
    job = created(ada)
    for asked_for, given in (("900", "900"), ("2000", "1000")):
        ada.post_form(f"{job}/executionduration", EXECUTIONDURATION=asked_for)
        assert ada.call("GET", f"{job}/executionduration").text == given
    ended(ada, job)


def test_a_job_is_stopped_by_the_limit_of_its_owner(ada: Asker, give: Give, accounts: AccountStore) -> None:
    accounts.set_limits(give(to=(ada,)), {"job_duration_limit": 1})
    job = ada.run(ENDLESS)
    assert ada.phase(job) == "ABORTED"
    assert "execution duration of 1 seconds" in ada.error(job)


@pytest.mark.long
def test_a_larger_limit_lets_a_job_run_longer_than_all_others_may(
    sample: Config, person: MakePerson, give: Give, accounts: AccountStore
) -> None:
    """PostgreSQL's own limit lies thirty seconds above that of all others."""
    with serving(alone(sample, job_duration_default=1, job_duration_limit=1)) as url:
        ada = Asker(url, person())
        accounts.set_limits(give(to=(ada,)), {"job_duration_limit": 40})
        job = created(ada, PHASE="RUN", EXECUTIONDURATION="40")
        time.sleep(36)
        assert ada.phase(job) == "EXECUTING", ada.error(job)
        ada.call("GET", f"{job}?WAIT=30&PHASE=EXECUTING")
        assert ada.phase(job) == "ABORTED"


@pytest.mark.parametrize(("most", "expected"), [("1", 1), (None, 2), ("3", 3)])
def test_so_many_jobs_of_one_account_run_at_once(ada: Asker, give: Give, most: str | None, expected: int) -> None:
    if most:
        give(f"jobs_running_per_owner={most}", "jobs_waiting_per_owner=10", to=(ada,))
    jobs = [created(ada, PHASE="RUN") for _ in range(4 if most else 3)]
    for _ in range(60):
        phases = [ada.phase(job) for job in jobs]
        if phases.count("EXECUTING") >= expected:
            break
        time.sleep(0.1)
    time.sleep(0.5)
    phases = [ada.phase(job) for job in jobs]
    ended(ada, *jobs)
    assert (phases.count("EXECUTING"), phases.count("QUEUED")) == (expected, len(jobs) - expected)


def test_more_jobs_than_may_wait_are_refused(ada: Asker, bo: Asker, give: Give) -> None:
    def waiting(who: Asker) -> list[int]:
        return [who.post_form("async", LANG="ADQL", QUERY=ONE).status for _ in range(5)]

    group = give("jobs_waiting_per_owner=1", to=(ada,))
    assert waiting(ada) == [303, 429, 429, 429, 429]
    armillary("groups", "limit", group, "jobs_waiting_per_owner=5")
    assert waiting(ada) == [303, 303, 303, 303, 429]
    assert waiting(bo) == [303, 303, 303, 429, 429]


# ---- bytes of results


def files(config: Config, job: str) -> list[Path]:
    """What is stored of a job."""
    id_ = job.rpartition("/")[2]
    return [path for path in (Path(config.jobs.results) / id_[:2] / id_).rglob("*") if path.is_file()]


def test_a_result_that_does_not_fit_fails_with_nothing_stored(strict: Config, ada: Asker, give: Give) -> None:
    give("maxrec_hard=500", "results_per_owner=3000", to=(ada,))
    first = ada.run(ROWS, FORMAT="csv", MAXREC="200")
    assert ada.phase(first) == "COMPLETED", ada.error(first)
    assert len(files(strict, first)) == 1
    second = ada.run(ROWS, FORMAT="csv", MAXREC="300")
    assert ada.phase(second) == "ERROR"
    assert "as many bytes as they may" in ada.error(second)
    assert "Delete jobs" in ada.error(second)
    assert files(strict, second) == []
    assert ada.results(second) == {}
    assert ada.call("GET", f"{second}/results/result").status == 404
    ended(ada, first)
    third = ada.run(ROWS, FORMAT="csv", MAXREC="300")
    assert ada.phase(third) == "COMPLETED", ada.error(third)


def test_results_have_the_room_that_their_owner_may_have(ada: Asker, bo: Asker, give: Give) -> None:
    group = give("maxrec_hard=500", "results_per_owner=100", to=(ada,))
    assert ada.phase(ada.run(ROWS, FORMAT="csv", MAXREC="20")) == "ERROR"
    armillary("groups", "limit", group, "results_per_owner=0")
    assert ada.phase(ada.run(ROWS, FORMAT="csv", MAXREC="500")) == "COMPLETED"
    assert ada.phase(ada.run(ROWS, FORMAT="csv", MAXREC="500")) == "COMPLETED"
    assert bo.phase(bo.run(ROWS, FORMAT="csv")) == "COMPLETED"


def test_results_of_all_strangers_have_one_room_which_no_account_takes(strict: Config, service: str, bo: Asker) -> None:
    wide = "SELECT name, ra, dec, name AS n2, ra AS r2, dec AS d2 FROM demo.ngc"
    strangers = [Asker(service) for _ in range(4)]
    jobs = [each.run(wide, FORMAT="csv", MAXREC="10") for each in strangers]
    assert [each.phase(job) for each, job in zip(strangers, jobs, strict=True)] == ["COMPLETED"] * 2 + ["ERROR"] * 2
    assert "without an account" in strangers[3].error(jobs[3])
    assert files(strict, jobs[3]) == []
    assert bo.phase(bo.run(wide, FORMAT="csv", MAXREC="10")) == "COMPLETED"
    ended(strangers[0], *jobs)
    assert strangers[0].phase(strangers[0].run(wide, FORMAT="csv", MAXREC="10")) == "COMPLETED"
