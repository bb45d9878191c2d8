"""Texts of MOCs are read and written as mocpy reads and writes them, and what is none is refused where it is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC

from schema.moc import MocError, parse_moc


@st.composite
def cells(draw: st.DrawFn) -> tuple[int, list[int]]:
    """An order, and numbers of cells of it, which may stand beside each other or be siblings."""
    order = draw(st.integers(0, 29))
    first = draw(st.integers(0, (12 << 2 * order) - 1))
    steps = draw(st.lists(st.integers(1, 9), max_size=60))
    numbers = [first]
    for step in steps:
        numbers.append(numbers[-1] + step)
    return order, [number for number in numbers if number < 12 << 2 * order]


def text_of(order: int, numbers: list[int]) -> str:
    return f"{order}/{' '.join(map(str, numbers))}"


@given(cells())
def test_a_moc_is_written_as_mocpy_writes_it(given_cells: tuple[int, list[int]]) -> None:
    expected = MOC.from_string(text_of(*given_cells))
    assert str(parse_moc(text_of(*given_cells))) == " ".join(expected.to_string().split())


@given(cells(), st.integers(0, 29))
def test_a_moc_of_a_lower_order_has_the_cells_that_it_touches(given_cells: tuple[int, list[int]], order: int) -> None:
    moc = parse_moc(text_of(*given_cells))
    expected = MOC.from_string(text_of(*given_cells))
    if order < moc.order:
        expected = expected.degrade_to_order(order)
    assert MOC.from_string(str(moc.degraded(order))) == expected


@given(cells(), cells())
def test_unions_intersections_and_the_rest_are_those_of_mocpy(
    one: tuple[int, list[int]], other: tuple[int, list[int]]
) -> None:
    """mocpy 0.21's own `difference` leaves cells out."""
    a, b = (parse_moc(text_of(*each)) for each in (one, other))
    p, q = (MOC.from_string(text_of(*each)) for each in (one, other))
    pairs = [
        (a.union(b), p.union(q)),
        (a.intersection(b), p.intersection(q)),
        (a.complement(), p.complement()),
        (a.difference(b), p.intersection(q.complement())),
    ]
    assert all(MOC.from_string(str(found)) == expected for found, expected in pairs)


@given(cells())
def test_the_fraction_of_the_sky_is_mocpys(given_cells: tuple[int, list[int]]) -> None:
    expected = MOC.from_string(text_of(*given_cells)).sky_fraction
    assert parse_moc(text_of(*given_cells)).fraction == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0/", "0/"),
        ("29/", "29/"),
        ("0/0-11", "0/0-11"),
        ("0/0-11 8/", "0/0-11 8/"),
        ("1/0,1,2,3", "0/0 1/"),
        (" s3/5\n s1/0,1 3/7 ", "1/0-1 3/"),
        ("5/3 5/3-4 5/4", "5/3-4"),
    ],
)
def test_blanks_commas_repetitions_and_any_order_are_read(text: str, written: str) -> None:
    assert str(parse_moc(text)) == written


@pytest.mark.parametrize(
    ("text", "wrong", "message"),
    [
        ("", "", "at least an order"),
        (" ", " ", "at least an order"),
        ("5", "5", "begins with an order"),
        ("4/30-33 x 5/", "x", "cannot stand"),
        ("30/1", "30/", "from 0 to 29"),
        ("4/1 12345/", "12345/", "from 0 to 29"),
        ("1/48", "48", "from 0 to 47"),
        ("1/40-48", "40-48", "from 0 to 47"),
        ("29/99999999999999999999999", "99999999999999999999999", "from 0 to"),
        ("1/3-1", "3-1", "write 1-3"),
        ("1/2-", "2-", "cannot stand"),
        ("1/2;3", "2;3", "cannot stand"),
        ("t29/5 s3/2", "t29/5", "times"),
    ],
)
def test_what_is_no_moc_is_refused_where_it_is_wrong(text: str, wrong: str, message: str) -> None:
    with pytest.raises(MocError, match=message) as error:
        parse_moc(text)
    assert text[error.value.start : error.value.end] == wrong
