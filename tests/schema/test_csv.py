"""What plain CSV and TSV files mean, which say nothing of their types."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from schema.load import open_file
from schema.load.reader import LoadError
from schema.load.times import moments

FILES = {
    "leading zeros make names": ("id,x\n00123,1\n00007,2\n", {"id": ["00123", "00007"], "x": [1, 2]}),
    "hours and minutes of two digits are numbers": ("h,m\n05,07\n", {"h": [5], "m": [7]}),
    "whole numbers beyond 64 bits keep all digits": (
        "id\n12345678901234567890\n7\n",
        {"id": ["12345678901234567890", "7"]},
    ),
    "those of 64 bits are numbers": ("id\n6874123456789012345\n", {"id": [6874123456789012345]}),
    "large values beside fractions are numbers": ("x\n1.5\n100000000000000000000\n", {"x": [1.5, 1e20]}),
    "blanks after commas belong to nothing": (
        "ra, dec, name\n10.5, -3, M 31\n11, NaN, d\n, , \n",
        {"ra": [10.5, 11.0, None], "dec": [-3, None, None], "name": ["M 31", "d", None]},
    ),
    "comments before the names are passed over": ("# of mine\n# 2026\nra,dec\n1,2\n", {"ra": [1], "dec": [2]}),
    "a comment right before numbers has the names": ("# ra,dec\n1,2\n3,4\n", {"ra": [1, 3], "dec": [2, 4]}),
    "a comment at the end is passed over": ("ra,dec\n1,2\n# cut here\n", {"ra": [1], "dec": [2]}),
    "an hour of a clock is a text": ("t\n12:30:11\n", {"t": ["12:30:11"]}),
    "times are times": (
        "t\n2016-01-01T00:00:00.5\n1066-10-14T09:00:00\n",
        {"t": [datetime(2016, 1, 1, 0, 0, 0, 500_000), datetime(1066, 10, 14, 9)]},
    ),
    "quoted names keep their commas": ('"a, x","b"\n1,2\n', {"a, x": [1], "b": [2]}),
    "names alone are a table without rows": ("a,b", {"a": [], "b": []}),
}


@pytest.mark.parametrize(("text", "columns"), FILES.values(), ids=FILES)
def test_a_plain_file_means_what_its_author_sees(tmp_path: Path, text: str, columns: dict[str, list[object]]) -> None:
    path = tmp_path / "plain.csv"
    path.write_text(text)
    reader = open_file(path)
    names = [column.name for column in reader.columns]
    rows = [row for batch in reader.batches() for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)]
    assert names == list(columns)
    assert rows == list(zip(*columns.values(), strict=True))


def test_two_columns_of_one_name_are_refused_by_it(tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    with pytest.raises(LoadError, match="two columns are called a"):
        open_file(tmp_path / "twice.csv")


def test_a_type_that_later_rows_break_is_told_with_both_ways_out(tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text("x\n" + "1\n" * 2_000_000 + "abc\n")
    with pytest.raises(LoadError, match="description, or write a file that says it"):
        list(open_file(tmp_path / "late.csv").batches())


def test_a_leap_second_is_the_first_of_the_next_minute() -> None:
    times = moments(pa.array(["2016-12-31T23:59:60Z", "2016-12-31T23:59:60.25", None, "2016-01-01"]))
    assert times.to_pylist() == [
        datetime(2017, 1, 1),
        datetime(2017, 1, 1, 0, 0, 0, 250_000),
        None,
        datetime(2016, 1, 1),
    ]
