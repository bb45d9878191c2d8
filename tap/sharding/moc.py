"""Parts of the sky in words that programs understand: MOCs as text (MOC 2.0 §4.3.2)."""

from collections import defaultdict
from collections.abc import Iterator

from tap.sharding.layout import NOWHERE
from tap.sharding.model import CellRange

Runs = tuple[tuple[int, int], ...]
"""First cell, and the one after the last, of each run."""


def runs_of(ranges: tuple[CellRange, ...]) -> Runs:
    """Return runs of cells, in order.

    Ranges that follow each other are one, and rows without a position are nowhere on the sky.
    """
    runs: list[tuple[int, int]] = []
    for first, beyond in sorted((max(cell_range.first, NOWHERE + 1), cell_range.stop) for cell_range in ranges):
        if runs and runs[-1][1] == first:
            runs[-1] = (runs[-1][0], beyond)
        elif beyond > first:
            runs.append((first, beyond))
    return tuple(runs)


def moc_of(ranges: tuple[CellRange, ...], order: int) -> str:
    """Return a MOC of cells of that order, four of which are one of the order above."""
    by_order: dict[int, list[int]] = defaultdict(list)
    for run in runs_of(ranges):
        for up, cell in _blocks(*run, order):
            by_order[order - up].append(cell)
    return " ".join(f"{level}/{_listed(cells)}" for level, cells in sorted(by_order.items()))


def _blocks(first: int, beyond: int, order: int) -> Iterator[tuple[int, int]]:
    """Yield the largest cells that a run is made of: how many orders above, and their numbers there."""
    while first < beyond:
        up = 0
        while up < order and first % 4 ** (up + 1) == 0 and first + 4 ** (up + 1) <= beyond:
            up += 1
        yield up, first // 4**up
        first += 4**up


def _listed(cells: list[int]) -> str:
    """Return numbers as a MOC lists them: `1-3 7`."""
    runs: list[list[int]] = []
    for cell in cells:
        if runs and runs[-1][1] == cell - 1:
            runs[-1][1] = cell
        else:
            runs.append([cell, cell])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
