"""Rows out of PostgreSQL: COPY at libpq's level, in blocks of whole rows.

Each message of COPY is one row, so blocks are cut without looking into them. A block is given out
when it is large enough or when PostgreSQL pauses, so that slow queries show what they have.
"""

import select
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import pq

from tap.engine.cancellation import Cancellation, CancelReason

BLOCK = 256 * 1024
MIN_ROWS = 900
MAX_BLOCK = 4 * 1024 * 1024
_PAUSE = 0.05
_HEADER = 19
_TRAILER = b"\xff\xff"


class Interrupted(Exception):
    """The query was stopped from outside."""

    def __init__(self, reason: CancelReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows: their bytes, one after the other, and the length of each."""

    data: bytes
    lengths: list[int]


class RowStream:
    """Blocks of the rows of a result; `overflow` tells afterwards whether there were more than might come.

    The first block is fetched when it is made, so that what fails early fails before a byte is sent; `is_whole` tells
    whether all rows have come, which it can be at once.
    """

    overflow = False
    is_whole = False

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._first = next(blocks, None)

    def __iter__(self) -> Iterator[Block]:
        if self._first is not None:
            yield self._first
            yield from self._blocks


class CopyRows(RowStream):
    """The rows of one COPY, at most `maxrec`."""

    def __init__(
        self, connection: psycopg.Connection, command: bytes, maxrec: int, cancellation: Cancellation, *, binary: bool
    ) -> None:
        self.count = 0
        self._pgconn = connection.pgconn
        self._cancellation = cancellation
        self._maxrec = maxrec
        self._binary = binary
        self._started = False
        self._begin(command)
        super().__init__(self._read())

    def _begin(self, command: bytes) -> None:
        # This form takes one statement only, whatever a query might smuggle into it.
        self._pgconn.send_query_params(command, None)
        result = self._result()
        if result is None or result.status != pq.ExecStatus.COPY_OUT:
            self._finish()
            self._raise(result)

    def _result(self) -> pq.abc.PGresult | None:
        """Return the next result. libpq would wait for it too, but holding the lock that all threads need."""
        while self._pgconn.is_busy():
            self._wait(None)
        return self._pgconn.get_result()

    def _wait(self, seconds: float | None) -> None:
        """Wait until something came or, while the command is too long for the socket's buffer, more of it can go."""
        is_sent = self._pgconn.flush() == 0
        poll = select.poll()
        poll.register(self._pgconn.socket, select.POLLIN if is_sent else select.POLLIN | select.POLLOUT)
        poll.poll(None if seconds is None else int(seconds * 1000) + 1)
        self._pgconn.consume_input()

    def _read(self) -> Iterator[Block]:
        """Yield blocks. Each row is one call of libpq, whose bytes are copied at once: so they are freed while they are in the cache."""
        get, data, lengths, since = self._pgconn.get_copy_data, bytearray(), list[int](), time.monotonic()
        while True:
            size, message = get(1)
            if size > 0:
                data += message
                lengths.append(size)
                if len(data) < BLOCK or (len(lengths) < MIN_ROWS and len(data) < MAX_BLOCK):
                    continue
            elif size < 0:
                self._end(size)
            elif not lengths or time.monotonic() - since < _PAUSE:
                # Before the first row there is nothing to show, however long it takes.
                self._wait(_PAUSE if lengths or self.count else None)
                self._check()
                continue
            if block := self._block(data, lengths):
                yield block
            if size < 0:
                return
            data, lengths, since = bytearray(), [], time.monotonic()

    def _check(self) -> None:
        if self._cancellation.reason:
            raise Interrupted(self._cancellation.reason)

    def _block(self, data: bytearray, lengths: list[int]) -> Block | None:
        """Return the rows without COPY BINARY's header, which comes first, and trailer, and no more than `maxrec`."""
        self._check()
        if self._binary and lengths:
            self._take_off(data, lengths)
        left = self._maxrec - self.count
        if len(lengths) > left:
            self.overflow = True
            del data[sum(lengths[:left]) :], lengths[left:]
        self.count += len(lengths)
        return Block(bytes(data), lengths) if lengths else None

    def _take_off(self, data: bytearray, lengths: list[int]) -> None:
        if not self._started:
            self._started = True
            del data[:_HEADER]
            lengths[0] -= _HEADER
        if lengths[-1] == len(_TRAILER) and data.endswith(_TRAILER):
            del data[-len(_TRAILER) :], lengths[-1]
        if lengths and lengths[0] == 0:
            del lengths[0]

    def _end(self, size: int) -> None:
        result = self._result()
        if size == -2 or result is None or result.status != pq.ExecStatus.COMMAND_OK:
            self._finish()
            self._raise(result)
        self._finish()

    def _finish(self) -> None:
        self.is_whole = True
        while self._result() is not None:
            pass

    def _raise(self, result: pq.abc.PGresult | None) -> None:
        if self._cancellation.reason:
            raise Interrupted(self._cancellation.reason)
        if result is None:
            raise psycopg.OperationalError("the connection to PostgreSQL was lost")
        raise psycopg.errors.error_from_result(result)
