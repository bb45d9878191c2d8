"""A folder of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tap.bulk.folder import FileStatus, FolderAway, NoSuchFile
from tap.storage.directory import FileSink
from tap.storage.storage import ResultSink, StorageAway

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """`label` is what it is called where that is not its path."""

    path: Path
    label: str = ""

    @property
    def url(self) -> str:
        return self.label or str(self.path)

    @property
    def is_remote(self) -> bool:
        return False

    def files(self, under: str = "") -> Iterator[FileStatus]:
        found = sorted(path.relative_to(self.path).as_posix() for path in (self.path / under).rglob("*"))
        return (status for name in found if (status := self.status(name)))

    def status(self, name: str) -> FileStatus | None:
        path = self.path / name
        if not path.is_file():
            return None
        status = path.stat()
        return FileStatus(name, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")

    def read(self, name: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        path = self.path / name
        if not path.is_file():
            raise NoSuchFile(f"{path}: there is no such file")
        return _pieces(path, start, path.stat().st_size if end is None else end)

    def local(self, name: str) -> Path:
        return self.path / name

    @contextmanager
    def sink(self, name: str) -> Iterator[ResultSink]:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileSink(path) as sink:
                yield sink
        except StorageAway as error:
            raise FolderAway(f"{path} cannot be written: {error.__cause__}") from error

    def remove(self, name: str) -> None:
        """Remove a file, and the folders that are empty without it."""
        path = self.path / name
        path.unlink(missing_ok=True)
        while (path := path.parent) != self.path and path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _pieces(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        remaining = end - start
        while remaining > 0 and (piece := file.read(min(_PIECE, remaining))):
            remaining -= len(piece)
            yield piece
