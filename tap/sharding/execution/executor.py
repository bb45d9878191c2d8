"""Runs queries on shards: each is asked for its rows, which are the result, or come together at the coordinator."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import psycopg
from psycopg import sql

from adql import Translation
from adql.comparable import as_geometries, as_numbers, has_geometry
from adql.info import Info
from adql.nodes import Output
from adql.spread import Gather, Spread, Travels
from adql.spread.travels import UPLOADED
from schema.existing import position_index
from tap.engine.engine import Session, ShardAway
from tap.engine.interrupt import Interrupt
from tap.engine.rows import Block, Rows
from tap.engine.temp_tables import Columns, columns_of, create, take_in
from tap.engine.wire import Wire
from tap.sharding.execution.gather import Merged, Stream, merged
from tap.sharding.moc import moc_of

MOST_SORTED = 1_000_000
"""Rows of a result that are gathered only to be sorted; more come sorted from PostgreSQL's own way, as a stream."""
_FAR = 0.5
"""Of what one table may bring, for one shard: estimates are rough."""


@dataclass(slots=True)
class Missing:
    """What was not searched: shards, and which part of the sky they have, as a MOC."""

    shards: tuple[str, ...] = ()
    sky: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query on shards: how its rows leave, and how many at most.

    `missing` is told which shards are away, if the rest is wanted all the same.
    """

    session: Session
    translation: Translation
    spread: Spread
    wire: Wire
    maxrec: int
    missing: "Missing | None" = None

    @property
    def more(self) -> bool:
        """Whether it is to be told that there are more rows than may come; of those beyond TOP it is not."""
        return self.maxrec > 0 and (self.spread.top is None or self.spread.top > self.maxrec)

    @property
    def limit(self) -> int:
        """Of the rows that come together from all shards."""
        return self.maxrec if self.spread.top is None else min(self.spread.top, self.maxrec)


Fill = Callable[[Session, str], Iterator[None]]
"""Puts uploads into a shard's session; each time that it yields the query runs for what is there."""
Ask = Callable[[Session, str], Iterable[Block]]
"""Sends a shard its SQL."""


def asked_at_once(translation: Translation, maxrec: int) -> Spread | None:
    """How, if the shards are to be asked before anything runs here."""
    found = translation.spread
    if found is None or found.steps:
        return None
    uploads = any(each.parts[0] == UPLOADED for gather in found.gathers for each in gather.travels)
    return found if uploads or not found.sorts or maxrec <= MOST_SORTED else None


@contextmanager
def spread_rows(asked: Asked, fill: Fill, *, often: bool) -> Iterator[Merged | Rows]:
    """The rows of the result, as long as the block lasts; `often`: `fill` has more to do between rows.

    Raises: ShardAway, Interrupted, psycopg.Error.
    """
    (gather,), session = asked.spread.gathers, asked.session
    if asked.missing is not None:
        gather = _without_missing(gather, session, asked.missing)
    carried = [_Carried(session, each) for each in gather.travels if each.parts[0] != UPLOADED]
    if asked.spread.final is None:
        streams = _Asking(session, gather, partial(_put, carried, fill), partial(_result, asked, gather)).streams
        session.leave()
        with merged(streams, asked.limit, session.interrupt, tells=asked.more, in_threads=often) as rows:
            yield rows
        return
    streams = _Asking(session, gather, partial(_put, carried, fill), Session.unchanged).streams
    session.write(partial(_gather, gather, streams, session.interrupt))
    final = Translation(asked.spread.final, asked.translation.outputs, ())
    yield session.rows(final, asked.wire, asked.maxrec, overflow=asked.maxrec > 0)


def _without_missing(gather: Gather, session: Session, missing: Missing) -> Gather:
    """Raises: ShardAway where none is left."""
    away = session.engine.shards.away(gather.shards, uploads=bool(gather.travels))
    left = tuple(name for name in gather.shards if name not in away)
    if not left:
        raise ShardAway(away[0], _sky(gather, away))
    missing.shards, missing.sky = away, _sky(gather, away)
    return replace(gather, shards=left)


