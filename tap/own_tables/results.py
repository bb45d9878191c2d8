"""The result of a job as a file, on its way into an own table."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schema.load.reader import LoadError
from tap.storage import Storage
from tap.storage.storage import NotStored
from uws.job import Job


@contextmanager
def result_file(storage: Storage, job: Job) -> Iterator[Path]:
    """Yield the result of a job as a file on this machine. Raises: LoadError where it has none, or no longer."""
    result = next(iter(job.results), None)
    if result is None or result.url:
        raise LoadError(f"the job {job.job_id} has no result that could be loaded; it is {job.phase}")
    try:
        with storage.local(result.key) as path:
            yield path
    except NotStored as error:
        raise LoadError("the result of this job is gone from this service's storage; run the query again") from error
