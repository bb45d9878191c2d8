"""The job store: jobs in PostgreSQL, changed by compare-and-set only."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from uws.errors import IllegalMove, NoSuchJob, NotComplete, OtherOffset, QueueFull, StoreAway, TooManyBytes, TooManyJobs
from uws.job import (
    ASYNC,
    NOTHING_KNOWN,
    Attachment,
    Attempt,
    ErrorSummary,
    Job,
    JobEnding,
    JobLimits,
    JobMove,
    JobRef,
    NewJob,
    Pairs,
    Requester,
    Result,
)
from uws.phases import FINAL, Move, Phase, as_json
from uws.pool import Pool
from uws.statements import statements

Row = dict[str, Any]

CHANGEABLE = {
    "parameters": (Phase.PENDING,),
    "run_id": (Phase.PENDING,),
    "execution_duration": tuple(set(Phase) - FINAL),
    "destruction": tuple(set(Phase) - {Phase.ARCHIVED}),
}
"""In which phases a client may change what."""

_AT_ONCE = 20

_JOB_ID = re.compile(r"[0-9a-f]{32}")

_OPTIONS = "-c idle_in_transaction_session_timeout=2s -c lock_timeout=5s -c synchronous_commit=on"
"""None may keep a lock for long, not even a process that was put to sleep; what is acknowledged is on the disk."""

_LISTED_BY = {
    "owner": "j.owner_id = %(owner_id)s",
    "session": "j.session = %(session)s AND j.owner_id IS NULL",
    "all": "true",
}


class Store:
    """The jobs that `conninfo` leads to, as the role that owns them. Every method may raise StoreAway.

    `moved` hears of each move of a job but those of its worker, and of new jobs.
    """

    def __init__(
        self,
        conninfo: str,
        limits: JobLimits,
        connections: int = 4,
        wait: float = 5.0,
        moved: Callable[[JobMove], object] = lambda _: None,
    ) -> None:
        self.conninfo = conninfo
        self.limits = limits
        self.moved = moved
        self._pool = Pool(
            conninfo,
            min_size=1,
            max_size=connections,
            timeout=wait,
            kwargs={
                "autocommit": True,
                "application_name": "armillary jobs",
                "options": _OPTIONS,
                "row_factory": dict_row,
            },
            reconnect_timeout=5,
            open=False,
        )

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close(timeout=2)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Row]]:
        """Lend a connection. Raises: StoreAway where PostgreSQL is away, or goes away in between."""
        try:
            with self._pool.connection() as connection:
                yield connection  # type: ignore[misc]
        except (PoolTimeout, psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout) as error:
            raise StoreAway from error

    def rows(self, name: str, values: Mapping[str, Any], statement: str | None = None) -> list[Row]:
        """Run the statement called `name`, and return its rows."""
        with self.connection() as connection:
            return connection.execute((statement or statements()[name]).encode(), values).fetchall()

    def execute(self, name: str, values: Mapping[str, Any]) -> None:
        """Run the statement called `name`, which gives no rows."""
        with self.connection() as connection:
            connection.execute(statements()[name].encode(), values)

    # ---- what a client does

    def create(self, asker: Requester, new: NewJob, job_id: str | None = None) -> str:
        """Make a job, and return its id, which may have been chosen before. Raises: TooManyJobs, QueueFull."""
        job_id = job_id or new_job_id()
        limits = asker.limits or self.limits
        values = asdict(limits) | asdict(asker) | asdict(new)
        values |= {
            "job_id": job_id,
            "parameters": Jsonb(new.parameters),
            "attachments": _json(new.attachments),
            "execution_duration": _duration(new.execution_duration, limits),
            "running_limit": limits.running_per_owner if asker.limits else None,
        }
        capacity = self.rows("create", values)[0]
        _admit(capacity)
        self.moved(JobMove(job_id, Phase.QUEUED if new.run else Phase.PENDING, capacity["lane"], asker.owner_id))
        return job_id

    def job(self, job_id: str) -> Job:
        """Return a job. Raises: NoSuchJob."""
        jobs = self.jobs([job_id])
        if not jobs:
            raise NoSuchJob
        return jobs[0]

    def jobs(self, job_ids: Sequence[str]) -> list[Job]:
        return [job_of(row) for row in self.rows("jobs", {"job_ids": list(job_ids)})]

    def in_turn(self, job_ids: Sequence[str]) -> Iterator[Job]:
        """Yield jobs, a few at a time: each may have as many parameters as a request takes."""
        for start in range(0, len(job_ids), _AT_ONCE):
            jobs = {job.job_id: job for job in self.jobs(job_ids[start : start + _AT_ONCE])}
            yield from (jobs[job_id] for job_id in job_ids[start : start + _AT_ONCE] if job_id in jobs)

    def referenced(self, references: Sequence[JobRef]) -> list[Job]:
        """Return the jobs of lines of a list, in their order, as far as they are still there."""
        jobs = {job.job_id: job for job in self.jobs([reference.job_id for reference in references])}
        return [jobs[reference.job_id] for reference in references if reference.job_id in jobs]

    def references(
        self,
        asker: Requester | None,
        phases: Sequence[Phase] = (),
        after: datetime | None = None,
        last: int | None = None,
        *,
        job_list: str = ASYNC,
    ) -> list[JobRef]:
        """List jobs of the asker in one list, of all lists where that is None: for an operator, who sees all.

        ARCHIVED ones are listed only when named (UWS 1.1 §2.2.2.1).
        """
        if asker is not None and asker.owner_id is None and asker.session is None:
            return []
        listed_by = "all" if asker is None else "owner" if asker.owner_id else "session"
        values = {
            "owner_id": asker and asker.owner_id,
            "session": asker and asker.session,
            "phases": [str(phase) for phase in phases or set(Phase) - {Phase.ARCHIVED}],
            "after": after,
            "job_list": job_list if asker else None,
            "last": min(last or self.limits.list_limit, self.limits.list_limit),
        }
        rows = self.rows("list", values, statements()["list"].replace("{of}", _LISTED_BY[listed_by]))
        return [JobRef(**row | {"phase": Phase(row["phase"])}) for row in rows]

    def run(self, job: Job, limits: JobLimits | None = None) -> Job:
        """Put a job in the queue. Raises: IllegalMove, NotComplete, TooManyJobs, QueueFull."""
        for attachment in job.attachments:
            if not attachment.complete:
                raise NotComplete(attachment.name, attachment.size)
        capacity = self.rows("waiting", asdict(limits or self.limits) | {"share": job.share})[0]
        _admit(capacity)
        return self.move(job.job_id, Move.RUN)

    def change_parameters(
        self, job_id: str, parameters: Pairs, cost: float | None, attachments: Sequence[Attachment] | None = None
    ) -> Job:
        """Change parameters; attachments of None stay as they are. Raises: IllegalMove in any phase but PENDING."""
        files = None if attachments is None else _json(attachments)
        return self._change(job_id, parameters=Jsonb(parameters), attachments=files, cost=cost)

    def append(self, job: Job, attachment: Attachment) -> None:
        """Put an attachment in place of the one of its name that `job` had.

        Raises: IllegalMove, OtherOffset where it has changed since.
        """
        other_attachments = [stored for stored in job.attachments if stored.name != attachment.name]
        values = {
            "job_id": job.job_id,
            "before": _json(job.attachments),
            "attachments": _json([*other_attachments, attachment]),
        }
        if self.rows("append", values):
            return
        current = self.job(job.job_id)
        if current.phase is not Phase.PENDING:
            raise IllegalMove.of_change("uploads", current.phase)
        raise OtherOffset(current.attachment(attachment.name))

    def change_run_id(self, job_id: str, run_id: str) -> Job:
        """Change the run id. Raises: IllegalMove in any phase but PENDING."""
        return self._change(job_id, run_id=run_id)

    def annotate(self, job_id: str, run_id: str, note: str) -> None:
        """Set what the owner calls a job and notes of it, in any phase. Raises: NoSuchJob."""
        if not self.rows("annotate", {"job_id": job_id, "run_id": run_id, "note": note}):
            raise NoSuchJob

    def change_duration(self, job_id: str, seconds: int, limits: JobLimits | None = None) -> Job:
        """Change the execution duration. Raises: IllegalMove for a job that has ended."""
        return self._change(job_id, execution_duration=_duration(seconds, limits or self.limits))

    def change_destruction(self, job_id: str, instant: datetime) -> Job:
        return self._change(job_id, destruction=instant)

    def _change(self, job_id: str, **changes: Any) -> Job:
        name = next(iter(changes))
        unchanged = dict.fromkeys([*CHANGEABLE, "attachments", "cost"])
        phases = [str(phase) for phase in CHANGEABLE[name]]
        values = asdict(self.limits) | unchanged | changes | {"job_id": job_id, "phases": phases}
        rows = self.rows("change", values)
        if not rows:
            raise IllegalMove.of_change(name, self.job(job_id).phase)
        return job_of(rows[0])

    def delete(self, job_id: str) -> None:
        """Put a job out of sight; the housekeeper removes what it left. Raises: NoSuchJob."""
        if not self.rows("delete", {"job_id": job_id}):
            raise NoSuchJob

    # ---- moves between phases

    def move(self, job_id: str, move: Move, attempt: Attempt | None = None, ending: JobEnding = NOTHING_KNOWN) -> Job:
        """Move a job by compare-and-set; a worker names the attempt that the job must still be in.

        Raises: IllegalMove, NoSuchJob.
        """
        values = {
            "job_id": job_id,
            "moves": as_json(move),
            "worker": attempt and attempt.worker,
            "attempt": attempt and attempt.number,
            "results": _json(ending.results),
            "progress": None if ending.progress is None else Jsonb(dict(ending.progress)),
            "error_message": ending.error and ending.error.message,
            "error_type": ending.error and ending.error.type,
            "pause": ending.pause,
        }
        rows = self.rows("move", values)
        if not rows:
            raise IllegalMove.of(move, self.job(job_id).phase)
        job = job_of(rows[0])
        if attempt is None:
            seconds = (job.seconds or 0) if move is Move.ABORT else 0
            self.moved(JobMove(job.job_id, job.phase, job.lane, job.owner_id, seconds))
        return job

    def prioritise(self, job_id: str, priority: int) -> Job:
        """Set a job's priority. Raises: NoSuchJob."""
        rows = self.rows("prioritise", {"job_id": job_id, "priority": priority})
        if not rows:
            raise NoSuchJob
        return job_of(rows[0])

    def bytes_of_results(self, owner_id: str | None) -> int:
        """Return the size of the results of all jobs of an owner, or of all that have none."""
        return int(self.rows("bytes_of_results", {"owner_id": owner_id})[0]["bytes"])

    def check_upload(self, share: str, size: int, limits: JobLimits | None = None) -> None:
        """Check whether the jobs of a share may have files of so many bytes more. Raises: TooManyBytes."""
        most = (limits or self.limits).upload_bytes_per_owner
        if most and size and self.rows("bytes_of_uploads", {"share": share})[0]["bytes"] + size > most:
            raise TooManyBytes(most)

    def has_results(self) -> bool:
        """Return whether a job has a result in the storage."""
        return bool(self.rows("has_results", {})[0]["has_results"])

    def job_of_content(self, content: str) -> Job | None:
        """Return the latest job whose result has this content; None where none is there."""
        rows = self.rows("job_of_content", {"content": content})
        return job_of(rows[0]) if rows else None

    def durations(self, cost: float) -> tuple[float, float] | None:
        """Return between which seconds four of five finished jobs of like cost lay; None where there are too few."""
        rows = self.rows("durations", {"cost": cost})
        return (rows[0]["least"], rows[0]["most"]) if rows else None

    def queue_for(self, cost: float) -> tuple[str, int]:
        """Return in which lane a job of that cost would wait, and how many wait there."""
        row = self.rows("queue_for", {"cost": cost, "short_lane": self.limits.short_lane})[0]
        return row["lane"], row["ahead"]

    def overview(self) -> list[Row]:
        """Return how many jobs are in each phase, and since when the first of those that wait has waited."""
        return self.rows("overview", {})


