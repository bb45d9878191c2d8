"""In which cells the rows of a list must stand, so that each meets on equal cells whatever is near it."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cdshealpix.nested import neighbours

from tap.sharding.layout import NOWHERE, Cells, cells_of
from tap.sharding.planning.citus import NARROWEST

_DEEPEST = 29
_MARGIN = 1e-9
"""Radians by which circles are widened, more than rounding can do."""

Degrees = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def touched_cells(lon: Degrees, lat: Degrees, radius: float, order: int) -> tuple[Rows, Cells]:
    """Return numbers of rows and, for each, a cell of `order`; both have shape (pairs,).

    A row is there once for each cell that the circle of `radius` degrees round its position touches, and for some that
    it nearly touches; one without a position in NOWHERE only.
    Raises: ValueError where circles are larger than cells.
    """
    depth = _depth(np.radians(radius) + _MARGIN, order)
    lon, lat = _on_sphere(lon, lat)
    fine = cells_of(pa.array(lon), pa.array(lat), depth)
    near = np.sort(_parents(fine, depth, order), axis=1)
    first = np.diff(near, axis=1, prepend=NOWHERE - 1) > 0
    first &= (near != NOWHERE) | (fine == NOWHERE)[:, None]
    rows, places = np.nonzero(first)
    return rows, near[rows, places]


def _on_sphere(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Return positions with those beyond a pole where pgSphere sees them, on the other side of it."""
    beyond = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) > 90)
    a, d = np.radians(lon[beyond]), np.radians(lat[beyond])
    lon, lat = lon.copy(), lat.copy()
    lon[beyond] = np.degrees(np.arctan2(np.cos(d) * np.sin(a), np.cos(d) * np.cos(a)))
    lat[beyond] = np.degrees(np.arcsin(np.sin(d)))
    return lon, lat


def _depth(radius: float, order: int) -> int:
    """Return the deepest order at which such a circle, wherever in a cell its centre is, stays in it and its neighbours."""
    deep = int(np.floor(np.log2(NARROWEST * np.sqrt(4 * np.pi / 12) / radius)))
    if deep < order:
        raise ValueError(f"a circle of {np.degrees(radius):.3g} degrees is larger than the cells of order {order}")
    return min(deep, _DEEPEST)


def _parents(fine: Cells, depth: int, order: int) -> Cells:
    """Return of each cell and its neighbours the cells of a lower order that they lie in, shape (rows, 9); NOWHERE where there is none."""
    parents = np.full((len(fine), 9), NOWHERE, np.int64)
    known = fine != NOWHERE
    if known.any():
        around = neighbours(fine[known].astype(np.uint64), depth).astype(np.int64)
        parents[known] = np.where(around < 0, NOWHERE, around >> 2 * (depth - order))
    return parents
