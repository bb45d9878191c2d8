"""`DISTANCE(p, q) < r` → Near, which an index serves (ADQL 2.1 §4.2.7 asks for it)."""

from adql import nodes
from adql.constants import number_of
from adql.nodes import Between, Call, Comparison, Condition, Value
from schema import types

_SWAPPED = {">": "<", ">=": "<="}


def distance_as_cone(condition: Condition) -> Condition:
    if isinstance(condition, Between):
        return _between(condition)
    if not isinstance(condition, Comparison):
        return condition
    if condition.operator in {"<", "<="} and _is_distance(condition.left):
        return _near(condition.left, condition.operator, condition.right)
    if condition.operator in _SWAPPED and _is_distance(condition.right):
        return _near(condition.right, _SWAPPED[condition.operator], condition.left)
    return condition


def _between(condition: Between) -> Condition:
    if condition.negated or not _is_distance(condition.operand):
        return condition
    near = _near(condition.operand, "<=", condition.high)
    low = number_of(condition.low)
    if low is not None and low <= 0:
        return near
    beyond = Comparison(">=", condition.operand, condition.low, span=condition.span)
    return nodes.And((near, beyond), span=condition.span)


def _is_distance(value: Value) -> bool:
    return isinstance(value, Call) and value.name == "DISTANCE"


def _near(distance: Value, operator: str, radius: Value) -> nodes.Near:
    if not isinstance(distance, Call):
        raise AssertionError(distance)
    arguments = distance.arguments
    if len(arguments) == 4:
        arguments = (_point(distance, arguments[:2]), _point(distance, arguments[2:]))
    return nodes.Near(arguments[0], arguments[1], operator, radius, span=distance.span)


def _point(distance: Call, coordinates: tuple[Value, ...]) -> Call:
    return Call("POINT", coordinates, span=distance.span, info=nodes.Info(types.POINT))
