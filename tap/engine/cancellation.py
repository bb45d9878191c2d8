"""Stops a query from outside of its thread: its time is up, or nobody waits for it any more."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import psycopg

_GRACE = 2.0


class CancelReason(Enum):
    TIME_LIMIT = "time limit"
    CLIENT_LEFT = "client left"
    SHUTDOWN = "shutdown"
    ENOUGH = "enough rows"
    KILLED = "killed by the operator"


class Cancellation:
    """Belongs to one query. `reason` says why it was stopped, None as long as it was not.

    `name` is what PostgreSQL calls the query's sessions after.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.reason: CancelReason | None = None
        self._lock = threading.Lock()
        self._connections: list[psycopg.Connection] = []
        self._parts: list[Cancellation] = []

    @contextmanager
    def part(self) -> Iterator["Cancellation"]:
        """Yield the cancellation of a part of the query, which can be stopped alone and is stopped with the whole."""
        part = Cancellation(self.name)
        with self._lock:
            part.reason = self.reason
            self._parts.append(part)
        try:
            yield part
        finally:
            with self._lock:
                self._parts.remove(part)

    def attach(self, connection: psycopg.Connection) -> None:
        with self._lock:
            self._connections.append(connection)

    def detach(self, connection: psycopg.Connection) -> None:
        with self._lock:
            self._connections.remove(connection)

    def trigger(self, reason: CancelReason) -> None:
        """Cancels the statements; if one does not end, cuts its connection. Blocks: call it in a thread."""
        with self._lock:
            self.reason = self.reason or reason
            connections, parts = tuple(self._connections), tuple(self._parts)
        for part in parts:
            part.trigger(reason)
        for connection in connections:
            self._cancel(connection)

    def _cancel(self, connection: psycopg.Connection) -> None:
        try:
            connection.cancel_safe(timeout=_GRACE)
        except psycopg.Error:
            self._cut(connection)
            return
        timer = threading.Timer(_GRACE, self._cut, [connection])
        timer.daemon = True
        timer.start()

    def _cut(self, connection: psycopg.Connection) -> None:
        """Cut the connection: a server that writes to a full socket obeys no cancel, but notices a closed one."""
        with self._lock:
            if connection not in self._connections or connection.closed:
                return
            duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        with duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
