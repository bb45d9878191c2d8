"""The map of a table's rows: matplotlib's Mollweide, and every cell where it is on the sky."""

import re

import numpy as np
import pytest
from cdshealpix.nested import healpix_to_lonlat
from matplotlib.path import Path
from matplotlib.projections.geo import MollweideAxes

from schema.statistics.cells import CellCounts
from tap.pages.footprint import HEIGHT, WIDTH, footprint_of, mollweide


def test_places_on_the_map_are_those_of_mollweide() -> None:
    random = np.random.default_rng(3)
    lon = np.concatenate([random.uniform(0, 360, 500), [0, 360, 180, 90]])
    lat = np.concatenate([random.uniform(-90, 90, 500), [90, -90, 0, 89.9]])
    x, y = mollweide(lon, lat)
    transform = MollweideAxes.MollweideTransform(100)
    expected = transform.transform_non_affine(np.radians(np.stack([lon - 180, lat], axis=1)))
    scale = WIDTH / (4 * np.sqrt(2))
    assert x == pytest.approx(WIDTH / 2 - scale * expected[:, 0], abs=0.5)
    assert y == pytest.approx(HEIGHT / 2 - scale * expected[:, 1], abs=0.5)


def polygons(path: str) -> list[np.ndarray]:
    return [np.array(re.findall(r"(-?\d+) (-?\d+)", one), float) for one in path.split("Z") if one]


@pytest.mark.parametrize("order", [0, 1, 3, 4])
def test_each_cell_is_drawn_round_its_centre_and_nowhere_else(order: int) -> None:
    """Also at the poles, and at the edges of the map, where a cell comes twice."""
    all_cells = np.arange(12 * 4**order)
    for cell in np.random.default_rng(order).choice(all_cells, min(60, len(all_cells)), replace=False):
        lon, lat = healpix_to_lonlat(np.array([cell], np.uint64), order)
        x, y = mollweide(lon.deg, lat.deg)
        drawn = polygons("".join(footprint_of(CellCounts(order, np.array([cell]), np.array([5]))).shades))
        assert len(drawn) in {1, 2}
        inside = [
            p
            for p in drawn
            if p[:, 0].min() - 1 <= x[0] <= p[:, 0].max() + 1 and p[:, 1].min() - 1 <= y[0] <= p[:, 1].max() + 1
        ]
        assert len(inside) == 1
        assert all(np.ptp(p[:, 0]) < 0.6 * WIDTH for p in drawn)


def test_the_whole_sky_is_covered_once() -> None:
    """Nearly every place of the map lies in one cell, but for those on edges that are rounded."""
    drawn = [
        Path(p) for p in polygons("".join(footprint_of(CellCounts(2, np.arange(192), np.ones(192, np.int64))).shades))
    ]
    random = np.random.default_rng(1)
    places = np.stack(
        mollweide(random.uniform(0, 360, 2000), np.degrees(np.arcsin(random.uniform(-1, 1, 2000)))), axis=1
    )
    cells = sum(path.contains_points(places).astype(int) for path in drawn)
    assert np.mean(cells == 1) > 0.97


def test_more_rows_are_stronger_and_pages_stay_small() -> None:
    cells = np.arange(12 * 4**6)
    drawn = footprint_of(CellCounts(6, cells, 1 + 1000 * (cells < 4096)))
    assert len("".join(drawn.shades)) < 60_000
    assert len(polygons(drawn.shades[4])) < len(polygons(drawn.shades[0]))
    assert not any(drawn.shades[1:4])
