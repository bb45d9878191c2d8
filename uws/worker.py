"""A worker: takes jobs from the queue and runs so many at once, each in a thread.

It knows nothing of what a job does: the service brings a `Runner`. The second of the two places that catch
every exception is here.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from uws.errors import StoreAway
from uws.job import ErrorSummary, Job, JobEnding, Result
from uws.notifications import JobNotifications
from uws.phases import Move, Phase, targets
from uws.queue import LONGEST_PAUSE, RENEW, Queue
from uws.store import Store
from uws.task import Stop, Task

_POLL = 2.0
_TICK = 0.25
_RETRY = 0.3
_MOST_ATTEMPTS = 200
_TIME_OVER = "The job ran longer than its execution duration of {} seconds."
_NOT_NOW = "The job could not be completed: what it needs was away too often."


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed job says. `again`: not the job's fault, and it will pass. `cause` is for the log, and quotes nothing."""

    message: str
    cause: str
    again: bool = False
    transient: bool = False


class Runner(Protocol):
    """What a service does with a job."""

    def run(self, job: Job, task: Task) -> tuple[Result, ...]:
        """Run a job in a thread; store whole results or none.

        May raise anything, and must soon end when `task` is stopped.
        """
        ...

    def explain(self, error: Exception) -> Failure:
        """Return what to tell of an error that `run` raised."""
        ...

    def tell(self, task: Task, phase: Phase, cause: str = "") -> None:
        """Hear that a worker moved a job into a phase, and why if it failed."""
        ...

    def discard(self, results: Sequence[Result]) -> None:
        """Remove results that nobody wants any more."""
        ...


class Worker:
    """Runs jobs until it is told to stop; `slots` at once, at most `long_slots` of them from the long lane."""

    def __init__(self, store: Store, runner: Runner, slots: int, long_slots: int) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._queue = Queue(store)
        self._runner = runner
        self._slots = slots
        self._long_slots = long_slots
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._news = JobNotifications(store.conninfo, self._hear, self._wake.set)

    def run(self) -> None:
        """Take and run jobs; return when `drain` was called and all jobs ended or went back."""
        heart = threading.Thread(target=self._beat, name="heart", daemon=True)
        heart.start()
        self._news.start()
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._fill()
                self._wake.wait(_POLL)
            except StoreAway:
                self._stopping.wait(_RETRY)
        heart.join()
        self._news.stop()

    def drain(self, grace: float) -> None:
        """Take no more jobs; those that run have `grace` seconds, then they go back to the queue."""
        self._stopping.set()
        self._wake.set()
        timer = threading.Timer(grace, self._stop_all)
        timer.daemon = True
        timer.start()

    def _stop_all(self) -> None:
        for task in list(self._tasks.values()):
            task.stop(Stop.DRAIN)

    # ---- taking jobs

    def _fill(self) -> None:
        while not self._stopping.is_set() and len(self._tasks) < self._slots:
            with self._lock:
                long = sum(task.job.lane == "long" for task in self._tasks.values())
                job = self._queue.claim(self.name, long=long < self._long_slots)
                if job is None:
                    return
                task = self._tasks[job.job_id] = Task(job, self.name)
            threading.Thread(target=self._work, args=(task,), name=f"job-{job.job_id}", daemon=True).start()

    def _hear(self, job_id: str, phase: str, _owner: str) -> None:
        if phase == Phase.QUEUED:
            self._wake.set()
        elif phase != Phase.EXECUTING and (task := self._tasks.get(job_id)):
            task.stop(Stop.LOST)

    # ---- one job, in a thread

    def _work(self, task: Task) -> None:
        try:
            self._runner.tell(task, Phase.EXECUTING)
            self._finish(task, self._outcome(task))
        finally:
            with self._lock:
                del self._tasks[task.job.job_id]
            self._wake.set()

    def _outcome(self, task: Task) -> tuple[Result, ...] | Failure:
        try:
            return self._runner.run(task.job, task)
        except Exception as error:  # noqa: BLE001 - a job may fail in any way; the worker lives on
            return self._runner.explain(error)

    def _finish(self, task: Task, outcome: tuple[Result, ...] | Failure) -> None:
        if not isinstance(outcome, Failure):
            if not self._persistently(lambda: self._queue.complete(task.attempt, outcome, task.progress)):
                self._runner.discard(outcome)
                return
            self._runner.tell(task, Phase.COMPLETED)
        elif task.stopped is Stop.TIME_LIMIT:
            error = ErrorSummary(_TIME_OVER.format(task.execution_duration))
            self._end(task, Move.TIME_OUT, JobEnding(error=error), task.stopped.name)
        elif task.stopped is Stop.DRAIN or (outcome.again and task.job.attempt < _MOST_ATTEMPTS):
            pause = 0 if task.stopped else _pause(task.job.attempt)
            self._end(task, Move.GIVE_BACK, JobEnding(pause=pause), outcome.cause)
        elif task.stopped is None:
            message = _NOT_NOW if outcome.again else outcome.message
            error = ErrorSummary(message, "transient" if outcome.transient else "fatal")
            self._end(task, Move.FAIL, JobEnding(error=error), outcome.cause)

    def _end(self, task: Task, move: Move, ending: JobEnding, cause: str) -> None:
        self._persistently(lambda: self._queue.end(task.attempt, move, ending))
        self._runner.tell(task, targets(move)[Phase.EXECUTING], cause)

    def _persistently(self, write: Callable[[], bool | None]) -> bool | None:
        """Write as soon as the store can be reached.

        A worker that must stop gives up: then the lease tells the others.
        """
        while True:
            try:
                return write()
            except StoreAway:
                if self._stopping.wait(_RETRY):
                    return True

    # ---- leases and time limits

    def _beat(self) -> None:
        ticks, ticks_per_renewal = 0, round(RENEW / _TICK)
        while not (self._stopping.is_set() and not self._tasks):
            for task in list(self._tasks.values()):
                if task.is_over_time:
                    task.stop(Stop.TIME_LIMIT)
            if ticks % ticks_per_renewal == 0:
                self._renew()
            ticks += 1
            time.sleep(_TICK)

    def _renew(self) -> None:
        with self._lock:
            tasks = dict(self._tasks)
        if not tasks:
            return
        try:
            durations = self._queue.renew(self.name, [(task.attempt, task.progress) for task in tasks.values()])
        except StoreAway:
            return
        for job_id, task in tasks.items():
            if job_id in durations:
                task.execution_duration = durations[job_id]
            else:
                task.stop(Stop.LOST)


def _pause(attempt: int) -> float:
    """Return seconds, more each time: what is away may stay so for hours."""
    return min(_RETRY * 1.3**attempt, LONGEST_PAUSE)
