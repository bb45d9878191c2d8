"""The keeper: jobs of dead workers, jobs whose destruction has come, and what they leave in storage.

Any number may keep the same store; none does a thing twice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol

from uws.errors import IllegalMove, NoSuchJob, StoreAway
from uws.periodic import Periodic
from uws.phases import FINAL, Move, Phase
from uws.queue import Queue
from uws.store import Row, Store

_EVERY = 2.0
_SWEEP_EVERY = 3600.0
_MOST_AT_ONCE = 100


class ResultFiles(Protocol):
    """Where results lie. Keys are `job id/…`."""

    def remove(self, job_id: str) -> None:
        """Remove everything of a job."""
        ...

    def remove_key(self, key: str) -> None: ...

    def keys(self) -> Iterator[str]:
        """Yield all keys, those of unfinished things too."""
        ...


class Housekeeper:
    """A thread that looks after the store."""

    def __init__(self, store: Store, shelf: ResultFiles, observe: Callable[[str, int], None]) -> None:
        self._store = store
        self._queue = Queue(store)
        self._shelf = shelf
        self._observe = observe
        self._sweep_at = time.monotonic()
        self._thread = Periodic("keeper", _EVERY, self._keep)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop()

    def _keep(self) -> None:
        with suppress(StoreAway, OSError):
            left_something = self.look()
            if left_something or time.monotonic() >= self._sweep_at:
                self.sweep()
                self._sweep_at = time.monotonic() + _SWEEP_EVERY

    def look(self) -> bool:
        """Do everything that is due now; return whether a dead worker may have left something in storage."""
        expired = self._queue.expire()
        for _, phase in expired:
            self._observe("job of a dead worker ended" if phase in FINAL else "job of a dead worker queued again", 1)
        self._destroy()
        for row in self._store.rows("deleted", {}):
            self.bury(row["job_id"])
        return bool(expired)

    def _destroy(self) -> None:
        rows = self._store.rows("due", {"archive": self._store.limits.archive, "most": _MOST_AT_ONCE})
        for row in rows:
            if self._store.limits.archive and row["phase"] != Phase.ARCHIVED:
                self._archive(row["job_id"], Phase(row["phase"]))
            else:
                self._delete(row["job_id"])
        if rows:
            self._observe("jobs whose destruction had come", len(rows))

    def _archive(self, job_id: str, phase: Phase) -> None:
        """Keep the record and remove the results; what has not ended yet is aborted first (UWS 1.1 §2.1.3)."""
        try:
            if phase not in FINAL:
                self._store.move(job_id, Move.ABORT)
            self._store.move(job_id, Move.ARCHIVE)
        except (IllegalMove, NoSuchJob):
            return
        self._shelf.remove(job_id)

    def _delete(self, job_id: str) -> None:
        try:
            self._store.delete(job_id)
        except NoSuchJob:
            return
        self.bury(job_id)

    def bury(self, job_id: str) -> None:
        """Remove what a deleted job left: first its files, then its row."""
        self._shelf.remove(job_id)
        self._store.execute("forget", {"job_id": job_id})

    def sweep(self) -> None:
        """Remove what is in storage and belongs to no job, or to an attempt that is over."""
        stored, swept = self._shelf.keys(), 0
        while keys := list(islice(stored, 500)):
            swept += self._sweep(keys)
        if swept:
            self._observe("leftovers swept from storage", swept)
        self._store.execute("trim", {})

    def _sweep(self, keys: Sequence[str]) -> int:
        """Remove the keys that are leftovers, and return how many there were."""
        job_ids = {key: key.partition("/")[0] for key in keys}
        rows = {row["job_id"]: row for row in self._store.rows("keys", {"job_ids": list(set(job_ids.values()))})}
        swept = 0
        for key, job_id in job_ids.items():
            row = rows.get(job_id)
            if row is None:
                self._shelf.remove(job_id)
            elif key in row["keys"] or _is_being_written(key, row):
                continue
            else:
                self._shelf.remove_key(key)
            swept += 1
        return swept


def _is_being_written(key: str, row: Row) -> bool:
    """Return whether a key may still become the job's.

    A running attempt writes its result; a part of an upload is there before the job knows of it.
    """
    if row["phase"] == Phase.PENDING:
        return True
    return row["phase"] == Phase.EXECUTING and key.startswith(f"{row['job_id']}/{row['attempt']}.")
