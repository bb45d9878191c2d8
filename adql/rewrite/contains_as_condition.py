"""`1 = CONTAINS(p, r)` → Inside, `1 = INTERSECTS(a, b)` → Overlap: bare operators, which indexes serve.

Compared with 0 they are negated: a NULL position stays NULL, so its row drops out, as SQL says.
A circle becomes Near of its centre, so that the index of either table of a join can be used.
"""

import math

from adql import nodes
from adql.constants import number_of, numbers_of
from adql.info import Info
from adql.nodes import SWAPPED, Call, Comparison, Condition, Value
from adql.separation import circle_of, near_of
from schema import types


def contains_as_condition(condition: Condition) -> Condition:
    if not isinstance(condition, Comparison):
        return condition
    operator, call, other = _sides(condition)
    if call is None:
        return condition
    truth = _truth(operator, number_of(other))
    if truth is None:
        return condition
    found = _meaning(call)
    return found if truth else nodes.Not(found, span=condition.span)


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
    """Whether the comparison of 1 or 0 with a number asks for 1 (True), for 0 (False), or for something else."""
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
    """Of two circles with radii that are numbers: how near their centres are, which an index serves."""
    one, other = circle_of(left), circle_of(right)
    radii = numbers_of((one[1], other[1])) if one and other else None
    if not one or not other or radii is None:
        return nodes.Overlap(left, right, span=call.span)
    sum_ = nodes.Number(repr(math.fsum(radii)), info=Info(types.DOUBLE))
    return nodes.Near(one[0], other[0], "within", sum_, span=call.span)
