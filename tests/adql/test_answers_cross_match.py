"""Every form in which people write a cross-match gives the pairs that brute force finds, and the same from every place of a query."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tap.config import Config
from tests.adql import brute_force
from tests.conftest import Run

RADIUS = 0.02
U, S = "POINT(u.ra, u.dec)", "POINT(s.ra, s.dec)"


def stars() -> dict[str, Any]:
    """Scattered over the sky, dense round both poles and along ra = 0, some twice, some without position."""
    more = np.random.default_rng(11)
    ra, dec = brute_force.scattered(3000, 10)
    polar_ra, polar_dec = more.uniform(0, 360, 400), 90 - np.abs(more.normal(0, 0.2, 400))
    seam_ra, seam_dec = more.normal(0, 0.05, 400) % 360, more.uniform(-1, 1, 400)
    ras = np.concatenate([ra, polar_ra, polar_ra, seam_ra, ra[:50], [0, 360, 0, 77, np.nan]])
    decs = np.concatenate([dec, polar_dec, -polar_dec, seam_dec, dec[:50], [0, 0, 90, -90, 5]])
    return {"id": np.arange(len(ras), dtype=np.int64), "ra": ras, "dec": decs}


def mine(of: dict[str, Any]) -> dict[str, Any]:
    """Near the stars, inside and outside of the radius; some twice, some without position."""
    more = np.random.default_rng(12)
    chosen = np.flatnonzero(~np.isnan(of["ra"]) & (more.uniform(0, 1, len(of["ra"])) < 0.3))
    dec = np.clip(of["dec"][chosen] + more.normal(0, RADIUS, len(chosen)), -90, 90)
    ra = (of["ra"][chosen] + more.normal(0, RADIUS, len(chosen))) % 360
    ras, decs = (np.concatenate([c, c[:20], extra]) for c, extra in ((ra, [0, 10, np.nan]), (dec, [90, -90, 1])))
    return {"id": np.arange(len(ras), dtype=np.int64), "ra": ras, "dec": decs, "r": np.full(len(ras), RADIUS)}


STARS = stars()
MINE = mine(STARS)
SEPARATIONS = brute_force.separation(MINE["ra"][:, None], MINE["dec"][:, None], STARS["ra"], STARS["dec"])
PAIRS = {(int(u), int(s)) for u, s in np.argwhere(SEPARATIONS <= RADIUS)}

FORMS = {
    "CONTAINS, mine in the circle": f"1 = CONTAINS({S}, CIRCLE(u.ra, u.dec, {RADIUS}))",
    "CONTAINS, the catalogue in the circle": f"CONTAINS({U}, CIRCLE(s.ra, s.dec, {RADIUS})) = 1",
    "a circle round a POINT": f"0 < CONTAINS({S}, CIRCLE({U}, {RADIUS}))",
    "INTERSECTS": f"1 = INTERSECTS(CIRCLE(u.ra, u.dec, {RADIUS}), {S})",
    "INTERSECTS of two circles": f"1 = INTERSECTS(CIRCLE(u.ra, u.dec, {RADIUS / 4}), CIRCLE(s.ra, s.dec, {RADIUS * 3 / 4}))",
    "DISTANCE of points": f"DISTANCE({U}, {S}) < {RADIUS}",
    "DISTANCE of points, swapped": f"{RADIUS} >= DISTANCE({S}, {U})",
    "DISTANCE of numbers": f"DISTANCE(s.ra, s.dec, u.ra, u.dec) <= {RADIUS}",
    "BETWEEN": f"DISTANCE({U}, {S}) BETWEEN 0 AND {RADIUS}",
    "in arcseconds": f"DISTANCE({U}, {S}) * 3600 < {RADIUS * 3600}",
    "in arcseconds, swapped": f"{RADIUS * 3600} > 60 * DISTANCE({U}, {S}) * 60",
    "in arcseconds, BETWEEN": f"DISTANCE({U}, {S}) * 3600.0 BETWEEN 0 AND {RADIUS * 3600}",
    "IN_UNIT": f"IN_UNIT(DISTANCE({U}, {S}), 'arcmin') <= {RADIUS * 60}",
    "in radians": f"RADIANS(DISTANCE({U}, {S})) < RADIANS(u.r)",
    "over the radius": f"DISTANCE({U}, {S}) / {RADIUS} < 1",
    "a radius from a column": f"1 = CONTAINS({S}, CIRCLE(u.ra, u.dec, u.r))",
    "a radius from a column of the other": f"1 = CONTAINS({U}, CIRCLE(s.ra, s.dec, u.r))",
    "DISTANCE below a column": f"DISTANCE({U}, {S}) < u.r",
    "arcseconds below a column": f"DISTANCE({U}, {S}) * 3600 < u.r * 3600",
}
PLACES = {
    "ON": "SELECT u.id, s.id AS other FROM answers.mine AS u JOIN answers.sky AS s ON {0}",
    "ON, the catalogue first": "SELECT u.id, s.id AS other FROM answers.sky AS s JOIN answers.mine AS u ON {0}",
    "WHERE": "SELECT u.id, s.id AS other FROM answers.mine AS u, answers.sky AS s WHERE {0}",
    "derived tables": "SELECT u.id, s.id AS other FROM (SELECT id, ra, dec, r FROM answers.mine WHERE id >= 0) AS u"
    " JOIN (SELECT id, ra, dec FROM answers.sky) AS s ON {0}",
    "WITH": "WITH u AS (SELECT * FROM answers.mine), s AS (SELECT * FROM answers.sky)"
    " SELECT u.id, s.id AS other FROM u JOIN s ON {0}",
    "LEFT JOIN": "SELECT u.id, s.id AS other FROM answers.mine AS u LEFT JOIN answers.sky AS s ON {0} WHERE s.id IS NOT NULL",
}
BY_MINE = {u: {s for v, s in PAIRS if v == u} for u in range(len(MINE["id"]))}


@pytest.fixture(scope="module", autouse=True)
def tables(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("cross_match")
    degrees = {"ra": "deg", "dec": "deg"}
    brute_force.put(sample, folder, "sky", STARS, position=("ra", "dec"), units=degrees)
    brute_force.put(sample, folder, "mine", MINE, units=degrees)
    yield
    brute_force.take_away(sample, "sky", "mine")


def test_no_pair_is_so_near_the_radius_that_rounding_decides() -> None:
    # pgSphere's operator takes a ten-thousandth of an arcsecond more.
    assert np.nanmin(np.abs(SEPARATIONS - RADIUS)) > 1e-7
    assert len(PAIRS) > 1000


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_pairs_of_brute_force(run: Run, form: str, place: str) -> None:
    found = run(place.format(form))
    assert len(found) == len(PAIRS)
    assert set(found) == PAIRS


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_left_join_keeps_what_has_no_counterpart(run: Run, form: str) -> None:
    found = run(
        f"SELECT u.id, COUNT(s.id) AS n FROM answers.mine AS u LEFT JOIN answers.sky AS s ON {form} GROUP BY u.id"
    )
    assert dict(found) == {u: len(others) for u, others in BY_MINE.items()}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_exists_gives_what_has_a_counterpart(run: Run, form: str) -> None:
    found = run(f"SELECT u.id FROM answers.mine AS u WHERE EXISTS (SELECT 1 FROM answers.sky AS s WHERE {form})")
    assert {u for (u,) in found} == {u for u, others in BY_MINE.items() if others}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_not_gives_the_other_pairs(run: Run, form: str) -> None:
    found = run(
        f"SELECT COUNT(*) AS n FROM answers.mine AS u, answers.sky AS s WHERE u.id < 20 AND u.ra < 400 AND s.ra < 400 AND NOT {form}"
    )
    positions = np.count_nonzero(~np.isnan(STARS["ra"]))
    assert found == [(20 * positions - sum(len(BY_MINE[u]) for u in range(20)),)]
