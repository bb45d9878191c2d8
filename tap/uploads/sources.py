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

    `jobs` is the URL of this service's job list: what begins with it needs no network; in `folder` wait files from elsewhere.
    """

    readable: ReadableJobs
    remote: Remote
    jobs: str
    folder: Path

    @contextmanager
    def opened(self, uploads: tuple[Upload, ...], owner: str | None) -> Iterator[list[Opened]]:
        """Yield all that the account `owner` names as files on this machine, as long as the block lasts.

        What is not a result of this service must not have more than so many bytes together. Raises: LoadError, ParameterError.
        """
        left = self.remote.most_bytes
        with ExitStack() as stack:
            local = []
            for upload in uploads:
                local.append(Opened(upload, self._local(upload, owner, left, stack)))
                left -= 0 if self._job_id(upload.source) else local[-1].path.stat().st_size
                if left < 0:
                    raise LoadError(
                        f"the uploads of a query have more bytes than are taken: {self.remote.most_bytes:,}"
                    )
            yield local

    def _local(self, upload: Upload, owner: str | None, most_bytes: int, stack: ExitStack) -> Path:
        """Return an upload as a file that is there until the stack ends."""
        if upload.file:
            return upload.file.path
        if job_id := self._job_id(upload.source):
            return self._result_of(upload, job_id, owner, stack)
        return stack.enter_context(self._fetched(upload.source, most_bytes))

    @contextmanager
    def _fetched(self, url: str, most_bytes: int) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            for piece in self.remote.fetch(url, most_bytes):
                file.write(piece)
            file.flush()
            yield Path(file.name)

    def _job_id(self, source: str) -> str | None:
        """Return the id in `ID` or `…/async/ID/results/result`, None for any other URL, or for none."""
        if "://" not in source:
            return source or None
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
