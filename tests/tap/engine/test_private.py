"""The private PostgreSQL runs as long as anybody uses it, who has it started or not, and no longer."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tap.config import Config
from tests.conftest import ROOT, serving
from tests.contract.client import get
from tests.contract.faults import cluster_of, own_database

_COMMAND = """
from pathlib import Path
from tap.engine.private import PrivateCluster
with PrivateCluster(Path({folder!r}), "64MB").running() as started:
    print(started, flush=True)
    input()
"""


@pytest.fixture
def config() -> Iterator[Config]:
    with own_database() as config:
        yield config


@contextmanager
def command(config: Config, *, starts: bool) -> Iterator[subprocess.Popen[str]]:
    """A command that uses the database until the block ends, and says whether it had to start it."""
    program = _COMMAND.format(folder=config.database.data_dir)
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == f"{starts}\n"
        yield process
        if process.poll() is None:
            process.stdin.write("\n")


def test_a_service_outlives_the_command_that_started_its_database(config: Config) -> None:
    with command(config, starts=True) as first:
        service = serving(config)
        service.__enter__()
        assert first.poll() is None
    assert first.returncode == 0
    try:
        assert get(f"{config.web.base_url}/tables").status == 200
        assert int((Path(config.database.data_dir) / "keeper.pid").read_text()) == service.process.pid
    finally:
        service.__exit__()
    assert not cluster_of(config).is_running()


def test_a_command_outlives_the_service(config: Config) -> None:
    service = serving(config)
    service.__enter__()
    with command(config, starts=False):
        service.__exit__()
        assert cluster_of(config).is_running()
    assert not cluster_of(config).is_running()


def test_the_last_of_several_commands_stops_it(config: Config) -> None:
    with command(config, starts=True) as first:
        with command(config, starts=False):
            assert first.stdin
            first.stdin.write("\n")
            first.stdin.flush()
            assert first.wait(30) == 0
            assert cluster_of(config).is_running()
        assert not cluster_of(config).is_running()


def test_what_a_killed_command_left_running_is_stopped_by_the_next(config: Config) -> None:
    with command(config, starts=True) as first:
        first.kill()
        first.wait(30)
        assert cluster_of(config).is_running()
    with command(config, starts=False):
        pass
    assert not cluster_of(config).is_running()


def test_one_that_the_operator_started_goes_on(config: Config) -> None:
    cluster_of(config).start()
    with command(config, starts=False):
        pass
    with serving(config):
        pass
    assert cluster_of(config).is_running()


def test_many_commands_at_once_start_it_once(config: Config) -> None:
    program = _COMMAND.format(folder=config.database.data_dir)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    outputs = [process.communicate("\n", timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 5
    assert "True\n" in outputs
    assert not cluster_of(config).is_running()
