"""MOCs as values: parts of the sky, made of HEALPix cells of many orders (MOC 2.0); NESTED numbering, ICRS.

Pure: files, queries and results read and write the text of a MOC here (MOC 2.0 §4.3.2): `4/30-33 5/136 7/`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DEEPEST = 29
"""The order of the smallest cells there are."""

Run = tuple[int, int]
"""First cell, and the one after the last, of a run of cells of one order."""
Runs = tuple[Run, ...]
"""Sorted, and apart from each other."""

_WORD = re.compile(r"[sS]?(?P<order>\d+)/|(?P<first>\d+)(?:-(?P<last>\d+))?(?=[\s,]|$)")
_BETWEEN = re.compile(r"[\s,]*")


class MocError(ValueError):
    """A text is no MOC; what is wrong stands between the offsets `start` and `end`."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start, self.end = start, end


@dataclass(frozen=True, slots=True)
class Moc:
    """A part of the sky, as `runs` of cells of order 29; `order` is that of the smallest cells that it can have."""

    order: int
    runs: Runs

    def __str__(self) -> str:
        shift = 2 * (DEEPEST - self.order)
        by_order = cells_by_order(((first >> shift, beyond >> shift) for first, beyond in self.runs), self.order)
        # The order is named even if all cells are larger ones.
        return written({self.order: []} | by_order)

    @property
    def fraction(self) -> float:
        """The part of the sky that it covers, 0 to 1."""
        return sum(beyond - first for first, beyond in self.runs) / cell_count(DEEPEST)

    def union(self, other: "Moc") -> "Moc":
        return Moc(max(self.order, other.order), merged((*self.runs, *other.runs)))

    def complement(self) -> "Moc":
        """Return the rest of the sky."""
        edges = [0, *(edge for run in self.runs for edge in run), cell_count(DEEPEST)]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        return Moc(self.order, tuple((first, beyond) for first, beyond in gaps if beyond > first))

    def intersection(self, other: "Moc") -> "Moc":
        return self.complement().union(other.complement()).complement()

    def difference(self, other: "Moc") -> "Moc":
        """Return what it has and the other has not."""
        return self.intersection(other.complement())

    def degraded(self, order: int) -> "Moc":
        """Return the MOC of the cells of a lower order that it touches; itself where it has none below."""
        if order >= self.order:
            return self
        shift = 2 * (DEEPEST - order)
        runs = ((first >> shift, ((beyond - 1) >> shift) + 1) for first, beyond in self.runs)
        return Moc(order, merged((first << shift, beyond << shift) for first, beyond in runs))


def cell_count(order: int) -> int:
    return 12 << 2 * order


def merged(runs: Iterable[tuple[int, int]]) -> Runs:
    """Return runs in any order as such that are sorted and apart."""
    apart: list[tuple[int, int]] = []
    for first, beyond in sorted(runs):
        if apart and first <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(beyond, apart[-1][1]))
        else:
            apart.append((first, beyond))
    return tuple(apart)


# ---- text → MOC


def parse_moc(text: str) -> Moc:
    """Read a MOC; commas may stand for blanks, orders may come in any order, cells may overlap. Raises: MocError."""
    runs: list[tuple[int, int]] = []
    orders: list[int] = []
    place = _skipped(text, 0)
    while place < len(text):
        word = _WORD.match(text, place)
        if word is None:
            raise _unreadable(text, place)
        if word["order"]:
            orders.append(_order(word))
        elif not orders:
            raise MocError("A MOC begins with an order and a slash", *word.span())
        else:
            runs.append(_run(word, orders[-1]))
        place = _skipped(text, word.end())
    if not orders:
        raise MocError("A MOC has at least an order", 0, len(text))
    return Moc(max(orders), merged(runs))


def _skipped(text: str, place: int) -> int:
    between = _BETWEEN.match(text, place)
    return between.end() if between else place


def _order(word: re.Match[str]) -> int:
    order = int(word["order"]) if len(word["order"]) < 3 else DEEPEST + 1
    if order > DEEPEST:
        raise MocError(f"Orders of cells are from 0 to {DEEPEST}, not {word['order'][:20]}", *word.span())
    return order


def _run(word: re.Match[str], order: int) -> tuple[int, int]:
    digits = max(len(word["first"]), len(word["last"] or ""))
    first, last = (int(word["first"]), int(word["last"] or word["first"])) if digits < 20 else (0, 4**32)
    if last < first:
        raise MocError(f"The cells {word[0]} go backwards: write {last}-{first}", *word.span())
    if last >= cell_count(order):
        raise MocError(
            f"Cells of order {order} are from 0 to {cell_count(order) - 1}, not {word[0][:40]}", *word.span()
        )
    shift = 2 * (DEEPEST - order)
    return first << shift, (last + 1) << shift


def _unreadable(text: str, place: int) -> MocError:
    end = place + len(re.split(r"[\s,]", text[place : place + 30], maxsplit=1)[0])
    if text[place] in "tT":
        return MocError("A MOC of times has no place here, only one of the sky", place, end)
    return MocError(f"{text[place:end]!r} cannot stand in a MOC", place, end)


# ---- MOC → text


def cells_by_order(runs: Iterable[tuple[int, int]], order: int) -> dict[int, list[int]]:
    """Return the largest cells that runs of cells of one order are made of, by their orders."""
    by_order: dict[int, list[int]] = defaultdict(list)
    for run in runs:
        for up, cell in _blocks(*run, order):
            by_order[order - up].append(cell)
    return dict(by_order)


def written(by_order: dict[int, list[int]]) -> str:
    """Return cells as a MOC lists them, from their numbers by order."""
    return " ".join(f"{order}/{_listed(cells)}" for order, cells in sorted(by_order.items()))


def moc_of_runs(runs: Iterable[Run], order: int) -> str:
    """Return the text of the MOC of runs of cells of that order, sorted and apart."""
    return written(cells_by_order(runs, order))


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
    """Return numbers, in order, as runs: `1-3 7`."""
    runs: list[list[int]] = []
    for cell in cells:
        if runs and runs[-1][1] == cell - 1:
            runs[-1][1] = cell
        else:
            runs.append([cell, cell])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
