"""Sets of HEALPix cells, and the conditions of a query that restrict a table to one."""

from collections.abc import Mapping
from dataclasses import replace

from adql.constants import number_of
from adql.info import Info
from adql.nodes import And, Between, Comparison, Condition, Field, InValues, Number, Or, Signed, Value
from schema import types
from tap.sharding.model import HealpixPartitioning

CellSet = tuple[tuple[int, int], ...]
"""First and last of each run of cells, sorted, apart from each other."""
EVERYWHERE: CellSet = ((-1, 2**62),)
MOST_HASHED = 100
"""Cells that are named one by one: as many lie on nearly all shards."""
Partitionings = Mapping[str, HealpixPartitioning]
"""Of the tables on shards that a query names, by their aliases in its SQL."""


def cells_of(condition: Condition | None, alias: str, partitionings: Partitionings) -> CellSet:
    """Return a superset of the cells in which rows of a table meet a condition."""
    match condition:
        case And(operands=operands):
            cells = EVERYWHERE
            for operand in operands:
                cells = both(cells, cells_of(operand, alias, partitionings))
            return cells
        case Or(operands=operands):
            return either([cells_of(operand, alias, partitionings) for operand in operands])
        case Between(operand=Field() as field, low=low, high=high, negated=False):
            if field.source == alias and is_cell_column(field, partitionings):
                return _run(number_of(low), number_of(high))
        case Comparison(operator="=", left=Field() as field, right=value):
            return cells_of(Between(field, value, value), alias, partitionings)
    return EVERYWHERE


def is_cell_column(field: Field, partitionings: Partitionings) -> bool:
    partitioning = partitionings.get(field.source)
    return partitioning is not None and field.name == partitioning.column


def cell_condition(alias: str, partitioning: HealpixPartitioning, cells: CellSet) -> Condition | None:
    """Return the condition that a row of the table with that alias lies in one of these cells; None where it would leave out no shard."""
    column, boolean = Field(alias, partitioning.column, info=Info(types.INTEGER)), Info(types.BOOLEAN)
    if partitioning.hashed:
        # A hash tells nothing of BETWEEN.
        numbers = [cell for first, last in cells for cell in range(first, min(last, first + MOST_HASHED) + 1)]
        few = 0 < len(numbers) <= MOST_HASHED
        return InValues(column, tuple(map(_number, numbers)), info=boolean) if few else None
    runs = tuple(Between(column, _number(first), _number(last), info=boolean) for first, last in cells)
    return runs[0] if len(runs) == 1 else Or(runs, info=boolean)


def _number(cell: int) -> Value:
    number = Number(str(abs(cell)), info=Info(types.INTEGER))
    return Signed("-", number, info=number.info) if cell < 0 else number


def without_cell_conditions(condition: And, partitionings: Partitionings) -> Condition:
    """Drop the conditions that pruning added, for those who read only the partitions of these cells."""
    kept = tuple(operand for operand in condition.operands if not _was_added(operand, partitionings))
    return kept[0] if len(kept) == 1 else replace(condition, operands=kept or condition.operands)


def _was_added(condition: Condition, partitionings: Partitionings) -> bool:
    """Return whether pruning added it: it is of cells and has no name of the user's."""
    match condition:
        case Or(operands=operands):
            return all(_was_added(operand, partitionings) for operand in operands)
        case Between(operand=Field() as field):
            return is_cell_column(field, partitionings) and not field.label
    return False


def _run(low: float | None, high: float | None) -> CellSet:
    return ((int(low), int(high)),) if low is not None and high is not None else EVERYWHERE


def both(one: CellSet, other: CellSet) -> CellSet:
    return tuple((max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) <= min(b, d))


def either(several: list[CellSet]) -> CellSet:
    runs: list[tuple[int, int]] = []
    for first, last in sorted(run for cells in several for run in cells):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return tuple(runs)
