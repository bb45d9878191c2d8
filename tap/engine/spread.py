"""Runs queries on shards: each is asked for its rows, which are the result, or come together at the coordinator."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from adql import Translation
from adql.spread import Gather, Spread, Travels
from adql.spread.travels import UPLOADED
from tap.engine.carry import Columns, columns_of, create, take_in
from tap.engine.engine import Session
from tap.engine.interrupt import Interrupt
from tap.engine.merged import Merged, Stream, merged
from tap.engine.rows import Block, Rows
from tap.engine.wire import Wire

MOST_SORTED = 1_000_000
"""Rows of a result that are gathered only to be sorted; more come sorted from PostgreSQL's own way, as a stream."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query on shards: how its rows leave, and how many at most."""

    session: Session
    translation: Translation
    spread: Spread
    wire: Wire
    maxrec: int

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


def is_spread(translation: Translation, maxrec: int) -> bool:
    """Whether shards are to be asked, or PostgreSQL is left to do it."""
    found = translation.spread
    if found is None or not found.sorts or maxrec <= MOST_SORTED:
        return found is not None
    return any(each.parts[0] == UPLOADED for each in found.gather.travels)


@contextmanager
def spread_rows(asked: Asked, fill: Fill) -> Iterator[Merged | Rows]:
    """The rows of the result, as long as the block lasts. Raises: ShardAway, Interrupted, psycopg.Error."""
    gather, session = asked.spread.gather, asked.session
    carried = [_Carried(session, each) for each in gather.travels if each.parts[0] != UPLOADED]
    ask = partial(_rows_of_shard, asked, carried, fill)
    streams: list[Stream] = [partial(ask, shard) for shard in gather.shards]
    if asked.spread.final is None:
        session.leave()
        with merged(streams, asked.limit, session.interrupt, tells=asked.more) as rows:
            yield rows
        return
    session.write(partial(_gather, gather, _all_rows(streams, session.interrupt)))
    final = Translation(asked.spread.final, asked.translation.outputs, ())
    yield session.rows(final, asked.wire, asked.maxrec, overflow=asked.maxrec > 0)


def _all_rows(streams: list[Stream], interrupt: Interrupt) -> Iterator[Block]:
    """Shards are asked when the first is wanted: until then the coordinator would wait for us."""
    with merged(streams, sys.maxsize, interrupt) as rows:
        yield from rows


def _gather(gather: Gather, rows: Iterable[Block], connection: psycopg.Connection) -> None:
    create(connection, str(gather.table), columns_of(gather.outputs))
    take_in(connection, str(gather.table), rows)


class _Carried:
    """A small table of the coordinator's, read once, to be put into the sessions of shards."""

    def __init__(self, session: Session, travels: Travels) -> None:
        self._name = travels.there
        self._columns: Columns = travels.columns
        names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in travels.columns)
        command = sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(*travels.parts))
        self._blocks = list(session.unchanged(command.as_string()))

    def put(self, connection: psycopg.Connection) -> None:
        create(connection, self._name, self._columns)
        take_in(connection, self._name, self._blocks)


def _rows_of_shard(
    asked: Asked, carried: list[_Carried], fill: Fill, shard: str, interrupt: Interrupt
) -> Iterator[Block]:
    gather, limit = asked.spread.gather, asked.session.limit
    shards, writes = asked.session.engine.shards, bool(gather.travels)
    with shards.session(shard, limit, interrupt, uploads=writes) as there:
        for each in carried:
            there.write(each.put)
        for _ in fill(there, shard):
            yield from _rows(asked, there, gather.asked(shard))


def _rows(asked: Asked, there: Session, sql: str) -> Rows:
    outputs = asked.spread.gather.outputs
    if asked.spread.final is None:
        # One more than is wanted tells whether there are more.
        return there.rows(Translation(sql, outputs, ()), asked.wire, asked.limit + asked.more, overflow=False)
    return there.unchanged(sql)
