"""The units for systemd, as its own checker reads them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tap.config import Config
from tests.conftest import ROOT, alone
from tests.contract.client import Reply, get

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
QUERY = {"LANG": "ADQL", "QUERY": "SELECT 1 AS n FROM tap_schema.schemas WHERE schema_name = 'demo'", "FORMAT": "csv"}


@pytest.fixture(params=UNITS, ids=[path.stem for path in UNITS])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit whose program is there."""
    path = tmp_path / request.param.name.replace("@", "@1")
    path.write_text(request.param.read_text().replace("/opt/armillary/bin/armillary", "/bin/true"))
    return path


def test_systemd_takes_the_unit(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_can_do_little_else_than_serve(unit: Path) -> None:
    """1.7 of 10 is what systemd calls OK; the network is what remains."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_socket_of_systemd_is_served_and_what_was_started_ends_with_the_service(
    sample: Config, processes: int
) -> None:
    """sd_listen_fds(3): the first request comes before there is a service, and is answered by it."""
    config = alone(sample, processes=processes)
    variables = [f"--setenv={name}={value}" for name, value in config.as_environment().items()]
    command = ["systemd-socket-activate", f"--listen=127.0.0.1:{config.web.port}", *variables]
    process = subprocess.Popen([*command, sys.executable, "-m", "tap", "serve"], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        reply = patiently(lambda: get(f"{config.web.base_url}/sync", QUERY))
        assert (reply.status, reply.body.split()) == (200, [b"n", b"1"])
    finally:
        process.terminate()
        assert process.wait(30) == 0
    assert patiently_gone(config)


def _refusal(config: Config) -> str:
    """What `armillary serve` says as it ends."""
    command = [sys.executable, "-m", "tap", "serve"]
    environment = os.environ | config.as_environment()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_a_service_cannot_listen_at_or_write_to_is_named_by_its_setting(sample: Config) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 cannot be listened at" in _refusal(sample.changed(port=port))
        said = _refusal(alone(sample, metrics_port=port))
        assert f"metrics_port {port} of 127.0.0.1 cannot be listened at" in said
        assert f"ARMILLARY_METRICS_PORT={port + 1}" in said
    assert "/nowhere/armillary.log" in _refusal(alone(sample, log_target="/nowhere/armillary.log"))


def test_a_service_whose_web_processes_cannot_begin_says_so_to_who_started_it(sample: Config) -> None:
    config = alone(sample, upload_folder="/proc/nowhere")
    command = [sys.executable, "-m", "tap", "serve"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | config.as_environment(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (3, False)
    assert b"/proc/nowhere" in done.stderr


def patiently(ask: Callable[[], Reply]) -> Reply:
    """Ask until somebody listens."""
    for _ in range(100):
        with suppress(OSError):
            return ask()
        time.sleep(0.1)
    return ask()


def patiently_gone(config: Config) -> bool:
    """Return whether all processes are gone within seconds."""
    for _ in range(50):
        if not processes_of(config):
            return True
        time.sleep(0.1)
    return False


def processes_of(config: Config) -> list[str]:
    """Return the processes that have the job store of a configuration in their environment."""
    mark = f"dbname=jobs_{config.web.port} ".encode()
    processes = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [path.name for path in processes if mark in _environment(path)]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
