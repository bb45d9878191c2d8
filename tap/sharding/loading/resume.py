"""A load begins, or goes on with what an interrupted one left: which ranges there are, and where."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import psycopg
from psycopg import sql

from schema.description import Description
from schema.existing import exists
from schema.listing import make_schema
from schema.load.reader import Reader
from schema.model import quoted_if_needed
from schema.publish import split_table_name, storage_for
from tap.sharding.layout import NOWHERE
from tap.sharding.loading.load_journal import (
    LoadInUse,
    Unfinished,
    forget_load,
    lock_load,
    remember_load,
    unfinished,
)
from tap.sharding.loading.table_plan import ShardedTablePlan, new_ranges, no_counts, planned, ranges_of_layout
from tap.sharding.model import CellRange
from tap.sharding.rebalancing.orphans import drop_partitions_of


@dataclass(frozen=True, slots=True)
class ShardedLoad:
    """A load that has begun; `previous`: the table that it will replace."""

    plan: ShardedTablePlan
    load_id: str
    table_name: str
    previous: str | None


def start_or_resume(
    connection: psycopg.Connection,
    open_reader: Callable[[], Reader],
    table_name: str,
    description: Description,
    load_id: str,
) -> ShardedLoad:
    """Begin a load, or go on with an interrupted one, and write down which. Raises: LoadError, DescriptionError."""
    schema_name, name = split_table_name(table_name)
    full_name = f"{quoted_if_needed(schema_name)}.{quoted_if_needed(name)}"
    interrupted = unfinished(connection, full_name)
    # The schema is made for good when the table is.
    with connection.transaction(force_rollback=True):
        make_schema(connection, schema_name)
        previous, storage = storage_for(connection, schema_name, name)
        plan = planned(connection, open_reader(), (schema_name, name, storage), description)
        if interrupted and interrupted.load_id == load_id and _fits(connection, interrupted, plan, full_name):
            return ShardedLoad(interrupted.of(plan), load_id, full_name, previous)
    if interrupted:
        abandon(connection, full_name, interrupted.load_id)
    plan = _divided(connection, plan, full_name, open_reader())
    ranges = tuple((cell_range.first, cell_range.stop, cell_range.shard) for cell_range in plan.ranges)
    try:
        with connection.transaction():
            remember_load(connection, full_name, Unfinished(load_id, storage, plan.partitioning.margin, ranges))
    except psycopg.errors.UniqueViolation as error:
        raise LoadInUse(f"{full_name} is being loaded by another process") from error
    return ShardedLoad(plan, load_id, full_name, previous)


def abandon(connection: psycopg.Connection, table_name: str, load_id: str) -> None:
    """Remove what a load made, but on shards that are away. Raises: LoadInUse."""
    with connection.transaction():
        lock_load(connection, table_name, load_id)
        drop_partitions_of(connection, load_id)
        forget_load(connection, table_name)


def _fits(connection: psycopg.Connection, interrupted: Unfinished, plan: ShardedTablePlan, table_name: str) -> bool:
    """Return whether an interrupted load can still become the table.

    Its name must be free, and its ranges be those of its layout.
    """
    layout = ranges_of_layout(connection, plan, table_name)
    shards = {shard for _, _, shard in interrupted.ranges}
    free = not exists(connection, sql.Identifier(plan.schema_name, interrupted.storage))
    return free and shards <= set(plan.shards) and layout in (None, list(interrupted.ranges))


def _divided(
    connection: psycopg.Connection, plan: ShardedTablePlan, table_name: str, reader: Reader
) -> ShardedTablePlan:
    """Return the plan with its ranges: those of its layout, or new ones that hold about as many rows each."""
    counts, margin = no_counts(plan), 0.0
    for batch in reader.batches():
        chosen = plan.chosen(batch)
        cells = plan.cells(chosen)
        counts += np.bincount(cells - NOWHERE, minlength=len(counts))
        margin = max(margin, plan.margin(chosen, cells))
    bounds = ranges_of_layout(connection, plan, table_name) or new_ranges(counts, plan)
    ranges = tuple(CellRange(a, b, shard, f"{plan.storage}_p{i}") for i, (a, b, shard) in enumerate(bounds))
    return replace(plan, ranges=ranges, partitioning=replace(plan.partitioning, margin=margin))
