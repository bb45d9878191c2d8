"""Which part of which table lies where, and how full that makes the shards."""

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
    def part(self) -> sql.Identifier:
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
    """Raises: ShardError."""
    command = "SELECT layout FROM armillary.tables WHERE table_name = %s AND layout IS NOT NULL"
    row = connection.execute(command, (table_name,)).fetchone()
    if row is None:
        raise ShardError(f"{table_name} is not a sharded table")
    return str(row[0])


def layouts(connection: psycopg.Connection) -> list[str]:
    found = connection.execute("SELECT DISTINCT layout FROM armillary.tables WHERE layout IS NOT NULL ORDER BY 1")
    return [str(each) for (each,) in found]


def placed(connection: psycopg.Connection, layout: str) -> list[RangeLocation]:
    """Return all ranges of all tables of a layout."""
    rows = connection.execute(
        "SELECT table_name, storage, first, beyond, shard_name, partition, r.nrows, checksum"
        " FROM armillary.ranges AS r JOIN armillary.tables USING (table_name) WHERE layout = %s ORDER BY first, 1",
        (layout,),
    ).fetchall()
    return [
        RangeLocation(name, storage or stored_name(split_name(name)[-1]), CellRange(*where), rows, _whole(checksum))
        for name, storage, *where, rows, checksum in rows
    ]


def _whole(checksum: object) -> int | None:
    return None if checksum is None else int(str(checksum))


def first_of(found: list[RangeLocation], wanted: str) -> int:
    """Return the first cell of the range that holds a cell, or whose partition has this name. Raises: ShardError."""
    for each in found:
        if each.range.partition == wanted:
            return each.range.first
        if wanted.lstrip("-").isdigit() and each.range.first <= int(wanted) < each.range.stop:
            return each.range.first
    ranges = ", ".join(f"{first} ({name})" for first, name in sorted({(p.range.first, p.range.shard) for p in found}))
    raise ShardError(f"{wanted}: no range holds that cell or is called so; ranges begin with {ranges}")


def balancing(found: Iterable[RangeLocation], shards: Iterable[str]) -> list[RangeMove]:
    """Return moves after which the shards hold about as many rows: always from the fullest to the emptiest, as long as it helps."""
    where: dict[int, str] = {}
    weight = Counter[int]()
    for each in found:
        where[each.range.first] = each.range.shard
        weight[each.range.first] += each.rows
    moves = []
    while (move := _best(where, weight, sorted(shards))) is not None:
        where[move.first] = move.target
        moves.append(move)
    return moves


def _best(where: dict[int, str], weight: Counter[int], shards: list[str]) -> RangeMove | None:
    """Return the move that leaves the fullest and the emptiest shard most alike; None if none does better than leaving them."""
    full = Counter(dict.fromkeys(shards, 0))
    for first, shard in where.items():
        full[shard] += weight[first]
    source, target = max(shards, key=full.__getitem__), min(shards, key=full.__getitem__)
    gap = full[source] - full[target]
    # Of a range that weighs as much as the gap the two would only change places.
    own = [first for first, shard in where.items() if shard == source and 0 < weight[first] < gap]
    if not own:
        return None
    first = min(own, key=lambda each: (abs(gap - 2 * weight[each]), -each))
    return RangeMove(first, weight[first], source, target)
