"""Files that are packed with gzip or zstd, unpacked into a file that goes with its reader."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def unpacked(path: Path, most_bytes: int | None) -> Iterator[Path]:
    """Unpack into a file, of `most_bytes`, that is gone after the block; whoever has opened it can go on reading.

    Raises: LoadError.
    """
    with tempfile.NamedTemporaryFile() as file:
        _unpack(path, file, most_bytes)
        file.flush()
        yield Path(file.name)


def _unpack(path: Path, file: IO[bytes], most_bytes: int | None) -> None:
    size = 0
    try:
        for piece in _pieces(path):
            size += len(piece)
            if most_bytes is not None and size > most_bytes:
                raise LoadError(f"it has more unpacked bytes than are taken: {most_bytes:,}")
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
