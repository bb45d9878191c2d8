"""A column compared with a number that it never has: a right ascension over 360, a declination of 95."""

from collections.abc import Iterator, Sequence

from adql.constants import number_of
from adql.lints.lint import Lint
from adql.nodes import Between, Comparison, Field, InValues, Node, Value
from adql.trees import SWAPPED

_SKY = {"pos.eq.ra": (0.0, 360.0), "pos.eq.dec": (-90.0, 90.0)}
Bounds = tuple[float, float]


def out_of_range(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        match node:
            case Comparison(left=Field() as column, operator=operator, right=value):
                yield from _compared(column, operator, value)
            case Comparison(left=value, operator=operator, right=Field() as column):
                yield from _compared(column, SWAPPED.get(operator, operator), value)
            case Between(operand=Field() as column, low=low, high=high):
                yield from _compared(column, ">=", low)
                yield from _compared(column, "<=", high)
            case InValues(operand=Field() as column, items=items):
                yield from (lint for item in items for lint in _compared(column, "=", item))


def _compared(column: Field, operator: str, value: Value) -> Iterator[Lint]:
    number = number_of(value)
    if number is None:
        return
    sky, measured = _bounds_on_the_sky(column), column.info.bounds
    if sky and (not sky[0] <= number <= sky[1] or _never(operator, number, sky)):
        yield _lint(column, sky, value)
    elif measured and _never(operator, number, measured):
        yield _lint(column, measured, value)


def _bounds_on_the_sky(column: Field) -> Bounds | None:
    """Return the bounds of a coordinate in degrees; None for any other column."""
    word = (column.info.ucd or "").partition(";")[0].lower()
    return _SKY.get(word) if column.info.unit in {"deg", None} else None


def _never(operator: str, number: float, bounds: Bounds) -> bool:
    """Return whether no value within the bounds satisfies the comparison."""
    match operator:
        case "=":
            return not bounds[0] <= number <= bounds[1]
        case ">":
            return number >= bounds[1]
        case ">=":
            return number > bounds[1]
        case "<":
            return number <= bounds[0]
        case "<=":
            return number < bounds[0]
    return False


def _lint(column: Field, bounds: Bounds, value: Value) -> Lint:
    unit = f" {column.info.unit}" if column.info.unit else ""
    return Lint(f"{column.label} is between {bounds[0]:g} and {bounds[1]:g}{unit}", value.span)
