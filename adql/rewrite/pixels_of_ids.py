"""A search by Gaia-like ids in a sharded table → also in the pixels that stand in their upper bits.

PostgreSQL then leaves out the shards that hold others; the condition itself stays beside it.
"""

from adql import nodes
from adql.constants import number_of
from adql.nodes import And, Between, Comparison, Condition, Field, Info, InValues, Number, Value
from schema import types
from schema.model import Pixel

_BOOLEAN = Info(types.BOOLEAN)
_MOST_VALUES = 100
_LARGEST = 2**63 - 1


def pixels_of_ids(condition: Condition) -> Condition:
    match condition:
        case Comparison(operator=operator, left=Field() as field, right=right):
            pixels = _compared(field, operator, right)
        case Comparison(operator=operator, left=left, right=Field() as field):
            pixels = _compared(field, _SWAPPED.get(operator, operator), left)
        case Between(operand=Field() as field, low=low, high=high, negated=False):
            pixels = _between(field, number_of(low), number_of(high))
        case InValues(operand=Field() as field, items=items, negated=False) if len(items) <= _MOST_VALUES:
            pixels = _one_of(field, [number_of(each) for each in items])
        case _:
            return condition
    return And((condition, pixels), span=condition.span, info=condition.info) if pixels else condition


_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _compared(field: Field, operator: str, value: Value) -> Condition | None:
    number = number_of(value)
    match operator:
        case "=":
            return _between(field, number, number)
        case "<" | "<=":
            return _between(field, 0, number, below=True)
        case ">" | ">=":
            return _between(field, number, _LARGEST)
    return None


def _between(field: Field, low: float | None, high: float | None, *, below: bool = False) -> Condition | None:
    """`below`: also negative ids, which are none of Gaia's and lie, like too large ones, in the cell -1."""
    pixel = _pixel(field)
    if pixel is None or not isinstance(low, int) or not isinstance(high, int) or low < 0 or high < low:
        return None
    last = 12 * 4**pixel.order - 1
    ranges = [(low >> pixel.shift, min(high >> pixel.shift, last))] if low >> pixel.shift <= last else []
    if below or high >> pixel.shift > last:
        ranges.append((-1, -1))
    return _either([_cells(field, pixel, *each) for each in ranges])


def _either(conditions: list[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else nodes.Or(tuple(conditions), info=_BOOLEAN)


def _one_of(field: Field, numbers: list[int | float | None]) -> Condition | None:
    found = [_between(field, each, each) for each in numbers]
    known = [each for each in found if each]
    return _either(known) if known and len(known) == len(found) else None


def _pixel(field: Field) -> Pixel | None:
    pixel = field.info.pixel
    return pixel if pixel is not None and field.name == pixel.key else None


def _cells(field: Field, pixel: Pixel, first: int, last: int) -> Condition:
    column = Field(field.source, pixel.column, info=Info(types.INTEGER, pixel=pixel))
    return Between(column, _number(first), _number(last), info=_BOOLEAN)


def _number(cell: int) -> Value:
    number = Number(str(abs(cell)), info=Info(types.INTEGER))
    return nodes.Signed("-", number, info=number.info) if cell < 0 else number
