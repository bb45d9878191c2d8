"""In which cells of the sky the rows lie that a condition lets through."""

from dataclasses import replace

from adql.constants import number_of
from adql.info import Info
from adql.nodes import And, Between, Comparison, Condition, Field, Number, Or, Signed, Value
from schema import types
from schema.model import Pixel

Cells = tuple[tuple[int, int], ...]
"""First and last of each run of cells, sorted, apart from each other."""
EVERYWHERE: Cells = ((-1, 2**62),)


def cells_of(condition: Condition | None, alias: str) -> Cells:
    """Of the table of that alias; a superset."""
    match condition:
        case And(operands=operands):
            found = EVERYWHERE
            for each in operands:
                found = both(found, cells_of(each, alias))
            return found
        case Or(operands=operands):
            return either([cells_of(each, alias) for each in operands])
        case Between(operand=Field(source=source, name=name) as field, low=low, high=high, negated=False):
            pixel = field.info.pixel
            if source == alias and pixel is not None and name == pixel.column:
                return _run(number_of(low), number_of(high))
        case Comparison(operator="=", left=Field() as field, right=value):
            return cells_of(Between(field, value, value), alias)
    return EVERYWHERE


def in_cells(source: str, pixel: Pixel, runs: Cells) -> Condition:
    """The condition that a row of the table with that alias lies in one of these cells."""
    column, boolean = Field(source, pixel.column, info=Info(types.INTEGER, pixel=pixel)), Info(types.BOOLEAN)
    found = tuple(Between(column, _number(first), _number(last), info=boolean) for first, last in runs)
    return found[0] if len(found) == 1 else Or(found, info=boolean)


def _number(cell: int) -> Value:
    number = Number(str(abs(cell)), info=Info(types.INTEGER))
    return Signed("-", number, info=number.info) if cell < 0 else number


def without_pixels(condition: And) -> Condition:
    """For those who read only the tables of these pixels: they need not look for them, unless whoever wrote the query does."""
    left = tuple(each for each in condition.operands if not _is_of_pixels(each))
    return left[0] if len(left) == 1 else replace(condition, operands=left or condition.operands)


def _is_of_pixels(condition: Condition) -> bool:
    match condition:
        case Or(operands=operands):
            return all(map(_is_of_pixels, operands))
        case Between(operand=Field(name=name) as field):
            return field.info.pixel is not None and name == field.info.pixel.column and not field.label
    return False


def _run(low: float | None, high: float | None) -> Cells:
    return ((int(low), int(high)),) if low is not None and high is not None else EVERYWHERE


def both(one: Cells, other: Cells) -> Cells:
    return tuple((max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) <= min(b, d))


def either(several: list[Cells]) -> Cells:
    runs: list[tuple[int, int]] = []
    for first, last in sorted(run for cells in several for run in cells):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return tuple(runs)
