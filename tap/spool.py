"""Between the thread that makes a result and the client that takes it: memory, then a file.

The thread never waits for the client, so a slow one holds no connection to PostgreSQL. What does
not fit into memory goes to an unlinked file; the reader gets all in order.
"""

import asyncio
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import IO

_PIECE = 256 * 1024


class SpoolFull(Exception):
    """More waits for the client than may."""


class Spool:
    """One writer in a thread, one reader on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, memory: int, limit: int) -> None:
        self._loop = loop
        self._memory = memory
        self._limit = limit
        self._lock = threading.Lock()
        self._news = asyncio.Event()
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._written = self._read = 0
        self._done = False
        self._error: BaseException | None = None

    # ---- the writer's side

    def write(self, data: bytes) -> None:
        """Raises: SpoolFull."""
        with self._lock:
            if self._file is not None or self._held + len(data) > self._memory:
                self._spill(data)
            else:
                self._pieces.append(data)
                self._held += len(data)
        self._tell()

    def _spill(self, data: bytes) -> None:
        if self._written - self._read + len(data) > self._limit:
            raise SpoolFull
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._file.seek(self._written)
        self._file.write(data)
        self._written += len(data)

    def finish(self, error: BaseException | None = None) -> None:
        with self._lock:
            self._done, self._error = True, error
        self._tell()

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self._news.set)

    # ---- the reader's side

    async def read(self) -> bytes:
        """The next piece, empty at the end. Raises: what the writer finished with."""
        while True:
            self._news.clear()
            with self._lock:
                piece = self._take()
                done, error = self._done, self._error
            if piece:
                return piece
            if done:
                if error is not None:
                    raise error
                return b""
            await self._news.wait()

    def _take(self) -> bytes:
        if self._pieces:
            piece = self._pieces.popleft()
            self._held -= len(piece)
            return piece
        if self._file is None:
            return b""
        if self._read < self._written:
            self._file.seek(self._read)
            piece = self._file.read(min(_PIECE, self._written - self._read))
            self._read += len(piece)
            return piece
        # All of the file was read: what comes next fits into memory again.
        self._file.close()
        self._file, self._written, self._read = None, 0, 0
        return b""

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._pieces.clear()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._all()

    async def _all(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece
