"""Rows of a query on uploads: those that must be there whole are; the one whose rows may come in parts does."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adql import Translation
from adql.apart import Apart
from adql.spread import Spread
from tap.engine.engine import Session
from tap.engine.rows import Block, Rows
from tap.engine.wire import Wire
from tap.sharding.execution.executor import Asked, Missing, asked_at_once, spread_rows, takes_steps
from tap.sharding.execution.gather import Merged
from tap.sharding.execution.upload_fanout import How, shared
from tap.tally import Tally
from tap.uploads.load import Allowance, Declared, Limits, fill, fill_whole
from tap.uploads.parts import Part, Position, Sorting, in_parts


@dataclass(frozen=True, slots=True)
class Query:
    """What is to be run, and how its rows leave. `missing` is told what could not be searched, if the rest will do."""

    session: Session
    translation: Translation
    wire: Wire
    maxrec: int
    missing: Missing | None = None

    def rows(self, already: int = 0) -> Rows:
        """Raises: psycopg.Error, Interrupted, ShardAway."""
        left, spread = self.maxrec - already, self.translation.spread
        if spread and spread.steps and self.maxrec and takes_steps(self.session, spread):
            translation = Translation(str(spread.final), self.translation.outputs, ())
            return self.session.rows(translation, self.wire, left)
        return self.session.rows(self.translation, self.wire, left, overflow=self.maxrec > 0)


class RowsOfParts:
    """The rows of a query that runs for one part of an upload after the other; used as Rows."""

    def __init__(self, query: Query, upload: Declared, parts: list[Part], tally: Tally) -> None:
        self.overflow = False
        self._query = query
        self._upload = upload
        self._tally = tally
        self._blocks = self._read(parts)
        self._first = next(self._blocks, None)

    def __iter__(self) -> Iterator[Block]:
        if self._first is not None:
            yield self._first
            yield from self._blocks

    def _read(self, parts: list[Part]) -> Iterator[Block]:
        count = 0
        for part in parts:
            self._fill(part)
            rows = self._query.rows(count)
            yield from rows
            count += rows.count
            self._tally.add(matched=part.rows)
            if rows.overflow:
                self.overflow = True
                return

    def _fill(self, part: Part) -> None:
        self._query.session.write(lambda connection: fill(connection, self._upload, part.pieces))


@contextmanager
def rows_of(
    query: Query, uploads: list[Declared], limits: Limits, sorting: Sorting, tally: Tally
) -> Iterator[Rows | RowsOfParts | Merged]:
    """The rows, as long as the block lasts. Raises: LoadError, psycopg.Error, Interrupted, ShardAway."""
    allowance = Allowance(limits)

    def tell(rows: int) -> None:
        tally.add(uploaded=rows)
        query.session.rest()

    if spread := asked_at_once(query.translation, query.maxrec):
        with _spread(query, spread, uploads, How(allowance, sorting, tally, tell)) as rows:
            yield rows
        return
    in_turn, apart = _in_turn(uploads, query)
    for upload in uploads:
        if upload is not in_turn:
            _fill_whole(query.session, upload, allowance)
    if in_turn is None or apart is None:
        yield query.rows()
        return

    with in_parts(in_turn, _position(in_turn, apart), sorting, allowance, tell) as parts:
        yield RowsOfParts(query, in_turn, parts, tally)


@contextmanager
def _spread(query: Query, spread: Spread, uploads: list[Declared], how: How) -> Iterator[Rows | Merged]:
    in_turn = _in_turn(uploads, query)[0] if spread.final is None else None
    asked = Asked(query.session, query.translation, spread, query.wire, query.maxrec, query.missing)
    with shared(spread.gathers[0], uploads, how, in_turn) as there:
        with spread_rows(asked, there.fill, often=in_turn is not None) as rows:
            yield rows
        how.tally.add(matched=how.tally.uploaded - how.tally.matched)


def _fill_whole(session: Session, upload: Declared, allowance: Allowance) -> None:
    session.write(lambda connection: fill_whole(connection, upload, allowance))


def _in_turn(uploads: list[Declared], query: Query) -> tuple[Declared | None, Apart | None]:
    """The upload whose rows may come in parts."""
    known = {apart.stored: apart for apart in query.translation.apart}
    for upload in uploads if query.maxrec else ():
        if apart := known.get(upload.table.stored_parts):
            return upload, apart
    return None, None


def _position(upload: Declared, apart: Apart) -> Position:
    places = {column.stored: place for place, column in enumerate(upload.table.columns)}
    if apart.position is None or not set(apart.position) <= set(places):
        return None
    lon, lat = (places[name] for name in apart.position)
    return lon, lat
