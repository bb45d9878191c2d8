"""Searches for stars where they were at another epoch find all of them, those with the largest motions too, and use the index."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import psycopg
import pytest

from schema.tap_schema import read_catalogue
from tap.config import Config
from tests.adql import brute_force
from tests.adql.test_indexes import plan
from tests.conftest import Run

NAN = float("nan")
MOVED = "ivo_epoch_prop_pos(s.ra, s.dec, {parallax}, {pmra}, {pmdec}, {velocity}, {ref}, {out})"
AS_THEY_ARE = {
    "parallax": "s.parallax", "pmra": "s.pmra", "pmdec": "s.pmdec", "velocity": "s.rv", "ref": "s.epoch", "out": "u.epoch",
}  # fmt: skip
WAYS = {
    "all from columns": AS_THEY_ARE,
    "epochs as numbers": AS_THEY_ARE | {"ref": "2016.0", "out": "1900"},
    "one epoch as a number": AS_THEY_ARE | {"ref": "2016"},
    "no velocity": AS_THEY_ARE | {"velocity": "0"},
    "no parallax": AS_THEY_ARE | {"parallax": "NULL"},
    "COALESCE": AS_THEY_ARE | {"velocity": "COALESCE(s.rv, 0)", "pmra": "COALESCE(s.pmra, 0.0)"},
}


def movers() -> dict[str, Any]:
    """Some fast, some without motion, some that come near at great speed; round the poles and ra = 0 too."""
    more = np.random.default_rng(21)
    ra, dec = brute_force.scattered(3000, 20)
    ra[:200], dec[:100], dec[100:200] = ra[:200] / 100 - 1.8, 90 - more.uniform(0, 0.3, 100), more.uniform(-1, 1, 100)
    fast = np.where(more.uniform(0, 1, 3000) < 0.1, 8000, 50)
    pmra, pmdec = more.normal(0, fast), more.normal(0, fast)
    parallax, rv = np.where(fast > 50, more.uniform(50, 500, 3000), more.normal(1, 2, 3000)), more.normal(0, 100, 3000)
    pmra[5::50], rv[3::7], parallax[4::90] = NAN, NAN, NAN
    values = {"ra": ra % 360, "dec": dec, "pmra": pmra, "pmdec": pmdec, "parallax": parallax, "rv": rv}
    return {"id": np.arange(3000, dtype=np.int64), **values, "epoch": np.full(3000, 2016.0)}


def ucds() -> dict[str, str]:
    return {
        "pmra": "pos.pm;pos.eq.ra",
        "pmdec": "pos.pm;pos.eq.dec",
        "parallax": "pos.parallax",
        "rv": "spect.dopplerVeloc",
        "epoch": "time.epoch",
    }


@pytest.fixture(scope="module", autouse=True)
def tables(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("epochs")
    degrees = {"ra": "deg", "dec": "deg"}
    brute_force.put(sample, folder, "movers", MOVERS, position=("ra", "dec"), units=degrees, ucds=ucds())
    brute_force.put(sample, folder, "seen", SEEN, units=degrees)
    yield
    brute_force.take_away(sample, "movers", "seen")


def moved(columns: dict[str, Any], years: float, *, nearing: bool = True, motion: bool = True) -> tuple[Any, Any]:
    """Where they are then: straight motion, vectors in units of the distance at first."""
    known = {name: np.nan_to_num(columns[name]) for name in ("pmra", "pmdec", "parallax", "rv")}
    mas = np.radians(1 / 3_600_000)
    a, d = np.radians(columns["ra"]), np.radians(columns["dec"])
    east = np.stack([-np.sin(a), np.cos(a), 0 * a], axis=-1)
    north = np.stack([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)], axis=-1)
    nearer = known["rv"] / 4.740470446 * np.clip(known["parallax"], 0, None) * mas * years if nearing else 0 * a
    way = known["pmra"][:, None] * east + known["pmdec"][:, None] * north if motion else 0 * east
    return brute_force.directions(
        brute_force.vectors(columns["ra"], columns["dec"]) * (1 + nearer)[:, None] + way * mas * years
    )


MOVERS = movers()
_THEN = moved(MOVERS, 1900 - 2016)
SEEN = {"id": MOVERS["id"], "ra": _THEN[0], "dec": _THEN[1], "epoch": np.full(3000, 1900.0)}
RADIUS = 0.001


def pairs(way: dict[str, str]) -> set[tuple[int, int]]:
    return _pairs(nearing=way["velocity"] != "0" and way["parallax"] != "NULL")


@cache
def _pairs(*, nearing: bool) -> set[tuple[int, int]]:
    ra, dec = moved(MOVERS, 1900 - 2016, nearing=nearing)
    apart = brute_force.separation(SEEN["ra"][:, None], SEEN["dec"][:, None], ra, dec)
    assert np.abs(apart - RADIUS).min() > 1e-8
    return {(int(u), int(s)) for u, s in np.argwhere(apart <= RADIUS)}


@pytest.mark.parametrize(
    "condition",
    [f"1 = CONTAINS({MOVED}, CIRCLE(u.ra, u.dec, {RADIUS}))", f"DISTANCE(POINT(u.ra, u.dec), {MOVED}) * 3600 < {RADIUS * 3600}"],
    ids=["CONTAINS", "DISTANCE"],
)  # fmt: skip
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_match_at_another_epoch_finds_what_brute_force_finds(
    run: Run, reader: psycopg.Connection, way: dict[str, str], condition: str
) -> None:
    query = f"SELECT u.id, s.id AS other FROM answers.seen AS u JOIN answers.movers AS s ON {condition.format(**way)}"
    found = run(query)
    expected = pairs(way)
    assert len(found) == len(expected) > 2500
    assert set(found) == expected
    steps = plan(reader, read_catalogue(reader), query)
    assert "movers_spoint_idx" in steps or "seen_spoint_idx" in steps, steps


def test_a_match_of_two_tables_that_both_move(run: Run) -> None:
    one, other = (MOVED.format(**AS_THEY_ARE | {"out": "1900"}).replace("s.", f"{name}.") for name in "ab")
    found = run(
        "SELECT a.id, b.id AS other FROM answers.movers AS a JOIN answers.movers AS b"
        f" ON a.id < b.id AND DISTANCE({one}, {other}) < 0.3 WHERE a.id < 300"
    )
    ra, dec = _THEN
    apart = brute_force.separation(ra[:300, None], dec[:300, None], ra, dec)
    expected = {(int(u), int(s)) for u, s in np.argwhere(apart < 0.3) if u < s}
    assert set(found) == expected
    assert len(expected) > 100


def test_without_bounds_a_match_at_another_epoch_is_exact_too(run: Run) -> None:
    way = AS_THEY_ARE | {"pmra": "s.pmra + 0", "out": "1900"}
    condition = f"1 = CONTAINS({MOVED.format(**way)}, CIRCLE(u.ra, u.dec, {RADIUS}))"
    found = run(
        f"SELECT u.id, s.id AS other FROM answers.seen AS u JOIN answers.movers AS s ON {condition} WHERE u.id < 30"
    )
    # A sum with NULL is NULL, and counts as no motion, as the column itself.
    assert set(found) == {pair for pair in pairs(way) if pair[0] < 30}


def test_bounds_do_not_outlive_a_set_operation(run: Run) -> None:
    """The faster ones come in by the other operand."""
    union = (
        "SELECT id, ra, dec, pmra, pmdec FROM answers.movers UNION ALL"
        " SELECT id, ra, dec, 1e7 AS pmra, 1e7 AS pmdec FROM answers.movers WHERE id < 3"
    )
    there = "ivo_epoch_prop_pos(s.ra, s.dec, NULL, s.pmra, s.pmdec, NULL, 2016, 1900)"
    fast = run(
        f"SELECT COORD1({there}) AS ra, COORD2({there}) AS dec FROM ({union}) AS s WHERE s.id = 1 AND s.pmra = 1e7"
    )
    ((ra, dec),) = fast
    found = run(f"SELECT s.id FROM ({union}) AS s WHERE 1 = CONTAINS({there}, CIRCLE({ra}, {dec}, 0.001))")
    assert (1,) in found
