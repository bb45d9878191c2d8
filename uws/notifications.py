"""What the job store tells (LISTEN): which job is in which phase now. A hint only; the store is the truth."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg

CHANNEL = "uws"
_OPTIONS: dict[str, Any] = {
    "application_name": "armillary news",
    # A connection that only listens would never notice that the other machine is gone.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

Hear = Callable[[str, str, str], object]


class JobNotifications:
    """A thread with a connection of its own. `hear` gets job id, phase and owner; `missed` is called when it may have missed some."""

    def __init__(self, conninfo: str, hear: Hear, missed: Callable[[], object], retry: float = 0.5) -> None:
        self._conninfo = conninfo
        self._hear = hear
        self._missed = missed
        self._retry = retry
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="news", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(3)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen_once()
            except psycopg.Error:
                self._stopped.wait(self._retry)

    def _listen_once(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True, **_OPTIONS) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._missed()
            while not self._stopped.is_set():
                for notify in connection.notifies(timeout=1.0):
                    job_id, phase, *owner = notify.payload.split(" ", 2)
                    self._hear(job_id, phase, owner[0] if owner else "")
