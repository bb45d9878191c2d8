"""Sessions on the shards themselves, for queries that need nothing of the coordinator."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import psycopg

from tap.engine.cancellation import Cancellation
from tap.engine.engine import Access, DatabaseAway, Engine, Session, ShardAway
from tap.observe import ShardBack, ShardLost, observe
from tap.sharding.hosts import at_primary, attempts, seconds_each

_WAIT = 3.0
_REST = 5.0


class ShardPool:
    """The engines of each shard, made when first needed. `find` tells the conninfo of all readers by name.

    Sessions that write need the primary of a shard, others what its conninfo asks for: one may be away, and the other
    not.
    """

    def __init__(self, find: Callable[[], dict[str, str]], sessions: int) -> None:
        self._find = find
        self._sessions = sessions
        self._conninfos: dict[str, str] = {}
        self._engines: dict[str, Engine] = {}
        self._away: dict[str, float] = {}
        self._in_use: Counter[str] = Counter()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Do nothing: an engine is made when its shard is first asked."""

    def close(self) -> None:
        for engine in self._engines.values():
            engine.close()

    def away(self, names: Iterable[str], access: Access = Access.READ_ONLY) -> tuple[str, ...]:
        """Return the shards that do not answer, asking all of them at once."""
        shards = tuple(names)
        with ThreadPoolExecutor(max(len(shards), 1)) as threads:
            answered = list(threads.map(partial(self._answers, access=access), shards))
        return tuple(name for name, has_answered in zip(shards, answered, strict=True) if not has_answered)

    def _answers(self, name: str, access: Access) -> bool:
        try:
            with self.session(name, _WAIT, Cancellation(), access=access):
                return True
        except ShardAway:
            return False
        except DatabaseAway:
            return True

    @contextmanager
    def session(self, name: str, limit: float, cancellation: Cancellation, access: Access) -> Iterator[Session]:
        """Yield a session; a shard that was away is not asked again for a while. Raises: ShardAway."""
        conninfo = self._conninfo(name, access=access)
        if self._away.get(conninfo, 0) > time.monotonic():
            raise ShardAway(name)
        try:
            with self._engine(conninfo).session(limit, cancellation, access=access) as session:
                if self._away.pop(conninfo, None):
                    observe(ShardBack(name))
                with self._counted(conninfo):
                    yield session
        except DatabaseAway as error:
            if self._in_use[conninfo]:
                # The shard answers others: it is not away, there are only too many of us.
                raise
            if conninfo not in self._away:
                observe(ShardLost(name))
            self._away[conninfo] = time.monotonic() + _REST
            self._forget(name, conninfo)
            raise ShardAway(name) from error

    @contextmanager
    def _counted(self, conninfo: str) -> Iterator[None]:
        with self._lock:
            self._in_use[conninfo] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use[conninfo] -= 1

    def _conninfo(self, name: str, access: Access) -> str:
        with self._lock:
            if name not in self._conninfos:
                self._conninfos[name] = self._found(name)
            conninfo = self._conninfos[name]
        return at_primary(conninfo) if access is Access.READ_WRITE else conninfo

    def _found(self, name: str) -> str:
        try:
            return self._find()[name]
        except (KeyError, psycopg.Error) as error:
            raise ShardAway(name) from error

    def _engine(self, conninfo: str) -> Engine:
        with self._lock:
            if conninfo not in self._engines:
                # A host that says nothing must not use up the time of one that would answer.
                wait = _WAIT + attempts(conninfo) * seconds_each(conninfo)
                self._engines[conninfo] = Engine(conninfo, self._sessions, wait)
                self._engines[conninfo].open()
            return self._engines[conninfo]

    def _forget(self, name: str, conninfo: str) -> None:
        """Drop what is known of a shard: it may have moved, and the next query asks where it is."""
        with self._lock:
            self._conninfos.pop(name, None)
            engine = self._engines.pop(conninfo, None)
        if engine:
            engine.close()
