"""What geometries tell: their parts, sizes, distances and relations (ADQL 2.1 §4.2.8-4.2.20).

CONTAINS, INTERSECTS and DISTANCE appear here as values; compared with a number they become
conditions that an index can serve (adql.rewrite).
"""

import math

from adql.constants import literal_vertices
from adql.errors import TypeMismatch
from adql.functions.constructors import point_sql
from adql.functions.function import Feature, Function, Infer, Kind, gives, parameters, template
from adql.info import Info
from adql.moc_sql import inside_moc_sql, overlaps_moc_sql
from adql.nodes import Value
from adql.range_sql import range_sql
from adql.separation import BOUNDARY
from adql.spheres import polygon_area, polygon_centre
from schema import types

_SQUARE_DEGREES = (180 / math.pi) ** 2


def check_no_range(arguments: tuple[Value, ...]) -> None:
    """Raise TypeMismatch for ranges of coordinates, with which functions that compute with shapes can do nothing."""
    geometry = arguments[-1]
    if geometry.type is types.RANGE:
        raise TypeMismatch("A RANGE stands in CONTAINS and INTERSECTS only", geometry.span)


def _emit_area(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    vertices = literal_vertices(arguments[0])
    if vertices is not None:
        return f"{polygon_area(vertices)!r}::double precision"
    if arguments[0].type is types.POINT:
        return f"(CASE WHEN {sql[0]} IS NOT NULL THEN 0::double precision END)"
    if arguments[0].type is types.CIRCLE:
        # pgSphere's area() of a small circle is lost in 1 - cos(r).
        return f"({4 * math.pi * _SQUARE_DEGREES!r}::double precision * power(sin(radius({sql[0]}) / 2), 2))"
    if arguments[0].type is types.MOC:
        return f"(area({sql[0]}) * {_SQUARE_DEGREES!r}::double precision)"
    return f"armillary.area({sql[0]})"


def _emit_centroid(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    vertices = literal_vertices(arguments[0])
    if vertices is not None:
        lon, lat = polygon_centre(vertices)
        return point_sql(f"{lon!r}::double precision", f"{lat!r}::double precision")
    if arguments[0].type in {types.POLYGON, types.REGION}:
        return f"armillary.centroid({sql[0]})"
    return sql[0] if arguments[0].type is types.POINT else f"center({sql[0]})"


def _check_centroid(arguments: tuple[Value, ...]) -> None:
    check_no_range(arguments)
    if arguments[0].type is types.MOC:
        raise TypeMismatch(
            "A MOC has no centroid", arguments[0].span, "CENTROID works on points, circles and polygons."
        )


def _coordinate(ucd: str) -> Infer:
    return gives(types.DOUBLE, "deg", ucd)


def inside_sql(point: Value, region: Value, sql: tuple[str, str]) -> str:
    """Return the bare operator, because only then does the planner see an index; for circles also the exact test."""
    if region.type is types.MOC:
        return inside_moc_sql(point, region, sql)
    if region.type is types.RANGE:
        return range_sql(point, region, sql)
    if region.type is types.POINT and point.type is types.POINT:
        return f"(armillary.distance({sql[0]}, {sql[1]}) <= {BOUNDARY!r})"
    if region.type is types.CIRCLE and point.type is types.POINT:
        return f"({sql[0]} <@ {sql[1]} AND armillary.in_circle({sql[0]}, {sql[1]}))"
    return f"({sql[0]} <@ {sql[1]})"


def overlap_sql(left: Value, right: Value, sql: tuple[str, str]) -> str:
    """Return the condition that two regions touch."""
    if types.MOC in (left.type, right.type):
        return overlaps_moc_sql(left, right, sql)
    if right.type is types.RANGE:
        return range_sql(left, right, sql)
    if left.type is types.RANGE:
        return range_sql(right, left, (sql[1], sql[0]))
    return f"({sql[0]} && {sql[1]})"


def _emit_contains(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    return inside_sql(arguments[0], arguments[1], (sql[0], sql[1])) + "::integer"


def _check_relation(arguments: tuple[Value, ...]) -> None:
    if {types.RANGE, types.MOC} <= {argument.type for argument in arguments}:
        raise TypeMismatch(
            "A RANGE cannot be compared with a MOC", arguments[0].span, "Take a POLYGON or a BOX for the range."
        )


def _check_contains(arguments: tuple[Value, ...]) -> None:
    _check_relation(arguments)
    inner, outer = arguments
    if types.RANGE in (inner.type, outer.type) and inner.type not in (types.POINT, None):
        raise TypeMismatch(
            "With a RANGE, CONTAINS tells of points only", inner.span, "INTERSECTS tells whether regions overlap it."
        )
    if outer.type is types.POINT and inner.type is not None and inner.type is not types.POINT:
        raise TypeMismatch(
            "A region is never inside a point",
            outer.span,
            "Swap the arguments: CONTAINS(point, region).",
        )
    if inner.type is types.MOC and outer.type is not None and outer.type.is_region:
        raise TypeMismatch(
            "Whether a MOC is in a region is not known exactly",
            inner.span,
            "Compare it with the cells of the region: CONTAINS(moc, MOC(order, region)).",
        )


def _emit_intersects(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    left, right = arguments
    if right.type is types.POINT:
        return inside_sql(right, left, (sql[1], sql[0])) + "::integer"
    if left.type is types.POINT:
        return inside_sql(left, right, (sql[0], sql[1])) + "::integer"
    return f"{overlap_sql(left, right, (sql[0], sql[1]))}::integer"


def _function(name: str, names: str, kind: Kind, infer: Infer, **rest: object) -> Function:
    returns = {"CENTROID": "POINT", "COORDSYS": "VARCHAR"}.get(name, "DOUBLE PRECISION")
    if name in {"CONTAINS", "INTERSECTS"}:
        returns = "INTEGER"
    return Function(
        name,
        parameters(names, kind),
        returns,
        infer,
        description=_DESCRIPTIONS[name],
        feature=Feature.GEOMETRY,
        **rest,  # type: ignore[arg-type]
    )


_DESCRIPTIONS = {
    "AREA": "The area of a geometry in square degrees.",
    "CENTROID": "The centre of a geometry.",
    "COORD1": "The longitude of a point in degrees.",
    "COORD2": "The latitude of a point in degrees.",
    "COORDSYS": "The coordinate system of a geometry: always ICRS here. Deprecated.",
    "DISTANCE": "The distance of two points in degrees; compared with a radius (DISTANCE(...) < r) it uses the index.",
    "CONTAINS": "1 if the first geometry is wholly in the second, boundary included, else 0.",
    "INTERSECTS": "1 if the two geometries have a point in common, else 0.",
}
_CENTROID_INFO = Info(types.POINT, ucd="pos.eq")

GEOMETRY = (
    _function(
        "AREA",
        "geometry",
        Kind.GEOMETRY,
        gives(types.DOUBLE, "deg**2", "phys.angArea"),
        emit=_emit_area,
        check=check_no_range,
    ),
    _function(
        "CENTROID", "geometry", Kind.GEOMETRY, lambda _: _CENTROID_INFO, emit=_emit_centroid, check=_check_centroid
    ),
    _function("COORD1", "point", Kind.POINT, _coordinate("pos.eq.ra"), emit=template("degrees(long({0}))")),
    _function("COORD2", "point", Kind.POINT, _coordinate("pos.eq.dec"), emit=template("degrees(lat({0}))")),
    _function(
        "COORDSYS",
        "geometry",
        Kind.GEOMETRY,
        gives(types.TEXT),
        emit=template("(CASE WHEN {0} IS NOT NULL THEN 'ICRS' END)"),
    ),
    _function(
        "DISTANCE",
        "p1 p2",
        Kind.POINT,
        gives(types.DOUBLE, "deg", "pos.angDistance"),
        emit=template("armillary.distance({0}, {1})"),
    ),
    _function(
        "DISTANCE",
        "lon1 lat1 lon2 lat2",
        Kind.NUMBER,
        gives(types.DOUBLE, "deg", "pos.angDistance"),
        emit=template("armillary.distance({0}, {1}, {2}, {3})"),
    ),
    _function("CONTAINS", "g1 g2", Kind.GEOMETRY, gives(types.INTEGER), emit=_emit_contains, check=_check_contains),
    _function("INTERSECTS", "g1 g2", Kind.GEOMETRY, gives(types.INTEGER), emit=_emit_intersects, check=_check_relation),
)
