"""Locks that nobody shall wait behind for long, and queries that began before something changed."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from schema.roles import READER

_TRY_MS = 200
"""Queries that come meanwhile wait as long, at most."""
_RUNNING = """
SELECT virtualtransaction FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND granted AND datname = current_database() AND usename = %s
"""

T = TypeVar("T")


def patiently(connection: psycopg.Connection, act: Callable[[], T], seconds: float) -> T:
    """`act` in a transaction, again and again until its locks come at once. Raises: LockNotAvailable."""
    end = time.monotonic() + seconds
    while True:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {_TRY_MS}".encode())
                done = act()
                connection.execute("SET LOCAL lock_timeout = 0")
                return done
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if time.monotonic() > end:
                raise
        time.sleep(random.uniform(0.1, 0.6))  # noqa: S311


def readers_ended(connection: psycopg.Connection, seconds: float) -> bool:
    """Waits until the queries that run now are over: they may have begun with what the catalogue said before.

    A query's transaction on the coordinator lasts until its last row, whichever server that comes from.
    """
    end = time.monotonic() + seconds
    before = _running(connection)
    while before and time.monotonic() < end:
        time.sleep(0.1)
        before &= _running(connection)
    return not before


def _running(connection: psycopg.Connection) -> set[str]:
    return {each for (each,) in connection.execute(_RUNNING, (READER,))}
