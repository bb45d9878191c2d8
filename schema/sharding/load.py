"""A file into a table that lies on several servers, each row where its place in the sky belongs.

The file is read twice: once for how many rows each cell has, so that all ranges hold about as many, and once for
the rows, which go straight to the shards. Each shard has its part, with indexes, before the coordinator knows of it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from schema import types
from schema.bounds import measured
from schema.description import Description
from schema.load.copy_binary import HEADER, TRAILER, encode_rows, is_ascii
from schema.load.reader import LoadError, Reader
from schema.model import Column, Pixel, Table
from schema.plan import PlannedColumn, check_named, leading_columns, main_position, plan_columns
from schema.publish import (
    Loaded,
    Progress,
    create_table,
    described_table,
    index_table,
    make_schema,
    publish_described,
    refused_rows,
    split_table_name,
    storage_for,
    warnings_of,
    with_text_type,
)
from schema.sharding.layout import NOWHERE, ORDER, Cells, Range, balanced, cells_of
from schema.sharding.shards import Shard, known_shards

RANGES_EACH = 4
"""Ranges of one shard: moving one to another shard moves a part of its rows."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the table shall be, and where its parts go."""

    schema_name: str
    storage: str
    columns: list[PlannedColumn]
    position: tuple[Column, Column]
    pixel: Pixel
    shards: tuple[Shard, ...]
    ranges: tuple[Range, ...]
    description: Description

    def partition(self, index: int) -> str:
        return f"{self.storage}_p{index}"

    def target(self, index: int) -> sql.Identifier:
        """On its shard and as foreign table it has the same name."""
        return sql.Identifier(self.schema_name, self.partition(index))

    @property
    def all_columns(self) -> list[PlannedColumn]:
        about = Column(self.pixel.column, types.INTEGER.datatype)
        return [*self.columns, PlannedColumn(self.pixel.column, len(self.columns), types.INTEGER, about)]


def load_sharded(
    connection: psycopg.Connection,
    open_reader: Callable[[], Reader],
    table_name: str,
    description: Description,
    progress: Progress = lambda rows, fraction: None,
) -> Loaded:
    """As `load_table`, on all shards of the coordinator. Raises: LoadError, DescriptionError, with nothing left behind."""
    shards = known_shards(connection)
    if not shards:
        raise LoadError("there are no shards; name them with armillary shards init")
    schema_name, name = split_table_name(table_name)
    reader = open_reader()
    columns = plan_columns(reader.columns, description, by_content=True)
    position = main_position([c.about for c in columns], description)
    check_named([c.name for c in columns], description)
    if position is None:
        raise LoadError(f"{table_name}: a sharded table needs a position; name it as ra and dec in its description")
    counts = _counts(reader, columns, position)
    ranges = balanced(counts, len(shards), RANGES_EACH)
    with connection.transaction():
        make_schema(connection, schema_name)
        previous, storage = storage_for(connection, schema_name, name)
        left = _parts(connection, table_name)
        pixel = Pixel(_free_name(columns), ORDER, position[0].name, position[1].name)
        plan = _Plan(schema_name, storage, columns, position, pixel, shards, ranges, description)
        rows, wide = _fill_shards(plan, open_reader(), progress)
        parts = [(r.shard, schema_name, plan.partition(i)) for i, r in enumerate(ranges)]
        with ExitStack() as undo:
            undo.callback(_drop_parts, shards, parts)
            table = _attach(connection, plan, name, rows, wide)
            undo.pop_all()
    if previous is not None:
        with connection.transaction():
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema_name, previous)))
        _drop_parts(shards, [(n, schema_name, p) for n, p in left])
    return Loaded(table, warnings_of(table), previous)


def _free_name(columns: list[PlannedColumn]) -> str:
    name, taken = f"hpx{ORDER}", {c.name for c in columns}
    while name in taken:
        name += "_"
    return name


def _counts(reader: Reader, columns: list[PlannedColumn], position: tuple[Column, Column]) -> Cells:
    counts = np.zeros(12 * 4**ORDER - NOWHERE, np.int64)
    for batch in reader.batches():
        cells = _cells(batch.select([c.index for c in columns]), columns, position)
        counts += np.bincount(cells - NOWHERE, minlength=len(counts))
    return counts


def _cells(batch: pa.RecordBatch, columns: list[PlannedColumn], position: tuple[Column, Column]) -> Cells:
    places = {c.name: i for i, c in enumerate(columns)}
    ra, dec = (batch.column(places[each.name]) for each in position)
    return cells_of(ra, dec)


# ---- on the shards


def _fill_shards(plan: _Plan, reader: Reader, progress: Progress) -> tuple[Cells, set[str]]:
    """Rows of every range, and the text columns that hold more than ASCII. All or nothing but for a crash between commits."""
    for shard in plan.shards:
        with _connected(shard) as connection:
            make_schema(connection, plan.schema_name)
            connection.commit()
    with ExitStack() as stack:
        connections = [stack.enter_context(_connected(plan.shards[r.shard])) for r in plan.ranges]
        for index, connection in enumerate(connections):
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(plan.target(index)))
            create_table(connection, plan.target(index), plan.all_columns, plan.description)
        rows, wide = _copy(plan, connections, reader, progress)
        with ThreadPoolExecutor(len(plan.shards)) as threads:
            list(threads.map(lambda pair: _finish(plan, *pair), enumerate(connections)))
        for connection in connections:
            connection.commit()
    return rows, wide


