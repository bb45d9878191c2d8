"""Ranges of cells as MOCs."""

import random

from tap.sharding.moc import moc_of
from tap.sharding.model import CellRange


def cells_of(moc: str, order: int) -> set[int]:
    """Of a MOC as text, all cells of that order."""
    found: set[int] = set()
    level = 0
    for word in moc.replace("/", "/ ").split():
        if word.endswith("/"):
            level = int(word[:-1])
            continue
        first, _, last = word.partition("-")
        wide = 4 ** (order - level)
        found |= set(range(int(first) * wide, (int(last or first) + 1) * wide))
    return found


def test_the_whole_sky_is_the_twelve_base_cells() -> None:
    assert moc_of((CellRange(-1, 100, "a", "p"), CellRange(100, 12 * 4**6, "b", "q")), 6) == "0/0-11"


def test_nowhere_is_no_part_of_the_sky() -> None:
    assert moc_of((CellRange(-1, 0, "a", "p"),), 6) == ""


def test_a_moc_has_the_cells_of_its_ranges_and_no_others() -> None:
    random.seed(2)
    for _ in range(100):
        bounds = sorted(random.sample(range(12 * 4**6), 6))
        ranges = tuple(CellRange(a, b, "s", "p") for a, b in zip(bounds[::2], bounds[1::2], strict=True))
        expected = {cell for each in ranges for cell in range(each.first, each.stop)}
        assert cells_of(moc_of(ranges, 6), 6) == expected


def test_four_cells_of_one_parent_are_their_parent() -> None:
    assert moc_of((CellRange(3, 9, "s", "p"),), 6) == "5/1 6/3 8"
