"""Which part of the sky lies on which shard: ranges of HEALPix cells that hold about as many rows each."""

import astropy.units as u
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix, vertices

from tap.sharding.model import HealpixPartitioning

ORDER = 6
"""Cells of 0.9 degrees, 49,152 of them."""
NOWHERE = -1
"""The cell of rows without a position."""
_EDGE = 8
"""Points on each side of a cell to which distances from it are measured."""

Cells = npt.NDArray[np.int64]
Degrees = npt.NDArray[np.float64]


def cells_of(ra: pa.Array, dec: pa.Array, order: int = ORDER, threads: int = 0) -> Cells:
    """Return the nested cell of each row's position, shape (rows,); `threads` 0 are as many as there are cores."""
    lon, lat = degrees(ra), degrees(dec)
    known = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90)
    cells = np.full(len(lon), NOWHERE, np.int64)
    if known.any():
        lon, lat = Longitude(lon[known] * u.deg), Latitude(lat[known] * u.deg)
        cells[known] = lonlat_to_healpix(lon, lat, order, num_threads=threads)
    return cells


def degrees(values: pa.Array) -> Degrees:
    return np.asarray(values.cast(pa.float64()), np.float64)


def cells_in(ids: pa.Array, partitioning: HealpixPartitioning) -> Cells:
    """Return the cell in each row's Gaia-like id, shape (rows,)."""
    known = ids.is_valid().to_numpy(zero_copy_only=False)
    cells = ids.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False) >> partitioning.shift
    return np.where(known & (cells >= 0) & (cells < 12 * 4**partitioning.order), cells, NOWHERE)


def farthest(cells: Cells, ra: pa.Array, dec: pa.Array, order: int = ORDER) -> float:
    """Return the most degrees that a position lies outside of the cell that its row was given; 180 if given none."""
    lon, lat = degrees(ra), degrees(dec)
    outside = cells_of(ra, dec, order) != cells
    if (outside & (cells == NOWHERE)).any():
        return 180.0
    outside &= np.isfinite(lon) & (np.abs(lat) <= 90)
    if not outside.any():
        return 0.0
    edge_lon, edge_lat = vertices(cells[outside].astype(np.uint64), order, step=_EDGE)
    points, edges = _vectors(lon[outside], lat[outside]), _vectors(edge_lon.deg, edge_lat.deg)
    chords = np.linalg.norm(edges - points[:, None, :], axis=2).min(axis=1)
    return float(np.degrees(2 * np.arcsin(np.clip(chords.max() / 2, 0, 1))))


def _vectors(lon: Degrees, lat: Degrees) -> Degrees:
    a, d = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def balanced(counts: Cells, shards: int, ranges_each: int, order: int = ORDER) -> list[tuple[int, int, int]]:
    """Return first cell, the one beyond the last, and the shard's number, of each range.

    Neighbours share a shard, so that a small cone meets few. `counts`: rows of each cell, NOWHERE first.
    """
    total = shards * ranges_each
    before = np.cumsum(counts)
    targets = before[-1] * np.arange(1, total) / total
    cuts = np.searchsorted(before, targets, side="left") + 1 + NOWHERE
    end = 12 * 4**order
    bounds = np.unique(np.concatenate(([NOWHERE], np.clip(cuts, 0, end - 1), [end])))
    pairs = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    return [(a, b, index * shards // len(pairs)) for index, (a, b) in enumerate(pairs)]
