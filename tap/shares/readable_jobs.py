"""Jobs whose results an account may use, in queries and for tables: strangers', its own, and what is shared with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tap.own_tables.results import result_file
from tap.shares.shares import Shares
from tap.storage import Storage
from uws.errors import NoSuchJob
from uws.job import ASYNC, Job
from uws.store import is_job_id


@dataclass(frozen=True)
class ReadableJobs:
    """Blocks in every method."""

    shares: Shares
    storage: Storage

    @contextmanager
    def opened(self, reader: str | None, job_id: str) -> Iterator[tuple[Job, Path]]:
        """Yield a job that the account `reader`, None for a stranger, may read, and its result as a file on this machine.

        Raises: NoSuchJob, LoadError.
        """
        job = self._find(job_id, reader)
        if job is None:
            raise NoSuchJob(f"There is no job {job_id[:40]}")
        with result_file(self.storage, job) as path:
            yield job, path

    def _find(self, job_id: str, reader: str | None) -> Job | None:
        jobs = self.shares.jobs.jobs([job_id]) if is_job_id(job_id) else []
        if not jobs or jobs[0].job_list != ASYNC:
            return None
        job = jobs[0]
        if job.owner_id in {None, reader} or self.shares.of_job(job_id, reader):
            return job
        return None
