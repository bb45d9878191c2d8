"""How many rows each HEALPix cell has, and the part of the sky that is made of the cells that have any."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import radians, sin

import numpy as np
import numpy.typing as npt

from schema.moc import Run, moc_of_runs, size_of

Numbers = npt.NDArray[np.int64]

USUAL_ORDER, _FINEST = 6, 10
"""VODataService 1.2 §3.2 wants order 6 at least; cells of order 10 are 3.4 arcminutes wide."""
MOST_CELLS = 12 * 4**USUAL_ORDER
_ROWS_A_CELL = 8
"""At least, where cells are finer than usual."""
_MOST_IN_MOC = 2048
"""Some 10 kB as text; VODataService wants a few dozens kB at most."""


@dataclass(frozen=True, slots=True)
class SkyCoverage:
    """A MOC as text, the order of its finest cells, and how much of the sky it covers, from 0 to 1."""

    moc: str
    order: int
    fraction: float


@dataclass(frozen=True, slots=True, eq=False)
class CellCounts:
    """The nested cells of an order that have rows, ascending, and how many each has; both of shape (cells,)."""

    order: int
    cells: Numbers
    counts: Numbers

    def coarser(self, order: int) -> "CellCounts":
        """Return the counts of the cells of a lower order, or the same."""
        cells, places = np.unique(self.cells >> 2 * (self.order - order), return_inverse=True)
        counts = np.zeros(len(cells), np.int64)
        np.add.at(counts, places, self.counts)
        return CellCounts(order, cells, counts)

    def at_most(self, cells: int) -> "CellCounts":
        """Return the counts at the finest order at which no more cells have rows."""
        counts = self
        while len(counts.cells) > cells and counts.order:
            counts = counts.coarser(counts.order - 1)
        return counts

    def coverage(self) -> SkyCoverage | None:
        """Return the part of the sky that has rows, as finely as a MOC of bounded size can; None where no row has a position."""
        if not len(self.cells):
            return None
        cells = self.cells
        for order in range(self.order, -1, -1):
            runs = _runs(cells)
            if size_of(runs, order) <= _MOST_IN_MOC:
                break
            cells = np.unique(cells >> 2)
        return SkyCoverage(moc_of_runs(runs, order), order, len(cells) / (12 * 4**order))


def _runs(cells: Numbers) -> list[Run]:
    """Return runs of ascending cells."""
    ends = np.flatnonzero(np.diff(cells) > 1)
    firsts, lasts = cells[np.append(0, ends + 1)], cells[np.append(ends, len(cells) - 1)]
    return list(zip(firsts.tolist(), (lasts + 1).tolist(), strict=True))


def sum_of_counts(parts: Sequence[CellCounts]) -> CellCounts:
    """Return the counts of a table whose parts were counted one by one, with as many cells as one may have."""
    order = min(part.order for part in parts)
    coarse = [part.coarser(order) for part in parts]
    cells, counts = (np.concatenate([getattr(part, name) for part in coarse]) for name in ("cells", "counts"))
    return CellCounts(order, cells, counts).coarser(order).at_most(MOST_CELLS)


def order_for(rows: int, ra: tuple[float, float], dec: tuple[float, float]) -> int:
    """Return the order at which rows between these least and largest positions, in degrees, are counted.

    It is finer than usual where they lie in a small part of the sky, as far as cells stay few and have rows.
    """
    width = min(ra[1] - ra[0], 360) / 360
    fraction = width * (sin(radians(dec[1])) - sin(radians(dec[0]))) / 2
    most, order = min(MOST_CELLS, rows / _ROWS_A_CELL), USUAL_ORDER
    while order < _FINEST and fraction * 12 * 4 ** (order + 1) <= most:
        order += 1
    return order
