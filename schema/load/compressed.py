"""Files that are packed with gzip or zstd, unpacked into a file that goes with its reader."""

import errno
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from schema.load.reader import LoadError

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SUFFIXES = {".gz", ".zst", ".zstd"}
_PIECE = 1 << 20


def is_packed(head: bytes) -> bool:
    """Return whether a file that begins so is packed."""
    return head.startswith((_GZIP, _ZSTD))


def name_within(name: Path) -> Path:
    """Return the name of what is packed in a file of this name."""
    return name.with_suffix("") if name.suffix.lower() in _SUFFIXES else name


@dataclass(frozen=True, slots=True)
class Unpacking:
    """In which folder files are unpacked, None for the machine's, how many bytes one may have, and how many stay free.

    `most_at_once` are bytes that a file of packed parts may have unpacked in memory.
    """

    folder: Path | None = None
    most_bytes: int | None = None
    reserve: int = 0
    most_at_once: int | None = None

    def check_room(self, file: IO[bytes]) -> None:
        """Raise OSError, as a full disk does, where a file leaves too little free beside it."""
        if shutil.disk_usage(file.name).free < self.reserve:
            raise OSError(errno.ENOSPC, "no room to unpack a file")


ANYHOW = Unpacking()
"""As files of the operator's own are unpacked."""


@contextmanager
def unpacked(path: Path, unpacking: Unpacking) -> Iterator[Path]:
    """Unpack into a file that is gone after the block; whoever has opened it can go on reading.

    Raises: LoadError, OSError where the disk is full.
    """
    with tempfile.NamedTemporaryFile(dir=unpacking.folder) as file:
        _unpack(path, file, unpacking)
        file.flush()
        yield Path(file.name)


def _unpack(path: Path, file: IO[bytes], unpacking: Unpacking) -> None:
    size, most_bytes = 0, unpacking.most_bytes
    try:
        for piece in _pieces(path):
            size += len(piece)
            if most_bytes is not None and size > most_bytes:
                raise LoadError(f"it has more unpacked bytes than are taken: {most_bytes:,}")
            unpacking.check_room(file)
            file.write(piece)
    except (EOFError, zlib.error, OSError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise LoadError(f"the packed file is broken: {str(error)[:200]}") from error


def _pieces(path: Path) -> Iterator[bytes]:
    with _opened(path) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _opened(path: Path) -> Any:
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP
    return gzip.open(path) if is_gzip else pa.input_stream(str(path), compression="zstd")
