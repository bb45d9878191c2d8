"""What a page says of a column's values, in brief and in full."""

import pytest

from schema.model import Column
from schema.statistics.columns import ColumnStatistics
from tap.pages.column_values import in_brief, in_full, percent

DOUBLE, LONG, TEXT = Column("x", "double"), Column("i", "long"), Column("t", "char", "*")
TIME, LOGICAL = Column("s", "char", "*", "timestamp"), Column("b", "boolean")
FEW = (("star", 0.75), ("", 0.25))


@pytest.mark.parametrize(
    ("column", "statistics", "brief"),
    [
        (DOUBLE, ColumnStatistics("x", 0, 9, "-1.4400000001", "11.0", -1.44, 0, 1, 2, 11), "-1.44 to 11"),
        (DOUBLE, ColumnStatistics("x", 99, 1, "2000", "2000", 2000), "2000, 99 % NULL"),
        (LONG, ColumnStatistics("i", 0, 9, str(2**62), str(2**62 + 1)), f"{2**62} to {2**62 + 1}"),
        (
            TIME,
            ColumnStatistics("s", 0, 9, "2020-01-01T00:00:00", "2020-04-26T17:46:39"),
            "2020-01-01T00:00:00 to 2020-04-26T17:46:39",
        ),
        (TEXT, ColumnStatistics("t", 0, 14033, "A", "Z"), "about 14,033 values"),
        (TEXT, ColumnStatistics("t", 1, 2, "", "star", frequent_values=FEW), "star, , 1 % NULL"),
        (LOGICAL, ColumnStatistics("b", 0, 2, frequent_values=(("false", 0.9), ("true", 0.1))), "false, true"),
        (TEXT, ColumnStatistics("t", 100, 0), "all NULL"),
        (TEXT, ColumnStatistics("t", 0), ""),
    ],
)
def test_a_few_words_fit_beside_a_column(column: Column, statistics: ColumnStatistics, brief: str) -> None:
    assert in_brief(column, statistics, 100) == brief


def test_the_rest_is_told_in_full() -> None:
    statistics = ColumnStatistics("t", 1234, 2, "", "star", frequent_values=(*FEW, ("rare", 0.001)))
    told = dict(in_full(TEXT, statistics))
    assert told["NULL in rows"] == "1,234"
    assert told["most often, about"] == "star (75 %), empty (25 %)"
    assert (told["least"], told["largest"]) == ("", "star")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1e-6, "less than 0.1 %"), (0.756, "75.6 %"), (0.99999, "more than 99.9 %"), (1, "100 %")],
)
def test_shares_are_never_rounded_to_none_or_all(share: float, text: str) -> None:
    assert percent(share) == text
