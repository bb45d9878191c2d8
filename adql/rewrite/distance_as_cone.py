"""`DISTANCE(p, q) < r` → Near, which an index serves (ADQL 2.1 §4.2.7 asks for it)."""

from typing import TypeGuard

from adql import nodes
from adql.constants import number_of
from adql.info import Info
from adql.nodes import Between, Call, Comparison, Condition, Value
from schema import types

_SWAPPED = {">": "<", ">=": "<="}


def distance_as_cone(condition: Condition) -> Condition:
    if isinstance(condition, Between):
        return _between(condition)
    if not isinstance(condition, Comparison):
        return condition
    if condition.operator in {"<", "<="} and is_distance(condition.left):
        return near(condition.left, condition.operator, condition.right)
    if condition.operator in _SWAPPED and is_distance(condition.right):
        return near(condition.right, _SWAPPED[condition.operator], condition.left)
    return condition


def _between(condition: Between) -> Condition:
    if condition.negated or not is_distance(condition.operand):
        return condition
    below = near(condition.operand, "<=", condition.high)
    low = number_of(condition.low)
    if low is not None and low <= 0:
        return below
    beyond = Comparison(">=", condition.operand, condition.low, span=condition.span)
    return nodes.And((below, beyond), span=condition.span)


def is_distance(value: Value) -> TypeGuard[Call]:
    return isinstance(value, Call) and value.name == "DISTANCE"


def near(distance: Call, operator: str, radius: Value) -> nodes.Near:
    """Return the condition that a DISTANCE is below a radius in degrees."""
    arguments = distance.arguments
    if len(arguments) == 4:
        arguments = (_point(distance, arguments[:2]), _point(distance, arguments[2:]))
    return nodes.Near(arguments[0], arguments[1], operator, radius, span=distance.span)


def _point(distance: Call, coordinates: tuple[Value, ...]) -> Call:
    return Call("POINT", coordinates, span=distance.span, info=Info(types.POINT))
