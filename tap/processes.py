"""Processes that belong together: workers beside the web processes, and none that outlives who started it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from uvicorn.supervisors import Multiprocess

PARENT, STARTED = "ARMILLARY_PARENT", "ARMILLARY_STARTED"
_LOOK = 0.5
_FIRST_SOCKET = 3
_REST = 1.0


@contextmanager
def workers(count: int, drain_seconds: float) -> Iterator[None]:
    """Run so many `armillary work` processes as long as the block lasts; one that dies is started again."""
    stopping = threading.Event()
    threads = [threading.Thread(target=_keep_one, args=(stopping, drain_seconds), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _keep_one(stopping: threading.Event, drain_seconds: float) -> None:
    while not stopping.is_set():
        process = subprocess.Popen([sys.executable, "-m", "tap", "work"], stdin=subprocess.DEVNULL)
        while process.poll() is None and not stopping.wait(_LOOK):
            pass
        if process.poll() is None:
            _end(process, drain_seconds)
        stopping.wait(_REST)


def _end(process: subprocess.Popen[bytes], drain_seconds: float) -> None:
    """End a worker: its jobs may end or go back to the queue; then it must go."""
    process.terminate()
    try:
        process.wait(drain_seconds + 5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tell_on_hangup() -> None:
    """Make SIGHUP, by which other services read their settings anew, say that it cannot.

    uvicorn would restart by it.
    """
    signal.signal(signal.SIGHUP, _tell_of_restart)
    setattr(Multiprocess, "handle_hup", _tell_of_restart)  # noqa: B010


def _tell_of_restart(*_: object) -> None:
    sys.stderr.write("SIGHUP: settings are read at the start only; restart the service to change them\n")


def activated_socket() -> socket.socket | None:
    """Return the socket at which systemd listened for us (sd_listen_fds(3)), if it did."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS", "0") == "0":
        return None
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    os.set_inheritable(_FIRST_SOCKET, False)
    return socket.socket(fileno=_FIRST_SOCKET)


def end_in_good_order() -> None:
    """Make SIGTERM leave through what this process still has to do.

    uvicorn sends it once more when a single web process has ended, which would leave PostgreSQL running.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def adopt_children() -> None:
    """Tell processes that are started from now on whose they are, and since when there is a service."""
    os.environ[PARENT] = str(os.getpid())
    os.environ[STARTED] = datetime.now(UTC).isoformat()


def service_start() -> datetime:
    """Return since when there is the service that this process belongs to: all of them say the same."""
    return datetime.fromisoformat(os.environ.get(STARTED) or datetime.now(UTC).isoformat())


def follow_parent() -> None:
    """Stop this process, in good order, when the one that started it is gone."""
    parent = int(os.environ.get(PARENT, "0"))
    if parent:
        threading.Thread(target=_watch, args=(parent,), name="orphan", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
