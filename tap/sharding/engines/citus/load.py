"""A file into a table that Citus distributes by its cells: through the coordinator, by several connections at once.

The table is there, empty and not published, before its rows come. A load that fails drops it; one that was killed
leaves it, and the next load of that name drops it and begins anew.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import make_conninfo

from schema.analyze import analyze_loaded
from schema.bounds import measured
from schema.copy_rows import Progress, RowSource, refused_rows
from schema.description import Description
from schema.existing import index_table
from schema.listing import make_schema
from schema.load.copy_binary import HEADER, TRAILER, fields_of, interleave
from schema.load.reader import LoadError, Reader
from schema.model import Column, Table
from schema.plan import leading_columns
from schema.positions import PositionCheck, with_ucds
from schema.publish import (
    Loaded,
    create_table,
    described_table,
    drop_stored,
    full_name,
    load_notes,
    position_check,
    publish_loaded,
    split_table_name,
    storage_for,
    warnings_of,
)
from schema.statements import statement
from schema.text_sizes import TextSizes
from tap.sharding.layout import NOWHERE
from tap.sharding.loading.checksum import PartitionContent, held, row_hashes
from tap.sharding.loading.load_journal import Unfinished, forget_load, lock_load, remember_load, unfinished
from tap.sharding.loading.table_plan import ShardedTablePlan, planned
from tap.sharding.shards import known_shards

_FEWEST, _MOST = 32, 1024
_EACH = 8
"""Shards of a table: at least so many, and so many for each worker, since each is read by a backend of its own."""
_CELLS_A_SHARD = 12
"""At least, so that shards are about alike."""
_COARSE, _FINE = 4, 6
"""Orders of cells: with the coarse ones cones and matches are faster, the fine ones can be spread on more shards."""
_CONNECTIONS = 4
"""By which rows come to the coordinator, which hands them on."""


def load_distributed(
    connection: psycopg.Connection,
    open_reader: Callable[[], Reader],
    table_name: str,
    description: Description,
    progress: Progress = lambda rows, fraction: None,
) -> Loaded:
    """Load a table as `load_table` does, on all workers. Raises: LoadError, DescriptionError, with nothing left behind."""
    schema_name, name = split_table_name(table_name)
    published, load_id = full_name(schema_name, name), uuid4().hex
    _drop_unfinished(connection, published)
    order, shards = division_for(len(known_shards(connection)))
    layout = description.table.sharded_with or published
    beside = _beside(connection, layout, published)
    with connection.transaction():
        make_schema(connection, schema_name)
        previous, storage = storage_for(connection, schema_name, name)
        reader = open_reader()
        names = (schema_name, name, storage)
        plan = planned(connection, reader, names, description, beside.order if beside else order)
        _create(connection, plan, shards, beside)
        remember_load(connection, published, Unfinished(load_id, storage, 0.0, ()))
    with _dropped_if_it_fails(connection, published, load_id), connection.transaction():
        check = position_check(plan.columns, plan.position, description)
        lock_load(connection, published, load_id)
        content, sizes, margin = _copied(connection, plan, reader, check, progress)
        _verify(connection, plan, content)
        index_table(connection, plan.parent, plan.position, description)
        connection.execute(sql.SQL("ANALYZE {}").format(plan.parent))
        about = measured(connection, plan.parent, sizes.applied([c.about for c in plan.columns]))
        columns = tuple(with_ucds(about, plan.position, description))
        partitioning = replace(plan.partitioning, margin=margin)
        table = _published(connection, replace(plan, partitioning=partitioning), name, columns, content)
        analyze_loaded(connection, table, (plan.position[0].name, plan.position[1].name) if plan.position else None)
        forget_load(connection, published)
    if previous is not None:
        drop_stored(connection, schema_name, previous)
    notes = load_notes(RowSource(reader, list(plan.columns), check), description, plan.position_note)
    return Loaded(table, warnings_of(table), previous is not None, notes)


def division_for(workers: int) -> tuple[int, int]:
    """Return the order of cells and the number of shards of new tables."""
    shards = _FEWEST
    while shards < min(_EACH * workers, _MOST):
        shards *= 2
    order = _COARSE if shards * _CELLS_A_SHARD <= 12 * 4**_COARSE else _FINE
    return order, shards


@dataclass(frozen=True, slots=True)
class TableBeside:
    """A table of a layout that is there, by its name in the database, and the order of the cells of all of them."""

    regclass: str
    order: int


def _beside(connection: psycopg.Connection, layout: str, published: str) -> TableBeside | None:
    """Return another table of the layout; None where the table is its first. Raises: LoadError where there is none for it to lie beside."""
    row = connection.execute(
        "SELECT table_name, partition, pixel_order FROM armillary.ranges JOIN armillary.tables USING (table_name)"
        " WHERE layout = %s AND table_name <> %s AND shard_name IS NULL LIMIT 1",
        (layout, published),
    ).fetchone()
    if row is not None:
        return TableBeside(sql.Identifier(split_table_name(row[0])[0], row[1]).as_string(), row[2])
    if layout != published:
        raise LoadError(f"sharded_with = {layout!r}: there is no such table on the shards")
    return None


def _create(connection: psycopg.Connection, plan: ShardedTablePlan, shards: int, beside: TableBeside | None) -> None:
    create_table(connection, plan.parent, plan.all_columns, plan.without_key)
    name, column = plan.parent.as_string(connection), plan.partitioning.column
    if beside is None:
        distribute = "SELECT create_distributed_table(%s, %s, colocate_with => 'none', shard_count => %s)"
        connection.execute(distribute, (name, column, shards))
        return
    distribute = "SELECT create_distributed_table(%s, %s, colocate_with => %s)"
    connection.execute(distribute, (name, column, beside.regclass))


# ---- the rows


def _copied(
    connection: psycopg.Connection,
    plan: ShardedTablePlan,
    reader: Reader,
    check: PositionCheck,
    progress: Progress,
) -> tuple[PartitionContent, TextSizes, float]:
    """Copy all rows; return what was sent, how long texts are, and the most degrees that a position lies outside of its cell."""
    rows, total, margin, sizes = 0, 0, 0.0, TextSizes()
    with refused_rows(), _writers(connection, plan) as write:
        for batch in reader.batches():
            chosen = check(plan.chosen(batch))
            sizes.add(chosen)
            cells = plan.cells(chosen)
            margin = max(margin, plan.margin(chosen, cells))
            column = pa.array(cells.astype(np.int32))
            types = tuple(c.type for c in plan.all_columns)
            fields = fields_of(chosen.append_column(plan.partitioning.column, column), types)
            total += int(row_hashes(fields, types).sum(dtype=np.uint64))
            write(interleave(fields, len(cells))[0])
            rows += chosen.num_rows
            progress(rows, reader.fraction())
    return PartitionContent(rows, total % 2**64), sizes, margin


@contextmanager
def _writers(connection: psycopg.Connection, plan: ShardedTablePlan) -> Iterator[Callable[[bytes], None]]:
    """Yield what takes rows; they go by several connections, in turn, and are committed when the block ends. Raises: psycopg.Error."""
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(_CONNECTIONS))
        copies = [stack.enter_context(_copying(connection, plan.parent)) for _ in range(_CONNECTIONS)]
        pending: deque[tuple[psycopg.Copy, Future[None]]] = deque()
        # Whatever happens, no thread writes to a copy that is being ended.
        stack.callback(lambda: wait([written for _, written in pending]))
        unused = iter(copies)

        def write(rows: bytes) -> None:
            copy = next(unused, None)
            if copy is None:
                copy, written = pending.popleft()
                written.result()
            pending.append((copy, threads.submit(copy.write, rows)))

        yield write
        for _, written in pending:
            written.result()


@contextmanager
def _copying(connection: psycopg.Connection, target: sql.Identifier) -> Iterator[psycopg.Copy]:
    """Yield a COPY on a connection of its own, to the same server."""
    own = make_conninfo(connection.info.dsn, password=connection.info.password or None)
    command = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(target)
    with psycopg.connect(own) as there, there.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(HEADER)
        yield copy
        copy.write(TRAILER)


def _verify(connection: psycopg.Connection, plan: ShardedTablePlan, sent: PartitionContent) -> None:
    """Raises: LoadError."""
    there = held(connection, plan.parent)
    if there != sent:
        raise LoadError(
            f"{plan.storage}: it has {there.rows:,} rows with checksum {there.checksum:x}"
            f" where {sent.rows:,} with {sent.checksum:x} were sent"
        )


def _published(
    connection: psycopg.Connection,
    plan: ShardedTablePlan,
    name: str,
    columns: tuple[Column, ...],
    content: PartitionContent,
) -> Table:
    if plan.description.table.publish_pixel:
        columns = (*columns, plan.all_columns[-1].about)
    indexed = leading_columns(plan.position, plan.description)
    table = described_table(plan.schema_name, name, columns, plan.description, indexed)
    table = replace(table, nrows=content.rows, storage=plan.storage if plan.storage != name else None)
    publish_loaded(connection, table, plan.description, plan.position, plan.partitioning.division())
    all_cells = (NOWHERE, 12 * 4**plan.partitioning.order)
    values = (table.table_name, *all_cells, None, plan.storage, content.rows, content.checksum)
    connection.execute(statement("add_range"), values)
    return table


# ---- what must not stay


@contextmanager
def _dropped_if_it_fails(connection: psycopg.Connection, published: str, load_id: str) -> Iterator[None]:
    with ExitStack() as undo:
        undo.callback(_drop_unfinished, connection, published, load_id)
        yield
        undo.pop_all()


def _drop_unfinished(connection: psycopg.Connection, published: str, load_id: str | None = None) -> None:
    """Drop what a load made that has not ended, if it is this one. Raises: LoadInUse where it is still at work."""
    load = unfinished(connection, published)
    if load is None or load_id not in (None, load.load_id):
        return
    with connection.transaction():
        lock_load(connection, published, load.load_id)
        target = sql.Identifier(split_table_name(published)[0], load.storage)
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(target))
        forget_load(connection, published)
