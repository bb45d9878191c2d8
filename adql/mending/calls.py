"""Functions that other databases call otherwise, or with other arguments; and what is asked of the sky."""

import re
from collections.abc import Iterator

from adql import tokens
from adql.errors import TypeMismatch, WrongArguments
from adql.mending.characters import COMPARISONS, TYPES
from adql.mending.mistake import Mistake, Repair
from schema.model import string_literal

_RENAMED = {
    **dict.fromkeys(("NVL", "IFNULL", "ISNULL"), "COALESCE"),
    **dict.fromkeys(("AVERAGE", "MEAN"), "AVG"),
    **dict.fromkeys(("STDEV", "STD"), "STDDEV"),
    **dict.fromkeys(("TRUNC", "FIX"), "TRUNCATE"),
    **dict.fromkeys(("RANDOM", "RND"), "RAND"),
    **dict.fromkeys(("LN",), "LOG"),
    **dict.fromkeys(("LG", "LOG_10", "LOGTEN"), "LOG10"),
    **dict.fromkeys(("CONTAIN", "CONTAINED"), "CONTAINS"),
    **dict.fromkeys(("INTERSECTED",), "INTERSECTS"),
    **dict.fromkeys(("POW",), "POWER"),
    **dict.fromkeys(("CEIL",), "CEILING"),
    **dict.fromkeys(("LCASE",), "LOWER"),
    **dict.fromkeys(("UCASE",), "UPPER"),
    **dict.fromkeys(("DIST", "ANGDIST", "SEPARATION", "ANGULARDISTANCE", "Q3C_DIST"), "DISTANCE"),
    **dict.fromkeys(("ARCSIN",), "ASIN"),
    **dict.fromkeys(("ARCCOS",), "ACOS"),
    **dict.fromkeys(("ARCTAN",), "ATAN"),
    **dict.fromkeys(("ARCTAN2", "ATN2"), "ATAN2"),
}
_AGGREGATES = ("COUNT", "AVG", "SUM", "MIN", "MAX")
_FRAMES = ("ICRS", "FK5", "FK4", "GALACTIC", "J2000", "ECLIPTIC")
_GEOMETRIES = ("POINT", "CIRCLE", "BOX", "POLYGON")
_REGIONS = ("CONTAINS", "INTERSECTS")
_NAME = re.compile(r"'([A-Za-z]\w*(?:\.[A-Za-z]\w*)?)'")


def is_known_elsewhere(m: Mistake) -> bool:
    """Return whether there stands a function of other databases: what is spelt like it is something else."""
    return m.is_call(m.index) and m.token.value in _RENAMED


def renamed(m: Mistake) -> Iterator[Repair]:
    if is_known_elsewhere(m):
        yield m.replaced(m.index, m.index, _RENAMED[m.token.value])
    elif m.is_at(m.index, "INTERSECT") and m.is_at(m.index - 1, "=") and m.is_at(m.index + 1, "("):
        yield m.replaced(m.index, m.index, "INTERSECTS")


def other_form(m: Mistake) -> Iterator[Repair]:
    """Mend calls of which ADQL has another form: SQUARE(x), CONCAT(a, b), IF(c, a, b), ISNULL(x)."""
    if not m.is_call(m.index):
        return
    match m.token.value, m.arguments(m.index):
        case "SQUARE" | "SQR", [value]:
            yield m.call_replaced(m.index, f"POWER({value}, 2)")
        case "CONCAT", [first, *others] if others:
            yield m.call_replaced(m.index, " || ".join((first, *others)))
        case "ISNULL", [value] if m.error.message.startswith("Expected a condition"):
            yield m.call_replaced(m.index, f"{value} IS NULL")
        case "LOG", [value, "10"] | ["10", value]:
            yield m.call_replaced(m.index, f"LOG10({value})")
        case "ATAN", [_, _]:
            yield m.replaced(m.index, m.index, "ATAN2")
        case "Q3C_RADIAL_QUERY" | "Q3C_JOIN" | "CONE" | "CONESEARCH", [*positions, radius] if len(positions) == 4:
            yield m.call_replaced(m.index, f"DISTANCE({', '.join(positions)}) < {radius}")


def choice(m: Mistake) -> Iterator[Repair]:
    """Mend IF(condition, x, y), whose condition the grammar finds in the wrong place."""
    for index in range(m.index, -1, -1):
        if m.is_at(index, "IF", "IIF") and m.is_at(index + 1, "(") and m.closing(index + 1) > m.index:
            arguments = m.arguments(index)
            if len(arguments) == 3:
                condition, first, second = arguments
                yield m.call_replaced(index, f"CASE WHEN {condition} THEN {first} ELSE {second} END")
            return


def aggregate(m: Mistake) -> Iterator[Repair]:
    opening = m.opening(m.index)
    if m.is_at(m.index, ")") and m.is_at(m.index - 2, "COUNT"):
        yield m.before(m.index, "*")
    elif m.is_at(m.index, ",") and m.is_at(opening - 1, "MIN", "MAX"):
        yield m.replaced(opening - 1, opening - 1, "LEAST" if m.is_at(opening - 1, "MIN") else "GREATEST")


