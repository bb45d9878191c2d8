"""What a download keeps busy, moved to one core, so that another is free: its client, PostgreSQL's backend, the encoding thread."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from peaks import processes_of

from tap.config import Config

_LOOK = 0.4
_BUSY = 0.25
"""Of a core."""


@contextmanager
def on_one_core(config: Config, service: int, *more: int) -> Iterator[None]:
    """What is busy now, of the service, of PostgreSQL and of the processes `more`, as long as the block lasts."""
    processes = {service, *more, *(pid for pid, _ in processes_of(config, service))}
    busy = _busy_threads(processes)
    cores = os.sched_getaffinity(0)
    _allow(busy, {min(cores)})
    try:
        yield
    finally:
        _allow(busy, cores)


def _allow(threads: list[int], cores: set[int]) -> None:
    for thread in threads:
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread, cores)


def _busy_threads(processes: set[int]) -> list[int]:
    before = _ticks(processes)
    time.sleep(_LOOK)
    least = _BUSY * _LOOK * os.sysconf("SC_CLK_TCK")
    return [thread for thread, ticks in _ticks(processes).items() if ticks - before.get(thread, 0) >= least]


def _ticks(processes: set[int]) -> dict[int, int]:
    """Time that each thread has worked."""
    found = {}
    for path in (stat for pid in processes for stat in Path(f"/proc/{pid}/task").glob("*/stat")):
        with suppress(OSError):
            numbers = path.read_text().rpartition(")")[2].split()
            found[int(path.parent.name)] = int(numbers[11]) + int(numbers[12])
    return found
