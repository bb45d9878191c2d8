"""Rows on a terminal."""

import io

import pyarrow as pa
import pytest
from rich.console import Console

from schema import types
from schema.load.reader import FileColumn
from tap.client.shell.answer import AnswerTable
from tap.client.shell.table_view import show_rows


def shown(answer: AnswerTable, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show_rows(console, answer, 0, 10)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def answer_of(values: dict[str, list[object]], units: dict[str, str] | None = None) -> AnswerTable:
    columns = tuple(FileColumn(name, types.DOUBLE, (units or {}).get(name)) for name in values)
    return AnswerTable(columns, pa.table(values))


def test_numbers_stand_on_the_right_and_units_below_names() -> None:
    answer = answer_of({"name": ["Vega", None], "ra": [279.25, 1.5]}, {"ra": "deg"})
    assert shown(answer, 40) == ["name      ra", "         deg", "────────────", "Vega  279.25", "NULL     1.5"]


@pytest.mark.parametrize("width", range(11, 60))
def test_columns_are_left_out_rather_than_cut(width: int) -> None:
    answer = answer_of({f"column{n}": [f"value{n}", f"other{n}"] for n in range(6)})
    head, *_ = lines = shown(answer, width)
    assert all(len(line) <= width for line in lines)
    for n, name in enumerate(head.split()):
        assert name == f"column{n}"
    left_out = 6 - len(head.split())
    assert left_out == (f"{left_out} more columns" in "\n".join(lines).replace("\n", " ")) * left_out
    assert len(head.split()) == min(6, (width + 1) // 9)


def test_a_row_that_is_too_wide_has_a_line_for_each_column() -> None:
    lines = shown(answer_of({f"column{n}": [n / 2] for n in range(6)}, {"column1": "mag"}), 30)
    assert [line.split() for line in lines][:2] == [["column0", "0"], ["column1", "0.5", "mag"]]


def test_texts_keep_to_their_line_and_their_width() -> None:
    answer = answer_of({"text": ["a\nb\x1b[31m", "x" * 100, "星" * 40]})
    lines = shown(answer, 80)
    assert lines[3] == "a b [31m"
    assert lines[4] == "x" * 39 + "…"
    assert "\x1b" not in "".join(lines)
