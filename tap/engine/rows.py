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

from tap.engine.interrupt import Interrupt, Reason

BLOCK = 128 * 1024
MIN_ROWS = 900
MAX_BLOCK = 4 * 1024 * 1024
_PAUSE = 0.05
_HEADER = 19
_TRAILER = b"\xff\xff"


class Interrupted(Exception):
    """The query was stopped from outside."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows: their bytes, one after the other, and the length of each."""

    data: bytes
    lengths: list[int]


class Rows:
    """The rows of one COPY, at most `maxrec`; `overflow` tells afterwards whether there were more.

    Its first block is fetched when it is made, so that what fails early fails before a byte is sent.
    """

    def __init__(
        self, connection: psycopg.Connection, command: bytes, maxrec: int, interrupt: Interrupt, *, binary: bool
    ) -> None:
        self.overflow = False
        self.count = 0
        self._pgconn = connection.pgconn
        self._interrupt = interrupt
        self._maxrec = maxrec
        self._binary = binary
        self._started = False
        self._begin(command)
        self._blocks = self._read()
        self._first = next(self._blocks, None)

    def __iter__(self) -> Iterator[Block]:
        if self._first is not None:
            yield self._first
            yield from self._blocks

    def _begin(self, command: bytes) -> None:
        self._pgconn.send_query(command)
        while self._pgconn.is_busy():
            self._wait(None)
        result = self._pgconn.get_result()
        if result is None or result.status != pq.ExecStatus.COPY_OUT:
            self._finish()
            self._raise(result)

    def _wait(self, seconds: float | None) -> None:
        self._pgconn.flush()
        poll = select.poll()
        poll.register(self._pgconn.socket, select.POLLIN)
        poll.poll(None if seconds is None else int(seconds * 1000) + 1)
        self._pgconn.consume_input()

    def _read(self) -> Iterator[Block]:
        data, lengths, since = bytearray(), [], time.monotonic()
        for message in self._messages():
            if message is not None:
                data += message
                lengths.append(len(message))
                full = len(data) >= BLOCK and (len(lengths) >= MIN_ROWS or len(data) >= MAX_BLOCK)
            else:
                full = time.monotonic() - since >= _PAUSE
            if full and lengths:
                yield Block(bytes(data), lengths)
                data, lengths, since = bytearray(), [], time.monotonic()
        if lengths:
            yield Block(bytes(data), lengths)

    def _messages(self) -> Iterator[memoryview | None]:
        """Row by row, no more than `maxrec`; None whenever PostgreSQL had nothing to say for a while."""
        while True:
            size, message = self._pgconn.get_copy_data(1)
            if size == 0:
                self._wait(_PAUSE if self.count else None)
                if self._interrupt.reason:
                    raise Interrupted(self._interrupt.reason)
                yield None
            elif size < 0:
                self._end(size)
                return
            elif row := self._row(message):
                if self.count == self._maxrec:
                    self.overflow = True
                    continue
                self.count += 1
                yield row

    def _row(self, message: memoryview) -> memoryview | None:
        """The message without COPY BINARY's header (before the first row) and trailer (the last message)."""
        if not self._binary:
            return message
        if not self._started:
            self._started = True
            message = message[_HEADER:]
        return None if len(message) == 0 or message == _TRAILER else message

    def _end(self, size: int) -> None:
        result = self._pgconn.get_result()
        if size == -2 or result is None or result.status != pq.ExecStatus.COMMAND_OK:
            self._finish()
            self._raise(result)
        self._finish()

    def _finish(self) -> None:
        while self._pgconn.get_result() is not None:
            pass

    def _raise(self, result: pq.abc.PGresult | None) -> None:
        if self._interrupt.reason:
            raise Interrupted(self._interrupt.reason)
        if result is None:
            raise psycopg.OperationalError("the connection to PostgreSQL was lost")
        raise psycopg.errors.error_from_result(result)
