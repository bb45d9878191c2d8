"""A job while it runs: what it tells of itself, and how it is stopped from outside."""

import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from uws.job import Attempt, Job


class Stop(Enum):
    """Why a running job shall stop."""

    TIME_LIMIT = "its execution duration is over"
    LOST = "it was aborted, deleted or held, or is another worker's"
    DRAIN = "the worker stops"


class Task:
    """`progress` may be written by whoever runs the job; `stopped` says why it must end, None as long as it need not.

    `execution_duration` in seconds may change while it runs; `stages` are the seconds of what it has done, by name.
    """

    def __init__(self, job: Job, worker: str) -> None:
        self.job = job
        self.attempt = Attempt(job.job_id, worker, job.attempt)
        self.progress: dict[str, int] = {}
        self.stages: Mapping[Any, float] = {}
        self.stopped: Stop | None = None
        self.execution_duration = job.execution_duration
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Stop], None]] = []

    def on_stop(self, callback: Callable[[Stop], None]) -> None:
        """Call `callback` in a thread when the job shall stop, at once if it shall already."""
        with self._lock:
            self._callbacks.append(callback)
            stopped = self.stopped
        if stopped:
            callback(stopped)

    def stop(self, reason: Stop) -> None:
        with self._lock:
            if self.stopped:
                return
            self.stopped = reason
            callbacks = list(self._callbacks)
        for callback in callbacks:
            threading.Thread(target=callback, args=(reason,), daemon=True).start()

    @property
    def seconds(self) -> float:
        """Return how long it has run."""
        return time.monotonic() - self._began

    @property
    def is_over_time(self) -> bool:
        return 0 < self.execution_duration <= self.seconds
