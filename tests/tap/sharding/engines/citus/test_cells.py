"""In which cells rows of a list must stand, against brute force: points on and within the circles round them."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from tap.sharding.engines.citus.cells import touched_cells
from tap.sharding.layout import NOWHERE, cells_of
from tap.sharding.planning.citus import widest_radius

RANDOM = np.random.default_rng(11)
POINTS = 400
"""On each circle."""


def vectors(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.float64]:
    a, d = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def points_round(lon: npt.ArrayLike, lat: npt.ArrayLike, radius: float) -> tuple[pa.Array, pa.Array]:
    """Places on and within the circle round each of these, POINTS of each."""
    centres = np.repeat(vectors(lon, lat), POINTS, axis=0)
    across = np.cross(centres, RANDOM.normal(size=centres.shape))
    across /= np.linalg.norm(across, axis=1)[:, None]
    share = np.where(RANDOM.random(len(centres)) < 0.7, 1, RANDOM.random(len(centres)))[:, None]
    far = np.radians(radius) * share
    places = centres * np.cos(far) + across * np.sin(far)
    ra, dec = np.arctan2(places[:, 1], places[:, 0]), np.arcsin(np.clip(places[:, 2], -1, 1))
    return pa.array(np.degrees(ra) % 360), pa.array(np.degrees(dec))


def hard_places() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """All over the sky, near the poles where cells are narrowest, at longitude 0, and where base cells meet: seven neighbours."""
    lon = np.concatenate(
        [RANDOM.uniform(0, 360, 400), RANDOM.integers(0, 4, 400) * 90 + RANDOM.normal(0, 2, 400), [0.0] * 40]
    )
    flat = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 400)))
    high = RANDOM.choice([-1, 1], 400) * (90 - RANDOM.uniform(0, 9, 400))
    lat = np.concatenate([flat, high, RANDOM.uniform(-90, 90, 40)])
    meet = np.array([(k * 45.0, z) for k in range(8) for z in (-41.8103149, 0.0, 41.8103149)])
    return np.concatenate([lon, meet[:, 0], [0.0, 0.0]]), np.concatenate([lat, meet[:, 1], [90.0, -90.0]])


def pairs(rows: npt.NDArray[np.int64], cells: npt.NDArray[np.int64]) -> set[tuple[int, int]]:
    return set(zip(rows.tolist(), cells.tolist(), strict=True))


@pytest.mark.parametrize(
    ("order", "radius"),
    [(4, 0.0), (4, 2 / 3600), (4, 0.037), (4, 0.59), (4, 2.37), (6, 1e-7), (6, 0.01), (6, 0.31), (6, 0.4), (6, 0.59)],
)
def test_a_row_is_in_every_cell_that_its_circle_touches_once(order: int, radius: float) -> None:
    lon, lat = hard_places()
    rows, cells = touched_cells(lon, lat, radius, order)
    assert len(pairs(rows, cells)) == len(rows)
    touched = cells_of(*points_round(lon, lat, radius), order)
    assert pairs(np.repeat(np.arange(len(lon)), POINTS), touched) <= pairs(rows, cells)


@pytest.mark.parametrize("order", [4, 6])
def test_the_widest_circle_that_is_placed_is_one_that_can_be(order: int) -> None:
    lon, lat = hard_places()
    rows, cells = touched_cells(lon, lat, widest_radius(order), order)
    touched = cells_of(*points_round(lon, lat, widest_radius(order)), order)
    assert pairs(np.repeat(np.arange(len(lon)), POINTS), touched) <= pairs(rows, cells)


def test_few_rows_have_copies() -> None:
    lon, lat = RANDOM.uniform(0, 360, 100_000), np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 100_000)))
    rows, _ = touched_cells(lon, lat, 2 / 3600, 4)
    assert len(rows) < 100_000 * 1.02


def test_rows_without_a_position_stand_nowhere_once() -> None:
    nothing = float("nan")
    rows, cells = touched_cells(np.array([10.0, nothing, nothing]), np.array([10.0, nothing, 0.0]), 0.01, 4)
    assert rows.tolist() == [0, 1, 2]
    assert cells.tolist()[1:] == [NOWHERE, NOWHERE]


def test_a_row_beyond_a_pole_is_where_pgsphere_sees_it() -> None:
    _, beyond = touched_cells(np.array([10.0, 20.0]), np.array([95.0, -100.0]), 0.01, 6)
    _, same = touched_cells(np.array([190.0, 200.0]), np.array([85.0, -80.0]), 0.01, 6)
    assert beyond.tolist() == same.tolist()


def test_circles_larger_than_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="larger than the cells of order 6"):
        touched_cells(np.array([1.0]), np.array([1.0]), 0.7, 6)
