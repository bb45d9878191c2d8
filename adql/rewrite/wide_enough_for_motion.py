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
# Nearing stars seem to move faster, the more the longer; up to this part of their distance we can tell how much.
_NEAR = 0.5

Bounds = tuple[float, float]


def wide_enough_for_motion(condition: Condition) -> Condition:
    if not isinstance(condition, Near):
        return condition
    left, right = _origin(condition.left), _origin(condition.right)
    if left is None and right is None:
        return condition
    (one, moved), (other, moved_too) = left or (condition.left, None), right or (condition.right, None)
    radius = _sum(condition.radius, *(each for each in (moved, moved_too) if each))
    near = Near(one, other, "within", radius, span=condition.span)
    return And((near, condition), span=condition.span)


def _origin(point: Value) -> tuple[Value, Value] | None:
    """Where a star is at its own epoch, and how far it can be from there at the other."""
    if not isinstance(point, Call) or point.name.lower() != "ivo_epoch_prop_pos":
        return None
    ra, dec, parallax, pmra, pmdec, velocity, ref_epoch, out_epoch = point.arguments
    limits = [_largest(each) for each in (pmra, pmdec, parallax, velocity)]
    years = _years(ref_epoch, out_epoch, sources_of(ra) | sources_of(dec))
    if years is None or None in limits:
        return None
    of_ra, of_dec, of_parallax, of_velocity = (each or 0.0 for each in limits)
    nearing = math.radians(of_parallax * _MAS) * of_velocity / _AU_PER_YEAR
    return Call("POINT", (ra, dec), span=point.span, info=Info(types.POINT)), _way(
        math.hypot(of_ra, of_dec) * _MAS, nearing, years
    )


def _way(motion: float, nearing: float, years: Value) -> Value:
    """At most what a star moves: `motion` in degrees a year, `nearing` in parts of its distance a year."""
    known = number_of(years)
    if nearing == 0:
        return _product(_number(motion), years)
    if known is not None:
        return _number(motion * known / (1 - nearing * known)) if nearing * known < _NEAR else _number(180.0)
    way = _product(_number(motion), years, _sum(_number(1.0), _product(_number(2 * nearing), years)))
    # 1 / (1 - x) is at most 1 + 2x for x up to a half.
    few = Comparison("<=", _product(_number(nearing), years), _number(_NEAR), info=Info(types.BOOLEAN))
    return nodes.Case((When(few, way),), _number(180), info=_DEGREES)


def _years(ref_epoch: Value, out_epoch: Value, table: frozenset[str]) -> Value | None:
    """At most the time between two epochs, as a value that does not depend on the star."""
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
    """What a value's amount can be at most; a NULL counts as nothing."""
    found = (0.0, 0.0) if isinstance(value, Null) else _bounds(value)
    return max(map(abs, found)) if found else None


def _bounds(value: Value) -> Bounds | None:
    number = number_of(value)
    if number is not None:
        return float(number), float(number)
    if isinstance(value, Field):
        return value.info.bounds
    if isinstance(value, Call) and value.name == "COALESCE":
        found = [_bounds(each) for each in value.arguments]
        known = [each for each in found if each]
        return (min(a for a, _ in known), max(b for _, b in known)) if len(known) == len(found) else None
    return None


def _number(number: float) -> Value:
    found = Number(repr(abs(number)), info=_DEGREES)
    return nodes.Signed("-", found, info=_DEGREES) if number < 0 else found


def _sum(*values: Value) -> Value:
    return Arithmetic(("+",) * (len(values) - 1), values, info=_DEGREES)


def _product(*values: Value) -> Value:
    return Arithmetic(("*",) * (len(values) - 1), values, info=_DEGREES)
