"""Rows of a result on a terminal: aligned, with units, as many columns as fit."""

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from schema.load.reader import FileColumn
from tap.client.shell.answer import AnswerTable
from tap.client.shell.printable import printable
from tap.pages.cells import Cell, rows_of

_WIDEST = 40
_BESIDE_ROWS = 14
"""Lines of a screen that the head of a table and the prompt with its menu take."""
_GAP = 2
"""Columns between two columns, of which rich takes one for a line that is not drawn here."""


def page_size(console: Console) -> int:
    return max(5, console.height - _BESIDE_ROWS)


def show_rows(console: Console, answer: AnswerTable, first: int, count: int) -> None:
    """Print some rows; of one row whose columns do not fit, a line for each column."""
    rows = list(rows_of(answer.rows.slice(first, count)))
    if not rows:
        console.print(Text(", ".join(map(_head_on_a_line, answer.columns)) + ": no rows"), soft_wrap=True)
        return
    widths = [_width(column, [row[index] for row in rows]) for index, column in enumerate(answer.columns)]
    fitting = _fitting(widths, console.width)
    if len(rows) == 1 and fitting < len(widths):
        _show_row(console, answer.columns, rows[0])
        return
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_edge=False)
    for index, column in enumerate(answer.columns[:fitting]):
        is_number = any(row[index].is_number for row in rows)
        grid.add_column(_head(column), justify="right" if is_number else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(_cell(cell, width) for cell, width in zip(row[:fitting], widths, strict=False)))
    console.print(grid)
    if fitting < len(widths):
        left = ", ".join(column.name for column in answer.columns[fitting:])
        console.print(
            Text(f"{len(widths) - fitting} more columns, for which this terminal is too narrow: {left}", "dim")
        )


def _fitting(widths: Sequence[int], most: int) -> int:
    """Return how many columns fit side by side: at least one."""
    total = 0
    for index, width in enumerate(widths):
        total += width + _GAP
        if total - 1 > most:
            return max(1, index)
    return len(widths)


def _width(column: FileColumn, cells: Sequence[Cell]) -> int:
    texts = [column.name, column.unit or "", *(_seen(cell.text) for cell in cells)]
    return min(_WIDEST, max(map(cell_len, texts)))


def _seen(text: str) -> str:
    return printable(text).replace("\n", " ")


def _cell(cell: Cell, width: int) -> Text:
    text = _seen(cell.text)
    shown = text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"
    return Text(shown, "dim" if cell.is_null else "")


def _head(column: FileColumn) -> Text:
    return Text.assemble((_seen(column.name), "bold"), "\n", (_seen(column.unit or ""), "dim"))


def _head_on_a_line(column: FileColumn) -> str:
    return _seen(f"{column.name} [{column.unit}]" if column.unit else column.name)


def _show_row(console: Console, columns: Sequence[FileColumn], row: Sequence[Cell]) -> None:
    grid = Grid.grid(padding=(0, _GAP, 0, 0))
    for column, cell in zip(columns, row, strict=True):
        value = Text(_seen(cell.text), "dim" if cell.is_null else "")
        grid.add_row(Text(_seen(column.name), "bold"), value, Text(_seen(column.unit or ""), "dim"))
    console.print(grid)
