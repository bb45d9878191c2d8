"""A file into a table that lies on several servers, each row where its place in the sky belongs.

The file is read twice: once for how many rows each cell has, so that all ranges hold about as many, and once for
the rows, which go straight to the shards. Each shard has its part, with indexes, before the coordinator knows of it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from schema import types
from schema.bounds import measured, together
from schema.description import Description
from schema.load.copy_binary import HEADER, TRAILER, encode_rows, is_ascii
from schema.load.reader import Reader
from schema.model import Column, Range, quoted_if_needed
from schema.publish import (
    Loaded,
    Progress,
    make_schema,
    refused_rows,
    split_table_name,
    storage_for,
    warnings_of,
    with_text_type,
)
from schema.sharding.coordinator import attach
from schema.sharding.layout import NOWHERE
from schema.sharding.parts import attach_part, connected, create_parent, create_part, drop_parts, index_part
from schema.sharding.plan import Plan, new_ranges, no_counts, planned, ranges_of_layout
from schema.sharding.shards import Shard, known_shards


def load_sharded(
    connection: psycopg.Connection,
    open_reader: Callable[[], Reader],
    table_name: str,
    description: Description,
    progress: Progress = lambda rows, fraction: None,
) -> Loaded:
    """As `load_table`, on all shards of the coordinator. Raises: LoadError, DescriptionError, with nothing left behind."""
    schema_name, name = split_table_name(table_name)
    full_name = f"{quoted_if_needed(schema_name)}.{quoted_if_needed(name)}"
    with connection.transaction():
        make_schema(connection, schema_name)
        previous, storage = storage_for(connection, schema_name, name)
        plan = planned(connection, open_reader(), (schema_name, name, storage), description)
        plan = _divided(connection, plan, full_name, open_reader())
        with ExitStack() as undo:
            undo.callback(drop_parts, list(plan.shards.values()), schema_name, storage, plan.ranges)
            rows, columns = _fill_shards(plan, open_reader(), progress)
            table = attach(connection, plan, name, columns, rows)
            undo.pop_all()
    if previous is not None:
        with connection.transaction():
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema_name, previous)))
        drop_parts(list(known_shards(connection)), schema_name, previous, ())
    return Loaded(table, warnings_of(table), previous)


def _divided(connection: psycopg.Connection, plan: Plan, table_name: str, reader: Reader) -> Plan:
    """With its ranges: those of its layout, or new ones that hold about as many rows each."""
    counts, margin = no_counts(plan), 0.0
    for batch in reader.batches():
        chosen = plan.chosen(batch)
        cells = plan.cells(chosen)
        counts += np.bincount(cells - NOWHERE, minlength=len(counts))
        margin = max(margin, plan.margin(chosen, cells))
    found = ranges_of_layout(connection, plan, table_name) or new_ranges(counts, plan)
    ranges = tuple(Range(a, b, shard, f"{plan.storage}_p{i}") for i, (a, b, shard) in enumerate(found))
    return replace(plan, ranges=ranges, pixel=replace(plan.pixel, margin=margin))


def _fill_shards(plan: Plan, reader: Reader, progress: Progress) -> tuple[list[int], tuple[Column, ...]]:
    """Rows of every range, and the columns with what was seen of their values."""
    for shard in plan.shards.values():
        with connected(shard) as connection:
            make_schema(connection, plan.schema_name)
            connection.commit()
    with ExitStack() as stack, ThreadPoolExecutor(len(plan.shards)) as threads:
        connections = [stack.enter_context(connected(plan.shards[r.shard])) for r in plan.ranges]
        pairs = list(zip(connections, plan.ranges, strict=True))
        for connection, each in pairs:
            create_part(connection, plan, each)
        rows, wide = _copy(plan, connections, reader, progress)
        list(threads.map(lambda pair: index_part(pair[0], plan, pair[1]), pairs))
        for connection in connections:
            connection.commit()
        columns = tuple(with_text_type(c, wide) for c in plan.columns)
        return rows, together(list(threads.map(lambda shard: _finish(plan, shard, columns), plan.shards.values())))


def _finish(plan: Plan, shard: Shard, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Puts the parts of a shard together."""
    with connected(shard) as connection:
        create_parent(connection, plan)
        for each in plan.ranges:
            if each.shard == shard.name:
                attach_part(connection, plan, each)
        connection.execute(sql.SQL("ANALYZE {}").format(plan.parent))
        found = measured(connection, plan.parent, columns)
        connection.commit()
    return found


def _copy(
    plan: Plan, connections: list[psycopg.Connection], reader: Reader, progress: Progress
) -> tuple[list[int], set[str]]:
    """Rows of every range, and the text columns that hold more than ASCII."""
    rows, wide = np.zeros(len(plan.ranges), np.int64), set[str]()
    command = "COPY {} FROM STDIN (FORMAT binary, FREEZE)"
    with refused_rows(), ExitStack() as stack:
        copies = [
            stack.enter_context(stack.enter_context(c.cursor()).copy(sql.SQL(command).format(plan.part(each))))
            for c, each in zip(connections, plan.ranges, strict=True)
        ]
        for copy in copies:
            copy.write(HEADER)
        for batch in reader.batches():
            chosen = plan.chosen(batch)
            wide |= {
                c.name for i, c in enumerate(plan.columns) if c.type is types.TEXT and not is_ascii(chosen.column(i))
            }
            pieces, counts = _sorted_out(plan, chosen)
            for copy, piece in zip(copies, pieces, strict=True):
                copy.write(piece)
            rows += counts
            progress(int(rows.sum()), reader.fraction())
        for copy in copies:
            copy.write(TRAILER)
    return rows.tolist(), wide


def _sorted_out(plan: Plan, chosen: pa.RecordBatch) -> tuple[list[bytes], np.ndarray]:
    """The rows of each range, as COPY BINARY has them, and how many they are."""
    cells = plan.cells(chosen)
    firsts = np.array([each.first for each in plan.ranges])
    owners = np.searchsorted(firsts, cells, side="right") - 1
    order = np.argsort(owners, kind="stable")
    placed = chosen.append_column(plan.pixel.column, pa.array(cells.astype(np.int32))).take(pa.array(order))
    data, starts = encode_rows(placed, tuple(c.type for c in plan.all_columns))
    ends = np.append(starts, len(data))
    cuts = np.searchsorted(owners[order], np.arange(len(firsts) + 1))
    return [data[ends[a] : ends[b]] for a, b in pairwise(cuts)], np.diff(cuts)
