"""POINT, CIRCLE, BOX, POLYGON: geometries from coordinates in degrees (ADQL 2.1 §4.2.9-4.2.19).

Constant ones are checked and written as pgSphere literals; the SQL of POINT is spelt exactly as
the expression of the spatial indexes. A coordinate system, where given, must be ICRS or equivalent.
"""

from collections.abc import Callable

from adql.constants import numbers_of, text_of
from adql.errors import ImpossibleValue, TypeMismatch, WrongArguments
from adql.functions.function import Emit, Feature, Function, Infer, Kind, Parameter, gives, parameters
from adql.nodes import Call, Value
from adql.spheres import box_corners, polygon_problem
from schema import types

MAX_RADIUS = 90.0
_FRAMES = {"", "ICRS", "J2000", "FK5", "UNKNOWN", "UNKNOWNFRAME"}
_COORDSYS = Parameter("coordsys", Kind.LITERAL)
_CENTRE = Parameter("centre", Kind.POINT)


def point_sql(lon: str, lat: str) -> str:
    """Return the SQL of a point, exactly as `schema.publish` writes it in indexes: otherwise they are not used."""
    return f"spoint(radians({lon}), radians({lat}))"


def _emit_point(_: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    return point_sql(*sql)


def _emit_circle(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    numbers = numbers_of(arguments[-1:])
    if numbers and numbers[0] > MAX_RADIUS:
        hint = "Points in such a circle are found by 1 = CONTAINS(point, circle) or DISTANCE(p, q) < radius."
        raise ImpossibleValue("A circle of more than 90 degrees cannot be used here", arguments[-1].span, hint)
    return f"scircle({_centre(sql[:-1])}, {_radius(arguments[-1], sql[-1])})"


def _radius(radius: Value, sql: str) -> str:
    """Return the SQL of a radius. One bad radius in a column must not end the whole query: such a circle is NULL."""
    if numbers_of((radius,)) is not None:
        return f"radians({sql})"
    return f"radians(CASE WHEN {sql} BETWEEN 0 AND {MAX_RADIUS:g} THEN {sql} END)"


def _centre(sql: tuple[str, ...]) -> str:
    return sql[0] if len(sql) == 1 else point_sql(sql[0], sql[1])


def _emit_box(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    numbers = numbers_of(arguments)
    if numbers is not None and len(numbers) == 4:
        return polygon_literal(box_corners(*numbers))
    return f"armillary.box({_centre(sql[:-2])}, {sql[-2]}, {sql[-1]})"


def _emit_polygon(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    numbers = numbers_of(arguments)
    if numbers is not None:
        return polygon_literal(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return f"armillary.polygon(ARRAY[{', '.join(sql)}]::double precision[])"


def _emit_polygon_of_points(_: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    coordinates = ", ".join(f"degrees(long({p})), degrees(lat({p}))" for p in sql)
    return f"armillary.polygon(ARRAY[{coordinates}]::double precision[])"


def polygon_literal(vertices: list[tuple[float, float]]) -> str:
    return "spoly '{" + ",".join(f"({lon!r}d,{lat!r}d)" for lon, lat in vertices) + "}'"


# ---- checks of constants (ADQL 2.1 §4.2.4: coordinates have ranges)


def _check_latitude(latitude: Value) -> None:
    numbers = numbers_of((latitude,))
    if numbers and abs(numbers[0]) > 90:
        raise ImpossibleValue(
            f"The latitude {numbers[0]:g} is not between -90 and 90 degrees",
            latitude.span,
            "Are the coordinates swapped? The order is longitude (ra), latitude (dec).",
        )


def _check_point(arguments: tuple[Value, ...]) -> None:
    _check_latitude(arguments[1])


def _check_circle(arguments: tuple[Value, ...]) -> None:
    if len(arguments) == 3:
        _check_latitude(arguments[1])
    numbers = numbers_of(arguments[-1:])
    if numbers and not 0 <= numbers[0] <= 180:
        raise ImpossibleValue(f"The radius {numbers[0]:g} is not between 0 and 180 degrees", arguments[-1].span)


def _check_box(arguments: tuple[Value, ...]) -> None:
    if len(arguments) == 4:
        _check_latitude(arguments[1])
    for side in arguments[-2:]:
        numbers = numbers_of((side,))
        if numbers and not 0 < numbers[0] < 180:
            raise ImpossibleValue(f"The side {numbers[0]:g} of a BOX is not between 0 and 180 degrees", side.span)


def _check_polygon_of_points(arguments: tuple[Value, ...]) -> None:
    """Check points that are written out, as their coordinates would be checked."""
    if all(isinstance(point, Call) and point.name == "POINT" for point in arguments):
        pairs = [point.arguments[-2:] for point in arguments if isinstance(point, Call)]
        _check_polygon(tuple(coordinate for pair in pairs for coordinate in pair))


def _check_polygon(arguments: tuple[Value, ...]) -> None:
    if len(arguments) % 2:
        raise WrongArguments("A POLYGON needs pairs of coordinates", arguments[-1].span)
    for latitude in arguments[1::2]:
        _check_latitude(latitude)
    numbers = numbers_of(arguments)
    if numbers is None:
        return
    problem = polygon_problem(list(zip(numbers[::2], numbers[1::2], strict=True)))
    if problem:
        raise ImpossibleValue(problem, arguments[0].span.to(arguments[-1].span))


# ---- the coordinate system, optional and deprecated (ADQL 2.1 §4.2.5)


def _check_frame(coordsys: Value) -> None:
    words = (text_of(coordsys) or "").upper().split() or [""]
    if words[0] not in _FRAMES:
        raise TypeMismatch(
            f"Coordinates here are ICRS, not {text_of(coordsys)}",
            coordsys.span,
            "Leave the coordinate system out, or convert with ivo_geom_transform('GALACTIC', 'ICRS', geometry).",
        )


def _with_coordsys(function: Function) -> tuple[Function, Function]:
    """Return the function, and its form with a coordinate system before the other arguments."""

    def infer_rest(infer: Infer) -> Infer:
        return lambda arguments: infer(arguments[1:])

    def emit_rest(emit: Emit) -> Emit:
        return lambda arguments, sql: emit(arguments[1:], sql[1:])

    def check(arguments: tuple[Value, ...]) -> None:
        _check_frame(arguments[0])
        function.check(arguments[1:])

    deprecated = Function(
        function.name,
        (_COORDSYS, *function.parameters),
        function.returns,
        infer_rest(function.infer),
        emit_rest(function.emit),
        function.description,
        function.feature,
        check,
        function.variadic,
    )
    return function, deprecated


def _constructor(
    name: str,
    takes: tuple[Parameter, ...],
    emit: Emit,
    check: Callable[[tuple[Value, ...]], None] = lambda _: None,
    *,
    variadic: bool = False,
) -> tuple[Function, ...]:
    type_ = {"POINT": types.POINT, "CIRCLE": types.CIRCLE}.get(name, types.POLYGON)
    function = Function(
        name,
        takes,
        type_.adql,
        gives(type_, ucd="pos.eq" if name == "POINT" else None),
        emit,
        _DESCRIPTIONS[name],
        Feature.GEOMETRY,
        check,
        variadic,
    )
    return _with_coordsys(function)


_DESCRIPTIONS = {
    "POINT": "A position: longitude and latitude in degrees.",
    "CIRCLE": "A circle on the sky: centre and radius in degrees.",
    "BOX": "A box whose arms through its centre have this width and height in degrees; its sides are great circles, "
    "so near a pole it is no range of coordinates. Deprecated: use POLYGON or CIRCLE.",
    "POLYGON": "A polygon whose sides are great circles, from its vertices in degrees.",
}

CONSTRUCTORS = (
    *_constructor("POINT", parameters("lon lat"), _emit_point, _check_point),
    *_constructor("CIRCLE", parameters("lon lat radius"), _emit_circle, _check_circle),
    *_constructor("CIRCLE", (_CENTRE, *parameters("radius")), _emit_circle, _check_circle),
    *_constructor("BOX", parameters("lon lat width height"), _emit_box, _check_box),
    *_constructor("BOX", (_CENTRE, *parameters("width height")), _emit_box, _check_box),
    *_constructor("POLYGON", parameters("lon1 lat1 lon2 lat2 lon3 lat3"), _emit_polygon, _check_polygon, variadic=True),
    *_constructor(
        "POLYGON", parameters("p1 p2 p3", Kind.POINT), _emit_polygon_of_points, _check_polygon_of_points, variadic=True
    ),
)
