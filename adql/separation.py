"""The distance of two points as PostgreSQL computes it exactly (docs/adr/0013)."""

from adql.info import Info
from adql.nodes import Call, Value
from schema import types

BOUNDARY = 6e-14
"""Degrees (1e-15 rad): so near to a radius a point lies on the circle, which contains its boundary."""


def separation(left: Value, right: Value) -> Call:
    """Return DISTANCE of two points, of their coordinates where both are written out."""
    coordinates = tuple(each for point in (left, right) for each in _coordinates(point))
    arguments = coordinates if len(coordinates) == 4 else (left, right)
    return Call("DISTANCE", arguments, info=Info(types.DOUBLE, "deg"))


def _coordinates(point: Value) -> tuple[Value, ...]:
    return point.coordinates if isinstance(point, Call) and point.name == "POINT" else ()
