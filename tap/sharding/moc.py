"""The part of the sky that ranges of cells make, as a MOC."""

from schema.moc import Run, moc_of_runs
from tap.sharding.layout import NOWHERE
from tap.sharding.model import CellRange


def runs_of(ranges: tuple[CellRange, ...]) -> tuple[Run, ...]:
    """Return runs of cells, in order.

    Ranges that follow each other are one, and rows without a position are nowhere on the sky.
    """
    runs: list[Run] = []
    for first, beyond in sorted((max(cell_range.first, NOWHERE + 1), cell_range.stop) for cell_range in ranges):
        if runs and runs[-1][1] == first:
            runs[-1] = (runs[-1][0], beyond)
        elif beyond > first:
            runs.append((first, beyond))
    return tuple(runs)


def moc_of(ranges: tuple[CellRange, ...], order: int) -> str:
    """Return a MOC of cells of that order, four of which are one of the order above."""
    return moc_of_runs(runs_of(ranges), order)
