"""Results in a folder, which web and worker machines may share: folder/ab/abcd…/attempt.extension."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from tap.storage.storage import NotStored, StorageAway, StorageFull

_PIECE = 256 * 1024
_UNFINISHED = ".part"
MARK = ".armillary"
"""An empty file, which the mount point of a disk that is not mounted lacks."""


@dataclass(frozen=True)
class Directory:
    """A folder of results; `reserve` bytes of its disk are left free. `has_results` tells whether jobs have any."""

    folder: Path
    reserve: int
    has_results: Callable[[], bool] = lambda: False

    def check(self) -> None:
        self._find()
        with _reached():
            free = shutil.disk_usage(self.folder).free
        if free < self.reserve:
            raise StorageFull

    def _find(self) -> None:
        """Make the folder where it is not there yet: what strangers asked is for nobody else on the machine.

        Raises: StorageAway where it is empty although jobs have results, since its disk is not mounted.
        """
        with _reached():
            if (self.folder / MARK).exists():
                return
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_empty = not any(self.folder.iterdir())
        if is_empty and self.has_results():
            raise StorageAway(
                f"Jobs have results, and their folder is empty, without even {MARK}: is its disk mounted?"
            )
        with _reached():
            (self.folder / MARK).touch()

    def sink(self, key: str) -> "FileSink":
        self._find()
        with _reached():
            return FileSink(self._path(key))

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        try:
            with _reached():
                file = self._path(key).open("rb", buffering=0)
        except FileNotFoundError:
            self._find()
            raise NotStored from None
        return _pieces(file, start, end)

    def unfinished(self, key: str) -> tuple[str, int] | None:
        try:
            with _reached():
                return key + _UNFINISHED, self._path(key + _UNFINISHED).stat().st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        if not path.exists():
            self._find()
            raise NotStored
        yield path

    def remove(self, job_id: str) -> None:
        shutil.rmtree(self._folder_of(job_id), ignore_errors=True)

    def remove_key(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        for path in self.folder.glob("??/*/*"):
            yield f"{path.parent.name}/{path.name}"

    def _folder_of(self, job_id: str) -> Path:
        return self.folder / job_id[:2] / job_id

    def _path(self, key: str) -> Path:
        job_id, _, name = key.partition("/")
        return self._folder_of(job_id) / name


class FileSink:
    """A file that is written under another name, and renamed when it is whole and on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_name(path.name + _UNFINISHED)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self._unfinished.open("wb", buffering=0)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            with _reached():
                view = view[self._file.write(view) or 0 :]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                with _reached():
                    os.fsync(self._file.fileno())
                    self._unfinished.rename(self._path)
                    _sync_folder(self._path.parent)
        finally:
            self._file.close()
            with _reached():
                self._unfinished.unlink(missing_ok=True)


_OF_THE_FILE = {errno.ENOENT, errno.ENOSPC, errno.EDQUOT}


@contextmanager
def _reached() -> Iterator[None]:
    """Let only pass that a file is not there, or has no room. Raises: StorageAway for a disk that fails or is not to be reached."""
    try:
        yield
    except OSError as error:
        if error.errno in _OF_THE_FILE:
            raise
        raise StorageAway from error


def _sync_folder(folder: Path) -> None:
    """Bring the folder to the disk, so that the new name outlives a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pieces(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        remaining = end - start
        while remaining and (piece := file.read(min(_PIECE, remaining))):
            remaining -= len(piece)
            yield piece
