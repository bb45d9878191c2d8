"""Distances to the last digit: as values from 1e-12 radians to the antipode, and where rows are chosen by them.

The truth is Vincenty's formula in long doubles, of the very numbers that the database has; astropy's doubles stand beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pytest

from schema.description import Description
from schema.load import open_file
from schema.model import Catalogue
from schema.publish import load_table
from tap.config import Config
from tap.engine import database
from tests.adql import brute_force
from tests.adql.brute_force import Floats
from tests.adql.test_indexes import plan, uses_index_of_stars
from tests.conftest import Run

Long = npt.NDArray[np.longdouble]
PI = 4 * np.arctan(np.longdouble(1))
DEGREE = PI / 180
TINY = 1e-15
"""Radians: what a distance may be wrong by, and how far beyond its rim a circle still holds a point."""


def exactly(lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike) -> Long:
    """The distance in radians of positions in degrees, good to 1e-18."""
    turn = (np.asarray(lon2, np.longdouble) - np.asarray(lon1, np.longdouble)) * DEGREE
    return of_radians(turn, np.asarray(lat1, np.longdouble) * DEGREE, np.asarray(lat2, np.longdouble) * DEGREE)


def of_radians(turn: Long, lat1: Long, lat2: Long) -> Long:
    across = np.cos(lat2) * np.sin(turn)
    along = np.cos(lat1) * np.sin(lat2) - np.sin(lat1) * np.cos(lat2) * np.cos(turn)
    depth = np.sin(lat1) * np.sin(lat2) + np.cos(lat1) * np.cos(lat2) * np.cos(turn)
    found: Long = np.arctan2(np.hypot(across, along), depth)
    return found


def away(lon: float, lat: float, distance: npt.ArrayLike, towards: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The positions in doubles at these distances in radians, in these directions: as near as doubles come."""
    d, angle, a = np.asarray(distance, np.longdouble), np.asarray(towards, np.longdouble), np.longdouble(lat) * DEGREE
    north = np.cos(d) * np.cos(a) - np.sin(d) * np.sin(a) * np.cos(angle)
    east = np.sin(d) * np.sin(angle)
    up = np.sin(a) * np.cos(d) + np.cos(a) * np.sin(d) * np.cos(angle)
    if lat == 0:  # so small a height must not be lost in a sum
        up = np.sin(d) * np.cos(angle)
    turned = (np.longdouble(lon) + np.arctan2(east, north) / DEGREE).astype(float)
    return np.where(turned < 0, turned + 360, turned), (np.arctan2(up, np.hypot(north, east)) / DEGREE).astype(float)


# ---- pairs of positions

PLACES = [
    (0.0, 0.0), (359.99999999, 1e-9), (200.1, 40.2), (83.63, -22.01), (310.0, 89.9999), (123.4, 90.0), (0.0, -90.0), (77.0, -89.99999),
    (180.0, 1e-10), (0.1, -60.0), (299.9, 5.0),
]  # fmt: skip
SEPARATIONS = [
    1e-12, 1e-11, 3e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 1.0, np.pi / 2, 2.0, 2.5, 3.0, 3.14, np.pi - 1e-4, np.pi - 1e-7,
    np.pi - 1e-9, np.pi - 1e-12,
]  # fmt: skip
DIRECTIONS = np.array([0.0, 0.7, np.pi / 2, 2.9, np.pi, 4.0, 3 * np.pi / 2, 5.5])


def of_all_separations() -> dict[str, Floats]:
    """From each place to each distance in every direction; each antipode, and each place itself."""
    rows = []
    for lon, lat in PLACES:
        for separation in SEPARATIONS:
            rows.extend((lon, lat, *to) for to in zip(*away(lon, lat, separation, DIRECTIONS), strict=True))
        rows += [(lon, lat, (lon + 180) % 360, -lat), (lon, lat, lon, lat)]
    rows += [(0.0, 90.0, 55.0, -90.0), (10.0, 90.0, 250.0, 90.0), (0.0, 5.0, 360.0, 5.0), (-10.0, 5.0, 350.0, 5.0)]
    random = np.random.default_rng(7)
    lon, lat = brute_force.scattered(600, 8)
    rows += [(*at, *to) for at, to in zip(zip(lon, lat, strict=True), random.permutation(np.c_[lon, lat]), strict=True)]
    table = np.array(rows, float)
    return {"ra1": table[:, 0], "dec1": table[:, 1], "ra2": table[:, 2], "dec2": table[:, 3]}


PAIRS = of_all_separations()
TRUTH = exactly(*PAIRS.values())
# No double is nearer to an angle than half a unit of its last place.
ALLOWED = TINY + np.finfo(float).eps * TRUTH.astype(float)

