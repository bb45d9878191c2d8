"""What a folder of files is, wherever it lies. Names are paths within it, with slashes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schema.load.reader import LoadError
from tap.storage.storage import ResultSink


class FolderAway(LoadError):
    """A bucket, a web server or a disk cannot be reached, or refuses what was asked of it."""


class NoSuchFile(LoadError):
    """There is no file of that name in the folder."""


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file of a folder; `version` is another whenever its content is."""

    name: str
    size: int
    version: str


class Folder(Protocol):
    """A place of files. Every method blocks, and may raise FolderAway."""

    @property
    def url(self) -> str:
        """Return what it is called, as an operator types it."""
        ...

    @property
    def is_remote(self) -> bool:
        """Return whether files have to be fetched before they can be read."""
        ...

    def files(self, under: str = "") -> Iterator[FileStatus]:
        """Yield every file below the path `under`, sorted by name. Raises: LoadError where a place cannot list."""
        ...

    def status(self, name: str) -> FileStatus | None:
        """Return what a file is like, None where there is none."""
        ...

    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Return the bytes from `start` up to but without `end`, in pieces. Raises at once: NoSuchFile."""
        ...

    def local(self, name: str) -> Path:
        """Return the path of a file that need not be fetched."""
        ...

    def sink(self, name: str) -> AbstractContextManager[ResultSink]:
        """Return where a file is written to: left well, it is there whole; else nothing is."""
        ...

    def remove(self, name: str) -> None: ...


def whole(folder: Folder, name: str) -> bytes | None:
    """Return all of a small file, None where there is none."""
    try:
        return b"".join(folder.read(name))
    except NoSuchFile:
        return None
