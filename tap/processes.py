"""Processes that belong together: workers beside the web processes, and none that outlives who started it."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.process import BaseProcess
from pathlib import Path

from uvicorn import _subprocess as web_processes
from uvicorn.supervisors import Multiprocess

STARTED = "ARMILLARY_STARTED"
_COPIES = multiprocessing.get_context("forkserver")
_LOOK = 0.5
_FIRST_SOCKET = 3
_REST = 1.0


def share_modules(*modules: str) -> None:
    """Let web processes and workers be copies of one that has imported these, which takes longer than all else they do first.

    That one has no threads, unlike this one. It is made when the first of them is started.
    """
    _COPIES.set_forkserver_preload(list(modules))
    setattr(web_processes, "spawn", _COPIES)  # noqa: B010


@contextmanager
def workers(count: int, drain_seconds: float, work: Callable[[], None]) -> Iterator[None]:
    """Run `work` in so many processes as long as the block lasts; one that dies is started again."""
    stopping = threading.Event()
    arguments = (stopping, drain_seconds, work)
    threads = [threading.Thread(target=_keep_one, args=arguments, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _keep_one(stopping: threading.Event, drain_seconds: float, work: Callable[[], None]) -> None:
    while not stopping.is_set():
        process = _COPIES.Process(target=work, daemon=False)
        process.start()
        while process.is_alive() and not stopping.wait(_LOOK):
            pass
        if process.is_alive():
            _end(process, drain_seconds)
        stopping.wait(_REST)


def _end(process: ForkServerProcess, drain_seconds: float) -> None:
    """End a worker: its jobs may end or go back to the queue; then it must go."""
    process.terminate()
    process.join(drain_seconds + 5)
    if process.is_alive():
        process.kill()
        process.join()


def name_process(name: str) -> None:
    """Give this process a name that the machine's tools show, since all copies have the same command line."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


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


def note_start() -> None:
    """Tell processes that are started from now on since when there is a service."""
    os.environ[STARTED] = datetime.now(UTC).isoformat()


def service_start() -> datetime:
    """Return since when there is the service that this process belongs to: all of them say the same."""
    return datetime.fromisoformat(os.environ.get(STARTED) or datetime.now(UTC).isoformat())


def follow_parent() -> None:
    """Stop this process, in good order, when the one that started it is gone."""
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_watch, args=(parent,), name="orphan", daemon=True).start()


def _watch(parent: BaseProcess) -> None:
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
