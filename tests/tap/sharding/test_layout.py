"""Which cell a row belongs to, and how many rows a range has."""

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord

from tap.sharding.layout import NOWHERE, balanced, cells_in, cells_of, farthest
from tap.sharding.model import HealpixPartitioning

RANDOM = np.random.default_rng(7)
LON = RANDOM.uniform(0, 360, 2000)
LAT = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 2000)))
GAIA = HealpixPartitioning("hpx6", 6, "ra", "dec", "gaia.source", "source_id")


def test_rows_without_a_position_are_nowhere() -> None:
    cells = cells_of(pa.array([10.0, None, 10.0, float("nan")]), pa.array([10.0, 10.0, 90.1, 0.0]))
    assert cells[0] >= 0
    assert cells[1:].tolist() == [NOWHERE] * 3


def test_the_cell_of_an_id_is_in_its_upper_bits() -> None:
    # Gaia DR3 4472832130942575872 is Barnard's star, at 269.45, 4.69.
    ids = pa.array([4472832130942575872, None, -5, 2**63 - 1])
    assert cells_in(ids, GAIA).tolist() == [cells_of(pa.array([269.448503]), pa.array([4.739420]))[0], *[NOWHERE] * 3]


def test_the_cell_of_order_12_of_a_position_gives_the_cell_of_order_6_of_it() -> None:
    ids = cells_of(pa.array(LON), pa.array(LAT), 12) << 35
    assert (cells_in(pa.array(ids), GAIA) == cells_of(pa.array(LON), pa.array(LAT))).all()


def test_positions_are_at_most_as_far_from_the_cell_as_they_were_moved() -> None:
    here = SkyCoord(LON, LAT, unit="deg")
    for moved in (0.01, 0.3, 2.0):
        there = here.directional_offset_by(RANDOM.uniform(0, 360, 2000) * u.deg, moved * u.deg)
        found = farthest(cells_of(pa.array(LON), pa.array(LAT)), pa.array(there.ra.deg), pa.array(there.dec.deg))
        assert 0.5 * moved < found < moved + 0.06
    assert farthest(cells_of(pa.array(LON), pa.array(LAT)), pa.array(LON), pa.array(LAT)) == 0


def test_ranges_cover_the_sky_without_a_gap_and_hold_about_as_many_rows() -> None:
    counts = np.bincount(cells_of(pa.array(LON), pa.array(LAT)) + 1, minlength=12 * 4**6 + 1)
    ranges = balanced(counts, 3, 4)
    assert [a for a, _, _ in ranges] == [NOWHERE, *(b for _, b, _ in ranges[:-1])]
    assert ranges[-1][1] == 12 * 4**6
    assert sorted({shard for _, _, shard in ranges}) == [0, 1, 2]
    held = [counts[a + 1 : b + 1].sum() for a, b, _ in ranges]
    assert max(held) - min(held) < 10


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_rows_still_make_ranges_of_the_whole_sky(rows: int) -> None:
    counts = np.zeros(12 * 4**6 + 1, np.int64)
    counts[100 : 100 + rows] = 1
    found = balanced(counts, 3, 4)
    assert (found[0][0], found[-1][1]) == (NOWHERE, 12 * 4**6)
    assert all(first < beyond for first, beyond, _ in found)


def test_longitudes_beyond_a_turn_are_places_too() -> None:
    assert cells_of(pa.array([370.0]), pa.array([0.0])) == cells_of(pa.array([10.0]), pa.array([0.0]))
