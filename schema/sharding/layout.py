"""Which part of the sky lies on which shard: ranges of HEALPix cells that hold about as many rows each."""

from dataclasses import dataclass

import astropy.units as u
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix

ORDER = 6
"""Cells of 0.9 degrees, 49,152 of them."""
NOWHERE = -1
"""The cell of rows without a position."""

Cells = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Range:
    """Cells from `first` up to but without `beyond`, on the shard of that number."""

    first: int
    beyond: int
    shard: int


def cells_of(ra: pa.Array, dec: pa.Array, order: int = ORDER) -> Cells:
    """The nested cell of every row."""
    lon, lat = (each.cast(pa.float64()).to_numpy(zero_copy_only=False) for each in (ra, dec))
    known = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90)
    cells = np.full(len(lon), NOWHERE, np.int64)
    if known.any():
        cells[known] = lonlat_to_healpix(Longitude(lon[known] * u.deg), Latitude(lat[known] * u.deg), order)
    return cells


def balanced(counts: Cells, shards: int, ranges_each: int, order: int = ORDER) -> tuple[Range, ...]:
    """`counts`: rows of each cell, NOWHERE first. Neighbours share a shard, so that a small cone meets few."""
    total = shards * ranges_each
    before = np.cumsum(counts)
    wanted = before[-1] * np.arange(1, total) / total
    cuts = np.searchsorted(before, wanted, side="left") + 1 + NOWHERE
    end = 12 * 4**order
    bounds = np.unique(np.concatenate(([NOWHERE], np.clip(cuts, 0, end - 1), [end])))
    pairs = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    return tuple(Range(a, b, index * shards // len(pairs)) for index, (a, b) in enumerate(pairs))
