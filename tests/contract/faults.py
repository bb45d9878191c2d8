"""What goes wrong with machines, made on purpose: small and full disks, processes that are put to sleep, PostgreSQL that is slow."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest

from bench.processes import children
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster
from tests.conftest import free_port, serving
from tests.contract.client import Reply, get, post

COUNT = "SELECT COUNT(*) AS n FROM demo.ngc"
ENDLESS = "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.stars AS b WHERE a.ra < b.dec"
_READY = b"Z\x00\x00\x00\x05"
HEALS = 10.0
"""Seconds in which the service serves again once the fault is over (docs/reliability.md)."""


def eventually(check: Callable[[], bool], seconds: float = HEALS) -> bool:
    end = time.monotonic() + seconds
    while not (done := check()) and time.monotonic() < end:
        time.sleep(0.1)
    return done


# ---- what clients do, and see


def ask(url: str, query: str = COUNT, **form: str) -> Reply:
    return post(f"{url}/sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv"} | form)


def submit(url: str, query: str = COUNT, **form: str) -> Reply:
    """Make a job that shall run; the redirect is followed to its document."""
    return post(f"{url}/async", {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN", "RESPONSEFORMAT": "csv"} | form)


def job_of(url: str, reply: Reply) -> str:
    assert reply.status == 200, reply.text
    return f"{url}/async/{reply.xml().findtext('{*}jobId')}"


def phase(job: str) -> str:
    reply = get(f"{job}/phase")
    return reply.text if reply.status == 200 else str(reply.status)


def completes(job: str, seconds: float = 30) -> bool:
    return eventually(lambda: phase(job) == "COMPLETED", seconds)


def asks_to_come_back(reply: Reply, seconds: int = 300) -> bool:
    return reply.status == 503 and 0 < int(reply.headers["Retry-After"]) <= seconds and "<" in reply.text


def complaints(service: serving) -> list[str]:
    """What the log of a service says that it must not: faults of our own, and traces."""
    logs = [service.log, *filter(Path.is_file, [Path(service.config.log.log_target)])]
    lines = [line for log in logs for line in log.read_text("utf-8", "replace").splitlines()]
    return [line[:2000] for line in lines if "Traceback" in line or '"event": "fault"' in line]


# ---- disks


@contextmanager
def small_disk(folder: Path, megabytes: int, owner: str | None = None) -> Iterator[Path]:
    """A disk of its own at `folder`, as long as the block lasts; only root may make one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=700" + (f",uid={owner},gid={owner}" if owner else "")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave no byte free, as long as the block lasts."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    try:
        yield
    finally:
        ballast.unlink()


# ---- PostgreSQL that a service starts itself


@contextmanager
def own_database(**settings: Any) -> Iterator[Config]:
    """The configuration of a service with a private cluster that is ready, and does not run; it is gone after the block."""
    # Not pytest's folder: PostgreSQL's own user must be able to go through it.
    folder = Path(tempfile.mkdtemp(prefix="armillary-own-"))
    folder.chmod(0o755)
    port = free_port()
    own = {"base_url": f"http://localhost:{port}/tap", "port": port, "data_dir": str(folder), "shared_buffers": "64MB"}
    config = Config().changed(**own | {"processes": 1, "probe_seconds": 0} | settings)
    try:
        with database.running_database(config):
            database.prepare(config, lambda _: None)
        yield config
    finally:
        cluster_of(config).stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


# ---- processes


@contextmanager
def asleep(pids: list[int]) -> Iterator[None]:
    """Stopped where they are, as a machine does that hangs; they go on afterwards."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def postgres_of(config: Config) -> list[int]:
    """The processes of the cluster of a test, its first one before the others."""
    first = int((cluster_of(config).data / "postmaster.pid").read_text().split()[0])
    return [first, *children(first)]


def cluster_of(config: Config) -> PrivateCluster:
    return PrivateCluster(database.cluster_of(config.database).folder, config.database.shared_buffers, durable=False)


@contextmanager
def admin_of(config: Config) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as connection:
        yield connection


# ---- the way to PostgreSQL


class Relay:
    """Between a client and PostgreSQL: keeps back what the server says when it shall be `silent`, or the end of a COPY.

    All that it says comes `delay` seconds later, one piece after the other.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.silent = self.cuts_copies = False
        self.delay = 0.0
        self.folder = folder
        self._server = str(server / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            self._pass_on(server, client)

    def _pass_on(self, server: socket.socket, client: socket.socket) -> None:
        while data := server.recv(65536):
            if self.cuts_copies and b"COPY " in data:
                data = data[: data.rindex(_READY)]
            time.sleep(self.delay)
            if not self.silent:
                client.sendall(data)


# ---- slow clients


def stalled(url: str, query: str, **form: str) -> socket.socket:
    """The connection of a client that has asked, and does not read: hardly any of the answer fits into its buffer."""
    address = urlsplit(url)
    body = urlencode({"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv"} | form).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", address.port or 80))
    head = f"POST /tap/sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def everything(connection: socket.socket) -> bytes:
    """What still comes."""
    answer = bytearray()
    with suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            answer += data
    return bytes(answer)
