"""A search in a part of the sky, in a table on shards → also in the cells that the part covers.

PostgreSQL then leaves out the shards that hold others. The cells cover more than the part, never less, and
the condition itself stays beside them: so the rows are the same.
"""

import math

import astropy.units as u
import numpy as np
import numpy.typing as npt
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import cone_search

from adql import nodes
from adql.constants import literal_vertices, number_of, numbers_of
from adql.nodes import And, Call, Condition, Value
from adql.spheres import angle, direction, norm, vector
from adql.trees import position_of
from tap.sharding.model import HealpixPartitioning
from tap.sharding.planning.cell_sets import CellSet, Partitionings, cell_condition

_WIDEST = 60.0
"""Degrees."""
_MARGIN = 1e-5
"""Degrees by which a cone is widened, far more than the rounding of any arithmetic with it."""
_MOST_RANGES = 12

Cone = tuple[float, float, float]


def prune_cone(partitionings: Partitionings, condition: Condition) -> Condition:
    match condition:
        case nodes.Near(left=left, right=right, radius=radius):
            table = table_of(left, partitionings) or table_of(right, partitionings)
            cone = cone_of(left, radius) or cone_of(right, radius)
        case nodes.Inside(point=point, region=region):
            table, cone = table_of(point, partitionings), _cone_round(region)
        case _:
            return condition
    if table is None or cone is None or (added := condition_of_cone(*table, cone)) is None:
        return condition
    return And((condition, added), span=condition.span, info=condition.info)


def table_of(point: Value, partitionings: Partitionings) -> tuple[str, HealpixPartitioning] | None:
    """Return alias and partitioning of the table whose own position this is."""
    columns = position_of(point)
    if len(columns) != 2 or columns[0].source != columns[1].source:
        return None
    partitioning = partitionings.get(columns[0].source)
    if partitioning is None or (columns[0].name, columns[1].name) != (partitioning.ra, partitioning.dec):
        return None
    return columns[0].source, partitioning


def cone_of(centre: Value, radius: Value) -> Cone | None:
    """Return the cone of a constant position and radius, in degrees."""
    if not isinstance(centre, Call) or centre.name != "POINT":
        return None
    numbers = numbers_of(centre.coordinates)
    size = number_of(radius)
    if numbers is None or len(numbers) != 2 or size is None or size < 0 or abs(numbers[1]) > 90:
        return None
    return numbers[0], numbers[1], float(size)


def _cone_round(region: Value) -> Cone | None:
    """Return the cone round a constant polygon or box: being convex, it holds the edges as it holds the corners."""
    corners = literal_vertices(region)
    if corners is None:
        return None
    vectors = [vector(*corner) for corner in corners]
    middle = (sum(v[0] for v in vectors), sum(v[1] for v in vectors), sum(v[2] for v in vectors))
    if norm(middle) == 0:
        return None
    return *direction(middle), math.degrees(max(angle(middle, each) for each in vectors))


def condition_of_cone(alias: str, partitioning: HealpixPartitioning, cone: Cone) -> Condition | None:
    """Return that a row lies in one of the cells that a cone covers; None for a wide one, which needs nearly all shards anyway."""
    wide = cone[2] + partitioning.margin
    if wide > _WIDEST:
        return None
    lon, lat, radius = Longitude(cone[0] * u.deg), Latitude(cone[1] * u.deg), (wide + _MARGIN) * u.deg
    cells, _, _ = cone_search(lon, lat, radius, partitioning.order, flat=True)
    return cell_condition(alias, partitioning, runs_of_cells(np.sort(cells)))


def runs_of_cells(cells: npt.NDArray[np.uint64]) -> CellSet:
    """Return first and last of each run of cells; the smallest gaps are closed until there are few."""
    numbers = cells.astype(np.int64)
    gaps = np.diff(numbers)
    breaks = np.flatnonzero(gaps > 1)
    if len(breaks) >= _MOST_RANGES:
        breaks = np.sort(breaks[np.argsort(gaps[breaks], kind="stable")[-(_MOST_RANGES - 1) :]])
    firsts, lasts = numbers[np.r_[0, breaks + 1]], numbers[np.r_[breaks, len(numbers) - 1]]
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))
