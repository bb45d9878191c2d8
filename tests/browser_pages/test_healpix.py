"""The cells that plots count in are those of cdshealpix, as a browser computes them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix, vertices

from tap.pages import static_files
from tests.adql.brute_force import directions, scattered, vectors
from tests.browser_pages.conftest import Visitor

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int64]
ORDERS = range(13)
_SCRIPT = """async ([url, order, longitudes, latitudes]) => {
  const {cellOf} = await import(url);
  return longitudes.map((longitude, index) => cellOf(order, longitude, latitudes[index]));
}"""
LIMIT = float(np.degrees(np.arcsin(2 / 3)))
"""The latitude where the polar caps begin."""
NEAR = 1e-8
"""Degrees within which a position may as well lie in the cell beside; a cell of order 12 is 0.014 degrees wide."""


def in_browser(visitor: Visitor, order: int, longitudes: Floats, latitudes: Floats) -> Cells:
    url = f"/-/static/{static_files.digest()}/healpix.js"
    found: list[Any] = visitor.page.evaluate(_SCRIPT, [url, order, longitudes.tolist(), latitudes.tolist()])
    assert all(isinstance(cell, int) for cell in found)
    return np.array(found, np.int64)


def by_cds(order: int, longitudes: Floats, latitudes: Floats) -> Cells:
    found: Cells = lonlat_to_healpix(
        Longitude(longitudes, unit="deg"), Latitude(latitudes, unit="deg"), np.uint8(order)
    ).astype(np.int64)
    return found


def around(longitudes: Floats, latitudes: Floats) -> list[tuple[Floats, Floats]]:
    """Positions a hair away from these, in eight directions."""
    here = vectors(longitudes, latitudes)
    east = np.cross([0.0, 0.0, 1.0], here)
    lengths = np.linalg.norm(east, axis=-1, keepdims=True)
    east = np.where(lengths > 1e-12, east / np.maximum(lengths, 1e-300), [0.0, 1.0, 0.0])
    north = np.cross(here, east)
    hair = np.radians(NEAR)
    turns = np.radians(np.arange(0, 360, 45) + 10)
    return [directions(here + hair * (np.cos(turn) * east + np.sin(turn) * north)) for turn in turns]


def assert_cells(visitor: Visitor, order: int, longitudes: Floats, latitudes: Floats) -> None:
    """The same cell as cdshealpix gives, or, on an edge, one that meets there."""
    found = in_browser(visitor, order, longitudes, latitudes)
    assert found.min() >= 0
    assert found.max() < 12 * 4**order
    others = found != by_cds(order, longitudes % 360, latitudes)
    if others.any():
        beside = [by_cds(order, *near) for near in around(longitudes[others], latitudes[others])]
        wrong = ~np.any([cells == found[others] for cells in beside], axis=0)
        places = np.column_stack([longitudes[others], latitudes[others], found[others]])[wrong]
        assert len(places) == 0, f"order {order}: {places[:5].tolist()}"


@pytest.fixture
def page(visitor: Visitor) -> Visitor:
    visitor.open("/help")
    return visitor


@pytest.mark.long
def test_positions_all_over_the_sky_are_in_cdshealpix_cells(page: Visitor) -> None:
    for order in ORDERS:
        longitudes, latitudes = scattered(5000, order)
        assert np.array_equal(in_browser(page, order, longitudes, latitudes), by_cds(order, longitudes, latitudes))


def test_so_are_the_poles_the_seams_and_where_the_caps_begin(page: Visitor) -> None:
    longitudes = np.concatenate([np.arange(0, 361, 11.25), [1e-12, 359.999999999999, np.nextafter(360, 0), -0.0]])
    latitudes = np.array([90, -90, 0, -0.0, LIMIT, -LIMIT, np.nextafter(LIMIT, 90), np.nextafter(LIMIT, 0), 89.9999999999, -89.9999999999, 41.8103149, 1e-300])  # fmt: skip
    every = np.array(np.meshgrid(longitudes, latitudes), float).reshape(2, -1)
    for order in ORDERS:
        assert_cells(page, order, *every)


def test_so_are_the_corners_and_edges_of_cells(page: Visitor) -> None:
    random = np.random.default_rng(5)
    for order in ORDERS:
        cells = random.integers(0, 12 * 4**order, 150).astype(np.uint64)
        corners = vertices(cells, np.uint8(order), step=3)
        assert_cells(page, order, *(angles.to_value("deg").ravel() for angles in corners))


def test_so_are_positions_close_to_the_poles(page: Visitor) -> None:
    random = np.random.default_rng(6)
    longitudes = random.uniform(0, 360, 3000)
    latitudes = (90 - 10 ** random.uniform(-10, 0.5, 3000)) * random.choice([-1, 1], 3000)
    for order in ORDERS:
        assert_cells(page, order, longitudes, latitudes)


def test_a_longitude_is_the_same_after_any_number_of_turns(page: Visitor) -> None:
    longitudes, latitudes = scattered(1000, 99)
    for turns in (-720, -360, 360, 1080):
        assert_cells(page, 8, longitudes + turns, latitudes)
