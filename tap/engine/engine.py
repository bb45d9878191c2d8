"""A PostgreSQL as the service uses it: sessions of the untrusted role, and what is published."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from adql.sql_names import name, quote
from adql.translate import Translation
from schema.model import Catalogue, Schema
from schema.tap_schema import SESSION_VERSION, VERSION, read_catalogue
from tap.engine.cancellation import Cancellation, CancelReason
from tap.engine.row_encoding import RowEncoding, copy_command
from tap.engine.rows import CopyRows, Interrupted
from tap.engine.shard_work import ShardWork
from tap.sharding.model import Placements
from tap.sharding.placements import read_placements
from uws.pool import answers

_BEGIN = "BEGIN {mode}; SET LOCAL statement_timeout = {timeout}; {application}{role}{version}"
_CITUS = "SELECT FROM pg_extension WHERE extname = 'citus'"
_CATALOGUES = 64
"""Catalogues that are kept, one for each set of rights."""
_APPLICATION = "armillary"
_LONGEST = 2**31 - 1
_GOES_DOWN = "57P"
"""SQLSTATEs of a PostgreSQL that stops, or ends a connection, at somebody's wish."""

T = TypeVar("T")


class DatabaseAway(Exception):
    """No connection to PostgreSQL can be had now."""


class Access(Enum):
    """What a transaction may do, as PostgreSQL's BEGIN has it."""

    READ_ONLY = "READ ONLY"
    READ_WRITE = "READ WRITE"


