"""Values as people read them lose nothing that counts: the whole value is at hand, NULL is told from everything else."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.pages.cells import Cell, cell_of, rows_of

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def cells(*values: Any, of: pa.DataType) -> list[Cell]:
    return [row[0] for row in rows_of(pa.table({"x": pa.array(values, of)}))]


@pytest.mark.parametrize("of", [pa.float32(), pa.float64(), pa.int64(), pa.string(), pa.bool_(), pa.timestamp("us")])
def test_a_missing_value_is_null(of: pa.DataType) -> None:
    (cell,) = cells(None, of=of)
    assert (cell.text, cell.is_null) == ("NULL", True)


@pytest.mark.parametrize("of", [pa.float32(), pa.float64()])
def test_no_number_is_null_too(of: pa.DataType) -> None:
    """In files NaN stands for NULL."""
    (cell,) = cells(float("nan"), of=of)
    assert cell.is_null


@pytest.mark.parametrize("text", ["", "NULL", "null", " ", "nan"])
def test_a_text_is_never_null(text: str) -> None:
    (cell,) = cells(text, of=pa.string())
    assert (cell.text, cell.is_null) == (text, False)


@given(FINITE)
def test_a_double_has_twelve_digits_and_all_of_them_at_hand(value: float) -> None:
    (cell,) = cells(value, of=pa.float64())
    assert cell.is_number
    assert float(cell.title) == value
    with np.errstate(over="ignore"):
        shown = np.format_float_scientific(value, precision=11, unique=False)
    assert float(cell.text) == float(shown)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_single_has_seven_digits(value: float) -> None:
    (cell,) = cells(value, of=pa.float32())
    shown = np.format_float_scientific(value, precision=6, unique=False)
    assert float(cell.text) == float(shown)


@pytest.mark.parametrize(
    ("value", "of", "text"),
    [
        (0.1, pa.float32(), "0.1"),
        (0.1, pa.float64(), "0.1"),
        (0.1 + 0.2, pa.float64(), "0.3"),
        (56.75, pa.float64(), "56.75"),
        (1e-30, pa.float64(), "1e-30"),
        (float("inf"), pa.float64(), "inf"),
        (True, pa.bool_(), "true"),
    ],
)
def test_numbers_have_no_more_digits_than_they_need(value: Any, of: pa.DataType, text: str) -> None:
    assert cells(value, of=of)[0].text == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_whole_number_has_all_its_digits(value: int) -> None:
    (cell,) = cells(value, of=pa.int64())
    assert (cell.text, cell.is_number) == (str(value), True)


@pytest.mark.parametrize(
    ("values", "of", "text"),
    [
        ([1, 2, 3], pa.int32(), "1 2 3"),
        ([True, None, False], pa.bool_(), "true NULL false"),
        ([0.1, 0.25], pa.float64(), "0.1 0.25"),
        ([0.1, 0.25], pa.float32(), "0.1 0.25"),
        ([56.75, 24.12], pa.float64(), "56.75 24.12"),
        ([1, None, 3], pa.int32(), "1 NULL 3"),
        ([], pa.float64(), ""),
    ],
)
@pytest.mark.parametrize("listed", [pa.list_, pa.large_list])
def test_an_array_is_its_values_each_as_it_would_be_alone(listed: Any, values: list[Any], of: Any, text: str) -> None:
    (cell,) = cells(values, of=listed(of))
    assert (cell.text, cell.is_null) == (text, False)


@given(st.text(max_size=6000))
def test_of_a_long_text_the_beginning_is_shown_and_more_is_at_hand(text: str) -> None:
    cell = cell_of(text)
    if len(text) <= 300:
        assert cell.text == text
    else:
        assert cell.text == text[:300] + " …"
        assert cell.title == text[:5000]


@pytest.mark.parametrize(
    "text",
    ["http://example.org", "https://example.org/x?a=b&c=d#e", "https://user@example.org:8080/é", "https://[::1]/x"],
)
def test_a_link_leads_where_it_says(text: str) -> None:
    cell = cell_of(text)
    assert (cell.text, cell.link) == (text, text)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "ftp://example.org",
        "//example.org",
        "/tap",
        "http://",
        "http:///x",
        "https:example.org",
        "see http://example.org",
        "http://example.org and more",
        "http://exam\nple.org",
        " http://example.org",
        "http://[",
        "file:///etc/passwd",
    ],
)
def test_nothing_else_is_a_link(text: str) -> None:
    assert cell_of(text).link == ""


def test_rows_come_as_they_are_in_the_table() -> None:
    random = np.random.default_rng(1)
    table = pa.table({"n": np.arange(50), "x": random.normal(size=50), "t": [f"t{n}" for n in range(50)]})
    found = [[cell.text for cell in row] for row in rows_of(table)]
    assert found == [[str(row["n"]), f"{row['x']:.12g}", row["t"]] for row in table.to_pylist()]
