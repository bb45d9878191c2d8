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
from adql.functions.geometry import literal_vertices
from adql.nodes import And, Call, Condition, Value
from adql.spheres import angle, direction, norm, vector
from adql.spread.cells import Cells, in_cells
from adql.trees import position_of
from schema.model import Pixel

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
    if pixel is None or cone is None or (pixels := in_pixels(*pixel, cone)) is None:
        return condition
    return And((condition, pixels), span=condition.span, info=condition.info)


def pixel_of(point: Value) -> tuple[str, Pixel] | None:
    """The alias and the pixels of a table whose own position this is."""
    columns = position_of(point)
    if len(columns) != 2 or columns[0].source != columns[1].source or (pixel := columns[0].info.pixel) is None:
        return None
    return (columns[0].source, pixel) if (columns[0].name, columns[1].name) == (pixel.ra, pixel.dec) else None


def cone_of(centre: Value, radius: Value) -> Cone | None:
    """Of a constant position and radius, in degrees."""
    if not isinstance(centre, Call) or centre.name != "POINT":
        return None
    numbers = numbers_of(centre.coordinates)
    size = number_of(radius)
    if numbers is None or len(numbers) != 2 or size is None or size < 0 or abs(numbers[1]) > 90:
        return None
    return numbers[0], numbers[1], float(size)


def _cone_round(region: Value) -> Cone | None:
    """The cone round a constant polygon or box: being convex, it holds the edges as it holds the corners."""
    corners = literal_vertices(region)
    if corners is None:
        return None
    vectors = [vector(*corner) for corner in corners]
    middle = (sum(v[0] for v in vectors), sum(v[1] for v in vectors), sum(v[2] for v in vectors))
    if norm(middle) == 0:
        return None
    return *direction(middle), math.degrees(max(angle(middle, each) for each in vectors))


def in_pixels(source: str, pixel: Pixel, cone: Cone) -> Condition | None:
    """That a row lies in one of the cells that a cone covers; None for a wide one, which needs nearly all shards anyway."""
    wide = cone[2] + pixel.margin
    if wide > _WIDEST:
        return None
    lon, lat, radius = Longitude(cone[0] * u.deg), Latitude(cone[1] * u.deg), (wide + _MARGIN) * u.deg
    cells, _, _ = cone_search(lon, lat, radius, pixel.order, flat=True)
    return in_cells(source, pixel, _runs(np.sort(cells)))


def _runs(cells: npt.NDArray[np.uint64]) -> Cells:
    """First and last of each run of cells; the smallest gaps are closed until there are few."""
    numbers = cells.astype(np.int64)
    gaps = np.diff(numbers)
    breaks = np.flatnonzero(gaps > 1)
    if len(breaks) >= _MOST_RANGES:
        breaks = np.sort(breaks[np.argsort(gaps[breaks], kind="stable")[-(_MOST_RANGES - 1) :]])
    firsts, lasts = numbers[np.r_[0, breaks + 1]], numbers[np.r_[breaks, len(numbers) - 1]]
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))