def plan_on_shard(session: Session, gather: Gather) -> list[str]:
    """Of the first that is asked; none where it needs tables that only a query brings. Raises: ShardAway."""
    shard, interrupt = gather.shards[0], Interrupt()
    if gather.travels:
        return []
    with session.engine.shards.session(shard, session.limit, interrupt, uploads=False) as there:
        return [f"-- on {shard}", *there.explain(gather.asked(shard))]


def _sky(gather: Gather, shards: tuple[str, ...]) -> str:
    return moc_of(gather.ranges(shards), gather.divisions[0].pixel.order)


def takes_steps(session: Session, spread: Spread) -> bool:
    """Gathers one table after the other; False if that is too much. Raises: ShardAway, Interrupted, psycopg.Error."""
    for gather in spread.gathers:
        carried = [_Carried(session, each) for each in gather.travels]
        streams = _Asking(session, gather, partial(_put, carried, _nothing), partial(_some, gather)).streams
        if not session.write(partial(_gather, gather, streams, session.interrupt)):
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Asking:
    """A Gather on its way to the shards."""

    session: Session
    gather: Gather
    fill: Fill
    ask: Ask

    @property
    def streams(self) -> list[Stream]:
        return [partial(self._rows, shard) for shard in self.gather.shards]

    def _rows(self, shard: str, interrupt: Interrupt) -> Iterator[Block]:
        shards, writes = self.session.engine.shards, bool(self.gather.travels)
        try:
            with shards.session(shard, self.session.limit, interrupt, uploads=writes) as there:
                for _ in self.fill(there, shard):
                    yield from self.ask(there, self.gather.asked(shard))
        except ShardAway as error:
            raise ShardAway(shard, _sky(self.gather, (shard,))) from error


def _result(asked: Asked, gather: Gather, there: Session, sql: str) -> Rows:
    """One more than is wanted tells whether there are more."""
    translation = Translation(sql, gather.outputs, ())
    return there.rows(translation, asked.wire, asked.limit + asked.more, overflow=False)


def _some(gather: Gather, there: Session, sql: str) -> Iterable[Block]:
    """Unless PostgreSQL expects that they are far too many: then one block, which tells it."""
    if gather.most and not gather.is_tied and there.expected_rows(sql) > _FAR * gather.most:
        return [Block(b"", [0] * (gather.most + 1))]
    return there.unchanged(sql)


def _put(carried: list["_Carried"], fill: Fill, there: Session, shard: str) -> Iterator[None]:
    for each in carried:
        there.write(each.put)
    yield from fill(there, shard)


def _nothing(there: Session, shard: str) -> Iterator[None]:
    yield


def _gather(gather: Gather, streams: list[Stream], interrupt: Interrupt, connection: psycopg.Connection) -> bool:
    """Shards are asked when COPY waits for them: a connection that did nothing meanwhile would be closed."""
    table, found = str(gather.table), list[Merged]()
    connection.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(table)))
    create(connection, table, columns_of(gather.outputs))
    take_in(connection, table, _all_rows(streams, gather.most or sys.maxsize, interrupt, found))
    if gather.position:
        connection.execute(position_index(sql.Identifier("pg_temp", table), *gather.position))
    return not any(rows.overflow for rows in found)


def _all_rows(streams: list[Stream], most: int, interrupt: Interrupt, found: list[Merged]) -> Iterator[Block]:
    with merged(streams, most, interrupt, tells=True) as rows:
        found.append(rows)
        yield from rows


class _Carried:
    """A small table of the coordinator's, read once, to be put into the sessions of shards."""

    def __init__(self, session: Session, travels: Travels) -> None:
        self._name = travels.there
        self._columns: Columns = travels.columns
        self._position = travels.position
        self._blocks = list(session.unchanged(travels.sql))

    def put(self, connection: psycopg.Connection) -> None:
        outputs = tuple(Output(name, name, Info(type_)) for name, type_ in self._columns)
        filled = f"{self._name}_numbers" if has_geometry(outputs) else self._name
        create(connection, filled, columns_of(as_numbers(outputs)))
        take_in(connection, filled, self._blocks)
        if filled != self._name:
            made = as_geometries(f"SELECT * FROM pg_temp.{filled}", outputs)
            connection.execute(f"CREATE TEMPORARY VIEW {self._name} AS {made}".encode())
        if self._position:
            connection.execute(position_index(sql.Identifier("pg_temp", filled), *self._position))
