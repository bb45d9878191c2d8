"""Tables and columns on a terminal, as `find` and `describe` show them."""

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from schema.model import Column, Table
from schema.search import Hit
from tap.client.shell.printable import on_one_line
from tap.client.shell.shell import Shell

_SHORT, _LONG = 100, 300


def print_hit(shell: Shell, hit: Hit) -> None:
    """Print a table, and the columns of it that were found."""
    shell.say_of(hit.table.table_name, _rows(hit.table, "  "), "  ", on_one_line(hit.table.description or "", _SHORT))
    for column in hit.columns:
        about = (column.column_name, column.unit, column.ucd, on_one_line(column.description or "", _SHORT))
        shell.say("    " + "  ".join(filter(None, about)))


def print_table(shell: Shell, table: Table) -> None:
    """Print what is known of a table, and its columns."""
    shell.say_of(table.table_name, f" ({table.table_type}{_rows(table, ', ')})")
    if table.description:
        shell.say(on_one_line(table.description))
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for heading in ("column", "type", "unit", "ucd"):
        grid.add_column(heading, no_wrap=True)
    grid.add_column("description", overflow="fold")
    for column in table.columns:
        grid.add_row(*(Text(on_one_line(text, _LONG)) for text in _cells(column)))
    shell.console.print(grid)
    if any(column.indexed for column in table.columns):
        shell.say("* has an index")


def _rows(table: Table, before: str) -> str:
    return f"{before}{table.nrows:,} rows" if table.nrows else ""


def _cells(column: Column) -> tuple[str, ...]:
    type_ = f"{column.type.adql}[{column.arraysize}]" if column.type.is_array else column.type.adql
    name = column.column_name + " *" * column.indexed
    return name, type_, column.unit or "", column.ucd or "", column.description or ""
