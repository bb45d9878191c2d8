"""A disk that takes its time: every fsync of the workers takes seconds (docs/reliability.md)."""

import shutil
import subprocess
import time

import pytest

from bench.kill import WORKER, processes_of
from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import get
from tests.contract.faults import ask, complaints, completes, eventually, job_of, phase, submit

DELAY = 3


@pytest.mark.long
def test_while_the_disk_of_results_is_slow_jobs_take_longer_and_queries_do_not(sample: Config) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    config = alone(sample, processes=1, workers=1)
    service = serving(config)
    with service as url:
        assert completes(job_of(url, submit(url)))
        (worker,) = processes_of(config, WORKER)
        inject = ["-e", "trace=fsync", "-e", f"inject=fsync:delay_enter={DELAY}s"]
        with subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", *inject, "-p", str(worker)]) as slow:
            time.sleep(0.5)
            if slow.poll() is not None:
                pytest.skip("tracing is not allowed here")
            begun = time.monotonic()
            jobs = [job_of(url, submit(url)) for _ in range(3)]
            assert eventually(lambda: phase(jobs[0]) == "EXECUTING")
            assert ask(url).status == 200
            assert time.monotonic() - begun < DELAY
            assert all(completes(job, 60) for job in jobs)
            assert time.monotonic() - begun > DELAY
            slow.terminate()
        assert all(get(f"{job}/results/result").text == "n\n14033\n" for job in jobs)
        assert completes(job_of(url, submit(url)))
    assert complaints(service) == []
