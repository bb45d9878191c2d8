"""A search for stars where they are at another epoch → also one at their own, wide enough for the fastest of them.

No index knows where `ivo_epoch_prop_pos` puts a star. But the catalogue knows the largest motion of the table, so the index
finds all that may be there; the condition itself stays beside it and decides.
"""

import math

from adql import nodes
from adql.constants import number_of, sources_of
from adql.info import Info
from adql.nodes import And, Arithmetic, Call, Comparison, Condition, Field, Near, Null, Number, Value, When
from schema import types

_DEGREES = Info(types.DOUBLE)
_MAS = 1 / 3_600_000
_AU_PER_YEAR = 4.740470446
# Stars that approach seem to move ever faster; up to this part of their distance we can tell how much.
_NEAR = 0.5

Bounds = tuple[float, float]


def wide_enough_for_motion(condition: Condition) -> Condition:
    if not isinstance(condition, Near):
        return condition
    left, right = _origin(condition.left), _origin(condition.right)
    if left is None and right is None:
        return condition
    left_point, left_motion = left or (condition.left, None)
    right_point, right_motion = right or (condition.right, None)
    radius = _sum(condition.radius, *(motion for motion in (left_motion, right_motion) if motion))
    near = Near(left_point, right_point, "within", radius, span=condition.span)
    return And((near, condition), span=condition.span)


def _origin(point: Value) -> tuple[Value, Value] | None:
    """Return where a star is at its own epoch, and how far from there it can be at the other; None if unknown."""
    if not isinstance(point, Call) or point.name.lower() != "ivo_epoch_prop_pos":
        return None
    ra, dec, parallax, pmra, pmdec, velocity, ref_epoch, out_epoch = point.arguments
    limits = [_largest(value) for value in (pmra, pmdec, parallax, velocity)]
    years = _years(ref_epoch, out_epoch, sources_of(ra) | sources_of(dec))
    if years is None or None in limits:
        return None
    ra_motion, dec_motion, largest_parallax, largest_velocity = (limit or 0.0 for limit in limits)
    nearing = math.radians(largest_parallax * _MAS) * largest_velocity / _AU_PER_YEAR
    return Call("POINT", (ra, dec), span=point.span, info=Info(types.POINT)), _way(
        math.hypot(ra_motion, dec_motion) * _MAS, nearing, years
    )


def _way(motion: float, nearing: float, years: Value) -> Value:
    """Return the most that a star moves: `motion` in degrees a year, `nearing` in parts of its distance a year."""
    elapsed = number_of(years)
    if nearing == 0:
        return _product(_number(motion), years)
    if elapsed is not None:
        return _number(motion * elapsed / (1 - nearing * elapsed)) if nearing * elapsed < _NEAR else _number(180.0)
    way = _product(_number(motion), years, _sum(_number(1.0), _product(_number(2 * nearing), years)))
    # 1 / (1 - x) is at most 1 + 2x for x up to a half.
    is_short = Comparison("<=", _product(_number(nearing), years), _number(_NEAR), info=Info(types.BOOLEAN))
    return nodes.Case((When(is_short, way),), _number(180), info=_DEGREES)


def _years(ref_epoch: Value, out_epoch: Value, table: frozenset[str]) -> Value | None:
    """Return the longest time between two epochs, as a value that does not depend on the star; None if unknown."""
    ref, out = _bounds(ref_epoch), _bounds(out_epoch)
    if ref is None:
        return None
    if out is not None:
        return _number(max(abs(a - b) for a in ref for b in out))
    if sources_of(out_epoch) & table:
        return None
    middle, half = (ref[0] + ref[1]) / 2, (ref[1] - ref[0]) / 2
    difference = Arithmetic(("-",), (out_epoch, _number(middle)), info=_DEGREES)
    return _sum(Call("ABS", (difference,), info=_DEGREES), _number(half))


def _largest(value: Value) -> float | None:
    """Return the largest absolute value that a value can have, None if unknown; a NULL counts as 0."""
    bounds = (0.0, 0.0) if isinstance(value, Null) else _bounds(value)
    return max(map(abs, bounds)) if bounds else None


def _bounds(value: Value) -> Bounds | None:
    number = number_of(value)
    if number is not None:
        return float(number), float(number)
    if isinstance(value, Field):
        return value.info.bounds
    if isinstance(value, Call) and value.name == "COALESCE":
        all_bounds = [_bounds(argument) for argument in value.arguments]
        known = [bounds for bounds in all_bounds if bounds]
        return (min(low for low, _ in known), max(high for _, high in known)) if len(known) == len(all_bounds) else None
    return None


def _number(number: float) -> Value:
    literal = Number(repr(abs(number)), info=_DEGREES)
    return nodes.Signed("-", literal, info=_DEGREES) if number < 0 else literal


def _sum(*values: Value) -> Value:
    return Arithmetic(("+",) * (len(values) - 1), values, info=_DEGREES)


def _product(*values: Value) -> Value:
    return Arithmetic(("*",) * (len(values) - 1), values, info=_DEGREES)
