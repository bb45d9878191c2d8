"""What the IVOA's user defined functions answer on a real database, against astropy and the catalogue's examples.

The examples are those of the Endorsed Note "Catalogue of ADQL User Defined Functions" 1.2.
"""

import re
from collections.abc import Iterator
from typing import Any

import cdshealpix
import numpy as np
import psycopg
import pytest
from astropy import units as u
from astropy.coordinates import (
    FK4,
    FK5,
    ICRS,
    Angle,
    BarycentricMeanEcliptic,
    Galactic,
    Latitude,
    Longitude,
    SkyCoord,
    Supergalactic,
    angular_separation,
)
from astropy.time import Time

from adql.errors import AdqlError
from tap.config import Config
from tests.adql import brute_force
from tests.conftest import Run

NAN = float("nan")


def stars() -> dict[str, Any]:
    ra, dec = brute_force.scattered(400, 20)
    random = np.random.default_rng(21)
    columns: dict[str, Any] = {
        "id": np.arange(400, dtype=np.int64),
        "ra": ra,
        "dec": dec,
        "parallax": random.uniform(20, 700, 400),
        "pmra": random.uniform(-5000, 5000, 400),
        "pmdec": random.uniform(-5000, 5000, 400),
        "rv": random.uniform(-300, 300, 400),
    }
    columns["ra"][:4], columns["dec"][:4] = [0.0, 360.0, 10.0, 200.0], [0.0, 0.0, 90.0, -90.0]
    columns["parallax"][10], columns["pmra"][11], columns["pmdec"][12], columns["rv"][13] = NAN, NAN, NAN, NAN
    columns["parallax"][14], columns["parallax"][15] = 0.0, -3.0
    columns["ra"][16], columns["dec"][17] = NAN, NAN
    return columns


STARS = stars()


