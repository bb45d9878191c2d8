"""Where the rows of a table are on the sky, drawn as HEALPix cells on a Mollweide map: right ascension 180° in the middle, east to the left."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cdshealpix.nested import vertices

from schema.statistics.cells import CellCounts

WIDTH, HEIGHT = 1440, 720
"""Of the map, in its own units."""
_FINEST, _MOST_CELLS = 4, 1600
_SHADES = 5
_EDGE = 32
"""Points on the edges of a base cell, fewer on those of smaller ones."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Footprint:
    """The cells as an SVG path for each shade, the faintest first, and the lines of the grid as one."""

    shades: tuple[str, ...]
    grid: str


def footprint_of(counts: CellCounts) -> Footprint:
    """Draw the cells that have rows, the darker the more; cells are merged until they are few enough for a page."""
    drawn = counts.coarser(min(counts.order, _FINEST)).at_most(_MOST_CELLS)
    longitudes, latitudes = _outlines(drawn)
    shade = _shades(drawn.counts)
    paths = tuple(_path(longitudes[shade == s], latitudes[shade == s]) for s in range(_SHADES))
    return Footprint(paths, _grid())


def _outlines(counts: CellCounts) -> tuple[Numbers, Numbers]:
    """Return longitudes and latitudes of points on the edges of cells, in degrees, of shape (cells, points).

    Longitudes of one cell go on beyond 0 and 360; a cell that lies across comes twice, once on either side of the map.
    """
    step = max(1, _EDGE // 2 ** (counts.order + 2))
    lon, lat = vertices(counts.cells.astype(np.uint64), counts.order, step=step)
    longitudes = lon.deg - 360 * np.round((lon.deg - lon.deg[:, :1]) / 360)
    return longitudes, lat.deg


def _shades(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the shade of each cell, of equal steps of the logarithm; all cells are dark where their rows are about as many."""
    logarithms: Numbers = np.log(counts)
    span = logarithms.max() - logarithms.min()
    if span < np.log(2):
        return np.full(len(counts), _SHADES - 1)
    shades: npt.NDArray[np.int64] = ((logarithms - logarithms.min()) / span * _SHADES).astype(np.int64)
    return shades.clip(max=_SHADES - 1)


def _path(longitudes: Numbers, latitudes: Numbers) -> str:
    across = (longitudes.min(axis=1, initial=360) < 0) | (longitudes.max(axis=1, initial=0) > 360)
    side = np.where(longitudes[across].min(axis=1, initial=360) < 0, 360.0, -360.0)[:, None]
    both = np.concatenate([longitudes, longitudes[across] + side]), np.concatenate([latitudes, latitudes[across]])
    x, y = mollweide(*both)
    return "".join(map(_polygon, np.rint(x).astype(int).tolist(), np.rint(y).astype(int).tolist()))


def _polygon(x: list[int], y: list[int]) -> str:
    return "M" + "L".join(f"{a} {b}" for a, b in zip(x, y, strict=True)) + "Z"


def mollweide(longitudes: Numbers, latitudes: Numbers) -> tuple[Numbers, Numbers]:
    """Return the places on the map of positions in degrees."""
    target = np.pi * np.sin(np.radians(latitudes))
    angle = np.radians(latitudes)
    for _ in range(20):
        slope = 2 + 2 * np.cos(2 * angle)
        angle = angle - np.where(slope > 1e-9, (2 * angle + np.sin(2 * angle) - target) / np.maximum(slope, 1e-9), 0)
    x = WIDTH / 2 * (1 - (longitudes - 180) / 180 * np.cos(angle))
    return x, HEIGHT / 2 * (1 - np.sin(angle))


def _grid() -> str:
    meridians = [(np.full(37, lon), np.linspace(-90, 90, 37)) for lon in np.arange(60.0, 360, 60)]
    parallels = [(np.array([0.0, 360.0]), np.full(2, lat)) for lat in (-60.0, -30.0, 0.0, 30.0, 60.0)]
    lines = (mollweide(*line) for line in (*meridians, *parallels))
    return "".join("M" + "L".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True)) for x, y in lines)
