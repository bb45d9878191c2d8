"""HEALPix tiles of about as many rows each: small where the sky is dense, large where it is not (IVOA Note HATS §3.1.2)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tap.bulk.hats_catalogue import INDEX_ORDER, partition_name

Indexes = npt.NDArray[np.int64]
BASE_CELLS = tuple((0, pixel) for pixel in range(12))
"""Order and pixel of the cells that are the whole sky."""
Cell = tuple[int, int]
Counts = Callable[[Indexes], Indexes]
"""Tells how many rows have an index below each of these, shape (bounds,)."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A partition of a catalogue: its cell, nested, and how many rows it has."""

    order: int
    pixel: int
    rows: int

    @property
    def bounds(self) -> tuple[int, int]:
        """Return its first index of order 29, and the one beyond its last."""
        return bounds_of((self.order, self.pixel))

    @property
    def file_name(self) -> str:
        return partition_name(self.order, self.pixel)


def bounds_of(cell: Cell) -> tuple[int, int]:
    """Return the first index of order 29 of a cell, and the one beyond its last."""
    order, pixel = cell
    shift = 2 * (INDEX_ORDER - order)
    return pixel << shift, (pixel + 1) << shift


def tiles_of(cells: Sequence[Cell], rows_below: Counts, most_rows: int) -> list[Tile]:
    """Return the largest tiles within cells that have `most_rows` at most, in the order of the sky; none without rows.

    One of the finest order may have more: what lies at one place cannot be parted.
    """
    tiles, pending = list[Tile](), list(cells)
    while pending:
        bounds = np.array([bounds_of(cell) for cell in pending], np.int64)
        counts = rows_below(bounds[:, 1]) - rows_below(bounds[:, 0])
        counted = list(zip(pending, counts.tolist(), strict=True))
        fits = [(cell, rows) for cell, rows in counted if rows and (rows <= most_rows or cell[0] == INDEX_ORDER)]
        tiles += [Tile(*cell, rows) for cell, rows in fits]
        pending = [child for cell, rows in counted if rows and (cell, rows) not in fits for child in _children(cell)]
    return sorted(tiles, key=lambda tile: tile.bounds)


def _children(cell: Cell) -> Iterator[Cell]:
    order, pixel = cell
    return ((order + 1, 4 * pixel + number) for number in range(4))


def cells_of_range(first: int, stop: int, order: int) -> tuple[Cell, ...]:
    """Return the largest cells that together are those of `order` from `first` up to but without `stop`."""
    cells, first = list[Cell](), max(0, first)
    while first < stop:
        up = 0
        while up < order and first % 4 ** (up + 1) == 0 and first + 4 ** (up + 1) <= stop:
            up += 1
        cells.append((order - up, first >> 2 * up))
        first += 4**up
    return tuple(cells)
