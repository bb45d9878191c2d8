"""The rows of a file into the partitions of a table, in transactions of some 10⁵ rows a shard.

Each partition notes, with its rows, how many rows of the file it has seen. A load that goes on reads the file from its
beginning, sends each partition what it has not, and computes the checksums of all that should be there.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from schema.bounds import measured, together
from schema.copy_rows import Progress, refused_rows
from schema.listing import make_schema
from schema.load.copy_binary import HEADER, TRAILER, fields_of, interleave
from schema.load.reader import LoadError, Reader
from schema.model import Column
from schema.positions import PositionCheck, with_ucds
from schema.statistics.measure import Measurable, TableMeasure, measure_table, measure_together
from schema.text_sizes import TextSizes
from tap.sharding.loading.checksum import Hashes, PartitionContent, held, row_hashes
from tap.sharding.loading.partitions import (
    Partition,
    attach_partition,
    connected,
    create_partition,
    drop_partition,
    ensure_parent,
    index_partition,
    is_attached,
    list_partition,
)
from tap.sharding.loading.resume import ShardedLoad
from tap.sharding.loading.table_plan import ShardedTablePlan
from tap.sharding.model import CellRange
from tap.sharding.shards import Shard

CHUNK = 250_000
"""Rows of a transaction, times the number of shards."""


class PartitionWriter:
    """A partition while it is filled, by a connection of its own; `taken` rows of the file are behind it."""

    def __init__(self, connection: psycopg.Connection, load: ShardedLoad, cell_range: CellRange) -> None:
        self.connection = connection
        self.plan = load.plan
        self.range = cell_range
        self.partition = Partition(
            load.plan.schema_name, cell_range.partition, load.plan.storage, load.table_name, load.load_id
        )
        state = self._found()
        self.taken, self.ready = state or self._created()
        # Only a table of the same transaction can be frozen.
        self._open(freeze=state is None)

    def _found(self) -> tuple[int, bool] | None:
        # A process that was killed may still have a transaction there.
        self.connection.execute("SET LOCAL lock_timeout = '60s'")
        row = self.connection.execute(
            "SELECT taken, ready FROM armillary.parts"
            " WHERE schema_name = %s AND partition = %s AND load_id = %s FOR UPDATE",
            (self.partition.schema_name, self.partition.partition, self.partition.load_id),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def _created(self) -> tuple[int, bool]:
        drop_partition(self.connection, self.partition)
        create_partition(self.connection, self.plan, self.range)
        list_partition(self.connection, self.partition)
        return 0, False

    def _open(self, *, freeze: bool) -> None:
        options = "FORMAT binary, FREEZE" if freeze else "FORMAT binary"
        command = sql.SQL(f"COPY {{}} FROM STDIN ({options})").format(self.partition.name)
        self._copying = ExitStack()
        cursor = self._copying.enter_context(self.connection.cursor())
        self._copy = self._copying.enter_context(cursor.copy(command))
        self._copy.write(HEADER)

    def write(self, rows: bytes) -> None:
        self._copy.write(rows)

    def commit(self, taken: int, *, last: bool) -> None:
        """Commit what was written."""
        self._copy.write(TRAILER)
        self._copying.close()
        self._note("taken = greatest(taken, %s)", taken)
        if not last:
            self._open(freeze=False)

    def _note(self, assignment: str, *values: object) -> None:
        command = f"UPDATE armillary.parts SET {assignment} WHERE schema_name = %s AND partition = %s"
        self.connection.execute(command.encode(), (*values, self.partition.schema_name, self.partition.partition))
        self.connection.commit()

    def finish(self, sent: PartitionContent) -> None:
        """Verify the partition and build its indexes. Raises: LoadError."""
        if not self.ready:
            # What came after the first transaction is not frozen yet.
            self.connection.autocommit = True
            self.connection.execute(sql.SQL("VACUUM (FREEZE) {}").format(self.partition.name))
            self.connection.autocommit = False
        content = held(self.connection, self.partition.name)
        if content != sent:
            raise LoadError(
                f"shard {self.range.shard}, {self.partition.partition}: it has {content.rows:,} rows with checksum"
                f" {content.checksum:x} where {sent.rows:,} with {sent.checksum:x} were sent"
            )
        if not self.ready:
            index_partition(self.connection, self.plan, self.range)
            self._note("ready = true")


def copy_to_shards(
    load: ShardedLoad, reader: Reader, check: PositionCheck, progress: Progress
) -> tuple[list[PartitionContent], tuple[Column, ...], TableMeasure]:
    """Copy a file's rows to their partitions.

    Return what every range holds, the columns with what was seen of their values, and what the shards know of them. Raises: LoadError.
    """
    plan = load.plan
    for shard in plan.shards.values():
        with connected(shard) as connection:
            make_schema(connection, plan.schema_name)
            connection.commit()
    with ExitStack() as stack, ThreadPoolExecutor(len(plan.shards)) as threads:
        connections = [stack.enter_context(connected(plan.shards[cell_range.shard])) for cell_range in plan.ranges]
        pairs = zip(connections, plan.ranges, strict=True)
        writers = [PartitionWriter(connection, load, cell_range) for connection, cell_range in pairs]
        sent, sizes = _write(plan, writers, _checked(plan, reader, check, progress), threads)
        about = sizes.applied([column.about for column in plan.columns])
        columns = tuple(with_ucds(about, plan.position, plan.description))
        pieces = list(zip(writers, sent, strict=True))
        finished = threads.map(lambda shard: _finish(plan, shard, pieces, columns), plan.shards.values())
        bounded, measures = zip(*finished, strict=True)
        return sent, together(list(bounded)), measure_together(measures)


def _checked(
    plan: ShardedTablePlan, reader: Reader, check: PositionCheck, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Yield the planned columns of all rows, as many as the progress is told of. Raises: LoadError."""
    read = 0
    for batch in reader.batches():
        yield check(plan.chosen(batch))
        read += batch.num_rows
        progress(read, reader.fraction())


