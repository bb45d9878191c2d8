"""Between the thread that makes a result and the client that takes it: memory, then a file.

The thread never waits for the client, so a slow one holds no connection to PostgreSQL. What does
not fit into memory goes to an unlinked file; the reader gets all in order.
"""

import asyncio
import os
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import IO, NoReturn

_PIECE = 256 * 1024


class SpoolFull(Exception):
    """More waits for the client than may."""


class Closed(Exception):
    """Nobody reads any more."""


class SpoolMemory:
    """The bytes that wait in memory: `one` of a result, `together` of all results of a process."""

    def __init__(self, one: int, together: int) -> None:
        self.one = one
        self._free = together
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Return whether so many bytes may be held; they are given back then."""
        with self._lock:
            if size > self._free:
                return False
            self._free -= size
        return True

    def give_back(self, size: int) -> None:
        with self._lock:
            self._free += size


class Spool:
    """One writer in a thread, one reader on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, memory: SpoolMemory, limit: int) -> None:
        self._loop = loop
        self._memory = memory
        self._limit = limit
        self._lock = threading.Lock()
        self._news = asyncio.Event()
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._written = self._read = 0
        self._writing = self._closed = self._done = False
        self.is_whole = False
        self._error: BaseException | None = None

    # ---- the writer's side

    def write_whole(self, data: bytes) -> None:
        """Write all that there will be. Raises: as `write` does."""
        self.is_whole = True
        self.write(data)

    def write(self, data: bytes) -> None:
        """Raises: SpoolFull; Closed when nobody reads any more."""
        with self._lock:
            self._check_open()
            file = self._file_for(len(data))
            if file is None:
                self._pieces.append(data)
                self._held += len(data)
            self._writing = file is not None
        if file is not None:
            self._spill(file, data)
        self._tell()

    def _check_open(self) -> None:
        if self._closed:
            raise Closed

    def _file_for(self, size: int) -> IO[bytes] | None:
        """None as long as memory is enough; what comes after something in the file goes there too."""
        if self._file is not None and self._read == self._written:
            self._file.close()
            self._file, self._written, self._read = None, 0, 0
        if self._file is None and self._held + size <= self._memory.one and self._memory.take(size):
            return None
        if self._written - self._read + size > self._limit:
            raise SpoolFull
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        return self._file

    def _spill(self, file: IO[bytes], data: bytes) -> None:
        """Without the lock: the event loop must not wait for a disk, nor for this thread's turn."""
        written = 0
        try:
            written = _write_at(file, data, self._written)
        finally:
            with self._lock:
                self._writing = False
                self._written += written
                if self._closed:
                    file.close()

    def finish(self, error: BaseException | None = None) -> None:
        with self._lock:
            self._done, self._error = True, error
        self._tell()

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self._news.set)

    # ---- the reader's side

    async def filled(self) -> bool:
        """Wait until the writer has finished; return whether all is there."""
        while not self._done:
            self._news.clear()
            if not self._done:
                await self._news.wait()
        return not isinstance(self._error, SpoolFull)

    async def read(self) -> bytes:
        """The next piece, empty at the end. Raises: what the writer finished with."""
        while True:
            self._news.clear()
            with self._lock:
                piece, done, failed = self._take(), self._done, self._error is not None
                waiting = self._file if self._read < self._written else None
            if not piece and waiting is not None:
                piece = os.pread(waiting.fileno(), min(_PIECE, self._written - self._read), self._read)
                with self._lock:
                    self._read += len(piece)
            if piece:
                return piece
            if failed and done:
                self._raise()
            if done:
                return b""
            await self._news.wait()

    def _raise(self) -> NoReturn:
        """Raise what the writer finished with, which nothing here keeps: its frames have uploads and their files."""
        error, self._error = self._error or Closed(), None
        try:
            raise error
        finally:
            del error

    def _take(self) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.popleft()
        self._let_go(len(piece))
        return piece

    def _let_go(self, size: int) -> None:
        self._held -= size
        self._memory.give_back(size)

    def close(self) -> None:
        """What waits is given up; so is a file, by the writer if it is writing into it just now."""
        with self._lock:
            self._closed = True
            self._pieces.clear()
            self._let_go(self._held)
            if self._file is not None and not self._writing:
                self._file.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._all()

    async def _all(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece


def _write_at(file: IO[bytes], data: bytes, place: int) -> int:
    """All of it, and how much that is; a full disk may take a part first. Raises: OSError."""
    rest = memoryview(data)
    while rest:
        done = os.pwrite(file.fileno(), rest, place)
        rest, place = rest[done:], place + done
    return len(data)
