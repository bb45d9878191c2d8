"""`DISTANCE(p, q) * 3600 < 2`, `IN_UNIT(DISTANCE(p, q), 'arcsec') < 2` → also Near, which an index serves.

The condition itself stays beside it: only the two together are exactly what was written.
"""

import math

from adql import nodes
from adql.constants import number_of
from adql.functions.in_unit import factor_of
from adql.info import Info
from adql.nodes import And, Arithmetic, Between, Call, Comparison, Condition, Number, Value
from adql.rewrite.distance_as_cone import is_distance, near
from schema import types

_DEGREES = Info(types.DOUBLE)
# The search by the index may find too much, never too little.
_SLACK = 1 + 1e-12


def scaled_distance(condition: Condition) -> Condition:
    match condition:
        case Comparison(operator="<" | "<=", left=distance, right=limit):
            return _with_cone(condition, distance, limit)
        case Comparison(operator=">" | ">=", left=limit, right=distance):
            return _with_cone(condition, distance, limit)
        case Between(negated=False, operand=distance, high=limit):
            return _with_cone(condition, distance, limit)
    return condition


def _with_cone(condition: Condition, value: Value, limit: Value) -> Condition:
    scaled = _scaled(value)
    if scaled is None or is_distance(value):
        return condition
    distance, factor = scaled
    cone = near(distance, "within", _radius(limit, factor / _SLACK))
    return And((cone, condition), span=condition.span)


def _scaled(value: Value) -> tuple[Call, float] | None:
    """Return the DISTANCE that a value is a multiple of, and the multiple; None where there is none."""
    match value:
        case Call(name="DISTANCE"):
            return value, 1.0
        case Call(name="RADIANS", arguments=(inner,)):
            return _times(_scaled(inner), math.radians(1))
        case Call(name="IN_UNIT", arguments=(inner, _)):
            return _times(_scaled(inner), factor_of(value.arguments))
        case Arithmetic():
            return _scaled_chain(value)
    return None


def _scaled_chain(chain: Arithmetic) -> tuple[Call, float] | None:
    """Return both for `a * b / c`, where one operand above the line is such a multiple and all others are numbers."""
    multiples = [_scaled(operand) for operand in chain.operands]
    place = next((index for index, multiple in enumerate(multiples) if multiple), 0)
    factor = 1.0
    for index, (operator, operand) in enumerate(zip(("*", *chain.operators), chain.operands, strict=True)):
        number = number_of(operand) if index != place else 1
        if operator not in {"*", "/"} or not number or number < 0 or (index == place and operator == "/"):
            return None
        factor = factor * number if operator == "*" else factor / number
    return _times(multiples[place], factor)


def _times(scaled: tuple[Call, float] | None, factor: float) -> tuple[Call, float] | None:
    return (scaled[0], scaled[1] * factor) if scaled else None


def _radius(limit: Value, factor: float) -> Value:
    number = number_of(limit)
    if number is not None:
        return Number(repr(number / factor), info=_DEGREES)
    divisor = Number(repr(factor), info=_DEGREES)
    return nodes.Arithmetic(("/",), (limit, divisor), info=_DEGREES)