def _duration(seconds: int | None, limits: JobLimits) -> int:
    """Return an execution duration within the limits; 0 is no limit at all."""
    seconds = limits.duration_default if seconds is None else seconds
    limit = limits.duration_limit
    return seconds if limit == 0 or 0 < seconds <= limit else limit


def is_job_id(text: str) -> bool:
    return _JOB_ID.fullmatch(text) is not None


def new_job_id() -> str:
    """Return 128 random bits, in hexadecimal digits."""
    return secrets.token_hex(16)


def _attachment(record: Row) -> Attachment:
    return Attachment(**record | {"parts": tuple((key, size) for key, size in record.get("parts", []))})


def _json(values: Sequence[Result] | Sequence[Attachment]) -> Jsonb:
    return Jsonb([asdict(value) for value in values])


def _admit(capacity: Row) -> None:
    """Raise TooManyJobs or QueueFull where no more jobs may wait."""
    if not capacity["of_share"]:
        raise TooManyJobs
    if not capacity["of_all"]:
        raise QueueFull


def job_of(row: Row) -> Job:
    message = row["error_message"]
    columns = {name: row[name] for name in Job.__dataclass_fields__ if name in row}
    changed = {
        "phase": Phase(row["phase"]),
        "parameters": tuple((name, value) for name, value in row["parameters"]),
        "attachments": tuple(_attachment(record) for record in row["attachments"]),
        "progress": tuple(sorted(row["progress"].items())),
        "results": tuple(Result(**record) for record in row["results"]),
        "error": ErrorSummary(message, row["error_type"]) if message is not None else None,
    }
    return Job(**columns | changed)
