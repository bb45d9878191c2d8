"""Faults that jobs survive (docs/demands.md D): killed and paused workers, restarts, aborts that reach PostgreSQL, lost files."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bench.kill import WORKER, processes_of
from tap.config import Config
from tap.engine import database
from tap.formats import FORMATS
from tests.conftest import alone, serving
from tests.contract.client import get, post, request

pytestmark = pytest.mark.long

ENDLESS = "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.stars AS b WHERE a.ra < b.dec"
STREAM = "SELECT TOP 20000000 a.ra, b.name FROM demo.stars AS a, demo.ngc AS b"
ROWS = "SELECT TOP 200000 a.ra, b.dec, b.name FROM demo.ngc AS a, demo.ngc AS b"


@pytest.fixture(scope="module")
def faulty(sample: Config) -> Config:
    return alone(sample, job_duration_default=120, maxrec_default=20_000_000, drain_seconds=2.0)


@pytest.fixture(scope="module")
def url(faulty: Config) -> Iterator[str]:
    with serving(faulty) as url:
        yield url


@pytest.fixture
def jobs(faulty: Config) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.jobs_conninfo(faulty), autocommit=True) as connection:
        yield connection


def start(url: str, query: str, **form: str) -> str:
    """The URL of a new job that shall run."""
    root = post(f"{url}/async", {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN"} | form).xml()
    return f"{url}/async/{root.findtext('{*}jobId')}"


def phase(job: str) -> str:
    return get(f"{job}/phase").text


def eventually(check: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not (done := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return done


def is_in(job: str, *phases: str, seconds: float = 30) -> bool:
    return eventually(lambda: phase(job) in phases, seconds)


def running(config: Config) -> int:
    """Statements of strangers that run now."""
    with psycopg.connect(
        database.cluster_of(config.database).conninfo("armillary_admin"), autocommit=True
    ) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'armillary_reader' AND state = 'active'"
        ).fetchone()
    return int(row[0]) if row else 0


def workers(config: Config) -> list[int]:
    return processes_of(config, WORKER)


# ---- D6, D14, D15, D16: what ends a job reaches PostgreSQL

_WAYS = ("abort", "delete", "time", "destruction")


@pytest.mark.parametrize(
    ("how", "format_"),
    [
        # Each way to end, and each format; all pairs of them take long.
        pytest.param(how, format_.aliases[0], marks=[] if number % len(_WAYS) == place else pytest.mark.long)
        for place, how in enumerate(_WAYS)
        for number, format_ in enumerate(FORMATS)
        if not format_.sums_up
    ],
)
def test_a_job_that_ends_is_gone_from_postgresql(faulty: Config, url: str, format_: str, how: str) -> None:
    form = {"EXECUTIONDURATION": "1"} if how == "time" else {}
    job = start(url, STREAM if format_ == "csv" else ENDLESS, RESPONSEFORMAT=format_, **form)
    if how != "time":
        assert is_in(job, "EXECUTING")
        assert eventually(lambda: running(faulty) > 0, 3)
    if how == "abort":
        assert post(f"{job}/phase", {"PHASE": "ABORT"}).status == 200
    elif how == "delete":
        assert request("DELETE", job).status == 303
    elif how == "destruction":
        soon = datetime.now(UTC) + timedelta(seconds=0.5)
        assert post(f"{job}/destruction", {"DESTRUCTION": soon.isoformat().replace("+00:00", "Z")}).status == 200
        assert eventually(lambda: get(job).status == 404, 10)
    else:
        assert is_in(job, "ABORTED")
        assert "execution duration of 1 seconds" in get(job).text
    assert eventually(lambda: running(faulty) == 0, 3)


def test_run_twice_at_once_runs_once(url: str) -> None:
    job = start(url, ROWS, PHASE="RUN")
    again = post(f"{job}/phase", {"PHASE": "RUN"})
    assert again.status == 403
    assert is_in(job, "COMPLETED")
    assert post(f"{job}/phase", {"PHASE": "ABORT"}).status == 403
    assert phase(job) == "COMPLETED"


# ---- D1, D3, D4, D5, D23: workers that die or sleep


def test_the_job_of_a_killed_worker_runs_again(faulty: Config, url: str) -> None:
    job = start(url, ROWS + " ", RESPONSEFORMAT="csv")
    slow = start(url, ENDLESS)
    assert is_in(slow, "EXECUTING")
    for pid in workers(faulty):
        os.kill(pid, signal.SIGKILL)
    assert is_in(job, "COMPLETED")
    assert get(f"{job}/results/result").body.count(b"\n") == 200_001
    assert is_in(slow, "EXECUTING", seconds=20)
    post(f"{slow}/phase", {"PHASE": "ABORT"})


@pytest.mark.long
def test_a_worker_that_slept_through_its_lease_changes_nothing(
    faulty: Config, url: str, jobs: psycopg.Connection
) -> None:
    job = start(url, STREAM, RESPONSEFORMAT="csv", MAXREC="3000000")
    job_id = job.rpartition("/")[2]
    assert is_in(job, "EXECUTING")
    asleep = workers(faulty)
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    settings = faulty.as_environment()
    another = subprocess.Popen([sys.executable, "-m", "tap", "work"], env=os.environ | settings)
    try:
        assert eventually(lambda: _attempt(jobs, job_id) == 2, 20)
        for pid in asleep:
            os.kill(pid, signal.SIGCONT)
        assert is_in(job, "COMPLETED")
    finally:
        for pid in asleep:
            os.kill(pid, signal.SIGCONT)
        another.terminate()
        another.wait(20)
    row = jobs.execute("SELECT results -> 0 ->> 'key' FROM uws.jobs WHERE job_id = %s", (job_id,)).fetchone()
    assert row == (f"{job_id}/2.csv",)
    folder = Path(faulty.jobs.results) / job_id[:2] / job_id
    assert eventually(lambda: [path.name for path in folder.iterdir()] == ["2.csv"])


def _attempt(jobs: psycopg.Connection, job_id: str) -> int:
    row = jobs.execute("SELECT attempt FROM uws.jobs WHERE job_id = %s", (job_id,)).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.long
def test_a_job_that_kills_its_workers_ends_honestly_and_others_go_on(
    faulty: Config, url: str, jobs: psycopg.Connection
) -> None:
    poison = start(url, ENDLESS)
    assert is_in(poison, "EXECUTING")
    jobs.execute("UPDATE uws.jobs SET crashes = 2 WHERE job_id = %s", (poison.rpartition("/")[2],))
    for pid in workers(faulty):
        os.kill(pid, signal.SIGKILL)
    assert is_in(poison, "ERROR")
    assert "3 times in a row the process that ran it died" in get(poison).text
    assert is_in(start(url, ROWS), "COMPLETED")


def test_a_worker_that_is_told_to_stop_hands_its_job_back(faulty: Config, url: str, jobs: psycopg.Connection) -> None:
    job = start(url, ENDLESS)
    assert is_in(job, "EXECUTING")
    old = workers(faulty)
    for pid in old:
        os.kill(pid, signal.SIGTERM)
    assert eventually(lambda: not set(old) & set(workers(faulty)), 10)
    assert is_in(job, "EXECUTING")
    row = jobs.execute("SELECT crashes, attempt FROM uws.jobs WHERE job_id = %s", (job.rpartition("/")[2],)).fetchone()
    assert row == (0, 2)
    post(f"{job}/phase", {"PHASE": "ABORT"})


# ---- D7, D8, D18: files


def test_a_result_that_is_gone_is_an_error_not_a_failure(faulty: Config, url: str) -> None:
    job = start(url, ROWS)
    assert is_in(job, "COMPLETED")
    for file in (Path(faulty.jobs.results) / job.rpartition("/")[2][:2] / job.rpartition("/")[2]).iterdir():
        file.unlink()
    gone = get(f"{job}/results/result")
    assert gone.status == 404
    assert "gone from this service's storage" in gone.votable().message
    assert phase(job) == "ERROR"


def test_what_belongs_to_no_job_is_swept_when_a_worker_starts(faulty: Config, url: str) -> None:
    stray = Path(faulty.jobs.results) / "zz" / ("z" * 32)
    stray.mkdir(parents=True)
    (stray / "1.vot.part").write_bytes(b"half")
    for pid in workers(faulty):
        os.kill(pid, signal.SIGTERM)
    assert eventually(lambda: not stray.exists(), 20)


def test_without_room_for_results_new_jobs_are_refused_until_there_is(sample: Config) -> None:
    full = alone(sample, results_reserve=10**18, workers=0)
    with serving(full) as url:
        refused = post(f"{url}/async", {"LANG": "ADQL", "QUERY": ROWS})
        assert (refused.status, refused.headers["Retry-After"]) == (503, "300")
        assert b">false<" in get(f"{url}/availability").body


def test_a_disk_that_fills_up_is_told_and_leaves_nothing(sample: Config, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("mounting is not allowed here")
    try:
        small = alone(sample, results=str(folder), results_reserve=0)
        with serving(small) as url:
            job = start(url, ROWS, MAXREC="200000")
            assert is_in(job, "ERROR", "COMPLETED")
            assert "no room for results" in get(job).text
            assert not [path for path in folder.rglob("[!.]*") if path.is_file()]
            assert is_in(start(url, "SELECT TOP 1 name FROM demo.ngc"), "COMPLETED")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


# ---- D11, D22


def test_over_the_limits_a_client_is_told_when_to_come_back(sample: Config) -> None:
    strict = alone(sample, workers=0, jobs_waiting_per_owner=3)
    with serving(strict) as url:
        # A proxy on this machine says from where its clients come.
        form = {"LANG": "ADQL", "QUERY": ROWS}
        answers = [post(f"{url}/async", form, X_Forwarded_For="203.0.113.9") for _ in range(5)]
        assert post(f"{url}/async", form, X_Forwarded_For="203.0.113.10").status == 200
    assert [each.status for each in answers] == [200] * 3 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "30"


def test_lost_notifications_lose_no_job(url: str, jobs: psycopg.Connection, sample: Config) -> None:
    with psycopg.connect(database.cluster_of(sample.database).conninfo("armillary_admin"), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'armillary news'"
        )
    job = start(url, ROWS)
    ended = ""
    while ended not in {"COMPLETED", "ERROR", "ABORTED"}:
        ended = re.findall("<uws:phase>(.*)</", get(job, {"WAIT": "5"}).text)[0]
    assert ended == "COMPLETED"
