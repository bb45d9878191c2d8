"""What a place for results is. Keys are `job id/attempt.extension`; what is being written is not there yet."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self


class StorageFull(Exception):
    """There is no room for results now."""


class NotStored(Exception):
    """There is nothing under that key."""


class StorageAway(OSError):
    """The place cannot be reached now."""


class ResultSink(Protocol):
    """Where one result is written to.

    As a context: left well, the result is there, whole and durable; else nothing is.
    """

    def write(self, data: bytes) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None: ...


class Storage(Protocol):
    """A place for results. Every method blocks, and may raise StorageAway."""

    def check(self) -> None:
        """Raise StorageFull, before it is too late, if too little room is left for results."""
        ...

    def sink(self, key: str) -> ResultSink: ...

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Return the bytes from `start` up to but without `end`, in pieces. Raises at once: NotStored."""
        ...

    def unfinished(self, key: str) -> tuple[str, int] | None:
        """Return under which key what is being written can be read so far, and its bytes; None where it cannot."""
        ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """Provide what is stored as a file on this machine, as long as the context lasts. Raises: NotStored."""
        ...

    def remove(self, job_id: str) -> None:
        """Remove everything of a job; nothing if there is nothing."""
        ...

    def remove_key(self, key: str) -> None: ...

    def keys(self) -> Iterator[str]:
        """Yield all keys, those of unfinished things too where they take room."""
        ...
