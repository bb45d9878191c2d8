"""Circles round a MOC: an index on positions serves these, none serves the MOC itself."""

import math
from collections.abc import Iterator
from functools import lru_cache

from adql.spheres import Vector, angle, direction, norm, vector
from schema.moc import DEEPEST, Moc, cells_by_order

_HIGHEST = 12
"""Smaller cells than those of this order do not make the circles much better."""
_MOST = 512
"""Cells that get a circle each."""
_MOST_IN_ONE = 1024
"""Cells that get one circle together."""
_MARGIN = 1e-5
"""Degrees by which circles are larger, far more than the rounding of any arithmetic with them."""
_DEAREST = 0.35
"""Of what it costs to read the whole table."""

Cone = tuple[float, float, float]
"""Longitude, latitude and radius in degrees."""
Circle = tuple[Vector, float]
"""Centre, and radius in radians."""


@lru_cache(maxsize=16)
def cones_round(moc: Moc) -> tuple[Cone, ...] | None:
    """Return circles that hold all of a MOC; None where reading the whole table is faster than asking an index for them."""
    if not moc.runs:
        return ((0.0, 0.0, 0.0),)
    best = min(_covers(moc), key=_cost)
    return best if _cost(best) < _DEAREST else None


def _covers(moc: Moc) -> list[tuple[Cone, ...]]:
    """Return ways to cover a MOC: a circle round each of its cells of some order, and one round them all."""
    covers, one = [], None
    for order in range(min(moc.order, _HIGHEST) + 1):
        circles = _circles(moc.degraded(order))
        if not circles:
            break
        if len(circles) <= _MOST:
            covers.append(tuple(map(_cone, circles)))
        one = _circle_round(circles)
    return [*covers, (_cone(one),)] if one else covers


def _circles(moc: Moc) -> list[Circle]:
    """Return the circle round each cell; none where there are too many."""
    shift = 2 * (DEEPEST - moc.order)
    by_order = cells_by_order(((first >> shift, beyond >> shift) for first, beyond in moc.runs), moc.order)
    if sum(map(len, by_order.values())) > _MOST_IN_ONE:
        return []
    return [circle for order, cells in by_order.items() for circle in _circles_round(order, cells)]


def _circles_round(order: int, cells: list[int]) -> Iterator[Circle]:
    """Yield the circle round each cell: nothing of it is farther from its centre than one of its corners."""
    from cdshealpix.nested import healpix_to_lonlat, vertices

    lon, lat = (angles.deg.tolist() for angles in healpix_to_lonlat(cells, order))
    corner_lon, corner_lat = (angles.to_value("deg").tolist() for angles in vertices(cells, order))
    for centre, lons, lats in zip(map(vector, lon, lat), corner_lon, corner_lat, strict=True):
        yield centre, max(angle(centre, corner) for corner in map(vector, lons, lats))


def _circle_round(circles: list[Circle]) -> Circle | None:
    """Return a circle round others, about the middle of their areas; None where they have no middle."""
    weights = [1 - math.cos(radius) for _, radius in circles]
    middle = tuple(
        sum(weight * centre[axis] for weight, (centre, _) in zip(weights, circles, strict=True)) for axis in range(3)
    )
    centre = (middle[0], middle[1], middle[2])
    if norm(centre) < 1e-9 * sum(weights):
        return None
    return centre, min(math.pi, max(angle(centre, other) + radius for other, radius in circles))


def _cone(circle: Circle) -> Cone:
    centre, radius = circle
    return *direction(centre), math.degrees(radius) + _MARGIN


def _cost(cones: tuple[Cone, ...]) -> float:
    """Return what it costs to ask for circles, in parts of what it costs to read all: each row is compared with several.

    pgSphere has no circle of more than 90 degrees.
    """
    if any(radius > 90 for _, _, radius in cones):
        return math.inf
    share = sum((1 - math.cos(math.radians(radius))) / 2 for _, _, radius in cones)
    return share * (1 + len(cones) / 6)
