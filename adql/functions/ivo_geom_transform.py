"""ivo_geom_transform (IVOA UDF catalogue 1.2): a geometry in another reference system, by a rotation.

pgSphere turns by Euler angles (about z, x, z); they are taken from astropy's rotation matrices.
"""

import math
from functools import lru_cache

from adql.constants import text_of
from adql.errors import ImpossibleValue, TypeMismatch, nearest
from adql.functions.function import Feature, Function, Kind, Parameter
from adql.functions.geometry import check_no_range
from adql.info import Info
from adql.nodes import Value
from schema import types

FRAMES = ("ICRS", "FK5", "FK4", "GALACTIC", "SUPER_GALACTIC", "ECLIPTIC")


@lru_cache(maxsize=64)
def euler_angles(source: str, target: str) -> tuple[float, float, float]:
    """Return the angles (radians, about z, x, z) of the rotation from one system to the other.

    FK4 is taken without its elliptic aberration terms: with them it is no rotation.
    """
    from astropy import units
    from astropy.coordinates import (
        FK5,
        ICRS,
        BarycentricMeanEcliptic,
        FK4NoETerms,
        Galactic,
        SkyCoord,
        Supergalactic,
    )

    frames = dict(
        zip(
            FRAMES,
            (
                ICRS(),
                FK5(),
                FK4NoETerms(equinox="B1950", obstime="B1950"),
                Galactic(),
                Supergalactic(),
                BarycentricMeanEcliptic(),
            ),
            strict=True,
        )
    )
    poles = SkyCoord([0, 90, 0], [0, 0, 90], unit=units.deg, frame=frames[source])
    matrix = poles.transform_to(frames[target], merge_attributes=False).cartesian.xyz.value
    tilt = math.atan2(math.hypot(matrix[2][0], matrix[2][1]), matrix[2][2])
    if tilt < 1e-12:
        return math.atan2(matrix[1][0], matrix[0][0]), 0.0, 0.0
    first = math.atan2(matrix[2][0], matrix[2][1])
    last = math.atan2(matrix[0][2], -matrix[1][2])
    return first, tilt, last


def _infer(arguments: tuple[Value, ...]) -> Info:
    return Info(arguments[2].type)


def _emit(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    angles = euler_angles(text_of(arguments[0]) or "", text_of(arguments[1]) or "")
    turns = ", ".join(repr(angle) for angle in angles)
    return f"({sql[2]} + strans({turns}))"


def _check(arguments: tuple[Value, ...]) -> None:
    check_no_range(arguments)
    for frame in arguments[:2]:
        name = text_of(frame) or ""
        if name not in FRAMES:
            hint = nearest(name, list(FRAMES)) or f"Systems are {', '.join(FRAMES)}."
            raise ImpossibleValue(f"There is no reference system {name!r} here", frame.span, hint)
    if arguments[2].type is types.MOC:
        hint = "Transform the points that are compared with it."
        raise TypeMismatch("A MOC cannot be turned: its cells are those of ICRS", arguments[2].span, hint)


IVO_GEOM_TRANSFORM = Function(
    "ivo_geom_transform",
    (Parameter("fromsys", Kind.LITERAL), Parameter("tosys", Kind.LITERAL), Parameter("geo", Kind.GEOMETRY)),
    "GEOMETRY",
    _infer,
    _emit,
    f"The geometry in another reference system, by a rotation. Systems: {', '.join(FRAMES)} (equinox J2000 for FK5 "
    "and ECLIPTIC, B1950 for FK4).",
    Feature.UDF,
    _check,
)
