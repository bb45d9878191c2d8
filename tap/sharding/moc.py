"""The part of the sky that ranges of cells are, as a MOC."""

from schema.moc import Runs, merged, moc_of_runs
from tap.sharding.layout import NOWHERE
from tap.sharding.model import CellRange


def runs_of(ranges: tuple[CellRange, ...]) -> Runs:
    """Return runs of cells, in order.

    Ranges that follow each other are one, and rows without a position are nowhere on the sky.
    """
    runs = ((max(cell_range.first, NOWHERE + 1), cell_range.stop) for cell_range in ranges)
    return merged((first, beyond) for first, beyond in runs if beyond > first)


def moc_of(ranges: tuple[CellRange, ...], order: int) -> str:
    """Return a MOC of cells of that order, four of which are one of the order above."""
    return moc_of_runs(runs_of(ranges), order)