def aggregate_without_parentheses(m: Mistake) -> Iterator[Repair]:
    """Mend COUNT DISTINCT x, COUNT * and AVG x."""
    for index in (m.index - 1, m.index):
        if not m.is_at(index, *_AGGREGATES) or m.is_at(index + 1, "("):
            continue
        first = index + 1 + m.is_at(index + 1, "DISTINCT")
        if m.is_name(first) or (m.is_at(first, "*") and m.is_at(index, "COUNT")):
            last = m.last_of_value(first)
            yield m.replaced(index, last, f"{m.written(index, index)}({m.written(index + 1, last)})")


def comparison_inside(m: Mistake) -> Iterator[Repair]:
    """Mend ABS(dec < 10)."""
    opening, sign = m.opening(m.index), m.last_of_value(m.index) + 1
    closing = m.closing(opening)
    is_one = m.index == opening + 1 and m.is_at(sign, *COMPARISONS) and m.last_of_value(sign + 1) == closing - 1
    if is_one and m.is_call(opening - 1) and "not a condition" in m.error.message:
        value, other = m.written(opening + 1, sign - 1), m.written(sign, closing - 1)
        yield m.replaced(opening - 1, closing, f"{m.written(opening - 1, opening)}{value}) {other}")


def type_(m: Mistake) -> Iterator[Repair]:
    if m.expected == "a type" and m.token.value in TYPES:
        yield m.replaced(m.index, m.index, TYPES[m.token.value])
    elif m.expected == "PRECISION":
        yield m.behind(m.index - 1, " PRECISION")


def moment(m: Mistake) -> Iterator[Repair]:
    """Mend DATE '2016-01-01' and DATE('2016-01-01')."""
    if not m.is_at(m.index, "DATE", "TIMESTAMP", "TIME"):
        return
    if m.following.kind == tokens.STRING:
        yield m.replaced(m.index, m.index + 1, f"CAST({string_literal(m.following.value)} AS TIMESTAMP)")
    elif m.is_at(m.index + 1, "(") and m.at(m.index + 2).kind == tokens.STRING:
        yield m.call_replaced(m.index, f"CAST({string_literal(m.at(m.index + 2).value)} AS TIMESTAMP)")


# ---- the sky


def in_region(m: Mistake) -> Iterator[Repair]:
    """Mend `POINT(ra, dec) IN CIRCLE(...)`."""
    if m.is_at(m.index, *_GEOMETRIES, "MOC") and m.is_at(m.index - 1, "IN") and m.is_call(m.index):
        negated = m.is_at(m.index - 2, "NOT")
        first, last = m.first_of_value(m.index - 2 - negated), m.closing(m.index + 1)
        if m.is_at(first, *_GEOMETRIES):
            point, region = m.written(first, m.index - 2 - negated), m.written(m.index, last)
            yield m.replaced(first, last, f"{0 if negated else 1} = CONTAINS({point}, {region})")


def region_as_condition(m: Mistake) -> Iterator[Repair]:
    if m.error.message.startswith("Expected a condition") and m.is_at(m.index, *_REGIONS):
        yield m.before(m.index, "1 = ")


def point_of_coordinates(m: Mistake) -> Iterator[Repair]:
    """Mend CONTAINS(ra, dec, region) and DISTANCE of a point and two coordinates."""
    if not isinstance(m.error, WrongArguments) or not m.is_at(m.index, *_REGIONS, "DISTANCE"):
        return
    match m.arguments(m.index):
        case [ra, dec, geometry] if _is_geometry(geometry):
            yield m.call_replaced(m.index, f"{m.token.value}(POINT({ra}, {dec}), {geometry})")
        case [geometry, ra, dec] if _is_geometry(geometry) and m.token.value == "DISTANCE":
            yield m.call_replaced(m.index, f"DISTANCE({geometry}, POINT({ra}, {dec}))")


def _is_geometry(text: str) -> bool:
    return text.upper().lstrip().startswith(_GEOMETRIES)


def columns_as_texts(m: Mistake) -> Iterator[Repair]:
    """Mend POINT('ICRS', 'ra', 'dec') and POINT(ICRS, ra, dec)."""
    function = m.index if m.is_call(m.index) else m.opening(m.index) - 1
    if not isinstance(m.error, WrongArguments | TypeMismatch) or not m.is_at(function, *_GEOMETRIES, "DISTANCE"):
        return
    arguments = m.arguments(function)
    frame = [
        string_literal(argument.strip("'\"")) for argument in arguments[:1] if argument.strip("'\"").upper() in _FRAMES
    ]
    named = frame + [_NAME.sub(r"\1", argument) for argument in arguments[len(frame) :]]
    if named != arguments:
        yield m.call_replaced(function, f"{m.at(function).value}({', '.join(named)})")


def region_before_point(m: Mistake) -> Iterator[Repair]:
    function = m.index if m.is_at(m.index, "CONTAINS") else m.opening(m.index) - 1
    if not m.error.is_syntax and m.is_at(function, "CONTAINS"):
        match m.arguments(function):
            case [region, point] if point.upper().startswith("POINT"):
                yield m.call_replaced(function, f"CONTAINS({point}, {region})")