@pytest.fixture(scope="module", autouse=True)
def _tables(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("udfs")
    brute_force.put(config, folder, "stars", STARS, units={"ra": "deg", "dec": "deg"}, position=("ra", "dec"))
    words = {
        "id": [1, 2, 3, 4],
        "grp": ["a", "a", "b", "b"],
        "word": ["one", None, "Two", "three"],
        "v": [0.5, None, 3.5, 2.0],
    }
    brute_force.put(config, folder, "words", words)
    yield
    brute_force.take_away(config, "stars", "words")


def value(run: Run, expression: str) -> Any:
    ((found,),) = run(f"SELECT TOP 1 {expression} AS x FROM tap_schema.schemas")
    return found


def coordinates(run: Run, point: str) -> tuple[Any, Any]:
    ((lon, lat),) = run(f"SELECT TOP 1 COORD1({point}), COORD2({point}) FROM tap_schema.schemas")
    return lon, lat


# ---- HEALPix


@pytest.mark.parametrize(("expression", "expected"), [
    ("ivo_healpix_index(0, 1, 1)", 4), ("ivo_healpix_index(17, 1, 1)", 81609757711), ("ivo_healpix_index(17, 359, -1)", 73009064944),
    ("ivo_healpix_index(0, POINT(1, 1))", 4), ("ivo_healpix_index(17, POINT('ICRS', 1, 1))", 81609757711),
    ("ivo_healpix_index(17, CENTROID(CIRCLE(359, -1, 3)))", 73009064944), ("IVO_HEALPIX_INDEX(0, 1, 1)", 4),
    ("ivo_healpix_index(0, NULL, 1)", None), ("ivo_healpix_index(NULL, 1, 1)", None),
])  # fmt: skip
def test_healpix_indexes_are_those_of_the_catalogue(run: Run, expression: str, expected: int | None) -> None:
    assert value(run, expression) == expected


@pytest.mark.parametrize(("expression", "expected"), [
    ("ivo_healpix_center(0, 6)", (180.0, 0.0)),
    ("ivo_healpix_center(17, ivo_healpix_index(17, 23.4, 56.7))", (23.399843462947466, 56.70016214363192)),
])  # fmt: skip
def test_healpix_centres_are_those_of_the_catalogue(run: Run, expression: str, expected: tuple[float, float]) -> None:
    assert coordinates(run, expression) == pytest.approx(expected, abs=1e-11)


def healpix_nested_base(lon: float, lat: float) -> int:
    """The cell of order 0, from Gorski et al. 2005, section 4."""
    z, t = np.sin(np.radians(lat)), (lon % 360) / 90
    if abs(z) <= 2 / 3:
        up, down = np.floor(0.5 + t - z * 0.75), np.floor(0.5 + t + z * 0.75)
        if up == down:
            return int(up % 4) + 4
        return int(up % 4) if up < down else int(down % 4) + 8
    return int(t) % 4 + (0 if z > 0 else 8)


def test_cells_of_order_zero_are_those_of_the_paper(run: Run) -> None:
    found = run(
        "SELECT ra, dec, ivo_healpix_index(0, ra, dec) FROM answers.stars WHERE id > 3 AND ra IS NOT NULL AND dec IS NOT NULL"
    )
    assert [row[2] for row in found] == [healpix_nested_base(row[0], row[1]) for row in found]


@pytest.mark.parametrize("order", [0, 1, 6, 17, 29])
def test_cells_near_the_meridians_of_the_polar_caps_and_near_the_poles_are_right(
    reader: psycopg.Connection, order: int
) -> None:
    random = np.random.default_rng(order)
    count = 2000
    beside = random.choice([0, 1e-16, 1e-12, 1e-9, 5e-8, 6e-8, 1e-6], count)
    # pgSphere takes what is just below 360 for 0.
    lon = random.choice([0, 90, 180, 270], count) + np.where(random.random(count) < 0.5, beside, -beside)
    lon = np.where(lon < 0, 0, lon)
    to_pole = np.where(random.random(count) < 0.3, 10 ** random.uniform(-12, 1, count), random.uniform(0, 49, count))
    lat = random.choice([-1, 1], count) * (90 - to_pole)
    sql = (
        "SELECT armillary.healpix_nest(%s, spoint(radians(lon), radians(lat)))"
        " FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS positions (lon, lat, place) ORDER BY place"
    )
    cells = np.array(reader.execute(sql, (order, lon.tolist(), lat.tolist())).fetchall())[:, 0]
    lons, lats = Longitude(lon, "deg"), Latitude(lat, "deg")
    truth = cdshealpix.nested.lonlat_to_healpix(lons, lats, order)
    at = cdshealpix.nested.healpix_to_lonlat(cells.astype("uint64"), order)
    # On an edge, rounding decides which of two cells it is; of both it is at most so far to the centre.
    assert np.all(angular_separation(lons, lats, *at).to_value("deg") < 72 / 2**order)
    assert np.mean(cells == truth.astype("int64")) > 0.9


@pytest.mark.parametrize("order", [0, 1, 5, 12, 20, 29])
def test_the_index_of_a_cells_centre_is_the_cell_and_cells_nest(run: Run, order: int) -> None:
    found = run(
        f"SELECT id, ivo_healpix_index({order}, ra, dec), ivo_healpix_index({order}, POINT(ra, dec)),"
        f" ivo_healpix_index({order}, ivo_healpix_center({order}, ivo_healpix_index({order}, ra, dec))),"
        f" ivo_healpix_index({max(order - 1, 0)}, ra, dec),"
        f" DISTANCE(POINT(ra, dec), ivo_healpix_center({order}, ivo_healpix_index({order}, ra, dec))) FROM answers.stars WHERE id > 3"
    )
    side = np.degrees(np.sqrt(4 * np.pi / 12 / 4**order))
    for star, index, of_point, of_centre, parent, distance in found:
        if star in (16, 17):
            assert index is None
            continue
        assert 0 <= index < 12 * 4**order
        assert index == of_point == of_centre
        assert parent == (index // 4 if order else index)
        assert distance < 1.1 * side + 1e-7


@pytest.mark.parametrize(
    "expression",
    [
        "ivo_healpix_index(30, 1, 1)",
        "ivo_healpix_index(-1, 1, 1)",
        "ivo_healpix_center(0, 12)",
        "ivo_healpix_center(0, -1)",
        "ivo_healpix_center(17, 23.2)",
        "ivo_healpix_index(1.5, 1, 1)",
    ],
)
def test_cells_that_are_none_are_refused(run: Run, expression: str) -> None:
    point = expression.startswith("ivo_healpix_center")
    with pytest.raises((AdqlError, psycopg.Error)):
        value(run, f"COORD1({expression})" if point else expression)


# ---- epoch propagation


@pytest.mark.parametrize(("arguments", "expected"), [
    ("7.606083572, 11.79044105, 125, 300, -428.8, 52.51, 2016.0, 1992.25", (7.604061404627978, 11.7932703828279)),
    ("7.606083572, 11.79044105, 125, 300, -428.8, 52.51, 2016.0, 1875.0", (7.594068213694308, 11.807251375203935)),
    ("7.606083572, 11.79044105, 125, 300, -428.8, NULL, 2016.0, 1875.0", (7.594079587029898, 11.807235464326332)),
    ("7.606083572, 11.79044105, 125, 300, NULL, NULL, 2016.0, 1875.0", (7.594080321498365, 11.790440798509207)),
    ("7.606083572, 11.79044105, NULL, 300, -428.8, 52.51, 2016.0, 1875.0", (7.594079587020846, 11.807235464339055)),
])  # fmt: skip
def test_propagated_positions_are_those_of_the_catalogue(
    run: Run, arguments: str, expected: tuple[float, float]
) -> None:
    assert coordinates(run, f"ivo_epoch_prop_pos({arguments})") == pytest.approx(expected, abs=3e-10)


@pytest.mark.parametrize(
    "arguments",
    [
        "NULL, 11.79044105, 125, 300, NULL, NULL, 2016.0, 1875.0",
        "7.606083572, NULL, 125, 300, NULL, NULL, 2016.0, 1875.0",
        "7.606083572, 11.79044105, 125, 300, -428.8, 52.51, NULL, 1875.0",
        "7.606083572, 11.79044105, 125, 300, -428.8, 52.51, 2016.0, NULL",
    ],
)
def test_a_propagation_without_position_or_epoch_gives_no_position(run: Run, arguments: str) -> None:
    """The catalogue calls it an error; but in a column one bad row must not end the query."""
    assert coordinates(run, f"ivo_epoch_prop_pos({arguments})") == (None, None)


@pytest.mark.parametrize(("start", "end"), [(2016.0, 1991.25), (1991.25, 2050.0), (2016.0, 2016.0), (2000.0, 1700.0)])
def test_propagated_positions_are_those_of_astropy(run: Run, start: float, end: float) -> None:
    found = run(
        "SELECT id, COORD1(p), COORD2(p) FROM (SELECT id, ivo_epoch_prop_pos(ra, dec, parallax, pmra, pmdec, rv,"
        f" {start}, {end}) AS p FROM answers.stars) AS q ORDER BY id"
    )
    good = np.ones(400, bool)
    good[[2, 3, 10, 11, 12, 13, 14, 15, 16, 17]] = False
    s = {key: np.asarray(values)[good] for key, values in STARS.items()}
    stars_ = SkyCoord(
        s["ra"] * u.deg, s["dec"] * u.deg, distance=(1000 / s["parallax"]) * u.pc, pm_ra_cosdec=s["pmra"] * u.mas / u.yr,
        pm_dec=s["pmdec"] * u.mas / u.yr, radial_velocity=s["rv"] * u.km / u.s, obstime=Time(start, format="jyear", scale="tdb"),
    )  # fmt: skip
    moved = stars_.apply_space_motion(new_obstime=Time(end, format="jyear", scale="tdb"))
    all_ = np.array([row[1:] for row in found], float)
    ours = all_[good]
    apart = brute_force.separation(ours[:, 0], ours[:, 1], moved.ra.deg, moved.dec.deg) * 3.6e6
    # ERFA's starpm adds light time and relativity, which the catalogue forbids: mas over centuries.
    assert apart.max() < 0.05 + 4 * abs(end - start) / 25
    straight = straight_motion({key: np.asarray(values) for key, values in STARS.items()}, end - start)
    apart = brute_force.separation(all_[:, 0], all_[:, 1], straight[0], straight[1]) * 3.6e6
    assert np.nanmax(apart) < 0.001
    assert np.isnan(apart).sum() == 2


def straight_motion(s: dict[str, np.ndarray], years: float) -> tuple[np.ndarray, np.ndarray]:
    """In Cartesian space: parsecs and kilometres a second, no light time."""
    usable = np.nan_to_num(s["parallax"]) > 0
    distance = np.where(usable, 1000 / np.where(usable, s["parallax"], 1), 1e12)
    radial = np.where(usable, np.nan_to_num(s["rv"]), 0) * (u.km / u.s).to(u.pc / u.yr)
    a, d = np.radians(s["ra"]), np.radians(s["dec"])
    mas = u.mas.to(u.rad)
    along = (np.nan_to_num(s["pmra"]) * mas * distance)[:, None] * np.stack([-np.sin(a), np.cos(a), 0 * a], axis=-1)
    up = np.stack([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)], axis=-1)
    velocity = along + (np.nan_to_num(s["pmdec"]) * mas * distance)[:, None] * up
    v = brute_force.vectors(s["ra"], s["dec"])
    return brute_force.directions(v * (distance + radial * years)[:, None] + velocity * years)


# ---- reference systems

FRAMES: dict[str, Any] = {
    "ICRS": ICRS(), "FK5": FK5(equinox="J2000"), "FK4": FK4(equinox="B1950", obstime="B1950"), "GALACTIC": Galactic(),
    "SUPER_GALACTIC": Supergalactic(), "ECLIPTIC": BarycentricMeanEcliptic(equinox="J2000"),
}  # fmt: skip
PAIRS = [(a, b) for a in FRAMES for b in FRAMES]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_points_change_systems_as_in_astropy(run: Run, source: str, target: str) -> None:
    found = run(
        f"SELECT COORD1(p), COORD2(p), ra, dec FROM (SELECT ra, dec, ivo_geom_transform('{source}', '{target}', POINT(ra, dec)) AS p FROM answers.stars) AS q"
    )
    there = np.array([row for row in found if row[0] is not None], float)
    assert len(found) - len(there) == 2
    expected = SkyCoord(there[:, 2] * u.deg, there[:, 3] * u.deg, frame=FRAMES[source]).transform_to(FRAMES[target])
    apart = (
        brute_force.separation(there[:, 0], there[:, 1], expected.spherical.lon.deg, expected.spherical.lat.deg) * 3600
    )
    # FK4 has terms of aberration (E-terms, up to 0.35 arcsec), which no rotation has.
    assert apart.max() < (0.345 if (source == "FK4") != (target == "FK4") else 1e-3)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_there_and_back_is_where_it_was(run: Run, source: str, target: str) -> None:
    found = run(
        f"SELECT DISTANCE(POINT(ra, dec), ivo_geom_transform('{target}', '{source}', ivo_geom_transform('{source}', '{target}', POINT(ra, dec))))"
        " FROM answers.stars WHERE ra IS NOT NULL AND dec IS NOT NULL"
    )
    assert max(row[0] for row in found) * 3600 < 0.01


@pytest.mark.parametrize(("expression", "expected", "tolerance"), [
    ("ivo_geom_transform('ICRS', 'GALACTIC', POINT(120, -23))", (241.121831182, 3.62785788087), 3e-5),
    ("CENTROID(ivo_geom_transform('FK4', 'GALACTIC', CIRCLE(189.70303055, 22.96240006, 3)))", (275.00025405, 84.99996154), 1e-7),
])  # fmt: skip
def test_transforms_are_those_of_the_catalogue(
    run: Run, expression: str, expected: tuple[float, float], tolerance: float
) -> None:
    apart = brute_force.separation(*coordinates(run, expression), *expected)
    assert apart < tolerance


def test_a_circle_keeps_its_radius_in_another_system(run: Run) -> None:
    circle = "ivo_geom_transform('ICRS', 'GALACTIC', CIRCLE(120, -23, 3))"
    assert value(run, f"AREA({circle})") == pytest.approx(
        2 * np.pi * (1 - np.cos(np.radians(3))) * (180 / np.pi) ** 2, rel=1e-9
    )
    centre = SkyCoord(120 * u.deg, -23 * u.deg).galactic
    assert coordinates(run, f"CENTROID({circle})") == pytest.approx((centre.l.deg, centre.b.deg), abs=1e-7)


def test_a_polygon_goes_over_vertex_by_vertex(run: Run) -> None:
    """The catalogue's example, with the precision of its digits."""
    text = value(run, "ivo_geom_transform('GALACTIC', 'FK5', POLYGON(5, 3, 4, 4, 4.5, 2))")
    found = np.degrees([float(each) for each in re.findall(r"[-+0-9.eE]+", str(text))]).reshape(-1, 2)
    expected = np.array([266.44721, -23.107310, 264.95088, -23.434037, 267.09936, -24.051919]).reshape(-1, 2)
    assert brute_force.separation(found[:, 0], found[:, 1], expected[:, 0], expected[:, 1]).max() < 1e-4
    frame = SkyCoord([5, 4, 4.5] * u.deg, [3, 4, 2] * u.deg, frame="galactic").fk5
    assert brute_force.separation(found[:, 0], found[:, 1], frame.ra.deg, frame.dec.deg).max() < 1e-6


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_regions_in_another_system_hold_the_same_points(run: Run, source: str, target: str) -> None:
    region = "POLYGON(20, -30, 70, -25, 50, 40)"
    moved = f"CONTAINS(ivo_geom_transform('{source}', '{target}', POINT(ra, dec)), ivo_geom_transform('{source}', '{target}', {region}))"
    found = run(f"SELECT id FROM answers.stars WHERE {moved} = 1 ORDER BY id")
    truth = brute_force.in_polygon(STARS["ra"], STARS["dec"], [(20, -30), (70, -25), (50, 40)])
    assert [row[0] for row in found] == brute_force.chosen(STARS["id"], truth)


def test_a_cone_in_galactic_coordinates_finds_what_astropy_finds(run: Run) -> None:
    cone = "CONTAINS(POINT(ra, dec), ivo_geom_transform('GALACTIC', 'ICRS', CIRCLE(10, 20, 40)))"
    there = ~np.isnan(STARS["ra"]) & ~np.isnan(STARS["dec"])
    near = np.zeros(400, bool)
    positions = SkyCoord(STARS["ra"][there] * u.deg, STARS["dec"][there] * u.deg)
    near[there] = positions.separation(SkyCoord(10 * u.deg, 20 * u.deg, frame="galactic")).deg < 40
    assert [row[0] for row in run(f"SELECT id FROM answers.stars WHERE 1 = {cone} ORDER BY id")] == brute_force.chosen(
        STARS["id"], near
    )


@pytest.mark.parametrize(
    "arguments",
    [
        "'icrs', 'GALACTIC', POINT(1, 2)",
        "'ICRS', 'AZ_EL', POINT(1, 2)",
        "ra, 'ICRS', POINT(1, 2)",
        "'ICRS', 'FK5', 3",
        "'ICRS', NULL, POINT(1, 2)",
    ],
)
def test_systems_that_are_none_are_refused(run: Run, arguments: str) -> None:
    with pytest.raises(AdqlError):
        run(f"SELECT COORD1(ivo_geom_transform({arguments})) FROM answers.stars")


# ---- dates


@pytest.mark.parametrize(
    "date",
    [
        "2000-01-02T12:00:00",
        "1910-12-31T06:00:00",
        "1858-11-17T00:00:00",
        "2016-02-29T23:59:59.999",
        "1582-10-15T00:00:00",
        "2100-03-01T01:02:03",
        "1970-01-01",
        "0001-01-01T00:00:00",
    ],
)
def test_julian_dates_are_those_of_astropy(run: Run, date: str) -> None:
    expected = Time(date, scale="tai")
    for form in (f"'{date}'", f"CAST('{date}' AS TIMESTAMP)"):
        assert value(run, f"ivo_to_jd({form})") == pytest.approx(expected.jd, abs=1e-9)
        assert value(run, f"ivo_to_mjd({form})") == pytest.approx(expected.mjd, abs=1e-9)


@pytest.mark.parametrize(("expression", "expected"), [
    ("ivo_to_jd(CAST('2000-01-02T12:00:00' AS TIMESTAMP))", 2451546.0), ("ivo_to_jd('1910-12-31T06:00:00')", 2419036.75), ("ivo_to_jd(NULL)", None),
    ("ivo_to_mjd(CAST('2000-01-02T12:00:00' AS TIMESTAMP))", 51545.5), ("ivo_to_mjd('1910-12-31T06:00:00')", 19036.25), ("ivo_to_mjd(NULL)", None),
])  # fmt: skip
def test_dates_are_those_of_the_catalogue(run: Run, expression: str, expected: float | None) -> None:
    assert value(run, expression) == expected


@pytest.mark.parametrize("text", ["now", "yesterday", "2000", "2000-01-01T00:00:00+01:00", "abc"])
def test_dates_that_are_none_are_refused(run: Run, text: str) -> None:
    with pytest.raises(AdqlError):
        value(run, f"ivo_to_jd('{text}')")


# ---- texts


@pytest.mark.parametrize(("expression", "expected"), [
    ("ivo_nocasematch('abcabc', 'ab%')", 1), ("ivo_nocasematch('ABcabc', 'ab__bc')", 1), ("ivo_nocasematch('abcabc', '%BC')", 1), ("ivo_nocasematch('abcabc', 'ABCABC')", 1),
    ("ivo_nocasematch('abcabc', 'abcab')", 0), ("ivo_nocasematch('a_b', 'a\\_b')", 0), ("ivo_nocasematch('ÄB', 'äb')", 1), ("ivo_nocasematch(NULL, 'a')", None), ("ivo_nocasematch('', '')", 1),
    ("ivo_hasword('Miller and Urey have', 'miller')", 1), ("ivo_hasword('shown that a primordial', 'soup')", 0), ("ivo_hasword('shown that a primordial', 'shown primordial')", 1),
    ("ivo_hasword('shown that a primordial', 'shown soup')", 0), ("ivo_hasword('shown that a primordial', 'PRIMORDIAL that')", 1), ("ivo_hasword('primordial', 'prim')", 0),
    ("ivo_hasword('a (quoted), word.', 'quoted')", 1), ("ivo_hasword('abc', NULL)", None), ("ivo_hasword('x | y & z', '!x')", 1),
    ("ivo_hashlist_has('red#green#blue', 'red')", 1), ("ivo_hashlist_has('Red#green#blue', 'red')", 1), ("ivo_hashlist_has('red#green#blue', 're')", 0), ("ivo_hashlist_has('red#green#blue', 'red#green')", 0),
    ("ivo_hashlist_has('red#green#blue', 'BLUE')", 1), ("ivo_hashlist_has('red', 'red')", 1), ("ivo_hashlist_has('red#green', '#')", 0), ("ivo_hashlist_has('', 'red')", 0),
    ("ivo_hashlist_has(NULL, 'red')", None), ("ivo_hashlist_has('r%#x', 'red')", 0),
])  # fmt: skip
def test_texts_match_as_in_the_catalogue(run: Run, expression: str, expected: int | None) -> None:
    assert value(run, expression) == expected


@pytest.mark.parametrize(
    "condition",
    ["1 = ivo_hashlist_has('one#x', word)", "ivo_nocasematch(word, 'ONE') = 1", "ivo_hasword(word, 'One') = 1"],
)
def test_tests_of_texts_work_as_conditions(run: Run, condition: str) -> None:
    assert run(f"SELECT id FROM answers.words WHERE {condition}") == [(1,)]


def test_strings_are_joined_without_nulls(run: Run) -> None:
    found = run("SELECT grp, ivo_string_agg(word, ' + ') FROM answers.words GROUP BY grp ORDER BY grp")
    assert [(g, sorted(text.split(" + "))) for g, text in found] == [("a", ["one"]), ("b", ["Two", "three"])]
    assert run("SELECT ivo_string_agg(word, ',') FROM answers.words WHERE id = 2") == [(None,)]
    ((names,),) = run(
        "SELECT ivo_string_agg(table_name, ' <//> ') FROM TAP_SCHEMA.tables WHERE table_name ILIKE 'tap_schema.%'"
    )
    assert names.split(" <//> ").count("tap_schema.key_columns") == 1
    assert len(names.split(" <//> ")) == 7


# ---- statistics and intervals


@pytest.mark.parametrize(
    ("low", "high", "bins"), [(0, 360, 12), (100, 200, 7), (0, 360, 1), (-10.5, 50, 3), (400, 500, 2)]
)
def test_histograms_are_those_of_numpy(run: Run, low: float, high: float, bins: int) -> None:
    ((found,),) = run(f"SELECT ivo_histogram(ra, {low}, {high}, {bins}) FROM answers.stars")
    ra = STARS["ra"]
    counts = np.histogram(ra[ra < high], bins, (low, high))[0]
    assert list(found) == [int((ra < low).sum() + np.isnan(ra).sum()), *map(int, counts), int((ra >= high).sum())]
    assert sum(found) == 400


def test_a_histogram_of_each_group(run: Run) -> None:
    found = run("SELECT grp, ivo_histogram(v, 0, 4, 4) FROM answers.words GROUP BY grp ORDER BY grp")
    assert found == [("a", [1, 1, 0, 0, 0, 0]), ("b", [0, 0, 0, 1, 1, 0])]


@pytest.mark.parametrize("arguments", ["v, 0, 4, 0", "v, 0, 4, -1", "v, 4, 4, 2", "v, 0, 4, 2000000000"])
def test_histograms_that_are_none_are_refused(run: Run, arguments: str) -> None:
    with pytest.raises((AdqlError, psycopg.Error)):
        run(f"SELECT ivo_histogram({arguments}) FROM answers.words")


def test_normal_random_numbers_are_normal(run: Run) -> None:
    found = np.array(
        [row[0] for row in run("SELECT TOP 4000 ivo_normal_random(10, 5) FROM answers.stars AS a, answers.stars AS b")]
    )
    assert len(set(found)) == 4000
    assert found.mean() == pytest.approx(10, abs=0.5)
    assert found.std() == pytest.approx(5, abs=0.4)
    assert (np.abs(found - 10) < 5).mean() == pytest.approx(0.6827, abs=0.05)
    assert (np.abs(found - 10) < 10).mean() == pytest.approx(0.9545, abs=0.03)


@pytest.mark.parametrize(("arguments", "expected"), [
    ("-3, -2, 2, 3", 0), ("-2, 55.3, 2, 3", 1), ("2, 3, -2, 55.3", 1), ("-2, 55.3, 3, 2", 0), ("-2, 2, 2, 3", 1), ("3, 2, 0, 10", 0), ("0, 10, 3, 2", 0), ("1, 1, 1, 1", 1),
    ("NULL, 1, 0, 2", None), ("5, 6, 0, 4", 0), ("5, 6, 6.0000001, 7", 0),
])  # fmt: skip
def test_intervals_overlap_as_in_the_catalogue(run: Run, arguments: str, expected: int | None) -> None:
    assert value(run, f"ivo_interval_overlaps({arguments})") == expected


# ---- ranges of coordinates


@pytest.mark.parametrize(
    "limits", [(10, 40, -20, 30), (0, 360, -5, 5), (350, 370, -90, 90), (0, 360, 60, 90), (200, 200, -90, 90)]
)
def test_a_range_has_the_points_between_its_limits(run: Run, limits: tuple[float, float, float, float]) -> None:
    """Also across longitude 0, as a ring, round a pole, and of no width."""
    lon1, lon2, lat1, lat2 = limits
    ra, dec = STARS["ra"], STARS["dec"]
    inside = ((ra - lon1) % 360 <= lon2 - lon1) & (dec >= lat1) & (dec <= lat2)
    expected = set(STARS["id"][inside & (np.abs(dec) < 90)].tolist())
    numbers = ", ".join(map(str, limits))
    rows = run(
        f"SELECT id FROM answers.stars WHERE 1 = CONTAINS(POINT(ra, dec), RANGE_S2D({numbers})) AND ABS(dec) < 90"
    )
    assert {row[0] for row in rows} == expected


@pytest.mark.parametrize(
    ("other", "expected"), [("CIRCLE(42, 0, 1.9)", 0), ("CIRCLE(42, 0, 2.1)", 1), ("POLYGON(30, 20, 60, 20, 45, 50)", 1),
    ("RANGE_S2D(40, 50, 0, 1)", 1), ("RANGE_S2D(41, 50, 0, 1)", 0), ("POINT(20, 29.9)", 1), ("POINT(20, 30.1)", 0)],
)  # fmt: skip
def test_a_range_overlaps_other_regions(run: Run, other: str, expected: int) -> None:
    assert value(run, f"INTERSECTS(RANGE_S2D(10, 40, -20, 30), {other})") == expected
    assert value(run, f"INTERSECTS({other}, RANGE_S2D(10, 40, -20, 30))") == expected


@pytest.mark.parametrize("limits", ["40, 10, 0, 1", "0, 361, 0, 1", "0, 1, 5, 4", "0, 1, 0, 91", "-400, 0, 0, 1"])
def test_what_is_no_range_is_refused(run: Run, limits: str) -> None:
    with pytest.raises(AdqlError, match="no range of coordinates"):
        value(run, f"INTERSECTS(RANGE_S2D({limits}), CIRCLE(1, 1, 1))")


def test_a_range_contains_points_only(run: Run) -> None:
    with pytest.raises(AdqlError, match="With a RANGE, CONTAINS tells of points only"):
        value(run, "CONTAINS(CIRCLE(1, 1, 1), RANGE_S2D(0, 2, 0, 2))")


@pytest.mark.parametrize("call", ["AREA({})", "CENTROID({})", "ivo_geom_transform('ICRS', 'GALACTIC', {})"])
def test_a_range_has_no_other_use(run: Run, call: str) -> None:
    with pytest.raises(AdqlError, match="A RANGE stands in CONTAINS and INTERSECTS only"):
        value(run, call.format("RANGE_S2D(10, 40, -20, 30)"))


def test_a_bad_range_of_columns_is_null(run: Run) -> None:
    assert run(
        "SELECT INTERSECTS(RANGE_S2D(ra + 1, ra, 0, 1), CIRCLE(1, 1, 1)) AS x FROM answers.stars WHERE id = 5"
    ) == [(None,)]


# ---- sexagesimal numbers

HMS = ["3:34:45.4", "3h34m45.4s", "3H34M45.4S", "00:00:00", "23:59:59.999", "12:00:00", "03:04:05", "0:0:0.5", "1:2:3"]
DMS = [
    "42:9:6.768",
    "42d9m6.768s",
    "42D9M6.768S",
    "-00:15:00",
    "+00:15:00",
    "-0d15m0s",
    "+0d15m0s",
    "-89:59:59.99",
    "90:00:00",
    "-1:2:3",
    "+12:34:56",
]


@pytest.mark.parametrize("text", HMS)
def test_hours_are_degrees_as_in_astropy(run: Run, text: str) -> None:
    assert value(run, f"ivo_hms_to_degrees('{text}')") == pytest.approx(
        Angle(text.lower(), unit=u.hourangle).deg, abs=1e-12
    )


@pytest.mark.parametrize("text", DMS)
def test_degrees_are_degrees_as_in_astropy(run: Run, text: str) -> None:
    assert value(run, f"ivo_dms_to_degrees('{text}')") == pytest.approx(Angle(text.lower(), unit=u.deg).deg, abs=1e-12)


@pytest.mark.parametrize(("expression", "text", "unit"), [
    ("ivo_hms_to_degrees('033445.4')", "03:34:45.4", u.hourangle), ("ivo_hms_to_degrees('033445')", "03:34:45", u.hourangle), ("ivo_dms_to_degrees('420906.768')", "42:09:06.768", u.deg),
    ("ivo_dms_to_degrees('-001500')", "-00:15:00", u.deg), ("ivo_dms_to_degrees('+001500.5')", "00:15:00.5", u.deg),
])  # fmt: skip
def test_numbers_without_separators_are_read(run: Run, expression: str, text: str, unit: Any) -> None:
    assert value(run, expression) == pytest.approx(Angle(text, unit=unit).deg, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1:2",
        "1:2:3:4",
        "1:60:00",
        "1:00:60",
        "12345",
        "1h2d3s",
        "1.5:2:3",
        "1:2.5:3",
        "--1:2:3",
        "1: 2:3",
        "nan:0:0",
        "1:2:3x",
        "1;2;3",
        "99999999999:0:0",
    ],
)
def test_texts_that_are_no_angle_are_null(run: Run, text: str) -> None:
    assert value(run, f"ivo_dms_to_degrees('{text}')") is None
    assert value(run, f"ivo_hms_to_degrees('{text}')") is None


def test_a_null_text_is_a_null_angle(run: Run) -> None:
    assert value(run, "ivo_hms_to_degrees(NULL)") is None
    assert run("SELECT ivo_dms_to_degrees(word) FROM answers.words") == [(None,)] * 4


@pytest.mark.parametrize(
    "expression",
    [
        "ivo_apply_pm(1, 2)",
        "ivo_healpix_idx(1, 1, 1)",
        "ivo_to_jd(5)",
        "ivo_hasword(1, 'a')",
        "gavo_to_jd('2000-01-01')",
        "ivo_string_agg('a')",
        "ivo_healpix_index(1)",
    ],
)
def test_functions_that_are_none_are_refused(run: Run, expression: str) -> None:
    with pytest.raises(AdqlError):
        value(run, expression)
