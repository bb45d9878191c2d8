"""`1 = CONTAINS(p, r)` → Inside, `1 = INTERSECTS(a, b)` → Overlap: bare operators, which indexes serve.

Compared with 0 they are negated: a NULL position stays NULL, so its row drops out, as SQL says.
A circle becomes Near of its centre, so that the index of either table of a join can be used.
"""

import math

from adql import nodes
from adql.constants import number_of, numbers_of
from adql.info import Info
from adql.nodes import Call, Comparison, Condition, Value
from adql.separation import circle_of, near_of
from adql.trees import SWAPPED
from schema import types


def contains_as_condition(condition: Condition) -> Condition:
    if not isinstance(condition, Comparison):
        return condition
    operator, call, compared = _sides(condition)
    if call is None:
        return condition
    truth = _truth(operator, number_of(compared))
    if truth is None:
        return condition
    meaning = _meaning(call)
    return meaning if truth else nodes.Not(meaning, span=condition.span)


def _sides(comparison: Comparison) -> tuple[str, Call | None, Value]:
    left, right, operator = comparison.left, comparison.right, comparison.operator
    if _is_predicate(left):
        return operator, left if isinstance(left, Call) else None, right
    if _is_predicate(right):
        return SWAPPED.get(operator, operator), right if isinstance(right, Call) else None, left
    return operator, None, right


def _is_predicate(value: Value) -> bool:
    return isinstance(value, Call) and value.name in {"CONTAINS", "INTERSECTS"}


def _truth(operator: str, number: float | None) -> bool | None:
    """Return whether comparing a predicate with a number asks for 1 (True) or for 0 (False); None for anything else."""
    match operator, number:
        case ("=", 1) | ("<>", 0) | (">", 0) | (">=", 1):
            return True
        case ("=", 0) | ("<>", 1) | ("<", 1) | ("<=", 0):
            return False
    return None


def _meaning(call: Call) -> Condition:
    if near := near_of(call):
        return near
    left, right = call.arguments
    if call.name == "INTERSECTS":
        if right.type is types.POINT:
            left, right = right, left
        elif left.type is not types.POINT:
            return _overlap(left, right, call)
    return nodes.Inside(left, right, span=call.span)


def _overlap(left: Value, right: Value, call: Call) -> Condition:
    """Return Near of the centres for two circles of constant radius, which an index serves; Overlap for others."""
    left_circle, right_circle = circle_of(left), circle_of(right)
    radii = numbers_of((left_circle[1], right_circle[1])) if left_circle and right_circle else None
    if not left_circle or not right_circle or radii is None:
        return nodes.Overlap(left, right, span=call.span)
    sum_ = nodes.Number(repr(math.fsum(radii)), info=Info(types.DOUBLE))
    return nodes.Near(left_circle[0], right_circle[0], "within", sum_, span=call.span)
