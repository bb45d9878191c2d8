"""SQL of conditions on ranges of coordinates: a circle round the range first, which indexes serve, the exact test beside it."""

from adql.constants import numbers_of
from adql.functions.constructors import MAX_RADIUS, point_sql
from adql.nodes import Call, Value
from adql.spheres import circle_round_range
from schema import types

_MARGIN = 1e-6
"""Degrees by which the circle is larger."""


def range_sql(other: Value, range_: Value, sql: tuple[str, str]) -> str:
    """Return the condition that a point lies in a range, or that a region overlaps it; `sql` is that of both."""
    is_point = other.type is types.POINT
    exact = f"armillary.{'in_range' if is_point else 'overlaps_range'}({sql[0]}, {sql[1]})"
    circle = None if other.type is types.RANGE else _circle_round(range_)
    return f"({sql[0]} {'<@' if is_point else '&&'} {circle} AND {exact})" if circle else exact


def _circle_round(range_: Value) -> str | None:
    """Return a circle that contains a range of constants; None where there is none that pgSphere can search."""
    numbers = numbers_of(range_.arguments) if isinstance(range_, Call) and range_.name == "RANGE_S2D" else None
    circle = circle_round_range(*numbers) if numbers else None
    if circle is None or circle[2] + _MARGIN > MAX_RADIUS:
        return None
    centre = point_sql(*(f"{number!r}::double precision" for number in circle[:2]))
    return f"scircle({centre}, radians({circle[2] + _MARGIN!r}))"
