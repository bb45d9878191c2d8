"""Plans for Citus, run: lists are placed beside catalogues, steps bring rows to the coordinator, and Citus makes the result."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import psycopg
from psycopg import sql

from adql.comparable import as_geometries, has_geometry
from adql.nodes import Output
from adql.translate import Translation
from schema.existing import position_index
from schema.load.copy_binary import HEADER, TRAILER
from tap.engine.engine import Access, DatabaseAway, Session, ShardAway
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block, RowStream
from tap.engine.temp_tables import columns_of, copy_in, create, take_in
from tap.sharding.engines.citus.cells import touched_cells
from tap.sharding.engines.citus.export import LEAST, exported_rows, shards_of_workers
from tap.sharding.engines.citus.workers import CellsOfWorkers, cells_of_workers
from tap.sharding.execution.executor import UnsearchedSky
from tap.sharding.model import Placement
from tap.sharding.planning import CitusPlan, CitusStatement, PlacedTable
from tap.sharding.planning.cells_of_queries import CELL
from tap.sharding.planning.citus import PLACED

_POSITIONS = np.dtype(
    [("fields", ">i2"), ("l1", ">i4"), ("row", "V6"), ("l2", ">i4"), ("lon", ">f8"), ("l3", ">i4"), ("lat", ">f8")]
)
"""A row of COPY BINARY: its ctid and its position, none of them NULL."""
_CELLS = np.dtype([("fields", ">i2"), ("l1", ">i4"), ("row", "V6"), ("l2", ">i4"), ("cell", ">i4")])


@dataclass(frozen=True, slots=True)
class CitusQuery:
    """A plan to be run for a client: how the rows of the result leave, and how many at most.

    `unsearched` is told which workers are away, if the rest is wanted all the same.
    """

    session: Session
    outputs: tuple[Output, ...]
    plan: CitusPlan
    encoding: RowEncoding
    maxrec: int
    unsearched: UnsearchedSky | None = None


@contextmanager
def citus_rows(query: CitusQuery) -> Iterator[RowStream]:
    """Yield the rows of the result, as long as the block lasts. Uploads are in the session already. Raises: ShardAway, Interrupted, psycopg.Error."""
    statement = query.plan.statement
    most = query.maxrec if statement.top is None else min(query.maxrec, statement.top)
    if query.maxrec == 0:
        yield _NoRows()
        return
    is_export = statement.is_whole_table and most >= LEAST and query.unsearched is None
    if is_export and (shards := shards_of_workers(query.session, statement)):
        wanted = query.outputs, query.encoding, query.maxrec
        try:
            with exported_rows(query.session, statement, shards, wanted) as rows:
                yield rows
        except ShardAway as error:
            raise ShardAway(error.name, _cells(query).sky((error.name,))) from error
        return
    with _naming_workers(query):
        watched = _WatchedRows(query, _rows(query))
    yield watched


def _rows(query: CitusQuery) -> RowStream:
    plan, session = query.plan, query.session
    if plan.steps or plan.statement.placed:
        # Tables are made for it.
        session.begin_again(Access.READ_WRITE)
    if plan.steps and all(_gather(session, step) for step in plan.steps):
        final = Translation(plan.final_sql, query.outputs, ())
        return session.rows(final, query.encoding, query.maxrec)
    text = _ready(session, plan.statement.numeric, _reachable_cells(query))
    if has_geometry(query.outputs):
        text = as_geometries(text, query.outputs)
    result = Translation(text, query.outputs, ())
    return session.rows(result, query.encoding, query.maxrec)


def _ready(session: Session, statement: CitusStatement, cells: Mapping[tuple[str, ...], str] | None = None) -> str:
    """Place what the statement needs, and return its SQL."""
    stored: dict[str, str] = {}
    for table in statement.placed:
        stored[table.name] = session.run_in_write_transaction(partial(_place, table))
    return statement.sql(stored.__getitem__, cells)


def _gather(session: Session, step: CitusStatement) -> bool:
    """Bring the rows of a step into a temporary table; return False if they are too many."""
    text = _ready(session, step)
    blocks = list(session.unchanged(text))
    if step.most and sum(len(block.lengths) for block in blocks) > step.most:
        return False
    session.run_in_write_transaction(partial(_keep, step, blocks))
    return True


def _keep(step: CitusStatement, blocks: list[Block], connection: psycopg.Connection) -> None:
    table = str(step.table)
    create(connection, table, columns_of(step.outputs))
    take_in(connection, table, blocks)
    if step.position:
        connection.execute(position_index(sql.Identifier("pg_temp", table), *step.position))


# ---- placed tables


def _place(table: PlacedTable, connection: psycopg.Connection) -> str:
    """Make a distributed table of the rows of one of the coordinator's, and return its name.

    It belongs to this transaction, which is rolled back: Citus distributes no temporary tables.
    """
    staged = f"{table.name}_rows"
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    made = sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {}")
    connection.execute(made.format(sql.Identifier(staged), columns, sql.Identifier(*table.parts)))
    name = f"{table.name}_{connection.info.backend_pid}"
    target = sql.Identifier(PLACED, name)
    like = sql.SQL("CREATE UNLOGGED TABLE {} AS SELECT *, 0 AS {} FROM pg_temp.{} WITH NO DATA")
    connection.execute(like.format(target, sql.Identifier(CELL), sql.Identifier(staged)))
    distribute = "SELECT create_distributed_table(%s, %s, colocate_with => %s)"
    beside = sql.Identifier(*table.beside).as_string(connection)
    connection.execute(distribute, (target.as_string(connection), CELL, beside))
    _fill(connection, table, target, staged)
    return name


def _fill(connection: psycopg.Connection, table: PlacedTable, target: sql.Identifier, staged: str) -> None:
    rows = sql.Identifier("pg_temp", staged)
    if table.key:
        cell = sql.SQL("CASE WHEN {0} >> {1} BETWEEN 0 AND {2} THEN ({0} >> {1})::integer ELSE -1 END").format(
            sql.SQL("{}::bigint").format(sql.Identifier(table.key)), table.shift, 12 * 4**table.order - 1
        )
        connection.execute(sql.SQL("INSERT INTO {} SELECT *, {} FROM {}").format(target, cell, rows))
        return
    cells = f"{table.name}_cells"
    _put_cells(connection, table, rows, cells)
    fill = "INSERT INTO {} SELECT r.*, c.cell FROM {} AS r JOIN pg_temp.{} AS c ON c.row = r.ctid"
    connection.execute(sql.SQL(fill).format(target, rows, sql.Identifier(cells)))


def _put_cells(connection: psycopg.Connection, table: PlacedTable, rows: sql.Identifier, cells: str) -> None:
    """Write down in which cells each row stands, by its ctid: the rows themselves do not leave the server."""
    lon, lat = map(sql.Identifier, table.position)
    read = "COPY (SELECT ctid, coalesce({}::double precision, 'NaN'), coalesce({}::double precision, 'NaN') FROM {}) TO STDOUT (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(sql.SQL(read).format(lon, lat, rows)) as copy:
        data = b"".join(bytes(piece) for piece in copy)
    found = np.frombuffer(data[len(HEADER) : -len(TRAILER)], _POSITIONS)
    numbers, touched = touched_cells(
        found["lon"].astype(np.float64), found["lat"].astype(np.float64), table.radius, table.order
    )
    pairs = np.zeros(len(numbers), _CELLS)
    pairs["fields"], pairs["l1"], pairs["l2"] = 2, 6, 4
    pairs["row"], pairs["cell"] = found["row"][numbers], touched
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} (row tid, cell integer) ON COMMIT DROP").format(sql.Identifier(cells))
    )
    copy_in(connection, cells, [pairs.tobytes()])


# ---- workers that are away


def _reachable_cells(query: CitusQuery) -> dict[tuple[str, ...], str] | None:
    """Return for each table the condition that leaves out what workers have that are away, and note them.

    Raises: ShardAway where none can be reached, or where rows without a match might have one.
    """
    if query.unsearched is None:
        return None
    placements, statement = query.session.placements, query.plan.statement
    away = query.session.engine.shards.away(_workers(query))
    if not away:
        return None
    found = _cells(query)
    away = tuple(worker for worker in away if worker in found.workers)
    if not away:
        return None
    if query.plan.strategy != "push-down" or set(away) == set(found.workers):
        raise ShardAway(away[0], found.sky(away))
    query.unsearched.shards, query.unsearched.sky = away, found.sky(away)
    condition = found.condition_without(away)
    return {
        parts: f"{sql.Identifier(placements[parts].partitioning.column).as_string()} = ANY ({condition})"
        for parts in statement.distributed
    }


def _workers(query: CitusQuery) -> tuple[str, ...]:
    placements = query.session.placements
    return tuple(dict.fromkeys(name for parts in query.plan.statement.distributed for name in placements[parts].shards))


def _cells(query: CitusQuery) -> CellsOfWorkers:
    parts = next(iter(query.plan.statement.distributed))
    placement: Placement = query.session.placements[parts]
    return cells_of_workers(query.session, parts, placement.partitioning.order)


@contextmanager
def _naming_workers(query: CitusQuery) -> Iterator[None]:
    """Say which worker is away, where Citus says only that it lost a connection. Raises: ShardAway, DatabaseAway."""
    try:
        yield
    except psycopg.Error as error:
        if not _is_lost(error):
            raise
        away = query.session.engine.shards.away(_workers(query))
        if not away:
            # It is back already.
            raise DatabaseAway from error
        query.session.end_transaction()
        cells = _cells(query)
        worker = next((name for name in away if name in cells.workers), away[0])
        raise ShardAway(worker, cells.sky((worker,))) from error


def _is_lost(error: psycopg.Error) -> bool:
    """Return whether it tells of a lost connection, or of a server that goes down (SQLSTATE 08 and 57P)."""
    return (error.sqlstate or "").startswith(("08", "57P"))


class _NoRows(RowStream):
    """Of a query of which only the columns are wanted."""

    def __init__(self) -> None:
        super().__init__(iter(()))
        self.is_whole = True


class _WatchedRows(RowStream):
    """Rows on whose way a worker may be lost."""

    def __init__(self, query: CitusQuery, rows: RowStream) -> None:
        self._query = query
        self._rows = rows
        super().__init__(self._read())
        self.is_whole = rows.is_whole

    def _read(self) -> Iterator[Block]:
        with _naming_workers(self._query):
            yield from self._rows
            self.overflow = self._rows.overflow
