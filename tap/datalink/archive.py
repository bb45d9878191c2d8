"""Many files as one zip, written as they come (docs/adr/0027). What grows with their number is its directory alone."""

import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import RawIOBase
from typing import IO, Any

from tap.temp_files import TempFiles

File = tuple[str, Iterator[bytes]]
"""A name, and what is in it, to be taken before the next file."""
MEDIA_TYPE = "application/zip"
_PIECE = 1 << 20


def archive(files: Iterable[File], room: TempFiles) -> Iterator[bytes]:
    """Yield a zip of all files; each is compressed while it is read."""
    with room.file() as file:
        sink = _Unseekable(file)
        with zipfile.ZipFile(sink, "w") as zip_file:
            for name, pieces in files:
                yield from _entry(zip_file, name, pieces, sink)
        yield from sink.taken()


def _entry(zip_file: zipfile.ZipFile, name: str, pieces: Iterator[bytes], sink: "_Unseekable") -> Iterator[bytes]:
    about = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    about.compress_type = zipfile.ZIP_DEFLATED
    # How long it will be is not known.
    with zip_file.open(about, "w", force_zip64=True) as entry:
        for piece in pieces:
            entry.write(piece)
            yield from sink.taken()
    yield from sink.taken()


class _Unseekable(RawIOBase):
    """Where the zip is written: what waits to be taken, in a file if it is much, such as the directory of very many files."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def taken(self) -> Iterator[bytes]:
        """Yield what was written since."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece
        self._file.seek(0)
        self._file.truncate()
