"""The rows of a query, in the way that suits it: plain, by parts of an upload, from shards, or in steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adql.row_independence import SplittableTable
from adql.translate import Translation
from tap.engine.engine import Session
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block, CopyRows, RowStream
from tap.progress import QueryProgress
from tap.sharding.engines.citus.execution import CitusQuery, citus_rows
from tap.sharding.execution.executor import (
    DistributedQuery,
    UnsearchedSky,
    asks_shards_first,
    distributed_rows,
    gather_in_steps,
)
from tap.sharding.execution.upload_fanout import UploadOptions, fanned_out
from tap.sharding.planning import CitusPlan, DistributedPlan, QueryPlan
from tap.uploads.load import Allowance, Declared, UploadLimits, fill, fill_whole
from tap.uploads.parts import Position, Sorting, UploadPart, in_parts


@dataclass(frozen=True, slots=True)
class QueryRun:
    """What is to be run, and how its rows leave. `unsearched` is told what could not be searched, if the rest will do."""

    session: Session
    plan: QueryPlan
    encoding: RowEncoding
    maxrec: int
    unsearched: UnsearchedSky | None = None

    def rows(self, already: int = 0) -> CopyRows:
        """Return the rows that the coordinator makes. Raises: psycopg.Error, Interrupted, ShardAway."""
        maxrec, distributed = self.maxrec - already, self.plan.distributed
        if (
            isinstance(distributed, DistributedPlan)
            and distributed.in_steps
            and self.maxrec
            and gather_in_steps(self.session, distributed)
        ):
            final = Translation(str(distributed.final_sql), self.plan.translation.outputs, ())
            return self.session.rows(final, self.encoding, maxrec)
        return self.session.rows(self.plan.translation, self.encoding, maxrec, overflow=self.maxrec > 0)


@contextmanager
def rows_of(
    run: QueryRun, uploads: list[Declared], limits: UploadLimits, sorting: Sorting, progress: QueryProgress
) -> Iterator[RowStream]:
    """Yield the rows, as long as the block lasts. Raises: LoadError, psycopg.Error, Interrupted, ShardAway."""

    def tell(rows: int) -> None:
        progress.add(uploaded=rows)
        run.session.keep_alive()

    options = UploadOptions(Allowance(limits), sorting, progress, tell)
    distributed, splittable = run.plan.distributed, _splittable(run, uploads)
    if isinstance(distributed, CitusPlan):
        with _by_citus(run, distributed, uploads, options) as rows:
            yield rows
    elif distributed and asks_shards_first(distributed, run.maxrec):
        with _from_shards(run, distributed, uploads, options) as rows:
            yield rows
    elif splittable:
        with _by_parts(run, *splittable, uploads, options) as rows:
            yield rows
    else:
        for upload in uploads:
            _fill_whole(run.session, upload, options.allowance)
        # In steps, if its plan is such: tables on shards come to the coordinator first.
        yield run.rows()


def _splittable(run: QueryRun, uploads: list[Declared]) -> tuple[Declared, SplittableTable] | None:
    """Return the upload whose rows may come in parts."""
    if not uploads or not run.maxrec:
        return None
    known = {apart.stored: apart for apart in run.plan.translation.apart}
    for upload in uploads:
        if apart := known.get(upload.table.stored_parts):
            return upload, apart
    return None


@contextmanager
def _from_shards(
    run: QueryRun, plan: DistributedPlan, uploads: list[Declared], options: UploadOptions
) -> Iterator[RowStream]:
    splittable = _splittable(run, uploads) if plan.final_sql is None else None
    in_turn = splittable[0] if splittable else None
    query = DistributedQuery(run.session, run.plan.translation.outputs, plan, run.encoding, run.maxrec, run.unsearched)
    with fanned_out(plan.shard_queries[0], uploads, options, in_turn) as fanout:
        with distributed_rows(query, fanout.fill, often=in_turn is not None) as rows:
            yield rows
        options.progress.add(matched=options.progress.uploaded - options.progress.matched)


@contextmanager
def _by_citus(run: QueryRun, plan: CitusPlan, uploads: list[Declared], options: UploadOptions) -> Iterator[RowStream]:
    for upload in uploads:
        _fill_whole(run.session, upload, options.allowance)
    query = CitusQuery(run.session, run.plan.translation.outputs, plan, run.encoding, run.maxrec, run.unsearched)
    with citus_rows(query) as rows:
        yield rows


@contextmanager
def _by_parts(
    run: QueryRun, upload: Declared, apart: SplittableTable, uploads: list[Declared], options: UploadOptions
) -> Iterator[RowStream]:
    for other in uploads:
        if other is not upload:
            _fill_whole(run.session, other, options.allowance)
    position = _position(upload, apart)
    with in_parts(upload, position, options.sorting, options.allowance, options.tell) as parts:
        yield PartitionedRows(run, upload, parts, options.progress)


class PartitionedRows(RowStream):
    """The rows of a query that runs for one part of an upload after the other."""

    def __init__(self, run: QueryRun, upload: Declared, parts: list[UploadPart], progress: QueryProgress) -> None:
        self._run = run
        self._upload = upload
        self._progress = progress
        super().__init__(self._read(parts))

    def _read(self, parts: list[UploadPart]) -> Iterator[Block]:
        count = 0
        for part in parts:
            self._fill(part)
            rows = self._run.rows(count)
            yield from rows
            count += rows.count
            self._progress.add(matched=part.rows)
            if rows.overflow:
                self.overflow = True
                return

    def _fill(self, part: UploadPart) -> None:
        self._run.session.run_in_write_transaction(lambda connection: fill(connection, self._upload, part.pieces))


def _fill_whole(session: Session, upload: Declared, allowance: Allowance) -> None:
    session.run_in_write_transaction(lambda connection: fill_whole(connection, upload, allowance))


def _position(upload: Declared, apart: SplittableTable) -> Position:
    places = {column.stored: place for place, column in enumerate(upload.table.columns)}
    if apart.position is None or not set(apart.position) <= set(places):
        return None
    lon, lat = (places[name] for name in apart.position)
    return lon, lat