RADII = {"1 uas": 1e-6 / 3600, "1 mas": 1e-3 / 3600, "1 arcsec": 1 / 3600, "1 deg": 1.0}
STEPS = (-1e-3, -1e-6, 1e-6, 1e-3)


def of_rims() -> tuple[dict[str, Any], dict[str, Any]]:
    """Centres, and round each of them points just inside and just outside of every radius."""
    centres = {"id": np.arange(len(PLACES)), "ra": np.array([p[0] for p in PLACES]), "dec": np.array([p[1] for p in PLACES])}  # fmt: skip
    ra, dec = [], []
    for place in PLACES:
        for radius in RADII.values():
            for step in STEPS:
                lon, lat = away(*place, np.longdouble(radius) * DEGREE * (1 + np.longdouble(step)), DIRECTIONS)
                ra.append(np.where(lon > 360, lon - 360, lon))
                dec.append(lat)
    rims = {"id": np.arange(len(ra) * len(DIRECTIONS)), "ra": np.concatenate(ra), "dec": np.concatenate(dec)}
    return centres, rims


CENTRES, RIMS = of_rims()
BETWEEN = exactly(CENTRES["ra"][:, None], CENTRES["dec"][:, None], RIMS["ra"][None, :], RIMS["dec"][None, :])
DOCUMENT = """<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE><FIELD name="id" datatype="int"/>
<FIELD name="p" datatype="double" arraysize="2" xtype="point"/><FIELD name="q" datatype="double" arraysize="2" xtype="point"/>
<DATA><TABLEDATA>{}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


@pytest.fixture(scope="module", autouse=True)
def _tables(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("distance")
    brute_force.put(config, folder, "pairs", {"id": np.arange(len(TRUTH)), **PAIRS})
    for name, rows in (("centres", CENTRES), ("rims", RIMS)):
        brute_force.put(config, folder, name, rows, position=("ra", "dec"))
    published(config, folder)
    yield
    brute_force.take_away(config, "pairs", "centres", "rims", "points")


def published(config: Config, folder: Path) -> None:
    """The pairs as columns of points."""
    rows = enumerate(zip(*(each.tolist() for each in PAIRS.values()), strict=True))
    cells = (f"<TR><TD>{n}</TD><TD>{a!r} {b!r}</TD><TD>{c!r} {d!r}</TD></TR>" for n, (a, b, c, d) in rows)
    path = folder / "points.vot"
    path.write_text(DOCUMENT.format("".join(cells)))
    with database.owner_connection(config) as connection:
        load_table(connection, open_file(path), "answers.points", Description())


def radians_of(rows: list[tuple[Any, ...]]) -> Long:
    return np.array([row[0] for row in rows], np.longdouble) * DEGREE


# ---- values


def test_the_truth_is_astropys_as_far_as_doubles_go() -> None:
    from astropy.coordinates import angular_separation

    found = angular_separation(*(np.radians(each) for each in PAIRS.values()))
    assert np.abs(found - TRUTH).max() < 2 * TINY


FORMS = [
    "DISTANCE(ra1, dec1, ra2, dec2)", "DISTANCE(ra2, dec2, ra1, dec1)", "DISTANCE(POINT(ra1, dec1), POINT(ra2, dec2))",
    "DISTANCE(POINT('ICRS', ra1, dec1), CENTROID(CIRCLE(ra2, dec2, 1)))", "DISTANCE(CENTROID(CIRCLE(POINT(ra1, dec1), 1)), CENTROID(POINT(ra2, dec2)))",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_distance_of_numbers_is_right_to_the_last_digit(run: Run, form: str) -> None:
    found = radians_of(run(f"SELECT {form} FROM answers.pairs ORDER BY id"))
    wrong = np.argwhere(np.abs(found - TRUTH) > ALLOWED)[:, 0]
    assert [(int(i), float(TRUTH[i]), float(found[i] - TRUTH[i])) for i in wrong[:5]] == []


POINTS_OF_QUERIES = {
    "a query in FROM": "SELECT DISTANCE(q.p, q.s) FROM ({points}) AS q ORDER BY q.id",
    "two levels": "SELECT DISTANCE(r.p, r.s) FROM (SELECT q.p, q.s, q.id FROM ({points}) AS q) AS r ORDER BY r.id",
    "WITH": "WITH w AS ({points}) SELECT DISTANCE(v.s, v.p) FROM w AS v ORDER BY v.id",
    "two queries of one WITH": "WITH w AS ({points}) SELECT DISTANCE(a.s, b.p) FROM w AS a JOIN w AS b ON a.id = b.id ORDER BY a.id",
    "numbers beside": "SELECT DISTANCE(q.p, POINT(o.ra2, o.dec2)) FROM ({points}) AS q JOIN answers.pairs AS o ON o.id = q.id ORDER BY q.id",
    "a centre": "SELECT DISTANCE(CENTROID(CIRCLE(q.p, 1)), q.s) FROM ({points}) AS q ORDER BY q.id",
    "a scalar query": "SELECT (SELECT DISTANCE(q.p, q.s) FROM ({points}) AS q WHERE q.id = o.id) AS d FROM answers.pairs AS o ORDER BY o.id",
    "cut rows": "SELECT DISTANCE(q.p, q.s) FROM ({points} ORDER BY id OFFSET 0) AS q ORDER BY q.id",
}


@pytest.mark.parametrize("query", POINTS_OF_QUERIES.values(), ids=POINTS_OF_QUERIES)
def test_a_distance_of_points_that_a_query_makes_is_right_to_the_last_digit(run: Run, query: str) -> None:
    points = "SELECT id, POINT(ra1, dec1) AS p, POINT(ra2, dec2) AS s FROM answers.pairs"
    found = radians_of(run(query.format(points=points)))
    wrong = np.argwhere(np.abs(found - TRUTH) > ALLOWED)[:, 0]
    assert [(int(i), float(TRUTH[i]), float(found[i] - TRUTH[i])) for i in wrong[:5]] == []


def test_points_of_a_query_are_those_columns_that_were_asked_for(run: Run) -> None:
    query = "SELECT * FROM (SELECT POINT(ra1, dec1) AS p FROM answers.pairs) AS q WHERE DISTANCE(q.p, POINT(1, 2)) >= 0"
    assert {len(row) for row in run(query)} == {1}


def test_a_distance_of_constants_is_right_to_the_last_digit(run: Run) -> None:
    some = range(0, len(TRUTH), 41)
    calls = [", ".join(repr(float(each[i])) for each in PAIRS.values()) for i in some]
    ((*found,),) = run(f"SELECT TOP 1 {', '.join(f'DISTANCE({call})' for call in calls)} FROM tap_schema.schemas")
    wrong = np.abs(np.array(found, np.longdouble) * DEGREE - TRUTH[some]) > ALLOWED[some]
    assert [call for call, is_wrong in zip(calls, wrong, strict=True) if is_wrong] == []


@pytest.mark.parametrize("form", ["DISTANCE(p, q)", "DISTANCE(q, p)", "DISTANCE(p, CENTROID(CIRCLE(q, 1)))"])
def test_a_distance_of_published_points_is_that_of_what_is_stored(
    run: Run, reader: psycopg.Connection, form: str
) -> None:
    rows = reader.execute("SELECT long(p), lat(p), long(q), lat(q) FROM answers.points ORDER BY id").fetchall()
    lon1, lat1, lon2, lat2 = np.array(rows, np.longdouble).T
    truth = of_radians(lon2 - lon1, lat1, lat2)
    found = radians_of(run(f"SELECT {form} FROM answers.points ORDER BY id"))
    wrong = np.argwhere(np.abs(found - truth) > TINY + np.finfo(float).eps * truth)[:, 0]
    assert [(rows[i], float(found[i] - truth[i])) for i in wrong[:5]] == []


def test_a_distance_from_a_published_point_to_numbers_is_right(run: Run, reader: psycopg.Connection) -> None:
    rows = reader.execute("SELECT long(p), lat(p) FROM answers.points ORDER BY id").fetchall()
    lon, lat = np.array(rows, np.longdouble).T
    truth = of_radians(np.longdouble(200.1) * DEGREE - lon, lat, np.longdouble(40.2) * DEGREE)
    found = radians_of(run("SELECT DISTANCE(p, POINT(200.1, 40.2)) FROM answers.points ORDER BY id"))
    assert np.abs(found - truth).max() < 2 * TINY


def test_a_distance_without_a_position_is_null(run: Run) -> None:
    query = "SELECT TOP 1 DISTANCE(1, NULL, 2, 3), DISTANCE(POINT(1, 2), POINT(NULL, 3)) FROM tap_schema.schemas"
    assert run(query) == [(None, None)]


# ---- rows that are chosen by a distance


def decided(radius: float, edge: float) -> npt.NDArray[np.bool_]:
    """Which pairs of centres and rims doubles can tell apart at this rim.

    East of the origin coordinates are small and have all their digits; elsewhere a distance is known to 1e-15 only.
    """
    small = ((CENTRES["ra"] == 0) & (CENTRES["dec"] == 0))[:, None] & (RIMS["ra"] < 180)[None, :]
    margin = np.where(small & (edge == 0), 1e-7 * radius * float(DEGREE), 1.1 * TINY)
    return np.asarray(np.abs(BETWEEN - (np.longdouble(radius) * DEGREE + edge)) > margin)


def inside(radius: float, edge: float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.longdouble(radius) * DEGREE + edge > BETWEEN)


def test_most_of_the_pairs_near_a_rim_are_told_apart() -> None:
    for radius in RADII.values():
        near = np.abs(BETWEEN / DEGREE / radius - 1) < 2e-3
        of_rim = (decided(radius, 0) & near).sum()
        assert of_rim > (150 if radius < 1e-8 else 340)
        assert 0.3 < (decided(radius, 0) & near & inside(radius, 0)).sum() / of_rim < 0.7


# What a row is compared with: the edge of a strict distance is sharp, that of a circle a little beyond its rim.
ONE_TABLE = [
    ("DISTANCE(ra, dec, {lon}, {lat}) < {r}", 0), ("DISTANCE({lon}, {lat}, ra, dec) <= {r}", 0), ("{r} > DISTANCE(POINT(ra, dec), POINT({lon}, {lat}))", 0),
    ("NOT DISTANCE(ra, dec, {lon}, {lat}) >= {r}", 0), ("DISTANCE(ra, dec, {lon}, {lat}) + 0 < {r}", 0), ("DISTANCE(ra, dec, {lon}, {lat}) BETWEEN 0 AND {r}", 0),
    ("1 = CONTAINS(POINT(ra, dec), CIRCLE({lon}, {lat}, {r}))", TINY), ("INTERSECTS(CIRCLE(POINT({lon}, {lat}), {r}), POINT(ra, dec)) = 1", TINY),
    ("NOT 0 = CONTAINS(POINT(ra, dec), CIRCLE({lon}, {lat}, {r}))", TINY), ("CONTAINS(POINT(ra, dec), CIRCLE({lon}, {lat}, {r})) + 0 = 1", TINY),
]  # fmt: skip


@pytest.mark.parametrize("radius", RADII.values(), ids=RADII)
@pytest.mark.parametrize(("condition", "edge"), ONE_TABLE)
def test_a_cone_holds_exactly_what_is_in_it(run: Run, condition: str, edge: float, radius: float) -> None:
    sure, truth = decided(radius, edge), inside(radius, edge)
    for place, (lon, lat) in enumerate(PLACES):
        written = condition.format(lon=repr(lon), lat=repr(lat), r=repr(radius))
        found = {row[0] for row in run(f"SELECT id FROM answers.rims WHERE {written}")}
        expected = set(np.argwhere(truth[place] & sure[place])[:, 0].tolist())
        unsure = set(np.argwhere(~sure[place])[:, 0].tolist())
        assert (sorted(expected - found)[:5], sorted(found - expected - unsure)[:5]) == ([], []), (lon, lat)


JOINS = [
    ("DISTANCE(c.ra, c.dec, p.ra, p.dec) < {r}", 0), ("DISTANCE(POINT(p.ra, p.dec), POINT(c.ra, c.dec)) <= {r}", 0),
    ("1 = CONTAINS(POINT(p.ra, p.dec), CIRCLE(c.ra, c.dec, {r}))", TINY), ("1 = CONTAINS(POINT(c.ra, c.dec), CIRCLE(p.ra, p.dec, {r}))", TINY),
    ("1 = CONTAINS(POINT(p.ra, p.dec), CIRCLE(c.ra, c.dec, {r} * (c.id + 1) / (c.id + 1)))", TINY), ("DISTANCE(c.ra, c.dec, p.ra, p.dec) < {r} + 0. * c.id", 0),
]  # fmt: skip


@pytest.mark.parametrize("radius", RADII.values(), ids=RADII)
@pytest.mark.parametrize(("condition", "edge"), JOINS)
def test_a_join_pairs_exactly_what_is_near_enough(run: Run, condition: str, edge: float, radius: float) -> None:
    on = condition.format(r=repr(radius))
    rows = run(f"SELECT c.id, p.id FROM answers.centres AS c JOIN answers.rims AS p ON {on}")
    found = np.zeros(BETWEEN.shape, bool)
    found[tuple(np.array(rows, int).reshape(-1, 2).T)] = True
    wrong = np.argwhere((found != inside(radius, edge)) & decided(radius, edge))
    assert [(int(c), int(p), float(BETWEEN[c, p] / DEGREE / radius - 1)) for c, p in wrong[:5]] == []


@pytest.mark.parametrize("value", ["CONTAINS(POINT(ra, dec), CIRCLE(200.1, 40.2, {r}))", "CASE WHEN 1 = CONTAINS(POINT(ra, dec), CIRCLE(200.1, 40.2, {r})) THEN 1 ELSE 0 END"])  # fmt: skip
@pytest.mark.parametrize("radius", RADII.values(), ids=RADII)
def test_contains_as_a_value_has_the_same_rim(run: Run, value: str, radius: float) -> None:
    found = np.array([row[0] for row in run(f"SELECT {value.format(r=repr(radius))} FROM answers.rims ORDER BY id")])
    place = PLACES.index((200.1, 40.2))
    wrong = (found != inside(radius, TINY)[place]) & decided(radius, TINY)[place]
    assert np.argwhere(wrong)[:, 0].tolist() == []


# ---- the rim itself


def on_rims() -> list[tuple[str, str]]:
    """Points with circles round another that reach exactly so far, as far as a double can say it."""
    named = [(120.0, 0.0, 120.0, 5.0), (120.0, 0.0, 125.0, 0.0), (0.0, 90.0, 33.0, 89.0), (0.0, 0.0, 359.0, 0.0), (5.0, 5.0, 5.0, 5.0), (77.0, 0.0, 77.0, -3e-7)]  # fmt: skip
    random = np.random.default_rng(12)
    for lon, lat in zip(*brute_force.scattered(25, 13), strict=True):
        to = away(float(lon), float(lat), 10 ** random.uniform(-9, -0.8), random.uniform(0, 6.28))
        named.append((float(lon), float(lat), float(to[0]), float(to[1])))
    return [(f"{a!r}, {b!r}, {{r}}", f"{c!r}, {d!r}, {float(exactly(a, b, c, d) / DEGREE)!r}") for a, b, c, d in named]


@pytest.mark.parametrize(("circle", "point"), on_rims())
def test_the_rim_of_a_circle_belongs_to_it(run: Run, circle: str, point: str) -> None:
    """Half a unit of the last place of the radius is less than 1e-15 radians; 4e-15 are more."""
    lon, lat, radius = (float(each) for each in point.split(", "))
    less = radius - float(np.degrees(4e-15))
    calls = [f"CONTAINS(POINT({lon!r}, {lat!r}), CIRCLE({circle.format(r=repr(r))}))" for r in (radius, less) if r >= 0]
    expected = [1, 0][: len(calls)]
    assert list(*run(f"SELECT TOP 1 {', '.join(calls)} FROM tap_schema.schemas")) == expected
    for call, is_inside in zip(calls, expected, strict=True):
        assert len(run(f"SELECT TOP 1 schema_name FROM tap_schema.schemas WHERE 1 = {call}")) == is_inside


# ---- the index


@pytest.mark.parametrize("radius", RADII.values(), ids=RADII)
@pytest.mark.parametrize("condition", [each for each, _ in ONE_TABLE if not each.startswith("NOT") and "+ 0" not in each])  # fmt: skip
def test_an_exact_cone_uses_the_index(
    reader: psycopg.Connection, catalogue: Catalogue, condition: str, radius: float
) -> None:
    written = condition.format(lon="200.1", lat="40.2", r=repr(radius))
    found = plan(reader, catalogue, f"SELECT tyc_id FROM demo.stars WHERE {written}")
    assert uses_index_of_stars(found), found


@pytest.mark.parametrize(
    "condition", ["DISTANCE(q.p, POINT(200.1, 40.2)) < 0.01", "1 = CONTAINS(q.p, CIRCLE(200.1, 40.2, 0.01))"]
)
def test_a_cone_round_points_of_a_query_uses_the_index(
    reader: psycopg.Connection, catalogue: Catalogue, condition: str
) -> None:
    query = f"SELECT q.tyc_id FROM (SELECT tyc_id, POINT(ra, dec) AS p FROM demo.stars) AS q WHERE {condition}"
    assert uses_index_of_stars(found := plan(reader, catalogue, query)), found


@pytest.mark.parametrize("condition", [each for each, _ in JOINS])
def test_an_exact_match_uses_the_index(reader: psycopg.Connection, catalogue: Catalogue, condition: str) -> None:
    on = condition.format(r="0.0002777777777777778").replace("c.id", "c.radius")
    found = plan(reader, catalogue, f"SELECT p.tyc_id FROM demo.ngc AS c JOIN demo.stars AS p ON {on}")
    assert uses_index_of_stars(found), found
