"""Which range of which table lies where, and how full that makes the shards."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from schema.model import split_name, stored_name
from tap.sharding.model import CellRange
from tap.sharding.shards import ShardError


@dataclass(frozen=True, slots=True)
class RangeLocation:
    """A range of a table; `storage` is the table's name in the database."""

    table_name: str
    storage: str
    range: CellRange
    rows: int
    checksum: int | None

    @property
    def schema_name(self) -> str:
        return stored_name(split_name(self.table_name)[0])

    @property
    def partition(self) -> sql.Identifier:
        return sql.Identifier(self.schema_name, self.range.partition)

    @property
    def parent(self) -> sql.Identifier:
        return sql.Identifier(self.schema_name, self.storage)


@dataclass(frozen=True, slots=True)
class RangeMove:
    """The range of a layout that begins with `first`, of all of its tables."""

    first: int
    rows: int
    source: str
    target: str


def layout_of(connection: psycopg.Connection, table_name: str) -> str:
    """Return the layout of a table. Raises: ShardError."""
    command = "SELECT layout FROM armillary.tables WHERE table_name = %s AND layout IS NOT NULL"
    row = connection.execute(command, (table_name,)).fetchone()
    if row is None:
        raise ShardError(f"{table_name} is not a sharded table")
    return str(row[0])


def layouts(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT layout FROM armillary.tables WHERE layout IS NOT NULL ORDER BY 1")
    return [str(layout) for (layout,) in rows]


def placed(connection: psycopg.Connection, layout: str) -> list[RangeLocation]:
    """Return all ranges of all tables of a layout."""
    rows = connection.execute(
        "SELECT table_name, storage, first, beyond, shard_name, partition, r.nrows, checksum"
        " FROM armillary.ranges AS r JOIN armillary.tables USING (table_name) WHERE layout = %s ORDER BY first, 1",
        (layout,),
    ).fetchall()
    return [
        RangeLocation(
            name, storage or stored_name(split_name(name)[-1]), CellRange(*cell_range), rows, _whole(checksum)
        )
        for name, storage, *cell_range, rows, checksum in rows
    ]


def _whole(checksum: object) -> int | None:
    return None if checksum is None else int(str(checksum))


def first_of(locations: list[RangeLocation], cell_or_partition: str) -> int:
    """Return the first cell of the range that holds a cell, or whose partition has this name. Raises: ShardError."""
    for location in locations:
        if location.range.partition == cell_or_partition:
            return location.range.first
        is_cell = cell_or_partition.lstrip("-").isdigit()
        if is_cell and location.range.first <= int(cell_or_partition) < location.range.stop:
            return location.range.first
    starts = sorted({(location.range.first, location.range.shard) for location in locations})
    ranges = ", ".join(f"{first} ({shard})" for first, shard in starts)
    raise ShardError(f"{cell_or_partition}: no range holds that cell or is called so; ranges begin with {ranges}")


def balancing(locations: Iterable[RangeLocation], shards: Iterable[str]) -> list[RangeMove]:
    """Return moves after which the shards hold about as many rows.

    They go from the fullest to the emptiest, as long as it helps.
    """
    shard_of: dict[int, str] = {}
    weight = Counter[int]()
    for location in locations:
        shard_of[location.range.first] = location.range.shard
        weight[location.range.first] += location.rows
    moves = []
    while (move := _best(shard_of, weight, sorted(shards))) is not None:
        shard_of[move.first] = move.target
        moves.append(move)
    return moves


def _best(shard_of: dict[int, str], weight: Counter[int], shards: list[str]) -> RangeMove | None:
    """Return the move that leaves the fullest and the emptiest shard most alike; None if none helps."""
    full = Counter(dict.fromkeys(shards, 0))
    for first, shard in shard_of.items():
        full[shard] += weight[first]
    source, target = max(shards, key=full.__getitem__), min(shards, key=full.__getitem__)
    gap = full[source] - full[target]
    # Moving a range that weighs as much as the gap would only make the two change places.
    candidates = [first for first, shard in shard_of.items() if shard == source and 0 < weight[first] < gap]
    if not candidates:
        return None
    first = min(candidates, key=lambda cell: (abs(gap - 2 * weight[cell]), -cell))
    return RangeMove(first, weight[first], source, target)
