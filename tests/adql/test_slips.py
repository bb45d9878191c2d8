"""Slips of many kinds, made up after what people ask in public: the first repair that is offered leads to what was meant.

`slips.txt` has a title that begins with the kind, the wrong query and the right one; between them `no repair` where it cannot
be told what was meant, or not yet.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from adql.errors import AdqlError
from adql.repairs import Repair, repairs
from adql.translate import Translation, translate
from tests.adql.tables import CATALOGUE

MOST_STEPS = 3
NO_REPAIR = "no repair"


@dataclass(frozen=True)
class Slip:
    title: str
    wrong: str
    right: str
    is_mended: bool

    def __str__(self) -> str:
        return self.title


def read_slips() -> list[Slip]:
    paragraphs = (Path(__file__).parent / "slips" / "slips.txt").read_text("utf-8").strip("\n").split("\n\n")
    slips = []
    for title, wrong, *marks, right in (paragraph.split("\n") for paragraph in paragraphs):
        assert marks in ([], [NO_REPAIR]), f"{title}: {marks}"
        slips.append(Slip(title.removeprefix("-- "), wrong, right, not marks))
    return slips


SLIPS = read_slips()


def outcome(query: str) -> Translation | AdqlError:
    try:
        return translate(query, CATALOGUE)
    except AdqlError as error:
        return error


def offered(query: str) -> list[str]:
    """The queries that a click makes of one: repairs of its error, or of what is legal and hardly meant."""
    result = outcome(query)
    if isinstance(result, AdqlError):
        changes = repairs(query, result, lambda text: translate(text, CATALOGUE))
    else:
        changes = [Repair(lint.span, lint.repair) for lint in result.lints if lint.repair]
    return [change.applied(query) for change in changes]


def meaning(query: str) -> tuple[str, list[str]] | None:
    """The SQL of a query and the names of its columns; None where it is wrong."""
    result = outcome(query)
    return (result.sql, [output.name for output in result.outputs]) if isinstance(result, Translation) else None


def means(query: str, right: str) -> bool:
    return meaning(query) is not None and meaning(query) == meaning(right)


def repaired(query: str) -> list[str]:
    """What comes of it, step by step, when the first repair is taken each time."""
    steps: list[str] = []
    while len(steps) < MOST_STEPS and (changed := offered(query)):
        query = changed[0]
        steps.append(query)
    return steps


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_a_slip_is_mended_by_the_first_repair_that_is_offered(slip: Slip) -> None:
    assert isinstance(outcome(slip.right), Translation), "what was meant is right"
    assert not means(slip.wrong, slip.right)
    steps = repaired(slip.wrong)
    assert any(means(query, slip.right) for query in steps) == slip.is_mended, steps


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_no_repair_makes_a_query_that_means_something_else(slip: Slip) -> None:
    """Neither the first one nor any other; what has a repair still is not done."""
    for query in [*repaired(slip.wrong), *offered(slip.wrong)]:
        is_done = isinstance(outcome(query), Translation) and not offered(query)
        assert not is_done or means(query, slip.right), query


def test_nine_of_ten_slips_are_mended() -> None:
    assert len(SLIPS) >= 200
    assert len({slip.wrong for slip in SLIPS}) == len(SLIPS)
    assert sum(slip.is_mended for slip in SLIPS) >= 0.9 * len(SLIPS)
