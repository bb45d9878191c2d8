"""What a sharded table shall be, and where its partitions go."""

from dataclasses import dataclass, replace

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from schema import types
from schema.copy_rows import chosen_columns
from schema.description import Description
from schema.load.reader import LoadError, Reader
from schema.model import Column, quoted_if_needed
from schema.plan import PlannedColumn, check_named, plan_columns
from schema.positions import find_position
from tap.sharding.layout import NOWHERE, ORDER, Cells, balanced, cells_in, cells_of, farthest
from tap.sharding.model import CellRange, HealpixPartitioning
from tap.sharding.shards import Shard, known_shards

_MOST_RANGES = 1024

Position = tuple[Column, Column]


@dataclass(frozen=True, slots=True)
class ShardedTablePlan:
    """What a table shall be; `storage` is its name in its schema, on the coordinator as on the shards."""

    schema_name: str
    storage: str
    columns: tuple[PlannedColumn, ...]
    position: Position | None
    partitioning: HealpixPartitioning
    shards: dict[str, Shard]
    ranges: tuple[CellRange, ...]
    description: Description
    position_note: str = ""

    @property
    def all_columns(self) -> list[PlannedColumn]:
        """Return the columns with that of the cell, which is the last."""
        about = Column(
            self.partitioning.column,
            types.INTEGER.datatype,
            ucd="pos.healpix",
            description=f"HEALPix cell of order {self.partitioning.order}, nested, by which the table is divided; -1 without a position",
        )
        return [*self.columns, PlannedColumn(self.partitioning.column, len(self.columns), types.INTEGER, about)]

    @property
    def parent(self) -> sql.Identifier:
        return sql.Identifier(self.schema_name, self.storage)

    @property
    def division(self) -> sql.Composed:
        return sql.SQL(" PARTITION BY RANGE ({})").format(sql.Identifier(self.partitioning.column))

    @property
    def without_key(self) -> Description:
        """Return the description without its primary key.

        PostgreSQL knows none of a partitioned table without the column that divides it.
        """
        return replace(self.description, table=replace(self.description.table, primary_key=()))

    def partition(self, cell_range: CellRange) -> sql.Identifier:
        """Return the name of a range's partition, the same on its shard and as foreign table."""
        return sql.Identifier(self.schema_name, cell_range.partition)

    def cells(self, batch: pa.RecordBatch) -> Cells:
        """Return the cell of each row, shape (rows,); `batch` has the planned columns, in their order."""
        places = {column.name: place for place, column in enumerate(self.columns)}
        if self.partitioning.key:
            return cells_in(batch.column(places[self.partitioning.key]), self.partitioning)
        ra, dec = (batch.column(places[str(name)]) for name in (self.partitioning.ra, self.partitioning.dec))
        return cells_of(ra, dec, self.partitioning.order)

    def margin(self, batch: pa.RecordBatch, cells: Cells) -> float:
        """Return the most degrees that a position lies outside of the cell that its id gives it."""
        if not self.partitioning.key or not self.position:
            return 0.0
        places = {column.name: place for place, column in enumerate(self.columns)}
        ra, dec = (batch.column(places[column.name]) for column in self.position)
        return farthest(cells, ra, dec, self.partitioning.order)

    def chosen(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the planned columns of a batch of the file."""
        return chosen_columns(batch, self.columns)


def planned(
    connection: psycopg.Connection,
    reader: Reader,
    names: tuple[str, str, str],
    description: Description,
    order: int = ORDER,
) -> ShardedTablePlan:
    """Plan a table, still without ranges. `names` are those of schema, table and storage.

    Raises: LoadError, DescriptionError.
    """
    schema_name, name, storage = names
    shards = known_shards(connection)
    if not shards:
        raise LoadError("there are no shards; name them with armillary shards init")
    columns = plan_columns(reader.columns, description, by_content=True)
    check_named([c.name for c in columns], description)
    search = find_position([c.about for c in columns], description.table.ra, description.table.dec)
    position = search.position
    if geometry := next((c.name for c in columns if c.type.is_geometry), None):
        raise LoadError(f"{schema_name}.{name}: column {geometry}: sharded tables take no geometries yet; omit it")
    key = description.table.healpix_id
    _check_dividable(f"{schema_name}.{name}", columns, key, position)
    partitioning = HealpixPartitioning(
        _free_name(columns, order),
        order,
        position[0].name if position else None,
        position[1].name if position else None,
        description.table.sharded_with or f"{quoted_if_needed(schema_name)}.{quoted_if_needed(name)}",
        key,
    )
    shards_by_name = {shard.name: shard for shard in shards}
    return ShardedTablePlan(
        schema_name, storage, tuple(columns), position, partitioning, shards_by_name, (), description, search.note
    )


def _check_dividable(table_name: str, columns: list[PlannedColumn], key: str | None, position: Position | None) -> None:
    if key is None and position is None:
        raise LoadError(
            f"{table_name}: a sharded table needs a position (ra and dec in its description), or healpix_id"
        )
    key_types = [c.type for c in columns if c.name == key]
    if key is not None and key_types != [types.BIGINT]:
        raise LoadError(f"{table_name}: healpix_id = {key!r} must be a column of 64-bit integers")


def _free_name(columns: list[PlannedColumn], order: int) -> str:
    name, names = f"hpx{order}", {c.name for c in columns}
    while name in names:
        name += "_"
    return name


def ranges_of_layout(
    connection: psycopg.Connection, plan: ShardedTablePlan, table_name: str
) -> list[tuple[int, int, str]] | None:
    """Return first cell, stop and shard of the ranges that other tables of the layout have. Raises: LoadError."""
    rows = connection.execute(
        "SELECT DISTINCT first, beyond, shard_name FROM armillary.ranges JOIN armillary.tables USING (table_name)"
        " WHERE layout = %s AND table_name <> %s ORDER BY first",
        (plan.partitioning.layout, table_name),
    ).fetchall()
    if not rows and plan.partitioning.layout != table_name:
        raise LoadError(f"sharded_with = {plan.partitioning.layout!r}: there is no such table on the shards")
    return rows or None


def new_ranges(counts: Cells, plan: ShardedTablePlan) -> list[tuple[int, int, str]]:
    """Return ranges that hold about as many rows each. Raises: LoadError.

    `counts` are the rows of each cell, NOWHERE first.
    """
    names = list(plan.shards)
    ranges_each = plan.description.table.ranges_per_shard
    if not isinstance(ranges_each, int) or not 1 <= ranges_each <= _MOST_RANGES:
        raise LoadError(f"ranges_per_shard = {ranges_each!r}: it can be from 1 to {_MOST_RANGES}")
    return [
        (a, b, names[number]) for a, b, number in balanced(counts, len(names), ranges_each, plan.partitioning.order)
    ]


def no_counts(plan: ShardedTablePlan) -> Cells:
    return np.zeros(12 * 4**plan.partitioning.order - NOWHERE, np.int64)
