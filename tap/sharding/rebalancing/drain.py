"""Locks that nobody shall wait behind for long, and queries that began before something changed."""

import random
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import psycopg

from tap.sharding.loading.partitions import connected
from tap.sharding.shards import Shard

_TRY_MS = 200
"""Queries that come meanwhile wait as long, at most."""
SETTLE = 5.0
"""Seconds within which a query that has left the coordinator has begun on its shards: sessions there are waited for less."""
_RUNNING = """
SELECT virtualtransaction FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND granted AND datname = current_database() AND usename <> current_user
"""

T = TypeVar("T")


def with_lock_retry(connection: psycopg.Connection, act: Callable[[], T], seconds: float) -> T:
    """Run `act` in a transaction, again and again until its locks come at once. Raises: LockNotAvailable."""
    end = time.monotonic() + seconds
    while True:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {_TRY_MS}".encode())
                outcome = act()
                connection.execute("SET LOCAL lock_timeout = 0")
                return outcome
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if time.monotonic() > end:
                raise
        time.sleep(random.uniform(0.1, 0.6))  # noqa: S311


def wait_for_old_queries(coordinator: psycopg.Connection, shards: Iterable[Shard], seconds: float) -> bool:
    """Wait until the queries that run now are over: they may have begun with what the catalogue said before.

    They are seen by their transactions. One may leave that on the coordinator for those on shards, or begin it anew
    to write: so everything is looked at twice, with time between for what was in neither. Raises: ShardAway.
    """
    if not _ended(coordinator, seconds):
        return False
    time.sleep(SETTLE)
    return _ended(coordinator, seconds) and all(_ended_on(shard, seconds) for shard in shards)


def _ended_on(shard: Shard, seconds: float) -> bool:
    with connected(shard) as connection:
        connection.autocommit = True
        return _ended(connection, seconds)


def _ended(connection: psycopg.Connection, seconds: float) -> bool:
    end = time.monotonic() + seconds
    before = _running(connection)
    while before and time.monotonic() < end:
        time.sleep(0.1)
        before &= _running(connection)
    return not before


def _running(connection: psycopg.Connection) -> set[str]:
    return {transaction for (transaction,) in connection.execute(_RUNNING)}
