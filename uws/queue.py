"""The queue as a worker sees it: take a job, keep its lease, and say how it ended.

A lease is database time. Every later write names worker and attempt, so that a worker that slept through
its lease changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from uws.errors import IllegalMove, NoSuchJob
from uws.job import NOTHING_KNOWN, Attempt, Job, JobEnding, JobMove, Result
from uws.phases import Move, Phase, as_json
from uws.statements import statements
from uws.store import Store, job_of

LEASE = 6.0
RENEW = 2.0
LONGEST_PAUSE = 60.0
"""Seconds that a job waits at most before what it needs is tried again."""
MOST_CRASHES = 3
_GRACE = 2 * LEASE
_CRASHED = "The job could not be completed: {} times in a row the process that ran it died."


@dataclass(frozen=True)
class Queue:
    """The store's jobs that wait and run. Every method may raise StoreAway."""

    store: Store

    def claim(self, worker: str, *, long: bool) -> Job | None:
        """Take the next job for this worker, one of the long lane only if `long`."""
        values = {
            "worker": worker,
            "long": long,
            "lease": LEASE,
            "longest_pause": 2 * LONGEST_PAUSE,
            "moves": as_json(Move.CLAIM),
            "running_per_owner": self.store.limits.running_per_owner,
        }
        # All in one go: a worker that falls asleep here must not keep the turn from the others.
        with self.store.connection() as connection, connection.pipeline():
            connection.execute(statements()["turn"].encode())
            rows = connection.execute(statements()["claim"].encode(), values).fetchall()
        return job_of(rows[0]) if rows else None

    def renew(self, worker: str, running: Sequence[tuple[Attempt, Mapping[str, int]]]) -> dict[str, int]:
        """Prolong the leases of what runs; return the execution duration of each job that is still this worker's."""
        tasks = [
            {"job_id": attempt.job_id, "attempt": attempt.number, "progress": dict(progress)}
            for attempt, progress in running
        ]
        rows = self.store.rows("renew", {"worker": worker, "lease": LEASE, "running": json.dumps(tasks)})
        return {row["job_id"]: row["execution_duration"] for row in rows}

    def complete(self, attempt: Attempt, results: tuple[Result, ...], progress: Mapping[str, int]) -> bool:
        """Record these results; return whether they are now the job's.

        An answer that was lost on its way is asked for again.
        """
        try:
            job = self.store.move(attempt.job_id, Move.COMPLETE, attempt, JobEnding(results, progress))
        except IllegalMove:
            return results == self.store.job(attempt.job_id).results
        except NoSuchJob:
            return False
        if job.cost is not None and job.seconds is not None:
            self.store.execute("ran", {"cost": job.cost, "seconds": job.seconds})
        return True

    def end(self, attempt: Attempt, move: Move, ending: JobEnding = NOTHING_KNOWN) -> None:
        """End an attempt in any other way: FAIL, TIME_OUT, GIVE_BACK.

        A job that is no longer the attempt's is left alone.
        """
        try:
            self.store.move(attempt.job_id, move, attempt, ending)
        except (IllegalMove, NoSuchJob):
            return

    def expire(self) -> list[tuple[str, Phase]]:
        """Put jobs of dead workers back, or end them; return which, and what they are now."""
        values = {
            "grace": _GRACE,
            "longest_lease": 2 * LEASE,
            "most": MOST_CRASHES,
            "message": _CRASHED.format(MOST_CRASHES),
        }
        rows = [row | {"phase": Phase(row["phase"])} for row in self.store.rows("expired", values)]
        for row in rows:
            self.store.moved(JobMove(**row))
        return [(row["job_id"], row["phase"]) for row in rows]
