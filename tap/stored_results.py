"""Results that earlier jobs left: a job that asks the same of the same data gets a copy, which says so."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass

from tap.formats.format import Format
from tap.formats.votable_document import EXTENSION, with_info
from tap.storage import Storage
from tap.storage.storage import NotStored
from uws.job import Result
from uws.store import Store
from uws.timestamps import write_instant


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The result of an earlier job, in pieces; `computed` is when that job ended, `beside` what is kept of its query."""

    pieces: Generator[bytes, None, None]
    rows: int | None
    computed: str
    beside: tuple[Result, ...] = ()


@dataclass(frozen=True)
class StoredResults:
    """The results of all jobs."""

    store: Store
    storage: Storage

    def find(self, content: str, format_: Format) -> StoredResult | None:
        """Return the latest result with this content; None where there is none, or it has just gone. Raises: StoreAway, StorageAway."""
        job = self.store.job_of_content(content) if content else None
        if job is None:
            return None
        result = job.results[0]
        computed = result.computed or write_instant(job.end_time) or ""
        with suppress(NotStored):
            pieces = self.storage.read(result.key, 0, result.size)
            beside = tuple(other for other in job.results if other.text is not None)
            return StoredResult(_saying(pieces, computed, format_), result.rows, computed, beside)
        return None


def _saying(pieces: Iterator[bytes], computed: str, format_: Format) -> Generator[bytes, None, None]:
    """Yield a result that says, where it is a VOTable, that it was not computed now."""
    if format_.extension == EXTENSION:
        said = f"Computed at {computed}, for an earlier job that asked the same of the same data; REUSE=refuse computes it anew."
        pieces = with_info(pieces, "reused", said)
    yield from pieces
