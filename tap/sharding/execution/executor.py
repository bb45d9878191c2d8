"""Run distributed plans: shards are asked for their rows, which are the result, or come together here."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import psycopg
from psycopg import sql

from adql.comparable import as_geometries, as_numbers, has_geometry
from adql.info import Info
from adql.nodes import Output
from adql.translate import Translation
from schema.existing import position_index
from tap.engine.cancellation import Cancellation
from tap.engine.engine import Access, Session, ShardAway
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block, CopyRows, RowStream
from tap.engine.shard_work import ShardWork
from tap.engine.temp_tables import Columns, columns_of, create, take_in
from tap.sharding.execution.gather import GatheredRows, Stream, gathered
from tap.sharding.moc import moc_of
from tap.sharding.planning import UPLOADED, Broadcast, DistributedPlan, ShardQuery

MOST_SORTED = 1_000_000
"""Rows of a result that are gathered only to be sorted; more come sorted from PostgreSQL's own way, as a stream."""
_FAR = 0.5
"""Of what one table may bring, for one shard: estimates are rough."""


@dataclass(slots=True)
class UnsearchedSky:
    """What was not searched: shards, and which part of the sky they have, as a MOC."""

    shards: tuple[str, ...] = ()
    sky: str = ""


@dataclass(frozen=True, slots=True)
class DistributedQuery:
    """A plan to be run for a client: how the rows of the result leave, and how many at most.

    `unsearched` is told which shards are away, if the rest is wanted all the same.
    """

    session: Session
    outputs: tuple[Output, ...]
    plan: DistributedPlan
    encoding: RowEncoding
    maxrec: int
    unsearched: UnsearchedSky | None = None

    @property
    def tells_overflow(self) -> bool:
        """Return whether it is to be told that there are more rows than may come; of those beyond TOP it is not."""
        return self.maxrec > 0 and (self.plan.top is None or self.plan.top > self.maxrec)

    @property
    def limit(self) -> int:
        """Return how many rows may come together from all shards."""
        return self.maxrec if self.plan.top is None else min(self.plan.top, self.maxrec)


Fill = Callable[[Session, str], Iterator[None]]
"""Puts uploads into a shard's session; each time that it yields the query runs for what is there."""
Ask = Callable[[Session, str], Iterable[Block]]
"""Sends a shard its SQL."""


def asks_shards_first(plan: DistributedPlan, maxrec: int) -> bool:
    """Return whether shards are to be asked before anything runs at the coordinator."""
    if plan.in_steps:
        return False
    uploads = any(broadcast.parts[0] == UPLOADED for query in plan.shard_queries for broadcast in query.broadcasts)
    return uploads or not plan.sorts or maxrec <= MOST_SORTED


@contextmanager
def distributed_rows(query: DistributedQuery, fill: Fill, *, often: bool) -> Iterator[RowStream]:
    """Yield the rows of the result, as long as the block lasts; `often`: `fill` has more to do between rows.

    Raises: ShardAway, Interrupted, psycopg.Error.
    """
    (shard_query,), session = query.plan.shard_queries, query.session
    if query.unsearched is not None:
        shard_query = _of_reachable_shards(shard_query, session, query.unsearched)
    broadcasts = [broadcast for broadcast in shard_query.broadcasts if broadcast.parts[0] != UPLOADED]
    tables = [_BroadcastTable(session, broadcast) for broadcast in broadcasts]
    put = partial(_put, tables, fill)
    if query.plan.final_sql is None:
        streams = _Requests(session, shard_query, put, partial(_result, query, shard_query)).streams
        session.end_transaction()
        with gathered(streams, query.limit, session.cancellation, tells=query.tells_overflow, in_threads=often) as rows:
            yield rows
        return
    streams = _Requests(session, shard_query, put, Session.unchanged).streams
    session.begin_again(Access.READ_WRITE)
    session.run_in_write_transaction(partial(_gather, shard_query, streams, session.cancellation))
    final = Translation(query.plan.final_sql, query.outputs, ())
    yield session.rows(final, query.encoding, query.maxrec, overflow=query.maxrec > 0)


def _of_reachable_shards(query: ShardQuery, session: Session, unsearched: UnsearchedSky) -> ShardQuery:
    """Leave out the shards that are away, and note them. Raises: ShardAway where none can be reached."""
    away = session.engine.shards.away(query.shards, _access(query))
    reachable = tuple(name for name in query.shards if name not in away)
    if not reachable:
        raise ShardAway(away[0], _sky(query, away))
    unsearched.shards, unsearched.sky = away, _sky(query, away)
    return replace(query, shards=reachable)


def plan_on_shard(session: Session, query: ShardQuery) -> list[str]:
    """Return PostgreSQL's plan on the first shard; none where it needs tables that only a query brings.

    Raises: ShardAway.
    """
    shard, cancellation = query.shards[0], Cancellation()
    if query.broadcasts:
        return []
    with session.engine.shards.session(shard, session.limit, cancellation, Access.READ_ONLY) as on_shard:
        return [f"-- on {shard}", *on_shard.explain(query.sql(shard))]


