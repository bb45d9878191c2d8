"""Where an upload's bytes are: in a file of the request, in a finished job of this service, or somewhere else."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from schema.load.reader import LoadError
from tap.shares.readable_jobs import ReadableJobs
from tap.uploads.remote import Remote
from tap.uploads.upload import Upload
from uws.errors import NoSuchJob


@dataclass(frozen=True, slots=True)
class Opened:
    """An upload whose bytes are on this machine."""

    upload: Upload
    path: Path


@dataclass(frozen=True)
class Sources:
    """Where uploads can come from.

    `jobs` is the URL of this service's job list: what begins with it needs no network.
    """

    readable: ReadableJobs
    remote: Remote
    jobs: str

    @contextmanager
    def opened(self, uploads: tuple[Upload, ...], owner: str | None) -> Iterator[list[Opened]]:
        """Yield all that the account `owner` names as files on this machine, as long as the block lasts.

        Raises: LoadError, ParameterError.
        """
        with ExitStack() as stack:
            yield [Opened(upload, stack.enter_context(self._local(upload, owner))) for upload in uploads]

    @contextmanager
    def _local(self, upload: Upload, owner: str | None) -> Iterator[Path]:
        if upload.file:
            yield upload.file.path
        elif job_id := self._job_id(upload.source):
            with ExitStack() as stack:
                yield self._result_of(upload, job_id, owner, stack)
        else:
            with tempfile.NamedTemporaryFile() as file:
                for piece in self.remote.fetch(upload.source):
                    file.write(piece)
                file.flush()
                yield Path(file.name)

    def _job_id(self, source: str) -> str | None:
        """Return the id in `ID` or `…/async/ID/results/result`, None for any other URL."""
        if "://" not in source:
            return source
        if source.startswith(f"{self.jobs}/"):
            return source.removeprefix(f"{self.jobs}/").partition("/")[0]
        return None

    def _result_of(self, upload: Upload, job_id: str, owner: str | None, stack: ExitStack) -> Path:
        """Return the result of a job as a file that is there until the stack ends. Raises: LoadError naming the upload."""
        try:
            _, path = stack.enter_context(self.readable.opened(owner, job_id))
        except NoSuchJob as error:
            raise LoadError(f"The upload {upload.table_name}: there is no job {job_id[:40]}") from error
        except LoadError as error:
            raise LoadError(f"The upload {upload.table_name}: {error}") from error
        return path
