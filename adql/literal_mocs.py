"""MOCs that are known without any row: texts, and the cells that a constant region touches.

The cells are those of mocpy, which asks the same library for them: all that the region touches, and now and then one that
it just misses.
"""

import math
from collections.abc import Callable
from functools import lru_cache

from adql.constants import literal_vertices, number_of, numbers_of
from adql.nodes import Call, String, Value
from adql.separation import circle_of
from schema.moc import DEEPEST, Moc, merged, parse_moc

DEEPEST_OF_REGION = 24
"""The order up to which regions are made of cells, of 13 mas: pgSphere loses cells of higher ones."""
_FINER = 2
"""How many orders below that of the cells mocpy looks whether a region touches one."""
_CELL_WIDTH = math.sqrt(4 * math.pi / 12)
"""Of a cell of order 0, in radians."""

Region = tuple[float, ...]
"""Longitude, latitude and radius of a circle, or longitudes and latitudes of the vertices of a polygon, by turns; degrees."""


def literal_moc(value: Value) -> Moc | None:
    """Return the MOC that a text, a constant region, or sets of such are; None for anything else. Raises: MocError."""
    if not isinstance(value, Call):
        return None
    name, arguments = value.name.upper(), value.arguments
    if name in _SETS:
        mocs = [literal_moc(argument) for argument in arguments]
        known = [moc for moc in mocs if moc is not None]
        return _SETS[name](*known) if len(known) == len(mocs) else None
    if name != "MOC":
        return None
    if len(arguments) == 1:
        return moc_of_text(arguments[0].value) if isinstance(arguments[0], String) else None
    order, region = number_of(arguments[0]), literal_region(arguments[1])
    return cells_touched(region, order) if region is not None and isinstance(order, int) else None


_SETS: dict[str, Callable[..., Moc]] = {
    "GAVO_MOCUNION": Moc.union,
    "GAVO_MOCINTERSECT": Moc.intersection,
    "MOC_DIFFERENCE": Moc.difference,
    "MOC_COMPLEMENT": Moc.complement,
}


moc_of_text = lru_cache(maxsize=16)(parse_moc)


def literal_region(value: Value) -> Region | None:
    """Return the numbers of a CIRCLE, POLYGON or BOX that is written with constants; None for anything else."""
    if circle := circle_of(value):
        centre, radius = circle
        return numbers(centre.coordinates, radius) if isinstance(centre, Call) and centre.name == "POINT" else None
    vertices = literal_vertices(value)
    return None if vertices is None else tuple(number for vertex in vertices for number in vertex)


def numbers(centre: tuple[Value, ...], radius: Value) -> Region | None:
    constants = numbers_of((*centre, radius))
    return None if constants is None else tuple(constants)


def highest_order(region: Region, cells: int) -> int:
    """Return the highest order at which about so many cells, or fewer, lie along the edge of a region."""
    length = _edge(region)
    if length < 1e-9:
        return DEEPEST_OF_REGION
    return max(0, min(DEEPEST_OF_REGION, math.floor(math.log2(cells * _CELL_WIDTH / length))))


def _edge(region: Region) -> float:
    """Return the length of the edge of a region in radians."""
    if len(region) == 3:
        return 2 * math.pi * math.sin(math.radians(min(region[2], 90.0)))
    from adql.spheres import angle, vector

    corners = [vector(*corner) for corner in zip(region[::2], region[1::2], strict=True)]
    return sum(angle(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))


@lru_cache(maxsize=64)
def cells_touched(region: Region, order: int) -> Moc:
    """Return the cells of an order, at most 24, that a region touches."""
    from astropy import units
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import cone_search, polygon_search

    if len(region) == 3:
        lon, lat = Longitude(region[0], units.deg), Latitude(region[1], units.deg)
        cells = cone_search(lon, lat, region[2] * units.deg, order, depth_delta=_FINER)
    else:
        lon, lat = Longitude(list(region[::2]), units.deg), Latitude(list(region[1::2]), units.deg)
        cells = polygon_search(lon, lat, order)
    shifts = 2 * (DEEPEST - cells[1].astype("int64"))
    first = cells[0].astype("int64") << shifts
    return Moc(order, merged(zip(first.tolist(), (first + (1 << shifts)).tolist(), strict=True)))
