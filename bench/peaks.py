"""The most memory that the processes of a service, and PostgreSQL's backends for it, held while something ran."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from processes import children

from tap.config import Config

WEB, WORKER, BACKEND = "a web process", "a worker", "a PostgreSQL backend"
_LOOK = 0.05
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Peak:
    """Megabytes: all that was resident, shared buffers included, and what was the process's own."""

    resident: int = 0
    anonymous: int = 0

    def __or__(self, other: "Peak") -> "Peak":
        return Peak(max(self.resident, other.resident), max(self.anonymous, other.anonymous))


class Peaks:
    """From when it is made until `stop`; of each kind of process the largest."""

    def __init__(self, config: Config, service: int) -> None:
        self._service = service
        self._config = config
        self._found: dict[str, Peak] = {}
        for pid, _ in processes_of(self._config, self._service):
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, Peak]:
        self._stopped.set()
        self._thread.join()
        return self._found

    def _look(self) -> None:
        while True:
            last = self._stopped.wait(_LOOK)
            for pid, kind in processes_of(self._config, self._service):
                with suppress(OSError, KeyError):
                    self._found[kind] = self._found.get(kind, Peak()) | _memory(pid)
            if last:
                return


def processes_of(config: Config, service: int) -> Iterator[tuple[int, str]]:
    """Those of the service, and PostgreSQL's backends for it."""
    yield service, WEB
    for pid in children(service):
        yield pid, WORKER if " work" in _command(pid) else WEB
    postmaster = int((Path(config.database.data_dir) / "postgres" / "postmaster.pid").read_text().split()[0])
    for pid in children(postmaster):
        if "armillary_reader" in _command(pid):
            yield pid, BACKEND


Work = dict[int, tuple[str, float]]
"""By the number of a process: its kind, and the seconds of processors that it has taken since it began."""


def seconds_worked(config: Config, service: int) -> Work:
    work: Work = {}
    for pid, kind in processes_of(config, service):
        with suppress(OSError):
            numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            work[pid] = kind, (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")
    return work


def worked_since(before: Work, after: Work) -> Counter[str]:
    """Seconds of each kind of process; what has ended meanwhile is not seen."""
    seconds = Counter({WEB: 0.0, WORKER: 0.0, BACKEND: 0.0})
    for pid, (kind, total) in after.items():
        seconds[kind] += total - before.get(pid, (kind, 0.0))[1]
    return seconds


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _memory(pid: int) -> Peak:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Peak(*(int(status[name].split()[0]) // 1000 for name in ("VmHWM", "RssAnon")))
