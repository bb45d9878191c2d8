"""Parts of the sky as MOCs in text (MOC 2.0 §4.3.2), made of runs of HEALPix cells."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

Run = tuple[int, int]
"""First cell, and the one after the last."""


def moc_of_runs(runs: Iterable[Run], order: int) -> str:
    """Return the MOC of runs of cells of that order, in order and apart; four cells of one parent become the parent."""
    cells_by_order: dict[int, list[int]] = defaultdict(list)
    for run in runs:
        for up, cell in _blocks(*run, order):
            cells_by_order[order - up].append(cell)
    return " ".join(f"{level}/{_listed(cells)}" for level, cells in sorted(cells_by_order.items()))


def size_of(runs: Iterable[Run], order: int) -> int:
    """Return of how many cells the MOC of runs is made."""
    return sum(1 for run in runs for _ in _blocks(*run, order))


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
