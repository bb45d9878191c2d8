"""Slow clients beside a polite one: who reads a result at a snail's pace, who sends a request byte by byte, who says nothing.

    python bench/slow_readers.py [--readers 100] [--dribblers 200] [--idle 200] [--seconds 20]

The polite client asks for a cone after the other; printed are its times alone and beside the others, and the most memory that
a process of the service had. Runs a private cluster with the sample (build/sample) and a service of its own. The long form of
tests/contract/test_slow_clients.py asserts what is promised.
"""

import argparse
import random
import shutil
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from client import BadAnswer, ask, connect, request  # noqa: E402

from bench.kill import ROOT, processes_of  # noqa: E402
from schema.description import read_description  # noqa: E402
from schema.load import open_file  # noqa: E402
from schema.publish import load_table  # noqa: E402
from tap.config import Config  # noqa: E402
from tap.engine import database  # noqa: E402

LIMIT_MS, LIMIT_MB = 1000, 300
_ROWS = "SELECT TOP 300000 a.ra, b.dec, b.name FROM demo.ngc AS a, demo.ngc AS b"
_HEAD = b"POST /tap/sync HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many of each kind there are."""

    readers: int = 100
    dribblers: int = 200
    idle: int = 200


class SlowClients:
    """All of a crowd, in one thread, as long as the block lasts: each reader and dribbler moves a little ten times a second."""

    def __init__(self, port: int, crowd: Crowd) -> None:
        self._port = port
        self._crowd = crowd
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._readers: list[socket.socket] = []
        self._dribblers: list[tuple[socket.socket, int]] = []
        self._idle: list[socket.socket] = []
        self.begun = 0
        """Readers whose answer has begun."""
        self.dropped = 0
        """Dribblers that the service sent away, and that came again."""

    def __enter__(self) -> Self:
        message = request(_ROWS, "csv", close=True)
        message = message.replace(b"QUERY", b"MAXREC=300000&QUERY")
        for _ in range(self._crowd.readers):
            self._readers.append(self._connect(_with_length(message)))
        self._dribblers = [(self._connect(), 0) for _ in range(self._crowd.dribblers)]
        self._idle = [self._connect() for _ in range(self._crowd.idle)]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for client in [*self._readers, *self._idle, *(client for client, _ in self._dribblers)]:
            client.close()

    def _connect(self, message: bytes = b"") -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self._port))
        client.sendall(message)
        client.setblocking(False)
        return client

    def _run(self) -> None:
        begun = set[socket.socket]()
        while not self._stop.wait(0.1):
            for client in self._readers:
                with suppress(OSError):
                    if client.recv(512):
                        begun.add(client)
            self.begun = len(begun)
            self._dribblers = [self._dribble(client, place) for client, place in self._dribblers]

    def _dribble(self, client: socket.socket, place: int) -> tuple[socket.socket, int]:
        """Send one byte more, of the head first and of a body without end then; one that was sent away begins again."""
        try:
            client.sendall(_HEAD[place : place + 1] or b"x")
            gone = not client.recv(1000)
        except BlockingIOError:
            return client, place + 1
        except OSError:
            gone = True
        if not gone:
            return client, place + 1
        client.close()
        self.dropped += 1
        return self._connect(), 0


def _with_length(message: bytes) -> bytes:
    """The request with the length that its body has now."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


def polite(port: int, seconds: float) -> tuple[list[float], int]:
    """Seconds of each cone that one client asked for after the other, and how many failed."""
    times, errors, end = list[float](), 0, time.monotonic() + seconds
    connection, chance = connect(port), random.Random(1)
    while time.monotonic() < end:
        ra, dec = chance.uniform(0, 360), chance.uniform(-60, 60)
        query = f"SELECT tyc_id, ra, dec FROM demo.stars WHERE DISTANCE(ra, dec, {ra:.4f}, {dec:.4f}) < 0.5"
        try:
            times.append(ask(connection, request(query)))
        except (BadAnswer, OSError):
            errors += 1
            connection.close()
            connection = connect(port)
    connection.close()
    return sorted(times), errors


def memory_of(config: Config) -> int:
    """The most that one process of the service ever had, in MB (VmHWM)."""
    most = 0
    for pid in processes_of(config, b"tap", b"spawn_main"):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            most = max([most, *(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))])
    return most


def percentile(times: list[float], percent: float) -> float:
    """Milliseconds."""
    return times[min(int(len(times) * percent / 100), len(times) - 1)] * 1000


def main() -> None:
    from service import free_port, serving

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("readers", 100), ("dribblers", 200), ("idle", 200), ("seconds", 20)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-slow-"))
    folder.chmod(0o755)
    config = Config().changed(
        base_url=f"http://localhost:{(port := free_port())}/tap",
        port=port,
        data_dir=str(folder),
        shared_buffers="256MB",
        # All come from one address here.
        queries_per_owner=1000,
        probe_seconds=0.0,
        log_level="error",
    )
    try:
        with database.running_database(config):
            database.prepare(config, print)
            with database.owner_connection(config) as connection:
                for name in ("ngc", "stars"):
                    description = read_description(ROOT / "deploy" / "sample" / f"{name}.toml")
                    load_table(
                        connection,
                        open_file(ROOT / "build" / "sample" / f"{name}.parquet"),
                        f"demo.{name}",
                        description,
                    )
            with serving(config):
                measure(config, Crowd(options.readers, options.dribblers, options.idle), options.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(config: Config, crowd: Crowd, seconds: float) -> None:
    port = config.web.port
    polite(port, 1)
    show("alone", *polite(port, seconds))
    with SlowClients(port, crowd) as clients:
        begun = time.monotonic()
        times, errors = polite(port, seconds)
        show("beside all", times, errors)
        while clients.begun < crowd.readers and time.monotonic() - begun < 60:
            time.sleep(0.1)
        print(
            f"{clients.begun} of {crowd.readers} readers had the beginning of their answer after {time.monotonic() - begun:.1f} s"
        )
        print(f"{clients.dropped} times a dribbler was sent away")
    print(f"{memory_of(config)} MB in the largest process (limit {LIMIT_MB})")


def show(what: str, times: list[float], errors: int) -> None:
    p50, p95, p99 = (percentile(times, percent) for percent in (50, 95, 99))
    print(
        f"{what:12} {len(times):6} cones, p50 {p50:.1f} ms, p95 {p95:.1f} ms (limit {LIMIT_MS}), p99 {p99:.1f} ms, worst {times[-1] * 1000:.0f} ms, {errors} errors"
    )


if __name__ == "__main__":
    main()
