"""How many and what kind of arguments the functions of the language take (ADQL 2.1 appendix A).

The kinds of the arguments are written as a word, one letter each, and matched against a pattern:
s a string, z NULL, i a whole number, j a signed whole number, n another number, p a point,
g a region, ? what only the catalogue can tell (columns, user defined functions, ...).
"""

import re

from adql.nodes import Arithmetic, Call, Null, Number, Signed, String, Value

_POINTS = {"POINT", "CENTROID"}
_OF_ANY_TYPE = {"COALESCE", "NULLIF", "LOWER", "UPPER", "COORDSYS"}
_REGIONS = {"CIRCLE", "BOX", "POLYGON", "REGION"}
_NUMBER, _POINT, _GEOMETRY = "[nijsz?]", "[p?]", "."
_PAIR = f"{_NUMBER}{{2}}"
_COORDSYS = "(?:[sz]|(?!s))"  # a string in the first place is one, a NULL may be

_SHAPES = {
    "ABS CEILING DEGREES EXP FLOOR LOG LOG10 RADIANS SQRT ACOS ASIN ATAN COS COT SIN TAN": _NUMBER,
    "MOD POWER ATAN2": _PAIR,
    "PI": "",
    "RAND": "i?",
    "ROUND TRUNCATE": f"{_NUMBER}[ij]?",
    "LOWER UPPER": ".",
    "IN_UNIT": f"{_NUMBER}s",
    "COALESCE": ".+",
    "NULLIF": "..",
    "POINT": f"{_COORDSYS}{_PAIR}",
    "CIRCLE": f"{_COORDSYS}({_PAIR}|{_POINT}){_NUMBER}",
    "BOX": f"{_COORDSYS}({_PAIR}|{_POINT}){_NUMBER}{{2}}",
    "POLYGON": f"{_COORDSYS}(({_PAIR}){{3,}}|{_POINT}{{3,}})",
    "REGION": "s",
    "CENTROID AREA COORDSYS": _GEOMETRY,
    "COORD1 COORD2": _POINT,
    "DISTANCE": f"{_POINT}{{2}}|{_NUMBER}{{4}}",
    "CONTAINS INTERSECTS": f"{_GEOMETRY}{{2}}",
}
SHAPES = {name: re.compile(shape) for names, shape in _SHAPES.items() for name in names.split()}

USAGE = {
    "PI": "PI()",
    "RAND": "RAND() or RAND(n)",
    "MOD": "MOD(x, y)",
    "POWER": "POWER(x, y)",
    "ATAN2": "ATAN2(y, x)",
    "ROUND": "ROUND(x) or ROUND(x, n) with a whole number n",
    "TRUNCATE": "TRUNCATE(x) or TRUNCATE(x, n) with a whole number n",
    "LOWER": "LOWER(string)",
    "UPPER": "UPPER(string)",
    "IN_UNIT": "IN_UNIT(expression, 'unit')",
    "COALESCE": "COALESCE(a, b, ...)",
    "NULLIF": "NULLIF(a, b)",
    "POINT": "POINT(ra, dec), in degrees",
    "CIRCLE": "CIRCLE(ra, dec, radius) or CIRCLE(point, radius), in degrees",
    "BOX": "BOX(ra, dec, width, height) or BOX(point, width, height), in degrees",
    "POLYGON": "POLYGON(ra1, dec1, ra2, dec2, ra3, dec3, ...) or POLYGON(point, point, point, ...)",
    "REGION": "REGION('CIRCLE ICRS 10 20 0.5')",
    "CENTROID": "CENTROID(region)",
    "AREA": "AREA(region)",
    "COORDSYS": "COORDSYS(geometry)",
    "COORD1": "COORD1(point)",
    "COORD2": "COORD2(point)",
    "DISTANCE": "DISTANCE(point, point) or DISTANCE(ra1, dec1, ra2, dec2), in degrees",
    "CONTAINS": "1 = CONTAINS(point, region)",
    "INTERSECTS": "1 = INTERSECTS(region, region)",
}


def usage(name: str) -> str:
    return USAGE.get(name, f"{name}(x)")


def is_geometry(value: Value) -> bool:
    """Return whether a value is a geometry by its syntax alone."""
    return _kind(value) in "pg"


def fits(name: str, arguments: tuple[Value, ...]) -> bool:
    """Return whether a function of the language can have these arguments, as far as syntax tells."""
    return SHAPES[name].fullmatch("".join(map(_kind, arguments))) is not None


def _kind(argument: Value) -> str:
    match argument:
        case String():
            return "s"
        case Null():
            return "z"
        case Number(text=text):
            return "i" if text.isdigit() else "n"
        case Signed(operand=Number(text=text)) if text.isdigit():
            return "j"
        case Signed() | Arithmetic():
            return "n"
        case Call(name=name):
            return _kind_of_call(name)
    return "?"


def _kind_of_call(name: str) -> str:
    if name in _POINTS:
        return "p"
    if name in _REGIONS:
        return "g"
    return "n" if name in SHAPES and name not in _OF_ANY_TYPE else "?"
