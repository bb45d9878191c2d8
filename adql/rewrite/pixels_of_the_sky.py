"""A search in a part of the sky, in a sharded table → also in the pixels that the part covers.

PostgreSQL then leaves out the shards that hold others. The pixels cover more than the part, never less, and
the condition itself stays beside them: so the rows are the same.
"""

import math

import astropy.units as u
import numpy as np
import numpy.typing as npt
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import cone_search

from adql import nodes
from adql.constants import number_of, numbers_of
from adql.nodes import And, Between, Call, Condition, Field, Info, Number, Value
from adql.spheres import angle, box_corners, direction, norm, vector
from schema import types

_WIDEST = 60.0
"""Degrees."""
_MARGIN = 1e-5
"""Degrees by which a cone is widened, far more than the rounding of any arithmetic with it."""
_MOST_RANGES = 12

Cone = tuple[float, float, float]


def pixels_of_the_sky(condition: Condition) -> Condition:
    match condition:
        case nodes.Near(left=left, right=right, radius=radius):
            pixel, cone = pixel_of(left) or pixel_of(right), cone_of(left, radius) or cone_of(right, radius)
        case nodes.Inside(point=point, region=region):
            pixel, cone = pixel_of(point), _cone_round(region)
        case _:
            return condition
    if pixel is None or cone is None or (pixels := in_pixels(pixel, cone)) is None:
        return condition
    return And((condition, pixels), span=condition.span, info=condition.info)


def pixel_of(point: Value) -> Field | None:
    """The column of the pixels of a table's own position."""
    if not isinstance(point, Call) or point.name != "POINT":
        return None
    match tuple(a for a in point.arguments if a.type is None or not a.type.is_text):
        case (Field() as ra, Field() as dec) if ra.source == dec.source and ra.info.pixel is not None:
            pixel = ra.info.pixel
            if (ra.name, dec.name) == (pixel.ra, pixel.dec):
                return Field(ra.source, pixel.column, info=Info(types.INTEGER, pixel=pixel))
    return None


def cone_of(centre: Value, radius: Value) -> Cone | None:
    """Of a constant position and radius, in degrees."""
    if not isinstance(centre, Call) or centre.name != "POINT":
        return None
    numbers = numbers_of(tuple(a for a in centre.arguments if a.type is None or not a.type.is_text))
    size = number_of(radius)
    if numbers is None or len(numbers) != 2 or size is None or size < 0 or abs(numbers[1]) > 90:
        return None
    return numbers[0], numbers[1], float(size)


def _cone_round(region: Value) -> Cone | None:
    """The cone round a constant polygon or box: being convex, it holds the edges as it holds the corners."""
    if not isinstance(region, Call) or region.name not in {"POLYGON", "BOX"}:
        return None
    numbers = numbers_of(tuple(a for a in region.arguments if a.type is None or not a.type.is_text))
    if numbers is None or len(numbers) % 2:
        return None
    corners = box_corners(*numbers) if region.name == "BOX" else list(zip(numbers[::2], numbers[1::2], strict=True))
    vectors = [vector(*corner) for corner in corners]
    middle = (sum(v[0] for v in vectors), sum(v[1] for v in vectors), sum(v[2] for v in vectors))
    if norm(middle) == 0:
        return None
    return *direction(middle), math.degrees(max(angle(middle, each) for each in vectors))


def in_pixels(column: Field, cone: Cone) -> Condition | None:
    """That a row lies in one of the cells that a cone covers; None for a wide one, which needs nearly all shards anyway."""
    order, margin = (pixel.order, pixel.margin) if (pixel := column.info.pixel) else (0, 0.0)
    if cone[2] + margin > _WIDEST:
        return None
    lon, lat, radius = Longitude(cone[0] * u.deg), Latitude(cone[1] * u.deg), (cone[2] + margin + _MARGIN) * u.deg
    cells, _, _ = cone_search(lon, lat, radius, order, flat=True)
    boolean = Info(types.BOOLEAN)
    ranges = tuple(Between(column, _number(a), _number(b), info=boolean) for a, b in _ranges(np.sort(cells)))
    return ranges[0] if len(ranges) == 1 else nodes.Or(ranges, info=boolean)


def _ranges(cells: npt.NDArray[np.uint64]) -> list[tuple[int, int]]:
    """First and last of each run of cells; the smallest gaps are closed until there are few."""
    numbers = cells.astype(np.int64)
    gaps = np.diff(numbers)
    breaks = np.flatnonzero(gaps > 1)
    if len(breaks) >= _MOST_RANGES:
        breaks = np.sort(breaks[np.argsort(gaps[breaks], kind="stable")[-(_MOST_RANGES - 1) :]])
    firsts, lasts = numbers[np.r_[0, breaks + 1]], numbers[np.r_[breaks, len(numbers) - 1]]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _number(value: int) -> Value:
    return Number(str(value), info=Info(types.INTEGER))
