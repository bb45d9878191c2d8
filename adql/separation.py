"""Distances and circles as PostgreSQL tests them exactly, by their coordinates where these are written out (docs/adr/0013)."""

from adql import nodes
from adql.info import Info
from adql.nodes import Call, Near, Value
from schema import types

BOUNDARY = 6e-14
"""Degrees (1e-15 rad): so near to a radius a point lies on the circle, which contains its boundary."""


def separation(left: Value, right: Value) -> Call:
    """Return DISTANCE of two points, of their coordinates where both are written out."""
    coordinates = tuple(each for point in (left, right) for each in _coordinates(point))
    arguments = coordinates if len(coordinates) == 4 else (left, right)
    return Call("DISTANCE", arguments, info=Info(types.DOUBLE, "deg"))


def _coordinates(point: Value) -> tuple[Value, ...]:
    """Those of POINT(ra, dec), and of CENTROID of it or of a circle round it."""
    match point:
        case Call(name="POINT"):
            return point.coordinates
        case Call(name="CENTROID", arguments=(region,)):
            circle = circle_of(region)
            return _coordinates(circle[0] if circle else region)
    return ()


def circle_of(region: Value) -> tuple[Value, Value] | None:
    """Centre and radius of a CIRCLE that is written out."""
    if not isinstance(region, Call) or region.name != "CIRCLE":
        return None
    *centre, radius = region.coordinates
    if len(centre) == 1:
        return centre[0], radius
    point = Call("POINT", tuple(centre), span=region.span, info=Info(types.POINT))
    return point, radius


def near_of(call: Call) -> Near | None:
    """What CONTAINS or INTERSECTS of a point and a CIRCLE that is written out says; None for all others."""
    left, right = call.arguments
    if call.name == "INTERSECTS" and right.type is types.POINT:
        left, right = right, left
    circle = circle_of(right) if left.type is types.POINT else None
    return nodes.Near(left, circle[0], "within", circle[1], span=call.span) if circle else None