class Session:
    """One connection in one transaction, for one query, which may read only; `limit` in seconds, 0 for none."""

    def __init__(
        self, engine: "Engine", connection: psycopg.Connection, transaction: "Transaction", cancellation: Cancellation
    ) -> None:
        self.engine = engine
        self.cancellation = cancellation
        self.limit = transaction.limit
        self._connection = connection
        self.role = transaction.role
        self._version = transaction.version
        self._access = transaction.access
        self._uploaded: Schema | None = None
        self._sealed = False
        self.shard_work: list[ShardWork] = []

    @property
    def catalogue(self) -> Catalogue:
        """Return what is published at this instant, and what was uploaded into this session."""
        published = self.engine.catalogue_of(self._connection, self._version, self.role)
        return published.joined_by(self._uploaded) if self._uploaded else published

    @property
    def placements(self) -> Placements:
        """Return where the rows of published tables on shards lie."""
        return self.engine.placements_of(self._connection, self._version, self.role)

    def add(self, uploaded: Schema) -> None:
        """Put what was uploaded into the catalogue of this session."""
        self._uploaded = uploaded

    def begin_again(self, access: Access) -> None:
        """End the transaction and begin another, unless it has this access already. Raises: psycopg.Error."""
        if access is not self._access:
            self.end_transaction()
            _begin_transaction(
                self._connection, self.engine.start(self.limit, access, self.role, self.cancellation), self.engine.wait
            )
            self._access, self._sealed = access, False

    def run_in_write_transaction(self, step: Callable[[psycopg.Connection], T]) -> T:
        """Let `step` make and fill temporary tables, in a transaction that was begun to write. Raises: what `step` raises."""
        if self._sealed:
            self._connection.execute("RELEASE SAVEPOINT reading")
            self._sealed = False
        return step(self._connection)

    def _seal(self) -> None:
        """Let the transaction only read from here on, as what strangers wrote must; a savepoint makes that possible in one that wrote."""
        if self._access is Access.READ_WRITE and not self._sealed:
            self._connection.execute("SAVEPOINT reading; SET TRANSACTION READ ONLY")
            self._sealed = True

    def keep_alive(self) -> None:
        """Keep the connection from being closed as idle, while other work is done between two statements.

        Raises: Interrupted, psycopg.Error.
        """
        if self.cancellation.reason:
            raise Interrupted(self.cancellation.reason)
        self._connection.execute("SELECT")

    def end_transaction(self) -> None:
        """Roll back, for whoever needs nothing more of it for a long time."""
        self._connection.pgconn.exec_(b"ROLLBACK")

    def rows(self, translation: Translation, encoding: RowEncoding, maxrec: int, *, overflow: bool = True) -> CopyRows:
        """Return at most `maxrec` rows, and whether there are more if `overflow` is to be told. Raises: psycopg.Error, Interrupted."""
        self._seal()
        command = copy_command(translation, encoding, maxrec + overflow)
        return CopyRows(self._connection, command, maxrec, self.cancellation, binary=encoding.is_binary)

    def unchanged(self, sql: str) -> CopyRows:
        """Return all rows of `sql` as PostgreSQL itself writes them, for a table of another server's."""
        self._seal()
        return CopyRows(
            self._connection,
            f"COPY ({sql}) TO STDOUT (FORMAT binary)".encode(),
            sys.maxsize,
            self.cancellation,
            binary=True,
        )

    def records(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement of our own. Raises: psycopg.Error."""
        return self._connection.execute(sql.encode(), values).fetchall()

    def run(self, step: Callable[[psycopg.Connection], T]) -> T:
        """Let a step of our own read. Raises: what `step` raises."""
        return step(self._connection)

    def explain(self, sql: str) -> list[str]:
        rows = self._connection.execute(b"EXPLAIN " + sql.encode(), binary=True).fetchall()
        return [str(row[0]) for row in rows]

    def cost(self, translation: Translation) -> float:
        """Return the planner's estimate of the cost of all of it. Raises: psycopg.Error."""
        return float(self.plan(translation.sql)["Total Cost"])

    def expected_rows(self, sql: str) -> float:
        """Return how many rows the planner expects beneath a LIMIT. Raises: psycopg.Error."""
        (beneath,) = self.plan(sql)["Plans"]
        return float(beneath["Plan Rows"])

    def plan(self, sql: str) -> dict[str, Any]:
        row = self._connection.execute(b"EXPLAIN (FORMAT JSON, VERBOSE) " + sql.encode(), binary=True).fetchone()
        return row[0][0]["Plan"] if row else {}


@dataclass(frozen=True, slots=True)
class Start:
    """How a transaction begins: how many seconds its statements may take, its access, and as which role: None for a stranger.

    `name` is what PostgreSQL shows of it beside our own name.
    """

    limit: float
    access: Access
    role: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Transaction(Start):
    """One that has begun, with the catalogue's version in it."""

    version: int = 0


class ShardAway(Exception):
    """A shard cannot be reached now; `sky`, as a MOC, is what of the sky a query would have searched there, if it is known."""

    def __init__(self, name: str, sky: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.sky = sky


class ShardSessions(Protocol):
    """Gives sessions on shards."""

    def session(
        self, name: str, limit: float, cancellation: Cancellation, access: Access
    ) -> AbstractContextManager[Session]:
        """Raises: ShardAway."""

    def away(self, names: Iterable[str], access: Access = Access.READ_ONLY) -> tuple[str, ...]:
        """Return which of these shards cannot be reached just now, for such sessions."""


class NoShards:
    """For an engine that is asked nothing but what its own database has."""

    def session(
        self, name: str, limit: float, cancellation: Cancellation, access: Access
    ) -> AbstractContextManager[Session]:
        raise ShardAway(name)

    def away(self, names: Iterable[str], access: Access = Access.READ_ONLY) -> tuple[str, ...]:
        return tuple(names)


class Engine:
    """Sessions on the database that `conninfo` names, as armillary_reader; `shards` are those of its tables.

    `member_conninfo` names it as armillary_member, for sessions with the rights of a role that it may take.
    """

    def __init__(
        self,
        conninfo: str,
        sessions: int,
        wait: float = 10.0,
        shards: "ShardSessions | None" = None,
        member_conninfo: str | None = None,
    ) -> None:
        self.shards = shards or NoShards()
        self.wait = wait
        self._pool = _pool(conninfo, 1, sessions, wait, self._configure)
        self._members = _pool(member_conninfo, 0, sessions, wait, self._configure) if member_conninfo else None
        self._has_citus = False
        self._catalogues: OrderedDict[str | None, Catalogue] = OrderedDict()
        self._placements: OrderedDict[str | None, tuple[int, Placements]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self) -> None:
        self._pool.open()
        if self._members:
            self._members.open()

    def close(self) -> None:
        self._pool.close(timeout=2)
        if self._members:
            self._members.close(timeout=2)

    def connections(self) -> dict[str, dict[str, int]]:
        """Return how many connections each pool has, has idle, and has requests waiting for."""
        pools = {"reader": self._pool} | ({"member": self._members} if self._members else {})
        stats = {name: pool.get_stats() for name, pool in pools.items()}
        return {
            name: {"open": of["pool_size"], "idle": of["pool_available"], "waiting": of["requests_waiting"]}
            for name, of in stats.items()
        }

    @contextmanager
    def session(
        self,
        limit: float,
        cancellation: Cancellation | None = None,
        access: Access = Access.READ_ONLY,
        role: str | None = None,
    ) -> Iterator[Session]:
        """`limit` in seconds, 0 for none, is PostgreSQL's net below the caller's own deadline.

        A session that may write makes temporary tables only, where no query runs. `role` is one that session_role of
        the database gave. Raises: DatabaseAway.
        """
        cancellation = cancellation or Cancellation()
        pool = self._members if role and self._members else self._pool
        connection, version = self._begin(pool, self.start(limit, access, role, cancellation))
        cancellation.attach(connection)
        try:
            if cancellation.reason:
                raise Interrupted(cancellation.reason)
            yield Session(self, connection, Transaction(limit, access, role, version=version), cancellation)
        except Interrupted:
            raise
        except psycopg.Error as error:
            raise _meaning(error, cancellation) from error
        finally:
            cancellation.detach(connection)
            _end(pool, connection, cancellation)

    def start(self, limit: float, access: Access, role: str | None, cancellation: Cancellation) -> Start:
        """Return how a transaction of a query begins.

        It has the query's name, but not where Citus is: that loses its distributed transaction when a name changes.
        """
        return Start(limit, access, role, "" if self._has_citus else cancellation.name)

    def _configure(self, connection: psycopg.Connection) -> None:
        connection.execute("SET search_path = pg_catalog, public")
        connection.execute("SET standard_conforming_strings = on")
        self._has_citus = connection.execute(_CITUS).fetchone() is not None

    def _begin(self, pool: ConnectionPool, start: Start) -> tuple[psycopg.Connection, int]:
        """Return a connection with a transaction begun, and the catalogue's version; a connection that died in the pool is passed over. Raises: DatabaseAway."""
        for _ in range(pool.max_size + 1):
            try:
                connection = pool.getconn()
            except (PoolTimeout, psycopg.OperationalError) as error:
                raise DatabaseAway from error
            try:
                return connection, _begin_transaction(connection, start, self.wait)
            except (psycopg.Error, DatabaseAway) as error:
                connection.close()
                pool.putconn(connection)
                if isinstance(error, DatabaseAway):
                    raise
        raise DatabaseAway

    def catalogue_of(self, connection: psycopg.Connection, version: int, role: str | None) -> Catalogue:
        """Return what this role may know of; read anew only when something was published since, or rights changed."""
        catalogue = self._catalogues.get(role)
        if catalogue is None or catalogue.version != version:
            with self._lock:
                catalogue = self._catalogues.get(role)
                if catalogue is None or catalogue.version != version:
                    catalogue = self._catalogues[role] = read_catalogue(connection)
                    self._catalogues.move_to_end(role)
                if len(self._catalogues) > _CATALOGUES:
                    self._catalogues.popitem(last=False)
        return catalogue

    def placements_of(self, connection: psycopg.Connection, version: int, role: str | None) -> Placements:
        """Read anew only when something was published since."""
        with self._lock:
            if self._placements.get(role, (None,))[0] != version:
                self._placements[role] = version, read_placements(connection)
                self._placements.move_to_end(role)
            if len(self._placements) > _CATALOGUES:
                self._placements.popitem(last=False)
            return self._placements[role][1]


def _pool(
    conninfo: str, least: int, most: int, wait: float, configure: Callable[[psycopg.Connection], None]
) -> ConnectionPool:
    return ConnectionPool(
        conninfo,
        min_size=least,
        max_size=most,
        timeout=wait,
        kwargs={"autocommit": True, "application_name": _APPLICATION, "prepare_threshold": None},
        configure=configure,
        check=None,
        reconnect_timeout=5,
        open=False,
    )


def _end(pool: ConnectionPool, connection: psycopg.Connection, cancellation: Cancellation) -> None:
    """Put the connection back into the pool, clean. One in the middle of a COPY is closed, which ends its statement;

    so is one that was cancelled: the cancel may still be on its way and would hit the next query.
    """
    try:
        if cancellation.reason or connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
            connection.close()
        elif connection.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.pgconn.exec_(b"ROLLBACK")
    except psycopg.Error:
        connection.close()
    pool.putconn(connection)


def _begin_transaction(connection: psycopg.Connection, start: Start, wait: float) -> int:
    """Return the catalogue's version in it. Raises: psycopg.Error; DatabaseAway where a server says nothing for `wait` seconds."""
    role = f"SET LOCAL ROLE {name(start.role)}; " if start.role else ""
    timeout = min(int(start.limit * 1000), _LONGEST)
    version = SESSION_VERSION if start.role else VERSION
    application = f"SET LOCAL application_name = {quote(f'{_APPLICATION} {start.name}')}; " if start.name else ""
    command = _BEGIN.format(
        mode=start.access.value, timeout=timeout, application=application, role=role, version=version
    ).encode()
    pgconn = connection.pgconn
    pgconn.send_query(command)
    pgconn.flush()
    if not answers(pgconn.socket, wait):
        raise DatabaseAway
    value = None
    while (result := pgconn.get_result()) is not None:
        if result.status == psycopg.pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
        value = result.get_value(0, 0) if result.ntuples else value
    return int(value or 0)


def _meaning(error: psycopg.Error, cancellation: Cancellation) -> Exception:
    """Return why a statement really ended."""
    if cancellation.reason:
        return Interrupted(cancellation.reason)
    if isinstance(error, psycopg.errors.QueryCanceled) and "timeout" in str(error):
        return Interrupted(CancelReason.TIME_LIMIT)
    if (error.sqlstate or _GOES_DOWN).startswith(_GOES_DOWN):
        return DatabaseAway()
    return error
