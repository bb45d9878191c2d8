"""Distances and circles as PostgreSQL tests them exactly, by their coordinates where these are written out (docs/adr/0013)."""

from adql import nodes
from adql.info import Info
from adql.nodes import Call, Near, Value
from schema import types

BOUNDARY = 6e-14
"""Degrees (1e-15 rad): a point this close to the radius lies on the circle, which contains its boundary."""


def separation(left: Value, right: Value) -> Call:
    """Return the DISTANCE of two points, or of their coordinates where both are written out."""
    coordinates = tuple(coordinate for point in (left, right) for coordinate in _coordinates(point))
    arguments = coordinates if len(coordinates) == 4 else (left, right)
    return Call("DISTANCE", arguments, info=Info(types.DOUBLE, "deg"))


def _coordinates(point: Value) -> tuple[Value, ...]:
    """Return those of POINT(ra, dec), and of CENTROID of it or of a circle round it; none for other points."""
    match point:
        case Call(name="POINT"):
            return point.coordinates
        case Call(name="CENTROID", arguments=(region,)):
            circle = circle_of(region)
            return _coordinates(circle[0] if circle else region)
    return ()


def circle_of(region: Value) -> tuple[Value, Value] | None:
    """Return centre and radius of a CIRCLE that is written out; None for other regions."""
    if not isinstance(region, Call) or region.name != "CIRCLE":
        return None
    *centre, radius = region.coordinates
    if len(centre) == 1:
        return centre[0], radius
    point = Call("POINT", tuple(centre), span=region.span, info=Info(types.POINT))
    return point, radius


def near_of(call: Call) -> Near | None:
    """Return what CONTAINS or INTERSECTS says of a point and a CIRCLE that is written out; None for all others."""
    left, right = call.arguments
    if call.name == "INTERSECTS" and right.type is types.POINT:
        left, right = right, left
    circle = circle_of(right) if left.type is types.POINT else None
    return nodes.Near(left, circle[0], "within", circle[1], span=call.span) if circle else None