@contextmanager
def _connected(shard: Shard) -> Iterator[psycopg.Connection]:
    """In a transaction that is rolled back unless it was committed."""
    try:
        connection = psycopg.connect(shard.database)
    except psycopg.OperationalError as error:
        raise LoadError(f"shard {shard.name} cannot be reached: {str(error).strip()}") from error
    try:
        yield connection
    finally:
        connection.close()


def _finish(plan: _Plan, index: int, connection: psycopg.Connection) -> None:
    index_table(connection, plan.target(index), plan.position, plan.description)
    connection.execute(sql.SQL("ANALYZE {}").format(plan.target(index)))


def _copy(
    plan: _Plan, connections: list[psycopg.Connection], reader: Reader, progress: Progress
) -> tuple[Cells, set[str]]:
    columns, rows, wide = plan.all_columns, np.zeros(len(plan.ranges), np.int64), set[str]()
    firsts = np.array([each.first for each in plan.ranges])
    command = "COPY {} FROM STDIN (FORMAT binary, FREEZE)"
    with refused_rows(), ExitStack() as stack:
        copies = [
            stack.enter_context(stack.enter_context(c.cursor()).copy(sql.SQL(command).format(plan.target(i))))
            for i, c in enumerate(connections)
        ]
        for copy in copies:
            copy.write(HEADER)
        for batch in reader.batches():
            chosen = batch.select([c.index for c in plan.columns])
            wide |= {
                c.name for i, c in enumerate(plan.columns) if c.type is types.TEXT and not is_ascii(chosen.column(i))
            }
            cells = _cells(chosen, plan.columns, plan.position)
            owners = np.searchsorted(firsts, cells, side="right") - 1
            order = np.argsort(owners, kind="stable")
            placed = chosen.append_column(plan.pixel.column, pa.array(cells.astype(np.int32))).take(pa.array(order))
            data, starts = encode_rows(placed, tuple(c.type for c in columns))
            ends = np.append(starts, len(data))
            cuts = np.searchsorted(owners[order], np.arange(len(firsts) + 1))
            for index, copy in enumerate(copies):
                copy.write(data[ends[cuts[index]] : ends[cuts[index + 1]]])
            rows += np.diff(cuts)
            progress(int(rows.sum()), reader.fraction())
        for copy in copies:
            copy.write(TRAILER)
    return rows, wide


def _drop_parts(shards: tuple[Shard, ...], parts: list[tuple[int, str, str]]) -> None:
    for index, schema_name, partition in parts:
        with psycopg.connect(shards[index].database, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema_name, partition)))


# ---- on the coordinator


def _parts(connection: psycopg.Connection, table_name: str) -> list[tuple[int, str]]:
    """Shards, by number, and partitions of a table as it is now."""
    numbers = {shard.name: i for i, shard in enumerate(known_shards(connection))}
    found = connection.execute(
        "SELECT shard_name, partition FROM armillary.ranges WHERE table_name = %s", (table_name,)
    ).fetchall()
    return [(numbers[shard], partition) for shard, partition in found]


def _attach(connection: psycopg.Connection, plan: _Plan, name: str, rows: Cells, wide: set[str]) -> Table:
    parent = sql.Identifier(plan.schema_name, plan.storage)
    without_key = replace(plan.description, table=replace(plan.description.table, primary_key=()))
    division = sql.SQL(" PARTITION BY RANGE ({})").format(sql.Identifier(plan.pixel.column))
    create_table(connection, parent, plan.all_columns, without_key, division)
    for index, each in enumerate(plan.ranges):
        command = sql.SQL(
            "CREATE FOREIGN TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({}) SERVER {} OPTIONS (schema_name {}, table_name {})"
        )
        connection.execute(
            command.format(
                plan.target(index),
                parent,
                each.first,
                each.beyond,
                sql.Identifier(plan.shards[each.shard].name),
                plan.schema_name,
                plan.partition(index),
            )
        )
    connection.execute(sql.SQL("ANALYZE {}").format(parent))
    about = measured(connection, parent, tuple(with_text_type(c, wide) for c in plan.columns))
    table = described_table(
        plan.schema_name, name, about, plan.description, leading_columns(plan.position, plan.description)
    )
    storage = plan.storage if plan.storage != name else None
    table = replace(table, nrows=int(rows.sum()), storage=storage, pixel=plan.pixel)
    publish_described(connection, table, plan.description, plan.position, loaded=True)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO armillary.ranges VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (table.table_name, r.first, r.beyond, plan.shards[r.shard].name, plan.partition(i), int(rows[i]))
                for i, r in enumerate(plan.ranges)
            ],
        )
    return table
