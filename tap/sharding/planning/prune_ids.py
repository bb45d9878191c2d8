"""A search by Gaia-like ids in a table on shards → also in the cells that stand in their upper bits.

PostgreSQL then leaves out the shards that hold others; the condition itself stays beside it.
"""

from adql.constants import number_of
from adql.nodes import And, Between, Comparison, Condition, Field, InValues, Value
from adql.trees import SWAPPED
from tap.sharding.model import HealpixPartitioning
from tap.sharding.planning.cell_sets import CellSet, Partitionings, cell_condition, either

_MOST_VALUES = 100
_LARGEST = 2**63 - 1


def prune_ids(partitionings: Partitionings, condition: Condition) -> Condition:
    match condition:
        case Comparison(left=Field() as field):
            pass
        case Comparison(right=Field() as field):
            pass
        case Between(operand=Field() as field, negated=False) | InValues(operand=Field() as field, negated=False):
            pass
        case _:
            return condition
    partitioning = partitionings.get(field.source)
    if partitioning is None or field.name != partitioning.key:
        return condition
    cells = _cells(condition, field, partitioning)
    if cells is None:
        return condition
    added = cell_condition(field.source, partitioning, cells)
    if added is None:
        return condition
    return And((condition, added), span=condition.span, info=condition.info)


def _cells(condition: Condition, field: Field, partitioning: HealpixPartitioning) -> CellSet | None:
    match condition:
        case Comparison(operator=operator, left=left, right=right) if left == field:
            return _compared(partitioning, operator, right)
        case Comparison(operator=operator, left=left):
            return _compared(partitioning, SWAPPED.get(operator, operator), left)
        case Between(low=low, high=high):
            return _between(partitioning, number_of(low), number_of(high))
        case InValues(items=items) if len(items) <= _MOST_VALUES:
            return _one_of(partitioning, [number_of(item) for item in items])
    return None


def _compared(partitioning: HealpixPartitioning, operator: str, value: Value) -> CellSet | None:
    number = number_of(value)
    match operator:
        case "=":
            return _between(partitioning, number, number)
        case "<" | "<=":
            return _between(partitioning, 0, number, below=True)
        case ">" | ">=":
            return _between(partitioning, number, _LARGEST)
    return None


def _between(
    partitioning: HealpixPartitioning, low: float | None, high: float | None, *, below: bool = False
) -> CellSet | None:
    """Return the cells of ids from `low` to `high`. `below`: also of negative ids, which are none of Gaia's and lie, like too large ones, in the cell -1."""
    if not isinstance(low, int) or not isinstance(high, int) or low < 0 or high < low:
        return None
    last, shift = 12 * 4**partitioning.order - 1, partitioning.shift
    runs = [(low >> shift, min(high >> shift, last))] if low >> shift <= last else []
    if below or high >> shift > last:
        runs.append((-1, -1))
    return tuple(runs)


def _one_of(partitioning: HealpixPartitioning, numbers: list[int | float | None]) -> CellSet | None:
    cells = [_between(partitioning, number, number) for number in numbers]
    known = [each for each in cells if each is not None]
    return either(known) if known and len(known) == len(cells) else None
