"""Results of jobs on their way into own tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schema.load.reader import LoadError
from tap.auth.identity import Account
from tap.shares.readable_jobs import ReadableJobs
from tap.storage import Storage
from tap.storage.storage import NotStored
from uws.errors import NoSuchJob


@dataclass(frozen=True)
class Results:
    """Finds the results of jobs that an account may read."""

    readable: ReadableJobs
    storage: Storage

    @contextmanager
    def opened(self, account: Account, job_id: str) -> Iterator[Path]:
        """Yield the result of a job as a file on this machine. Raises: NoSuchJob, LoadError."""
        job = self.readable.find(job_id, account.name)
        if job is None:
            raise NoSuchJob(f"There is no job {job_id[:40]}")
        result = next(iter(job.results), None)
        if result is None:
            raise LoadError(f"the job {job_id} has no result; it is {job.phase}")
        try:
            with self.storage.local(result.key) as path:
                yield path
        except NotStored as error:
            raise LoadError(
                "the result of this job is gone from this service's storage; run the query again"
            ) from error
