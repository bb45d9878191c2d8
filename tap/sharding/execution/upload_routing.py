"""Which shards must have a row of an upload: those that have sky within the radius in which it is looked for."""

from dataclasses import dataclass

import astropy.units as u
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix, neighbours

from tap.sharding.layout import degrees
from tap.sharding.model import CellRange

Ints = npt.NDArray[np.int64]
Degrees = npt.NDArray[np.float64]
Owned = tuple[Ints, Ints]
"""Numbers of rows, and for each the number of a place that must have it; a row may be at several, or at none."""

_NARROWEST = 0.6 * np.sqrt(np.pi / 3)
"""Radians: a cell of order k and those round it hold all that is within this / 2**k of any place in it.

Measured, it is above 0.68.
"""
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class AllShards:
    """All rows at each of so many places."""

    places: int
    position: tuple[int, int] | None = None

    def of(self, batch: pa.RecordBatch) -> Owned:
        rows = np.arange(batch.num_rows)
        return np.tile(rows, self.places), np.repeat(np.arange(self.places), batch.num_rows)


@dataclass(frozen=True, slots=True)
class NearbyShards:
    """Rows near what each shard has.

    `ranges` are of cells of `order`; `position` the numbers of longitude and latitude; `radius` in degrees.
    """

    ranges: tuple[CellRange, ...]
    order: int
    shards: tuple[str, ...]
    position: tuple[int, int]
    radius: float

    @property
    def places(self) -> int:
        return len(self.shards)

    def of(self, batch: pa.RecordBatch) -> Owned:
        """Return which places must have each row.

        One without a position is near nothing; one beyond a pole, wherever PostgreSQL sees it, may be near all.
        """
        lon, lat = (degrees(batch.column(number)) for number in self.position)
        has_position = np.isfinite(lon) & np.isfinite(lat)
        anywhere = np.flatnonzero(has_position & ((np.abs(lat) > 90) | (np.radians(self.radius) > _NARROWEST)))
        known = np.setdiff1d(np.flatnonzero(has_position), anywhere)
        rows, places = self._round(lon[known], lat[known])
        everywhere = np.tile(anywhere, self.places), np.repeat(np.arange(self.places), len(anywhere))
        return np.concatenate((known[rows], everywhere[0])), np.concatenate((places, everywhere[1]))

    def _round(self, lon: Degrees, lat: Degrees) -> Owned:
        depth = self._depth()
        centres = lonlat_to_healpix(Longitude(lon, u.deg), Latitude(lat, u.deg), depth, num_threads=1)
        around = neighbours(centres, depth, num_threads=1).astype(np.int64)
        coarse = min(depth, self.order)
        owners = _owners(self.ranges, self.order - coarse, self.shards)
        # There is a -1 where a cell has no neighbour at a corner.
        cells = np.where(around < 0, around[:, 4:5], around) >> 2 * (depth - coarse)
        rows, places = np.nonzero(owners[cells].any(axis=1))
        return rows, places

    def _depth(self) -> int:
        """Return the order of the finest cells that are wide enough for the radius."""
        wide = np.log2(_NARROWEST / max(np.radians(self.radius), 1e-12))
        return int(np.clip(np.floor(wide), 0, _DEEPEST))


def _owners(ranges: tuple[CellRange, ...], coarser: int, shards: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Return a matrix, shape (cells, places): which places have some of each cell.

    Cells are `coarser` orders above those of the ranges.
    """
    end = ranges[-1].stop >> 2 * coarser
    owners = np.zeros((end, len(shards)), bool)
    for cell_range in ranges:
        if cell_range.shard in shards and cell_range.stop > 0:
            first, last = max(cell_range.first, 0) >> 2 * coarser, (cell_range.stop - 1) >> 2 * coarser
            owners[first : last + 1, shards.index(cell_range.shard)] = True
    return owners