def _access(query: ShardQuery) -> Access:
    """Return the access that a query needs: broadcast tables are written as temporary ones."""
    return Access.READ_WRITE if query.broadcasts else Access.READ_ONLY


def _sky(query: ShardQuery, shards: tuple[str, ...]) -> str:
    return moc_of(query.ranges(shards), query.partitioned[0].partitioning.order)


def gather_in_steps(session: Session, plan: DistributedPlan) -> bool:
    """Gather one table after the other; return False if that is too much.

    Raises: ShardAway, Interrupted, psycopg.Error.
    """
    session.begin_again(Access.READ_WRITE)
    for query in plan.shard_queries:
        tables = [_BroadcastTable(session, broadcast) for broadcast in query.broadcasts]
        streams = _Requests(session, query, partial(_put, tables, _nothing), partial(_some, query)).streams
        if not session.run_in_write_transaction(partial(_gather, query, streams, session.cancellation)):
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Requests:
    """A ShardQuery on its way to the shards."""

    session: Session
    query: ShardQuery
    fill: Fill
    ask: Ask

    @property
    def streams(self) -> list[Stream]:
        return [partial(self._rows, shard) for shard in self.query.shards]

    def _rows(self, shard: str, cancellation: Cancellation) -> Iterator[Block]:
        shards, access, work = self.session.engine.shards, _access(self.query), ShardWork(shard)
        self.session.shard_work.append(work)
        try:
            with shards.session(shard, self.session.limit, cancellation, access) as on_shard:
                for _ in self.fill(on_shard, shard):
                    yield from work.watched(self.ask(on_shard, self.query.sql(shard)))
        except ShardAway as error:
            raise ShardAway(shard, _sky(self.query, (shard,))) from error


def _result(query: DistributedQuery, shard_query: ShardQuery, on_shard: Session, statement: str) -> CopyRows:
    """Return a shard's rows of the result; one more than is wanted tells whether there are more."""
    translation = Translation(statement, shard_query.outputs, ())
    return on_shard.rows(translation, query.encoding, query.limit + query.tells_overflow, overflow=False)


def _some(query: ShardQuery, on_shard: Session, statement: str) -> Iterable[Block]:
    """Return a shard's rows, unless PostgreSQL expects that they are far too many: then one block, which tells it."""
    if query.most and not query.is_tied and on_shard.expected_rows(statement) > _FAR * query.most:
        return [Block(b"", [0] * (query.most + 1))]
    return on_shard.unchanged(statement)


def _put(tables: list["_BroadcastTable"], fill: Fill, on_shard: Session, shard: str) -> Iterator[None]:
    for table in tables:
        on_shard.run_in_write_transaction(table.put)
    yield from fill(on_shard, shard)


def _nothing(on_shard: Session, shard: str) -> Iterator[None]:
    yield


def _gather(
    query: ShardQuery, streams: list[Stream], cancellation: Cancellation, connection: psycopg.Connection
) -> bool:
    """Gather the rows of all shards into a temporary table; return False if they are too many.

    Shards are asked when COPY waits for them: a connection that did nothing meanwhile would be closed.
    """
    table, streamed = str(query.table), list[GatheredRows]()
    connection.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(table)))
    create(connection, table, columns_of(query.outputs))
    take_in(connection, table, _all_rows(streams, query.most or sys.maxsize, cancellation, streamed))
    if query.position:
        connection.execute(position_index(sql.Identifier("pg_temp", table), *query.position))
    return not any(rows.overflow for rows in streamed)


def _all_rows(
    streams: list[Stream], most: int, cancellation: Cancellation, streamed: list[GatheredRows]
) -> Iterator[Block]:
    with gathered(streams, most, cancellation, tells=True) as rows:
        streamed.append(rows)
        yield from rows


class _BroadcastTable:
    """A small table of the coordinator's, read once, to be put into the sessions of shards."""

    def __init__(self, session: Session, broadcast: Broadcast) -> None:
        self._name = broadcast.there
        self._columns: Columns = broadcast.columns
        self._position = broadcast.position
        self._blocks = list(session.unchanged(broadcast.sql))

    def put(self, connection: psycopg.Connection) -> None:
        outputs = tuple(Output(name, name, Info(type_)) for name, type_ in self._columns)
        filled = f"{self._name}_numbers" if has_geometry(outputs) else self._name
        create(connection, filled, columns_of(as_numbers(outputs)))
        take_in(connection, filled, self._blocks)
        if filled != self._name:
            view = as_geometries(f"SELECT * FROM pg_temp.{filled}", outputs)
            connection.execute(f"CREATE TEMPORARY VIEW {self._name} AS {view}".encode())
        if self._position:
            connection.execute(position_index(sql.Identifier("pg_temp", filled), *self._position))
