"""A search by Gaia-like ids in a sharded table → also in the pixels that stand in their upper bits.

PostgreSQL then leaves out the shards that hold others; the condition itself stays beside it.
"""

from adql.constants import number_of
from adql.nodes import SWAPPED, And, Between, Comparison, Condition, Field, InValues, Value
from adql.spread.cells import Cells, either, in_cells
from schema.model import Pixel

_MOST_VALUES = 100
_LARGEST = 2**63 - 1


def pixels_of_ids(condition: Condition) -> Condition:
    match condition:
        case Comparison(operator=operator, left=Field() as field, right=right):
            cells = _compared(field, operator, right)
        case Comparison(operator=operator, left=left, right=Field() as field):
            cells = _compared(field, SWAPPED.get(operator, operator), left)
        case Between(operand=Field() as field, low=low, high=high, negated=False):
            cells = _between(field, number_of(low), number_of(high))
        case InValues(operand=Field() as field, items=items, negated=False) if len(items) <= _MOST_VALUES:
            cells = _one_of(field, [number_of(each) for each in items])
        case _:
            return condition
    pixel = _pixel(field)
    if pixel is None or cells is None:
        return condition
    return And((condition, in_cells(field.source, pixel, cells)), span=condition.span, info=condition.info)


def _compared(field: Field, operator: str, value: Value) -> Cells | None:
    number = number_of(value)
    match operator:
        case "=":
            return _between(field, number, number)
        case "<" | "<=":
            return _between(field, 0, number, below=True)
        case ">" | ">=":
            return _between(field, number, _LARGEST)
    return None


def _between(field: Field, low: float | None, high: float | None, *, below: bool = False) -> Cells | None:
    """`below`: also negative ids, which are none of Gaia's and lie, like too large ones, in the cell -1."""
    pixel = _pixel(field)
    if pixel is None or not isinstance(low, int) or not isinstance(high, int) or low < 0 or high < low:
        return None
    last = 12 * 4**pixel.order - 1
    runs = [(low >> pixel.shift, min(high >> pixel.shift, last))] if low >> pixel.shift <= last else []
    if below or high >> pixel.shift > last:
        runs.append((-1, -1))
    return tuple(runs)


def _one_of(field: Field, numbers: list[int | float | None]) -> Cells | None:
    found = [_between(field, each, each) for each in numbers]
    known = [each for each in found if each is not None]
    return either(known) if known and len(known) == len(found) else None


def _pixel(field: Field) -> Pixel | None:
    pixel = field.info.pixel
    return pixel if pixel is not None and field.name == pixel.key else None