def _write(
    plan: ShardedTablePlan,
    writers: list[PartitionWriter],
    batches: Iterator[pa.RecordBatch],
    threads: ThreadPoolExecutor,
) -> tuple[list[PartitionContent], TextSizes]:
    """Write all rows to where they belong; return what was sent to each, and how long their texts are."""
    read, committed, sizes = 0, 0, TextSizes()
    counts, sums = np.zeros(len(writers), np.int64), np.zeros(len(writers), np.uint64)
    with refused_rows():
        for chosen in batches:
            sizes.add(chosen)
            pieces, rows, hashes = _sorted_out(plan, chosen, [writer.taken - read for writer in writers])
            for writer, piece in zip(writers, pieces, strict=True):
                writer.write(piece)
            counts, sums, read = counts + rows, sums + hashes, read + chosen.num_rows
            if read - committed >= CHUNK * len(plan.shards):
                _commit(writers, read, threads, last=False)
                committed = read
        _commit(writers, read, threads, last=True)
    return [PartitionContent(int(n), int(s)) for n, s in zip(counts, sums, strict=True)], sizes


def _commit(writers: Iterable[PartitionWriter], read: int, threads: ThreadPoolExecutor, *, last: bool) -> None:
    list(threads.map(lambda writer: writer.commit(read, last=last), writers))


def _sorted_out(
    plan: ShardedTablePlan, chosen: pa.RecordBatch, behind: list[int]
) -> tuple[list[bytes], np.ndarray, Hashes]:
    """Return the rows of each range as COPY BINARY has them, how many they are, and the sum of their hashes.

    `behind`: how many rows of the batch each range has already; they are counted, but not among what is sent.
    """
    cells = plan.cells(chosen)
    firsts = np.array([cell_range.first for cell_range in plan.ranges])
    owners = np.searchsorted(firsts, cells, side="right") - 1
    order = np.argsort(owners, kind="stable")
    rows = chosen.append_column(plan.partitioning.column, pa.array(cells.astype(np.int32))).take(pa.array(order))
    columns = tuple(column.type for column in plan.all_columns)
    fields = fields_of(rows, columns)
    cuts = np.searchsorted(owners[order], np.arange(len(firsts) + 1))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(row_hashes(fields, columns), dtype=np.uint64)])
    hashes = sums[cuts[1:]] - sums[cuts[:-1]]
    if min(behind) >= len(cells):
        return [b""] * len(firsts), np.diff(cuts), hashes
    data, starts = interleave(fields, len(cells))
    ends = np.append(starts, len(data))
    skipped = [a + int(np.searchsorted(order[a:b], n)) for (a, b), n in zip(pairwise(cuts), behind, strict=True)]
    return [data[ends[a] : ends[b]] for a, b in zip(skipped, cuts[1:], strict=True)], np.diff(cuts), hashes


def _finish(
    plan: ShardedTablePlan,
    shard: Shard,
    pieces: list[tuple[PartitionWriter, PartitionContent]],
    columns: tuple[Column, ...],
) -> tuple[tuple[Column, ...], TableMeasure]:
    """Verify the partitions of a shard and put them together; return the columns with their bounds there, and all that it knows of them."""
    of_shard = [(writer, sent) for writer, sent in pieces if writer.range.shard == shard.name]
    for writer, sent in of_shard:
        writer.finish(sent)
    with connected(shard) as connection:
        ensure_parent(connection, plan)
        for writer, _ in of_shard:
            if not is_attached(connection, writer.partition.name):
                attach_partition(connection, plan.parent, writer.partition.name, writer.range)
        connection.execute(sql.SQL("ANALYZE {}").format(plan.parent))
        measured_columns = measured(connection, plan.parent, columns)
        position = (plan.position[0].name, plan.position[1].name) if plan.position else None
        measure = measure_table(connection, Measurable((plan.schema_name, plan.storage), columns, position))
        connection.commit()
    return measured_columns, measure
