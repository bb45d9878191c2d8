"""What geometrical queries answer on a real database, against geometry with numpy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from adql.errors import AdqlError
from tap.config import Config
from tests.adql import brute_force
from tests.conftest import Run

NAN = float("nan")


def special_points() -> list[tuple[float, float]]:
    """Poles, the seams of longitude, corners of the test polygons, doubles, missing coordinates."""
    rims = [(120.0, 5.0), (120.0, 5.000001), (120.0, 4.999999), (120.0, -5.0), (120.0, -5.000001)]
    sides = [(30.0, 12.0), (29.999999, 12.0), (30.000001, 12.0), (30.0, 10.0), (40.0, 10.0), (40.0, 20.0)]
    seams = [(0.0, 0.0), (360.0, 0.0), (0.0, 90.0), (123.0, 90.0), (0.0, -90.0), (311.0, -90.0), (180.0, 0.0)]
    near = [(359.9999999, 0.0), (0.0000001, 0.0), (180.0, 89.9999999), (200.0, -89.9999999), (179.9999999, 0.0)]
    doubles = [(77.0, 33.0)] * 3
    missing = [(NAN, 10.0), (10.0, NAN), (NAN, NAN)]
    return rims + sides + seams + near + doubles + missing


def points() -> dict[str, Any]:
    ra, dec = brute_force.scattered(2400, 1)
    more = np.random.default_rng(2)
    seam, pole = more.uniform(-3, 3, 300) % 360, more.uniform(84, 90, 200)
    special_ra, special_dec = np.transpose(special_points())
    ras = np.concatenate([ra, seam, more.uniform(0, 360, 200), special_ra])
    decs = np.concatenate([dec, more.uniform(-3, 3, 300), pole, special_dec])
    return {"id": np.arange(len(ras), dtype=np.int64), "ra": ras, "dec": decs}


def fields() -> dict[str, Any]:
    """Centres with a radius, which may be missing or be none, and a triangle, of which corners may be missing."""
    ra, dec = brute_force.scattered(60, 3)
    more = np.random.default_rng(4)
    radius = more.uniform(0, 30, 60)
    radius[:8] = [NAN, 0, 90, 120, 180, -1, 89.9, 1e-6]
    ra[8], dec[9], ra[10], dec[10] = NAN, NAN, 0.0, 90.0
    columns: dict[str, Any] = {"id": np.arange(60, dtype=np.int64), "ra": ra, "dec": dec, "radius": radius}
    for name, turn in (("a", 0), ("b", 110), ("c", 250)):
        angle = np.radians(more.uniform(-20, 20, 60) + turn)
        columns[f"{name}_ra"] = (100 + 20 * np.cos(angle) + np.arange(60)) % 360
        columns[f"{name}_dec"] = 15 * np.sin(angle) + np.linspace(-60, 60, 60)
    for place, name in enumerate(("a_ra", "a_dec", "b_ra", "b_dec", "c_ra", "c_dec")):
        columns[name][place * 2] = NAN
    for name in ("a_ra", "a_dec", "b_ra", "b_dec", "c_ra", "c_dec"):
        columns[name][20] = NAN
    return columns


POINTS, FIELDS = points(), fields()
IDS, RA, DEC = POINTS["id"], POINTS["ra"], POINTS["dec"]
THERE = ~np.isnan(RA) & ~np.isnan(DEC)


@pytest.fixture(scope="module", autouse=True)
def _tables(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("geometry")
    degrees = {"ra": "deg", "dec": "deg"}
    brute_force.put(config, folder, "points", POINTS, units=degrees, position=("ra", "dec"))
    brute_force.put(config, folder, "fields", FIELDS, units=degrees, position=("ra", "dec"))
    yield
    brute_force.take_away(config, "points", "fields")


def ids(run: Run, condition: str) -> list[int]:
    return [row[0] for row in run(f"SELECT id FROM answers.points WHERE {condition} ORDER BY id")]


def value(run: Run, expression: str) -> Any:
    ((found,),) = run(f"SELECT TOP 1 {expression} AS x FROM tap_schema.schemas")
    return found


def coordinates(run: Run, point: str) -> tuple[float, float]:
    ((lon, lat),) = run(f"SELECT TOP 1 COORD1({point}), COORD2({point}) FROM tap_schema.schemas")
    return lon, lat


# ---- regions written with numbers

CIRCLES = [
    (10.0, 20.0, 5.0), (0.0, 0.0, 2.0), (360.0, 0.0, 2.0), (180.0, -30.0, 25.0), (123.0, 90.0, 3.0), (77.0, -90.0, 12.0),
    (250.0, 88.0, 4.0), (40.0, 40.0, 90.0), (120.0, 0.0, 5.0), (77.0, 33.0, 0.0), (300.0, 10.0, 135.0), (300.0, 10.0, 180.0),
    (0.0, 0.0, 1e-3),
]  # fmt: skip
BOXES = [
    (10.0, 20.0, 30.0, 10.0), (0.0, 0.0, 4.0, 2.0), (100.0, 85.0, 10.0, 10.0), (180.0, 0.0, 40.0, 3.0), (33.0, 90.0, 6.0, 9.0),
    (33.0, -88.0, 20.0, 20.0), (200.0, -45.0, 100.0, 60.0),
]  # fmt: skip
POLYGONS = [
    [(30.0, 10.0), (40.0, 10.0), (40.0, 20.0), (30.0, 20.0)],
    [(350.0, -5.0), (15.0, -10.0), (5.0, 20.0)],
    [(0.0, 85.0), (120.0, 84.5), (240.0, 86.0)],
    [(10.0, -80.0), (100.0, -85.0), (190.0, -75.0), (280.0, -82.0)],
    [(170.0, -20.0), (190.0, -20.0), (190.0, 20.0), (180.0, 0.0), (170.0, 20.0)],
    [(210.0, 30.0), (205.0, 50.0), (215.0, 40.0), (230.0, 60.0), (220.0, 30.0), (213.0, 36.0)],
    [(40.0, 20.0), (40.0, 10.0), (30.0, 10.0), (30.0, 20.0), (40.0, 20.0)],
    [(270.0, -40.0), (350.0, -10.0), (300.0, 50.0)],
]


def written(numbers: Any) -> str:
    return ", ".join(repr(float(each)) for each in np.ravel(np.asarray(numbers, float)))


def outline(vertices: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return vertices[:-1] if vertices[0] == vertices[-1] else vertices


def inside(shape: str, region: Any) -> np.ndarray:
    if shape == "CIRCLE":
        # Where the rim is a point's place, numpy's last digit must not decide.
        return brute_force.in_circle(RA, DEC, (region[0], region[1], region[2] + 1e-11))
    if shape == "BOX":
        return brute_force.in_box(RA, DEC, region)
    on_side = brute_force.to_sides(RA, DEC, outline(region)) < 1e-11
    return brute_force.in_polygon(RA, DEC, outline(region)) | on_side


REGIONS = [(s, r) for s, all_ in (("CIRCLE", CIRCLES), ("BOX", BOXES), ("POLYGON", POLYGONS)) for r in all_]


@pytest.mark.parametrize(("shape", "region"), REGIONS)
def test_a_region_holds_the_points_that_numpy_says(run: Run, shape: str, region: Any) -> None:
    expected = brute_force.chosen(IDS, inside(shape, region) & THERE)
    assert ids(run, f"1 = CONTAINS(POINT(ra, dec), {shape}({written(region)}))") == expected
    assert len(expected) > 0


@pytest.mark.parametrize(("shape", "region"), REGIONS)
def test_outside_of_a_region_are_all_others_that_have_a_position(run: Run, shape: str, region: Any) -> None:
    expected = brute_force.chosen(IDS, ~inside(shape, region) & THERE)
    assert ids(run, f"0 = CONTAINS(POINT(ra, dec), {shape}({written(region)}))") == expected


@pytest.mark.parametrize(("shape", "region"), REGIONS)
def test_contains_as_a_value_is_one_or_zero_or_null(run: Run, shape: str, region: Any) -> None:
    truth = inside(shape, region)
    expected = [(int(i), int(t) if there else None) for i, t, there in zip(IDS, truth, THERE, strict=True)]
    found = run(f"SELECT id, CONTAINS(POINT(ra, dec), {shape}({written(region)})) FROM answers.points ORDER BY id")
    assert found == expected


SPELLINGS = [
    ("1 = {}", True), ("{} = 1", True), ("{} <> 0", True), ("{} != 0", True), ("0 <> {}", True), ("{} > 0", True),
    ("{} >= 1", True), ("0 < {}", True), ("NOT {} = 0", True), ("NOT ({} != 1)", True), ("{} IN (1)", True),
    ("{} BETWEEN 1 AND 1", True), ("{} = 1.0", True), ("{} + 0 = 1", True), ("{} = 1 AND {} = 1", True),
    ("0 = {}", False), ("{} = 0", False), ("{} <> 1", False), ("1 != {}", False), ("{} < 1", False), ("1 > {}", False),
    ("{} <= 0", False), ("NOT 1 = {}", False), ("NOT (NOT {} = 0)", False), ("{} NOT IN (1)", False),
    ("{} NOT BETWEEN 1 AND 2", False),
]  # fmt: skip


@pytest.mark.parametrize(("spelling", "is_inside"), SPELLINGS)
@pytest.mark.parametrize("call", [
    "CONTAINS(POINT(ra, dec), CIRCLE(200, 40, 30))",
    "CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 200, 40, 30))",
    "INTERSECTS(CIRCLE(POINT(200, 40), 30), POINT(ra, dec))",
    "INTERSECTS(POINT(ra, dec), REGION('Circle ICRS 200 40 30'))",
])  # fmt: skip
def test_all_spellings_of_a_comparison_mean_the_same(run: Run, spelling: str, is_inside: bool, call: str) -> None:
    truth = brute_force.in_circle(RA, DEC, (200, 40, 30))
    expected = brute_force.chosen(IDS, (truth if is_inside else ~truth) & THERE)
    assert ids(run, spelling.replace("{}", call)) == expected


@pytest.mark.parametrize(("condition", "expected"), [
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 10)) = 2", "none"),
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 10)) < 2", "there"),
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 10)) >= 0", "there"),
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 10)) IS NULL", "missing"),
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 10)) = NULL", "none"),
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, NULL)) = 1", "none"),
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, NULL)) = 0", "none"),
    ("DISTANCE(POINT(ra, dec), POINT(0, 0)) < NULL", "none"),
    ("CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 10)) = CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 10))", "there"),
])  # fmt: skip
def test_other_comparisons_of_contains(run: Run, condition: str, expected: str) -> None:
    truth = {"none": THERE & False, "there": THERE, "missing": ~THERE}[expected]
    assert ids(run, condition) == brute_force.chosen(IDS, truth)


STC = [
    ("Circle ICRS 10 20 5", "CIRCLE", (10.0, 20.0, 5.0)),
    ("CIRCLE 10.0 2e1 +5", "CIRCLE", (10.0, 20.0, 5.0)),
    ("circle J2000 10 -20 5.5", "CIRCLE", (10.0, -20.0, 5.5)),
    ("Circle ICRS TOPOCENTER SPHERICAL2 10 20 5 unit deg", "CIRCLE", (10.0, 20.0, 5.0)),
    ("Box ICRS 10 20 30 10", "BOX", (10.0, 20.0, 30.0, 10.0)),
    ("Polygon ICRS 30 10 40 10 40 20 30 20", "POLYGON", POLYGONS[0]),
    ("POLYGON 350 -5 15 -10 5 20", "POLYGON", POLYGONS[1]),
]


@pytest.mark.parametrize(("text", "shape", "region"), STC)
def test_a_region_in_words_is_the_region(run: Run, text: str, shape: str, region: Any) -> None:
    expected = brute_force.chosen(IDS, inside(shape, region) & THERE)
    assert ids(run, f"1 = CONTAINS(POINT(ra, dec), REGION('{text}'))") == expected


@pytest.mark.parametrize("text", [
    "", "Galaxy ICRS 1 2", "Circle GALACTIC 10 20 5", "Circle ICRS 10 20", "Circle ICRS 10 20 5 6", "Circle ICRS a b c",
    "Polygon ICRS 1 2 3 4", "Polygon ICRS 1 2 3 4 5", "Circle ICRS 10 95 5", "Circle ICRS 10 20 -5", "Circle ICRS NaN 20 5",
    "Circle ICRS 10 20 5); DROP TABLE x",
])  # fmt: skip
def test_a_region_that_is_none_is_refused(run: Run, text: str) -> None:
    with pytest.raises(AdqlError):
        run(f"SELECT id FROM answers.points WHERE 1 = CONTAINS(POINT(ra, dec), REGION('{text}'))")


@pytest.mark.parametrize("region", [
    "CIRCLE(10, 95, 1)", "CIRCLE(10, 20, -1)", "CIRCLE(10, 20, 181)", "BOX(10, 20, 0, 1)", "BOX(10, 20, 1, -1)", "BOX(0, 91, 1, 1)",
    "POLYGON(1, 1, 2, 2, 3, -91)", "POLYGON(1, 1, 1, 1, 2, 2)", "POLYGON(0, 0, 10, 10, 10, 0, 0, 10)", "CIRCLE(POINT(1, 99), 1)",
    "CIRCLE('GALACTIC', 1, 2, 3)", "POLYGON(POINT(1, 1), POINT(1, 1), POINT(2, 2))",
])  # fmt: skip
def test_a_constant_that_is_no_region_is_refused(run: Run, region: str) -> None:
    with pytest.raises(AdqlError):
        run(f"SELECT id FROM answers.points WHERE 1 = CONTAINS(POINT(ra, dec), {region})")


def test_a_null_position_is_in_no_circle_and_outside_of_none(run: Run) -> None:
    circle = "CONTAINS(POINT(ra, dec), CIRCLE(10, 10, 90))"
    rows = run(f"SELECT id FROM answers.points WHERE ({circle} = 1 OR {circle} = 0) AND (ra IS NULL OR dec IS NULL)")
    assert rows == []
    assert len(ids(run, f"{circle} IS NULL")) == (~THERE).sum() == 3


# ---- cones: all spellings

CONES = [
    "1 = CONTAINS(POINT(ra, dec), CIRCLE({lon}, {lat}, {r}))",
    "CONTAINS(POINT(ra, dec), CIRCLE(POINT({lon}, {lat}), {r})) = 1",
    "1 = INTERSECTS(POINT(ra, dec), CIRCLE({lon}, {lat}, {r}))",
    "1 = INTERSECTS(CIRCLE({lon}, {lat}, {r}), POINT(ra, dec))",
    "1 = CONTAINS(POINT({lon}, {lat}), CIRCLE(ra, dec, {r}))",
    "1 = CONTAINS(POINT({lon}, {lat}), CIRCLE(POINT(ra, dec), {r}))",
    "1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', {lon}, {lat}, {r}))",
    "DISTANCE(POINT(ra, dec), POINT({lon}, {lat})) <= {r}",
    "DISTANCE(POINT({lon}, {lat}), POINT(ra, dec)) < {r}",
    "DISTANCE(ra, dec, {lon}, {lat}) <= {r}",
    "DISTANCE({lon}, {lat}, ra, dec) < {r}",
    "{r} >= DISTANCE(ra, dec, {lon}, {lat})",
    "{r} > DISTANCE({lon}, {lat}, ra, dec)",
    "DISTANCE(ra, dec, {lon}, {lat}) BETWEEN 0 AND {r}",
    "DISTANCE(ra, dec, {lon}, {lat}) BETWEEN -1 AND {r}",
    "NOT DISTANCE(ra, dec, {lon}, {lat}) > {r}",
    "NOT {r} <= DISTANCE(ra, dec, {lon}, {lat})",
    "DISTANCE(ra, dec, {lon}, {lat}) NOT BETWEEN {r} AND 180",
    "DISTANCE(ra, dec, {lon}, {lat}) + 0 < {r}",
    "DISTANCE(ra, dec, {lon}, {lat}) < {r} / 2 + {r} / 2.0",
    "1 = CONTAINS(POINT(ra, dec), REGION('Circle ICRS {lon} {lat} {r}'))",
    "CASE WHEN DISTANCE(ra, dec, {lon}, {lat}) < {r} THEN 'in' ELSE 'out' END = 'in'",
]


@pytest.mark.parametrize(
    "cone", [(200.0, 40.0, 12.5), (0.25, -0.5, 3.0), (300.0, 89.0, 6.0), (10.0, -10.0, 90.0), (10.0, -10.0, 150.0)]
)
@pytest.mark.parametrize("spelling", CONES)
def test_every_spelling_of_a_cone_finds_the_same_points(
    run: Run, spelling: str, cone: tuple[float, float, float]
) -> None:
    expected = brute_force.chosen(IDS, brute_force.in_circle(RA, DEC, cone) & THERE)
    assert ids(run, spelling.format(lon=cone[0], lat=cone[1], r=cone[2])) == expected


@pytest.mark.parametrize(("condition", "truth"), [
    ("DISTANCE(ra, dec, 77, 33) > 60", lambda d: d > 60),
    ("DISTANCE(ra, dec, 77, 33) >= 0", lambda d: d >= 0),
    ("DISTANCE(ra, dec, 77, 33) BETWEEN 10 AND 20", lambda d: (d >= 10) & (d <= 20)),
    ("DISTANCE(ra, dec, 77, 33) BETWEEN 100 AND 120", lambda d: (d >= 100) & (d <= 120)),
    ("DISTANCE(ra, dec, 77, 33) BETWEEN 20 AND 10", lambda d: d < 0),
    ("DISTANCE(ra, dec, 77, 33) NOT BETWEEN 10 AND 20", lambda d: (d < 10) | (d > 20)),
    ("DISTANCE(ra, dec, 77, 33) < 0", lambda d: d < 0),
    ("DISTANCE(ra, dec, 77, 33) < -1", lambda d: d < 0),
    ("NOT DISTANCE(ra, dec, 77, 33) < -1", lambda d: d >= 0),
    ("DISTANCE(ra, dec, 77, 33) <= 0", lambda d: d < 1e-12),
    ("DISTANCE(ra, dec, 77, 33) = 0", lambda d: d < 1e-12),
    ("DISTANCE(ra, dec, 77, 33) < 1000", lambda d: d >= 0),
    ("DISTANCE(ra, dec, 77, 33) < 5 OR DISTANCE(ra, dec, 77, 33) > 170", lambda d: (d < 5) | (d > 170)),
    ("DISTANCE(ra, dec, 77, 33) < 40 AND NOT DISTANCE(ra, dec, 77, 33) < 30", lambda d: (d < 40) & (d >= 30)),
])  # fmt: skip
def test_distances_compared_with_all_sorts_of_things(run: Run, condition: str, truth: Any) -> None:
    distance = brute_force.separation(RA, DEC, 77, 33)
    assert ids(run, condition) == brute_force.chosen(IDS, np.asarray(truth(distance)) & THERE)


@pytest.mark.parametrize(
    "form", ["DISTANCE(POINT(ra, dec), POINT(12, -34))", "DISTANCE(ra, dec, 12, -34)", "DISTANCE('12', -34, ra, dec)"]
)
def test_distances_are_those_of_numpy(run: Run, form: str) -> None:
    if "'" in form:
        with pytest.raises(AdqlError):
            run(f"SELECT {form} FROM answers.points")
        return
    found = [row[0] for row in run(f"SELECT {form} FROM answers.points ORDER BY id")]
    expected = brute_force.separation(RA, DEC, 12, -34)
    assert [each is None for each in found] == list(~THERE)
    assert np.array(found, float)[THERE] == pytest.approx(expected[THERE], abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [
    ((10, 10), (10, 10 + 3e-7)), ((0, 0), (180, 0)), ((0, 90), (0, -90)), ((10, 0), (190 + 1e-7, 0)), ((359.9999999, 0), (1e-7, 0)),
    ((0, 89.9999998), (180, 89.9999998)), ((5, 5), (5, 5)),
])  # fmt: skip
def test_small_and_large_distances_keep_their_digits(run: Run, a: tuple[float, float], b: tuple[float, float]) -> None:
    found = value(run, f"DISTANCE({a[0]!r}, {a[1]!r}, {b[0]!r}, {b[1]!r})")
    assert found == pytest.approx(float(brute_force.separation(*a, *b)), rel=1e-5, abs=2e-13)


def test_a_strict_distance_has_no_tolerance(run: Run) -> None:
    # 0.00001 arcsec beyond and before the rim, far less than what pgSphere lets pass.
    beyond, before = 5 + 3e-9, 5 - 3e-9
    circle = f"CONTAINS(POINT(x.ra, x.dec), CIRCLE(120, 0, {beyond!r}))"
    ((count,),) = run(
        f"SELECT COUNT(*) FROM answers.points AS x WHERE DISTANCE(ra, dec, 120, 0) < {before!r} AND ra = 120 AND dec = 5"
    )
    assert count == 0
    ((count,),) = run(f"SELECT COUNT(*) FROM answers.points AS x WHERE {circle} = 1 AND ra = 120 AND dec = 5")
    assert count == 1


# ---- joins

F_RA, F_DEC, F_R = FIELDS["ra"], FIELDS["dec"], FIELDS["radius"]
F_THERE = ~np.isnan(F_RA) & ~np.isnan(F_DEC)
PAIR_DISTANCES = brute_force.separation(F_RA[:, None], F_DEC[:, None], RA[None, :], DEC[None, :])


def pairs(truth: np.ndarray) -> list[tuple[int, int]]:
    both = F_THERE[:, None] & THERE[None, :]
    return [(int(f), int(p)) for f, p in np.argwhere(truth & both)]


JOINS = [
    "FROM answers.fields AS f JOIN answers.points AS p ON {}",
    "FROM answers.points AS p JOIN answers.fields AS f ON {}",
    "FROM answers.fields AS f, answers.points AS p WHERE {}",
    "FROM (SELECT * FROM answers.fields) AS f JOIN (SELECT id, ra, dec FROM answers.points WHERE id >= 0) AS p ON {}",
]
NEAR = [
    "DISTANCE(f.ra, f.dec, p.ra, p.dec) < 4",
    "DISTANCE(POINT(p.ra, p.dec), POINT(f.ra, f.dec)) <= 4",
    "4 > DISTANCE(f.ra, f.dec, p.ra, p.dec)",
    "1 = CONTAINS(POINT(p.ra, p.dec), CIRCLE(f.ra, f.dec, 4))",
    "1 = CONTAINS(POINT(f.ra, f.dec), CIRCLE(p.ra, p.dec, 4))",
    "INTERSECTS(CIRCLE(POINT(p.ra, p.dec), 4), POINT(f.ra, f.dec)) = 1",
    "1 = INTERSECTS(CIRCLE(p.ra, p.dec, 2), CIRCLE(f.ra, f.dec, 2))",
]


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("near", NEAR)
def test_a_crossmatch_is_the_same_in_every_form(run: Run, join: str, near: str) -> None:
    found = run(f"SELECT f.id, p.id {join.format(near)} ORDER BY 1, 2")
    assert found == pairs(PAIR_DISTANCES < 4)


RADII_OK = (F_R >= 0) & (F_R <= 180)
BY_RADIUS = [
    ("DISTANCE(f.ra, f.dec, p.ra, p.dec) < f.radius", lambda d, r: d < r),
    ("DISTANCE(p.ra, p.dec, f.ra, f.dec) <= f.radius", lambda d, r: d <= r),
    ("f.radius > DISTANCE(f.ra, f.dec, p.ra, p.dec)", lambda d, r: d < r),
    ("DISTANCE(f.ra, f.dec, p.ra, p.dec) < f.radius / 3", lambda d, r: d < r / 3),
    ("DISTANCE(f.ra, f.dec, p.ra, p.dec) BETWEEN 0 AND f.radius", lambda d, r: d <= r),
    ("DISTANCE(f.ra, f.dec, p.ra, p.dec) BETWEEN f.radius / 2 AND f.radius", lambda d, r: (d <= r) & (d >= r / 2)),
    ("NOT DISTANCE(f.ra, f.dec, p.ra, p.dec) < f.radius", lambda d, r: ~(d < r) & ~np.isnan(r)),
    ("DISTANCE(f.ra, f.dec, p.ra, p.dec) < f.radius OR DISTANCE(f.ra, f.dec, p.ra, p.dec) < 1", lambda d, r: (d < r) | (d < 1)),
    ("DISTANCE(f.ra, f.dec, p.ra, p.dec) > f.radius", lambda d, r: d > r),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "truth"), BY_RADIUS)
def test_a_distance_is_compared_with_the_radius_of_each_row(run: Run, condition: str, truth: Any) -> None:
    found = run(f"SELECT f.id, p.id FROM answers.fields AS f JOIN answers.points AS p ON {condition} ORDER BY 1, 2")
    expected = pairs(truth(PAIR_DISTANCES, F_R[:, None]))
    assert sorted(set(found) ^ set(expected))[:5] == []


@pytest.mark.parametrize("condition", [
    "1 = CONTAINS(POINT(p.ra, p.dec), CIRCLE(f.ra, f.dec, f.radius))",
    "CONTAINS(POINT(p.ra, p.dec), CIRCLE(POINT(f.ra, f.dec), f.radius)) = 1",
    "INTERSECTS(CIRCLE(f.ra, f.dec, f.radius), POINT(p.ra, p.dec)) + 0 = 1",
])  # fmt: skip
def test_a_circle_has_the_radius_of_its_row(run: Run, condition: str) -> None:
    """Under 0 it is no radius; over 90 it is one."""
    found = run(f"SELECT f.id, p.id FROM answers.fields AS f JOIN answers.points AS p ON {condition} ORDER BY 1, 2")
    radius = F_R[:, None]
    expected = pairs((radius >= PAIR_DISTANCES) & (radius >= 0))
    assert sorted(set(found) ^ set(expected))[:5] == []


def test_a_left_join_keeps_the_rows_without_a_partner(run: Run) -> None:
    found = run(
        "SELECT f.id, p.id FROM answers.fields AS f LEFT JOIN answers.points AS p"
        " ON DISTANCE(f.ra, f.dec, p.ra, p.dec) < 1.2 AND p.id < 2400 ORDER BY 1, 2"
    )
    partners = pairs((PAIR_DISTANCES < 1.2) & (IDS < 2400)[None, :])
    alone = {int(i) for i in FIELDS["id"]} - {f for f, _ in partners}
    assert sorted(found, key=str) == sorted([*partners, *((f, None) for f in alone)], key=str)
    assert alone


@pytest.mark.parametrize("join", ["RIGHT", "FULL"])
def test_outer_joins_by_distance_keep_rows_of_both_sides(run: Run, join: str) -> None:
    found = run(
        f"SELECT f.id, p.id FROM answers.fields AS f {join} JOIN answers.points AS p ON f.id = p.id"
        " AND 1 = CONTAINS(POINT(p.ra, p.dec), CIRCLE(f.ra, f.dec, 60))"
    )
    matched = [(f, p) for f, p in pairs(PAIR_DISTANCES <= 60) if f == p]
    right = [(None, int(p)) for p in IDS if int(p) not in {m[1] for m in matched}]
    left = [(int(f), None) for f in FIELDS["id"] if int(f) not in {m[0] for m in matched}]
    expected = matched + right + (left if join == "FULL" else [])
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert matched


@pytest.mark.parametrize("condition", [
    "DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.4",
    "DISTANCE(b.ra, b.dec, a.ra, a.dec) < 0.4",
    "1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.4))",
    "1 = CONTAINS(POINT(b.ra, b.dec), CIRCLE(a.ra, a.dec, 0.4))",
])  # fmt: skip
def test_a_table_is_matched_with_itself(run: Run, condition: str) -> None:
    found = run(
        f"SELECT a.id, b.id FROM answers.points AS a JOIN answers.points AS b ON {condition} WHERE a.id < b.id ORDER BY 1, 2"
    )
    distances = brute_force.separation(RA[:, None], DEC[:, None], RA[None, :], DEC[None, :])
    near = (distances < 0.4) & THERE[:, None] & THERE[None, :] & (IDS[:, None] < IDS[None, :])
    assert found == [(int(a), int(b)) for a, b in np.argwhere(near)]


@pytest.mark.parametrize("query", [
    "SELECT id FROM answers.points AS p WHERE EXISTS (SELECT 1 FROM answers.fields AS f WHERE DISTANCE(f.ra, f.dec, p.ra, p.dec) < 4) ORDER BY id",
    "SELECT id FROM answers.points AS p WHERE p.id IN (SELECT q.id FROM answers.points AS q JOIN answers.fields AS f ON 1 = CONTAINS(POINT(q.ra, q.dec), CIRCLE(f.ra, f.dec, 4))) ORDER BY id",
    "SELECT DISTINCT p.id FROM answers.points AS p, answers.fields AS f WHERE DISTANCE(POINT(f.ra, f.dec), POINT(p.ra, p.dec)) < 4 ORDER BY id",
    "WITH near AS (SELECT p.id FROM answers.points AS p JOIN answers.fields AS f ON DISTANCE(f.ra, f.dec, p.ra, p.dec) < 4) SELECT id FROM near UNION SELECT id FROM near ORDER BY id",
])  # fmt: skip
def test_cones_work_inside_of_other_queries(run: Run, query: str) -> None:
    assert [row[0] for row in run(query)] == sorted({p for _, p in pairs(PAIR_DISTANCES < 4)})


@pytest.mark.parametrize("order", ["dec", "dec DESC", "ra, id", "DISTANCE(ra, dec, 200, 40)", "2 DESC, 1"])
def test_the_top_of_a_cone_is_its_top(run: Run, order: str) -> None:
    found = run(f"SELECT TOP 7 id, dec FROM answers.points WHERE DISTANCE(ra, dec, 200, 40) < 25 ORDER BY {order}")
    keys = {"dec": DEC, "dec DESC": -DEC, "ra, id": RA, "2 DESC, 1": -DEC}
    key = keys.get(order, brute_force.separation(RA, DEC, 200, 40))
    inside_ = brute_force.in_circle(RA, DEC, (200, 40, 25)) & THERE
    expected = IDS[inside_][np.argsort(key[inside_], kind="stable")][:7]
    assert [row[0] for row in found] == [int(i) for i in expected]


# ---- regions of columns

TRIANGLES = np.stack([np.stack([FIELDS[f"{c}_ra"], FIELDS[f"{c}_dec"]], axis=-1) for c in "abc"], axis=1)


def corners(field: np.intp) -> list[tuple[float, float]]:
    return [(float(lon), float(lat)) for lon, lat in TRIANGLES[field]]


COMPLETE = ~np.isnan(TRIANGLES).any(axis=(1, 2))


@pytest.mark.parametrize("polygon", [
    "POLYGON(a_ra, a_dec, b_ra, b_dec, c_ra, c_dec)",
    "POLYGON('ICRS', a_ra, a_dec, b_ra, b_dec, c_ra, c_dec)",
    "POLYGON(POINT(a_ra, a_dec), POINT(b_ra, b_dec), POINT(c_ra, c_dec))",
])  # fmt: skip
def test_a_polygon_of_columns_with_missing_corners_is_null_and_the_database_survives(run: Run, polygon: str) -> None:
    found = run(
        f"SELECT f.id, p.id FROM answers.fields AS f JOIN answers.points AS p ON 1 = CONTAINS(POINT(p.ra, p.dec), {polygon}) ORDER BY 1, 2"
    )
    expected = []
    for f in np.flatnonzero(COMPLETE):
        truth = brute_force.in_polygon(RA, DEC, corners(f))
        expected += [(int(f), p) for p in brute_force.chosen(IDS, truth & THERE)]
    assert found == expected
    assert len(expected) > 50
    areas = run(f"SELECT id, AREA({polygon}) FROM answers.fields ORDER BY id")
    assert [row[1] is not None for row in areas] == list(COMPLETE)
    for f in np.flatnonzero(COMPLETE):
        assert areas[f][1] == pytest.approx(brute_force.area(corners(f)), rel=1e-6)


@pytest.mark.parametrize("polygon", [
    "POLYGON(NULL, 1, 2, 2, 3, 1)", "POLYGON(1, NULL, 2, 2, 3, 1)", "POLYGON(NULL, NULL, NULL, NULL, NULL, NULL)",
    "POLYGON(POINT(NULL, 1), POINT(2, 2), POINT(3, 1))", "POLYGON(POINT(NULL, NULL), POINT(NULL, NULL), POINT(NULL, NULL))",
    "CIRCLE(NULL, 1, 1)", "CIRCLE(1, 1, NULL)", "CIRCLE(POINT(NULL, 1), 1)", "BOX(NULL, 1, 1, 1)", "BOX(1, 1, NULL, 1)",
    "BOX(POINT(NULL, 1), 1, 1)", "POINT(NULL, 1)", "POINT(1, NULL)",
])  # fmt: skip
def test_a_geometry_of_nulls_is_null(run: Run, polygon: str) -> None:
    assert value(run, f"AREA({polygon})") is None
    assert value(run, f"INTERSECTS(POINT(2, 1.5), {polygon})") is None
    assert value(run, f"COORDSYS({polygon})") is None


def test_bad_polygons_in_columns_do_not_end_the_query(run: Run) -> None:
    """Rows whose corners coincide or lie on one great circle make no polygon; other rows count."""
    query = (
        "SELECT COUNT(*) FROM answers.fields WHERE 1 = CONTAINS(POINT(100, 0), POLYGON(ra, dec, ra, dec, a_ra, a_dec))"
    )
    assert run(query) == [(0,)]


def test_a_polygon_with_a_latitude_out_of_range_in_a_column_is_null(run: Run) -> None:
    """95 degrees are no latitude; they must not become 85 on the other side of the pole."""
    found = run("SELECT AREA(POLYGON(0, dec - dec + 95, 90, 80, 180, 80)) FROM answers.fields WHERE id = 1")
    assert found == [(None,)]


@pytest.mark.parametrize("point", ["POINT(10, 95)", "POINT(10, -90.001)", "POINT(10, 90 + 5)", "POINT(10, 9E1 * 2)"])
def test_a_constant_latitude_out_of_range_is_refused(run: Run, point: str) -> None:
    with pytest.raises(AdqlError):
        value(run, f"COORD2({point})")


@pytest.mark.parametrize(
    "box", ["BOX(f.ra, f.dec, 8, 5)", "BOX(POINT(f.ra, f.dec), 8, 5)", "BOX('ICRS', f.ra, f.dec, 8.0, 10/2)"]
)
def test_a_box_of_columns_is_the_box_of_the_standard(run: Run, box: str) -> None:
    found = run(
        f"SELECT f.id, p.id FROM answers.fields AS f JOIN answers.points AS p ON 1 = CONTAINS(POINT(p.ra, p.dec), {box}) ORDER BY 1, 2"
    )
    expected = []
    for f in np.flatnonzero(F_THERE):
        expected += [
            (int(f), p) for p in brute_force.chosen(IDS, brute_force.in_box(RA, DEC, (F_RA[f], F_DEC[f], 8, 5)) & THERE)
        ]
    assert found == expected
    assert expected


@pytest.mark.parametrize("box", [each for each in BOXES if each[1] + each[3] / 2 < 90])
def test_the_arms_of_a_box_end_at_half_its_sides(run: Run, box: tuple[float, float, float, float]) -> None:
    north = box[1] + box[3] / 2
    call = f"CONTAINS(POINT({box[0]}, {{}}), BOX({written(box)}))"
    assert value(run, call.format(north - 1e-6)) == 1
    assert value(run, call.format(north + 1e-6)) == 0


# ---- INTERSECTS, and CONTAINS of regions

SHAPES: list[tuple[str, Any]] = [
    ("CIRCLE", (10.0, 10.0, 5.0)), ("CIRCLE", (18.0, 10.0, 4.0)), ("CIRCLE", (10.0, 10.0, 1.0)), ("CIRCLE", (190.0, -10.0, 80.0)),
    ("CIRCLE", (0.0, 90.0, 15.0)), ("CIRCLE", (355.0, 2.0, 9.0)), ("BOX", (14.0, 12.0, 6.0, 6.0)), ("BOX", (0.0, 80.0, 30.0, 12.0)),
    ("BOX", (10.0, 10.0, 40.0, 40.0)), ("BOX", (100.0, -50.0, 10.0, 10.0)), ("POLYGON", [(8.0, 8.0), (13.0, 8.0), (11.0, 13.0)]),
    ("POLYGON", [(350.0, -10.0), (30.0, -12.0), (28.0, 25.0), (352.0, 30.0)]), ("POLYGON", [(0.0, 70.0), (120.0, 70.0), (240.0, 70.0)]),
    ("POLYGON", [(16.0, 5.0), (26.0, 4.0), (25.0, 7.0), (18.0, 6.5), (25.0, 20.0), (14.0, 16.0)]),
    ("POLYGON", [(200.0, -20.0), (205.0, -20.0), (202.0, -15.0)]),
]  # fmt: skip


def as_polygon(shape: str, region: Any) -> list[tuple[float, float]]:
    return brute_force.box_vertices(region) if shape == "BOX" else region


def meet(a: tuple[str, Any], b: tuple[str, Any]) -> bool:
    if a[0] == b[0] == "CIRCLE":
        return brute_force.circles_meet(a[1], b[1])
    if b[0] == "CIRCLE":
        a, b = b, a
    if a[0] == "CIRCLE":
        return brute_force.circle_meets_polygon(a[1], as_polygon(*b))
    return brute_force.polygons_meet(as_polygon(*a), as_polygon(*b))


def within(a: tuple[str, Any], b: tuple[str, Any]) -> bool:
    if a == b:
        return True
    if a[0] == "CIRCLE" and b[0] == "CIRCLE":
        return bool(brute_force.separation(a[1][0], a[1][1], b[1][0], b[1][1]) + a[1][2] <= b[1][2])
    if a[0] == "CIRCLE":
        vertices, centre = as_polygon(*b), (np.array(a[1][0]), np.array(a[1][1]))
        return bool(brute_force.in_polygon(*centre, vertices) & (brute_force.to_sides(*centre, vertices) >= a[1][2]))
    vertices = as_polygon(*a)
    if b[0] == "CIRCLE":
        return bool(brute_force.in_circle(*brute_force.columns(vertices), b[1]).all())
    return brute_force.polygon_inside(vertices, as_polygon(*b))


def test_regions_meet_when_numpy_says_so_in_all_pairs(run: Run) -> None:
    for a in SHAPES:
        calls = [f"INTERSECTS({a[0]}({written(a[1])}), {b[0]}({written(b[1])})) AS x{i}" for i, b in enumerate(SHAPES)]
        (row,) = run(f"SELECT TOP 1 {', '.join(calls)} FROM tap_schema.schemas")
        assert list(row) == [int(meet(a, b)) for b in SHAPES], a


def test_regions_contain_each_other_when_numpy_says_so_in_all_pairs(run: Run) -> None:
    for a in SHAPES:
        calls = [f"CONTAINS({a[0]}({written(a[1])}), {b[0]}({written(b[1])})) AS x{i}" for i, b in enumerate(SHAPES)]
        (row,) = run(f"SELECT TOP 1 {', '.join(calls)} FROM tap_schema.schemas")
        assert list(row) == [int(within(a, b)) for b in SHAPES], a


@pytest.mark.parametrize("index", range(len(SHAPES)))
def test_regions_of_rows_meet_a_constant_region(run: Run, index: int) -> None:
    shape = SHAPES[index]
    radii = (F_R >= 0) & (F_R <= 90) & F_THERE
    expected = [int(f) for f in np.flatnonzero(radii) if meet(("CIRCLE", (F_RA[f], F_DEC[f], F_R[f])), shape)]
    region = f"{shape[0]}({written(shape[1])})"
    for condition in (
        f"1 = INTERSECTS(CIRCLE(ra, dec, radius), {region})",
        f"INTERSECTS({region}, CIRCLE(ra, dec, radius)) = 1",
    ):
        assert [r[0] for r in run(f"SELECT id FROM answers.fields WHERE {condition} ORDER BY id")] == expected


@pytest.mark.parametrize("value_of", [
    "INTERSECTS(CIRCLE(0, 0, 120), CIRCLE(180, 0, 50))", "CONTAINS(CIRCLE(0, 0, 10), CIRCLE(0, 5, 120))",
    "AREA(CIRCLE(33, 44, 120))", "CENTROID(CIRCLE(10, 20, 120))", "CIRCLE(10, 20, 120)",
])  # fmt: skip
def test_a_circle_of_more_than_90_degrees_is_refused_where_pgsphere_would_need_one(run: Run, value_of: str) -> None:
    with pytest.raises(AdqlError, match="more than 90 degrees"):
        run(f"SELECT {value_of} FROM answers.fields")


def test_two_points_contain_each_other_when_they_are_the_same(run: Run) -> None:
    assert value(run, "CONTAINS(POINT(10, 10), POINT(10, 10))") == 1
    assert value(run, "INTERSECTS(POINT(0, 10), POINT(360, 10))") == 1
    assert value(run, "CONTAINS(POINT(10, 10), POINT(10, 10.000001))") == 0
    assert value(run, "CONTAINS(POINT(10, 90), POINT(250, 90))") == 1


def test_a_region_in_a_point_is_refused_with_a_hint(run: Run) -> None:
    with pytest.raises(AdqlError) as refused:
        value(run, "CONTAINS(CIRCLE(10, 10, 1), POINT(10, 10))")
    assert refused.value.hint


# ---- AREA, CENTROID, COORD1, COORD2, COORDSYS


@pytest.mark.parametrize("vertices", [*POLYGONS[:6], POLYGONS[7], [(0.0, 0.0), (90.0, 0.0), (0.0, 90.0)]])
def test_the_area_of_a_polygon_is_that_of_girards_theorem(run: Run, vertices: list[tuple[float, float]]) -> None:
    assert value(run, f"AREA(POLYGON({written(vertices)}))") == pytest.approx(brute_force.area(vertices), rel=1e-9)
    assert value(run, f"AREA(REGION('Polygon ICRS {written(vertices).replace(',', '')}'))") == pytest.approx(
        brute_force.area(vertices), rel=1e-9
    )


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-5])
@pytest.mark.parametrize("place", [(10.0, 0.0), (359.9999999, 60.0), (200.0, -89.0)])
def test_small_polygons_have_small_areas_not_none(run: Run, size: float, place: tuple[float, float]) -> None:
    lon, lat = place
    wide, high = size / 2 / np.cos(np.radians(lat)), size / 2
    vertices = [((lon + p * wide) % 360, lat + q * high) for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    expected = brute_force.area(vertices)
    assert value(run, f"AREA(POLYGON({written(vertices)}))") == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-3])
def test_small_polygons_of_columns_have_areas_too(run: Run, size: float) -> None:
    expected = brute_force.area([(0.0, 0.0), (size, 0.0), (0.0, size)])
    ((found,),) = run(
        f"SELECT AREA(POLYGON(id - id, 0, id - id + {size!r}, 0, 0, id - id + {size!r})) FROM answers.fields WHERE id = 1"
    )
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("radius", [0.0, 1e-5, 0.1, 30.0, 90.0])
def test_the_area_of_a_circle_is_that_of_a_cap(run: Run, radius: float) -> None:
    expected = 4 * np.pi * np.sin(np.radians(radius) / 2) ** 2 * (180 / np.pi) ** 2
    assert value(run, f"AREA(CIRCLE(33, 44, {radius!r}))") == pytest.approx(expected, rel=1e-9, abs=1e-20)


@pytest.mark.parametrize("box", BOXES)
def test_the_area_of_a_box_is_that_of_its_corners(run: Run, box: tuple[float, float, float, float]) -> None:
    assert value(run, f"AREA(BOX({written(box)}))") == pytest.approx(
        brute_force.area(brute_force.box_vertices(box)), rel=1e-9
    )


def test_a_point_has_no_area(run: Run) -> None:
    assert value(run, "AREA(POINT(1, 2))") == 0


@pytest.mark.parametrize("vertices", [*POLYGONS[:5], POLYGONS[7]])
def test_the_centroid_of_a_polygon_is_the_middle_of_its_surface(run: Run, vertices: list[tuple[float, float]]) -> None:
    count = 400_000
    middle = brute_force.vectors(*np.transpose(outline(vertices))).sum(axis=0)
    reach = brute_force.between_vectors(brute_force.vectors(*np.transpose(vertices)), middle).max()
    # Scatter only near the polygon, so that the mean is a good one.
    random = np.random.default_rng(10)
    depth = random.uniform(np.cos(np.radians(reach)), 1, count)
    turn = random.uniform(0, 2 * np.pi, count)
    z = middle / np.linalg.norm(middle)
    x = np.cross(z, [0.3, 0.5, 0.8]) / np.linalg.norm(np.cross(z, [0.3, 0.5, 0.8]))
    y = np.cross(z, x)
    side = np.sqrt(1 - depth**2)
    v = depth[:, None] * z + (side * np.cos(turn))[:, None] * x + (side * np.sin(turn))[:, None] * y
    truth = brute_force.in_polygon(*brute_force.directions(v), outline(vertices))
    expected = v[truth].mean(axis=0)
    centre = coordinates(run, f"CENTROID(POLYGON({written(vertices)}))")
    assert brute_force.between_vectors(brute_force.vectors(*centre), expected) < reach / 100
    # As they come from columns, of which nothing is known beforehand.
    columns = ", ".join(f"id - id + {number!r}" for number in np.ravel(vertices).tolist())
    (of_columns,) = run(
        f"SELECT COORD1(c), COORD2(c) FROM (SELECT CENTROID(POLYGON({columns})) AS c FROM answers.fields WHERE id = 1) AS t"
    )
    assert of_columns == pytest.approx(centre, abs=1e-9)


@pytest.mark.parametrize(("geometry", "expected"), [
    ("CIRCLE(10, 20, 3)", (10, 20)), ("CIRCLE(POINT(350, -20), 3)", (350, -20)), ("POINT(12, 34)", (12, 34)), ("BOX(100, 50, 20, 10)", (100, 50)),
    ("REGION('Circle ICRS 1 2 3')", (1, 2)), ("REGION('Position ICRS 1 2')", (1, 2)),
])  # fmt: skip
def test_the_centroid_of_a_symmetrical_region_is_its_centre(
    run: Run, geometry: str, expected: tuple[float, float]
) -> None:
    assert coordinates(run, f"CENTROID({geometry})") == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("longitude", [0.0, 1e-6, 90.0, 180.0, 359.9999999])
@pytest.mark.parametrize("latitude", [-90.0, -89.9999999, 0.0, 45.0, 90.0])
def test_coordinates_come_back(run: Run, longitude: float, latitude: float) -> None:
    assert coordinates(run, f"POINT({longitude!r}, {latitude!r})") == pytest.approx(
        (longitude, latitude), rel=1e-15, abs=1e-14
    )


@pytest.mark.parametrize(("longitude", "expected"), [(-10.0, 350.0), (370.0, 10.0), (360.0, 0.0)])
def test_longitudes_wrap(run: Run, longitude: float, expected: float) -> None:
    assert coordinates(run, f"POINT({longitude}, 5)")[0] == pytest.approx(expected, abs=1e-12)


def test_coordinates_of_columns_are_the_columns(run: Run) -> None:
    found = run("SELECT COORD1(POINT(ra, dec)), COORD2(POINT(ra, dec)), ra, dec FROM answers.points ORDER BY id")
    for lon, lat, ra, dec in found:
        if ra is None or dec is None:
            assert (lon, lat) == (None, None)
        else:
            assert (lon, lat) == pytest.approx((ra % 360, dec), abs=1e-12)


def test_the_coordinate_system_is_icrs(run: Run) -> None:
    assert value(run, "COORDSYS(POINT(1, 2))") == "ICRS"
    assert run("SELECT COUNT(*), COUNT(COORDSYS(POINT(ra, dec))) FROM answers.points") == [(len(IDS), int(THERE.sum()))]


def test_casts_make_geometries_of_dalis_texts(run: Run) -> None:
    assert coordinates(run, "CAST('10 20' AS POINT)") == pytest.approx((10, 20), abs=1e-12)
    assert value(run, "AREA(CAST('10 20 1' AS CIRCLE))") == pytest.approx(
        value(run, "AREA(CIRCLE(10, 20, 1))"), rel=1e-12
    )
    triangle = [(30.0, 10.0), (40.0, 10.0), (40.0, 20.0)]
    assert value(run, "AREA(CAST('30 10 40 10 40 20' AS POLYGON))") == pytest.approx(
        brute_force.area(triangle), rel=1e-9
    )


def test_distinct_points_are_those_that_differ(run: Run) -> None:
    expected = {None if not there else (ra % 360, dec) for ra, dec, there in zip(RA, DEC, THERE, strict=True)}
    found = run("SELECT COORD1(q.p), COORD2(q.p) FROM (SELECT DISTINCT POINT(ra, dec) AS p FROM answers.points) AS q")
    poles = [each for each in expected if each and abs(each[1]) == 90]
    assert len(expected) - max(0, len(poles)) - 5 <= len(found) <= len(expected)
    assert len(set(found)) == len(found)


def test_union_except_and_intersect_compare_geometries(run: Run) -> None:
    both = "SELECT CIRCLE(ra, dec, 1) AS g FROM answers.points WHERE id < 50 AND ra IS NOT NULL AND dec IS NOT NULL"
    assert run(f"SELECT COUNT(*) FROM ({both} EXCEPT {both}) AS q") == [(0,)]
    distinct = run(f"SELECT COUNT(*) FROM (SELECT DISTINCT q.g FROM ({both}) AS q) AS r")
    assert run(f"SELECT COUNT(*) FROM ({both} UNION {both}) AS q") == distinct
    assert run(f"SELECT COUNT(*) FROM ({both} INTERSECT {both}) AS q") == distinct
    polygon = "SELECT POLYGON(1, 2, 3, 4, 5, 2) AS g FROM answers.points"
    assert run(f"SELECT AREA(q.g) FROM ({polygon} UNION {polygon}) AS q") == [
        (pytest.approx(brute_force.area([(1, 2), (3, 4), (5, 2)]), rel=1e-9),)
    ]
