"""Clocks that jump: PostgreSQL's, by which jobs have their leases and places, is set forth and back under running jobs (docs/demands.md D)."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench.kill import WORKER, processes_of
from tap.config import Config
from tap.engine.private import PrivateCluster
from tests.conftest import alone, serving
from tests.contract.faults import (
    admin_of,
    ask,
    asleep,
    cluster_of,
    complaints,
    completes,
    eventually,
    job_of,
    phase,
    submit,
)

HOUR = 3600
FAST = 2 * HOUR
"""Seconds that the clock is ahead when PostgreSQL starts."""
SECONDS = "SELECT TOP 2000000 a.ra, a.dec, b.name FROM demo.ngc AS a, demo.ngc AS b WHERE a.ra + b.ra > 5"
_LIBRARY = "usr/lib/*/faketime/libfaketime.so.1"

pytestmark = pytest.mark.long


class Clock:
    """PostgreSQL's, which is `offset` seconds away from the machine's."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(FAST)

    def set(self, offset: int) -> None:
        self.file.write_text(f"{offset:+d}\n")
        self.file.chmod(0o644)


@pytest.fixture
def clock(sample: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The cluster of the tests runs by it, as long as the test does."""
    library = next(Path("/").glob(_LIBRARY), None) or pytest.skip("libfaketime is not installed")
    cluster: PrivateCluster = cluster_of(sample)
    clock = Clock(Path(sample.database.data_dir) / "clock")
    with monkeypatch.context() as environment:
        for name, value in (
            ("LD_PRELOAD", str(library)),
            ("FAKETIME_TIMESTAMP_FILE", str(clock.file)),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DONT_RESET", "1"),
        ):
            environment.setenv(name, value)
        cluster.stop()
        cluster.start()
    try:
        yield clock
    finally:
        cluster.stop()
        cluster.start()


def offset_of(config: Config) -> float:
    with admin_of(config) as admin:
        row = admin.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    return float(row[0]) - time.time() if row else 0.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_jobs_that_run_and_wait_are_done_when_the_clock_jumps(sample: Config, clock: Clock, jump: int) -> None:
    config = alone(sample, processes=1, workers=1, worker_slots=1, long_slots=1, jobs_running_per_owner=0)
    service = serving(config)
    with service as url:
        jobs = [job_of(url, submit(url, SECONDS, MAXREC="2000000")) for _ in range(4)]
        assert eventually(lambda: phase(jobs[0]) in {"EXECUTING", "COMPLETED"})
        clock.set(FAST + jump)
        assert abs(offset_of(sample) - FAST - jump) < 60
        assert ask(url).status == 200
        jobs.append(job_of(url, submit(url)))
        assert all(completes(job, 60) for job in jobs)
    assert complaints(service) == []


def test_the_job_of_a_worker_that_died_as_the_clock_was_set_back_runs_again(sample: Config, clock: Clock) -> None:
    """PostgreSQL's own start is in the future then, too."""
    config = alone(sample, processes=1, workers=2, jobs_running_per_owner=0)
    with serving(config) as url:
        job = job_of(url, submit(url, SECONDS, MAXREC="2000000"))
        assert eventually(lambda: phase(job) == "EXECUTING")
        with psycopg.connect(config.database.jobs_database) as jobs, asleep(processes_of(config, WORKER)):
            clock.set(0)
            row = jobs.execute("SELECT lease > now() + interval '1 hour' FROM uws.jobs WHERE phase = 'EXECUTING'")
            assert row.fetchone() == (True,)
            for pid in processes_of(config, WORKER):
                os.kill(pid, signal.SIGKILL)
        assert completes(job, 60)
