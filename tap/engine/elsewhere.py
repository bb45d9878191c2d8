"""Sessions on the shards themselves, for queries that need nothing of the coordinator."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg

from tap.engine.engine import DatabaseAway, Engine, Session, ShardAway
from tap.engine.interrupt import Interrupt
from tap.observe import ShardBack, ShardLost, observe

_WAIT = 3.0
_REST = 5.0


class Shards:
    """The engine of each shard, made when it is first needed. `find` tells the conninfo of all readers by name."""

    def __init__(self, find: Callable[[], dict[str, str]], sessions: int) -> None:
        self._find = find
        self._sessions = sessions
        self._engines: dict[str, Engine] = {}
        self._away: dict[str, float] = {}
        self._in_use: Counter[str] = Counter()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Nothing is to be done before a shard is asked."""

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()

    def away(self, names: Iterable[str]) -> tuple[str, ...]:
        """By asking all of them at once."""
        wanted = tuple(names)
        with ThreadPoolExecutor(max(len(wanted), 1)) as threads:
            there = list(threads.map(self._answers, wanted))
        return tuple(name for name, answers in zip(wanted, there, strict=True) if not answers)

    def _answers(self, name: str) -> bool:
        try:
            with self.session(name, _WAIT, Interrupt(), uploads=False):
                return True
        except ShardAway:
            return False

    @contextmanager
    def session(self, name: str, limit: float, interrupt: Interrupt, *, uploads: bool) -> Iterator[Session]:
        """One that was away is not asked again for a while. Raises: ShardAway."""
        if self._away.get(name, 0) > time.monotonic():
            raise ShardAway(name)
        try:
            with self._engine(name).session(limit, interrupt, uploads=uploads) as session:
                if self._away.pop(name, None):
                    observe(ShardBack(name))
                with self._counted(name):
                    yield session
        except DatabaseAway as error:
            if self._in_use[name]:
                # It is there for others: there are too many of us.
                raise
            if name not in self._away:
                observe(ShardLost(name))
            self._away[name] = time.monotonic() + _REST
            self._forget(name)
            raise ShardAway(name) from error

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        with self._lock:
            self._in_use[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use[name] -= 1

    def _engine(self, name: str) -> Engine:
        with self._lock:
            if name not in self._engines:
                self._engines[name] = self._opened(name)
            return self._engines[name]

    def _opened(self, name: str) -> Engine:
        try:
            conninfo = self._find()[name]
        except (KeyError, psycopg.Error) as error:
            raise ShardAway(name) from error
        engine = Engine(conninfo, self._sessions, _WAIT)
        engine.open()
        return engine

    def _forget(self, name: str) -> None:
        """It may have moved: the next query asks where it is."""
        with self._lock:
            engine = self._engines.pop(name, None)
        if engine:
            engine.close()
