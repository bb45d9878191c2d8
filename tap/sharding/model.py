"""How the rows of a table are divided among shards, and where they lie: values without a connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def id_shift(order: int) -> int:
    """Return by how many bits a Gaia-like id is larger than its cell of that order.

    From bit 35 on it is the cell of order 12.
    """
    return 35 + 2 * (12 - order)


@dataclass(frozen=True, slots=True)
class HealpixPartitioning:
    """The column of a table that holds the HEALPix cell (nested, of `order`) of each row; -1 for none.

    The cell is that of `ra` and `dec`, or comes from the Gaia-like ids in `key`; then the position may lie up to
    `margin` degrees outside of it. Tables of one `layout` have the same cells on the same shards: in ranges, or, if
    `hashed`, wherever Citus's hash of a cell says.
    """

    column: str
    order: int
    ra: str | None
    dec: str | None
    layout: str = ""
    key: str | None = None
    margin: float = 0.0
    hashed: bool = False

    @property
    def shift(self) -> int:
        """Return by how many bits a Gaia-like id is larger than its cell."""
        return id_shift(self.order)

    def division(self) -> dict[str, Any]:
        """Return it as schema.division has it; `ra` and `dec` are the table's position."""
        names = ("column", "order", "key", "margin")
        return {f"pixel_{name}": getattr(self, name) for name in names} | {"layout": self.layout}


@dataclass(frozen=True, slots=True)
class CellRange:
    """Cells from `first` up to but without `stop`: on which shard, and what the table with their rows is called."""

    first: int
    stop: int
    shard: str
    partition: str

    def meets(self, cells: tuple[tuple[int, int], ...]) -> bool:
        """Return whether it has some of these cells, which are runs of them: the first and the last of each."""
        return any(first < self.stop and last >= self.first for first, last in cells)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the rows of a table lie, in the order of the sky; of a hashed one only on which shards."""

    partitioning: HealpixPartitioning
    ranges: tuple[CellRange, ...]
    workers: tuple[str, ...] = ()

    @property
    def shards(self) -> tuple[str, ...]:
        return self.workers or tuple(dict.fromkeys(cell_range.shard for cell_range in self.ranges))


Placements = Mapping[tuple[str, ...], Placement]
"""By schema and name of the table in the database."""
