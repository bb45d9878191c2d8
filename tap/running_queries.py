"""The /sync queries that run just now, in all web processes: seen and stopped by the operator.

Each process tells once a second what it runs, and hears what of it shall end. Most queries are over before they are told.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from tap.auth.accounts import AccountsAway, AccountStore
from tap.engine.cancellation import Cancellation, CancelReason
from tap.progress import QueryProgress
from uws.periodic import Periodic

_SECONDS = 1.0
_LONGEST = 10_000
"""Characters of a query that are told."""


@dataclass(frozen=True, slots=True)
class Running:
    """A /sync query or a job; `owner` is an account's name or an address, `stage` what it is at, `query` its text."""

    id: str
    kind: str
    owner: str
    since: datetime
    stage: str
    rows: int
    query: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _LocalQuery:
    """A query of this process."""

    request_id: str
    owner: str
    query: str
    progress: QueryProgress
    cancellation: Cancellation
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def told(self, query_id: str) -> dict[str, Any]:
        return {
            "id": query_id,
            "owner": self.owner,
            "since": self.since.isoformat(),
            "stage": self.progress.stage,
            "rows": self.progress.rows,
            "query": self.query[:_LONGEST].replace("\0", ""),
            "request_id": self.request_id,
        }


class RunningQueries:
    """What one web process runs."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._entries: dict[str, _LocalQuery] = {}
        self._is_told = False
        self._periodic = Periodic("running queries", _SECONDS, self._tell)

    def open(self) -> None:
        self._periodic.start()

    def close(self) -> None:
        self._periodic.stop()

    def stages(self) -> list[str]:
        """Return what each query is at."""
        return [query.progress.stage for query in list(self._entries.values())]

    @contextmanager
    def listing(
        self, request_id: str, owner: str, query: str, progress: QueryProgress, cancellation: Cancellation
    ) -> Iterator[None]:
        """List a query for as long as the block lasts."""
        query_id = secrets.token_hex(4)
        self._entries[query_id] = _LocalQuery(request_id, owner, query, progress, cancellation)
        try:
            yield
        finally:
            del self._entries[query_id]

    def _tell(self) -> None:
        queries = [entry.told(query_id) for query_id, entry in list(self._entries.items())]
        if not queries and not self._is_told:
            return
        with suppress(AccountsAway):
            (row,) = self._store.rows("tell_queries", {"process": self._process, "queries": Jsonb(queries)})
            self._is_told = bool(queries)
            for query_id in row["killed"]:
                if entry := self._entries.get(query_id):
                    entry.cancellation.trigger(CancelReason.KILLED)


def running_queries(store: AccountStore) -> list[Running]:
    """Return what all processes run, as of the last second or two, the oldest first. Raises: AccountsAway."""
    return [Running(kind="sync", **row) for row in store.rows("running_queries", {})]


def kill_query(store: AccountStore, query_id: str) -> bool:
    """Stop a query within a second or two; False where none that runs has this id. Raises: AccountsAway."""
    return bool(store.rows("kill_query", {"query_id": query_id}))
