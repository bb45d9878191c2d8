"""Stops a query from outside of its thread: its time is up, or nobody waits for it any more."""

import os
import socket
import threading
from enum import Enum

import psycopg

_GRACE = 2.0


class Reason(Enum):
    TIME_LIMIT = "time limit"
    CLIENT_LEFT = "client left"
    SHUTDOWN = "shutdown"


class Interrupt:
    """Belongs to one query. `reason` says why it was stopped, None as long as it was not."""

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None

    def attach(self, connection: psycopg.Connection) -> None:
        with self._lock:
            self._connection = connection

    def detach(self) -> None:
        with self._lock:
            self._connection = None

    def trigger(self, reason: Reason) -> None:
        """Cancels the statement; if it does not end, cuts the connection. Blocks: call it in a thread."""
        with self._lock:
            self.reason = self.reason or reason
            connection = self._connection
        if connection is None:
            return
        try:
            connection.cancel_safe(timeout=_GRACE)
        except psycopg.Error:
            self._cut()
            return
        timer = threading.Timer(_GRACE, self._cut)
        timer.daemon = True
        timer.start()

    def _cut(self) -> None:
        """A server that writes to a full socket obeys no cancel; a closed one it notices."""
        with self._lock:
            if self._connection is None or self._connection.closed:
                return
            duplicate = socket.socket(fileno=os.dup(self._connection.fileno()))
        with duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
