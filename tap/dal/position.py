"""Regions of POS (SIA 2.0 §2.1.1): CIRCLE, RANGE and POLYGON in degrees → geometries of ADQL."""

import math

from adql.spheres import polygon_problem
from tap.dal.interval import limit_of
from tap.dal.number import number_within
from uws.parameters import ParameterError

_LARGEST_CIRCLE = 90.0


def region_of(name: str, text: str) -> str:
    """Return the geometry of a region. Raises: ParameterError naming the parameter."""
    shape, *words = text.split() or [""]
    match shape.upper(), len(words):
        case "CIRCLE", 3:
            return _circle(name, words)
        case "RANGE", 4:
            return _range(name, words)
        case "POLYGON", count if count >= 6 and count % 2 == 0:
            return _polygon(name, words)
    raise ParameterError(
        f"{name} is CIRCLE ra dec radius, RANGE ra1 ra2 dec1 dec2, or POLYGON ra1 dec1 ra2 dec2 ra3 dec3 ..., in degrees, not {text[:80]!r}"
    )


def _circle(name: str, words: list[str]) -> str:
    lon, lat = _longitude(name, words[0]), _latitude(name, words[1])
    radius = number_within(f"The radius of {name}", words[2], 0, _LARGEST_CIRCLE)
    return f"CIRCLE({lon!r}, {lat!r}, {radius!r})"


def _range(name: str, words: list[str]) -> str:
    """An end that is infinite is the last there is."""
    lon1, lon2 = (_limited(limit_of(name, word), 0, 360) for word in words[:2])
    lat1, lat2 = (_limited(limit_of(name, word), -90, 90) for word in words[2:])
    if not (0 <= lon1 <= lon2 <= 360 and -90 <= lat1 <= lat2 <= 90):
        raise ParameterError(
            f"A RANGE of {name} is ra1 ra2 dec1 dec2, the smaller one first, within 0 to 360 and -90 to 90, not {' '.join(words)[:80]!r}"
        )
    return f"RANGE_S2D({lon1!r}, {lon2!r}, {lat1!r}, {lat2!r})"


def _limited(number: float, least: float, largest: float) -> float:
    """Return a number that is infinite as the end in its direction, others as they are."""
    return float(min(max(number, least), largest)) if math.isinf(number) else number


def _polygon(name: str, words: list[str]) -> str:
    vertices = [(_longitude(name, lon), _latitude(name, lat)) for lon, lat in zip(words[::2], words[1::2], strict=True)]
    if problem := polygon_problem(vertices):
        raise ParameterError(f"{name}: {problem}")
    return f"POLYGON({', '.join(repr(number) for vertex in vertices for number in vertex)})"


def _longitude(name: str, word: str) -> float:
    return number_within(f"A longitude of {name}", word, 0, 360)


def _latitude(name: str, word: str) -> float:
    return number_within(f"A latitude of {name}", word, -90, 90)
