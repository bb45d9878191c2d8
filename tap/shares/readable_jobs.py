"""Jobs whose results an account may use, in queries and for tables: strangers', its own, and what is shared with it."""

from dataclasses import dataclass

from tap.shares.shares import Shares
from uws.job import ASYNC, Job
from uws.store import is_job_id


@dataclass(frozen=True)
class ReadableJobs:
    """Blocks in every method."""

    shares: Shares

    def find(self, job_id: str, reader: str | None) -> Job | None:
        """Return a job that the account `reader`, None for a stranger, may read the result of."""
        jobs = self.shares.jobs.jobs([job_id]) if is_job_id(job_id) else []
        if not jobs or jobs[0].job_list != ASYNC:
            return None
        job = jobs[0]
        if job.owner_id in {None, reader} or self.shares.of_job(job_id, reader):
            return job
        return None
