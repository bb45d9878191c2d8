"""What queries with MOCs answer on a real database, against mocpy.

mocpy 0.21's `difference` leaves cells out; what is outside of a MOC is asked of its complement here.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from cdshealpix.nested import lonlat_to_healpix
from mocpy import MOC

from adql.errors import AdqlError
from adql.literal_mocs import DEEPEST_OF_REGION
from adql.moc_cones import cones_round
from schema.description import parse_description
from schema.moc import parse_moc
from schema.publish import publish_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tests.adql import brute_force
from tests.conftest import Run

DICE = np.random.default_rng(11)


def points() -> dict[str, Any]:
    """Scattered over the sky, many near the poles and near longitude 0, some on seams of HEALPix, one without a position."""
    ra, dec = brute_force.scattered(6000, 5)
    near_pole = 90 - 10 ** DICE.uniform(-4, 1, 600)
    seams, poles = np.repeat([0.0, 90.0, 180.0, 270.0], 50), [0.0, 0.0]
    ra = np.concatenate([ra, DICE.uniform(0, 360, 600), (DICE.uniform(-1e-3, 1e-3, 300)) % 360, seams, poles, [np.nan]])
    caps = np.where(DICE.random(200) < 0.5, 1, -1) * DICE.uniform(42, 90, 200)
    dec = np.concatenate([dec, near_pole * np.where(DICE.random(600) < 0.5, 1, -1), DICE.uniform(-80, 80, 300), caps])
    dec = np.concatenate([dec, [90.0, -90.0], [0.0]])
    return {"id": np.arange(len(ra), dtype=np.int64), "ra": ra, "dec": dec}


POINTS = points()
IDS, RA, DEC = POINTS["id"][:-1], POINTS["ra"][:-1], POINTS["dec"][:-1]


def random_moc(order: int, count: int, *, compact: bool = False) -> MOC:
    """Of so many cells of an order, anywhere or close to each other."""
    cells = 12 * 4**order
    first, size = (int(DICE.integers(cells)), max(1, cells // 200)) if compact else (0, cells)
    numbers = (first + DICE.integers(0, size, count)) % cells
    return MOC.from_healpix_cells(numbers.astype(np.uint64), np.full(count, order, np.uint8), order)


def text_of(moc: MOC) -> str:
    return " ".join(moc.to_string().split())


def of_text(text: str) -> MOC:
    return MOC.from_string(text)


def within(one: MOC, other: MOC) -> bool:
    return bool(one.intersection(other.complement()).empty())


MOCS = {
    "empty": MOC.from_string("0/"),
    "whole sky": MOC.from_string("0/0-11"),
    "a cell at a pole": MOC.from_string("3/63"),
    "a cell at longitude 0": MOC.from_string("2/71 5/"),
    "the smallest cell": MOC.from_string("29/123456789012345678"),
    "few cells": random_moc(4, 12),
    "many cells": random_moc(8, 40_000),
    "a small field": random_moc(9, 3000, compact=True),
    "half of the sky": MOC.from_string("0/0-5"),
    "several orders": random_moc(3, 20).union(random_moc(7, 500)),
    "around a pole": MOC.from_cone(0 * u.deg, 90 * u.deg, radius=5 * u.deg, max_depth=9),
    "across longitude 0": MOC.from_cone(0 * u.deg, 12 * u.deg, radius=4 * u.deg, max_depth=8),
}
COLUMN = {number: name for number, name in enumerate(MOCS) if name != "many cells"}


@pytest.fixture(scope="module", autouse=True)
def _tables(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("mocs")
    brute_force.put(config, folder, "points", POINTS, units={"ra": "deg", "dec": "deg"}, position=("ra", "dec"))
    with database.owner_connection(config) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        connection.execute("CREATE TABLE answers.mocs (id integer, map smoc)")
        with connection.cursor() as cursor:
            rows = [(number, text_of(MOCS[name])) for number, name in COLUMN.items()]
            cursor.executemany("INSERT INTO answers.mocs VALUES (%s, %s)", [*rows, (99, None)])
        publish_table(connection, "answers.mocs", parse_description({}))
    yield
    with database.owner_connection(config) as connection:
        unpublish_table(connection, "answers.mocs")
        connection.execute("DROP TABLE answers.mocs")
    brute_force.take_away(config, "points")


def ids(run: Run, condition: str) -> list[int]:
    return [row[0] for row in run(f"SELECT id FROM answers.points WHERE {condition} ORDER BY id")]


def value(run: Run, expression: str) -> Any:
    ((found,),) = run(f"SELECT TOP 1 {expression} AS x FROM tap_schema.schemas")
    return found


def inside(moc: MOC) -> list[int]:
    return list(IDS[moc.contains_lonlat(RA * u.deg, DEC * u.deg)])


# ---- points


@pytest.mark.parametrize("moc", MOCS.values(), ids=MOCS)
def test_the_points_in_a_moc_are_those_that_mocpy_finds(run: Run, moc: MOC) -> None:
    literal = f"MOC('{text_of(moc)}')"
    expected = inside(moc)
    assert ids(run, f"1 = CONTAINS(POINT(ra, dec), {literal})") == expected
    assert ids(run, f"INTERSECTS({literal}, POINT(ra, dec)) = 1") == expected
    outside = sorted(set(IDS) - set(expected))
    assert ids(run, f"0 = CONTAINS(POINT(ra, dec), {literal})") == outside


def test_the_points_in_each_moc_of_a_column_are_those_that_mocpy_finds(run: Run) -> None:
    rows = run(
        "SELECT m.id, p.id FROM answers.points AS p JOIN answers.mocs AS m ON 1 = CONTAINS(POINT(p.ra, p.dec), m.map)"
    )
    for number, name in COLUMN.items():
        assert sorted(point for moc, point in rows if moc == number) == inside(MOCS[name]), name
    assert 99 not in {moc for moc, _ in rows}


@pytest.mark.parametrize("order", [0, 6, 29])
def test_the_moc_of_each_position_is_its_cell(run: Run, order: int) -> None:
    found = run(f"SELECT MOC({order}, POINT(ra, dec)) FROM answers.points WHERE ra IS NOT NULL ORDER BY id")
    cells = lonlat_to_healpix(RA * u.deg, DEC * u.deg, order)
    assert [text for (text,) in found] == [f"{order}/{cell}" for cell in cells]


@pytest.mark.parametrize("name", MOCS)
def test_the_circles_round_a_moc_hold_all_of_it(name: str) -> None:
    cones = cones_round(parse_moc(text_of(MOCS[name])))
    if cones is None:
        assert MOCS[name].sky_fraction > 0.02
        return
    covered = brute_force.in_circle(RA, DEC, cones[0])
    for cone in cones[1:]:
        covered |= brute_force.in_circle(RA, DEC, cone)
    assert set(inside(MOCS[name])) <= set(IDS[covered])


# ---- regions

CIRCLES = [(10.0, 20.0, 5.0), (0.0, 0.0, 2.0), (123.0, 90.0, 3.0), (77.0, -89.0, 12.0), (40.0, 40.0, 90.0), (7.0, 8.0, 1e-3), (200.0, 5.0, 0.0)]  # fmt: skip
POLYGONS = [
    ((30.0, 10.0), (40.0, 10.0), (40.0, 20.0), (30.0, 20.0)),
    ((350.0, -5.0), (15.0, -10.0), (5.0, 20.0)),
    ((0.0, 85.0), (120.0, 84.5), (240.0, 86.0)),
    ((210.0, 30.0), (205.0, 50.0), (215.0, 40.0), (230.0, 60.0), (220.0, 30.0), (213.0, 36.0)),
]


def region_of(shape: tuple[Any, ...]) -> str:
    numbers = ", ".join(repr(float(number)) for number in np.ravel(shape))
    return f"CIRCLE({numbers})" if len(np.ravel(shape)) == 3 else f"POLYGON({numbers})"


def mocpy_of(shape: tuple[Any, ...], order: int) -> MOC:
    if len(np.ravel(shape)) == 3:
        lon, lat, radius = shape
        return MOC.from_cone(lon * u.deg, lat * u.deg, radius=radius * u.deg, max_depth=order)
    lon, lat = np.transpose(shape)
    return MOC.from_polygon(lon * u.deg, lat * u.deg, max_depth=order)


SHAPES = [*CIRCLES, *POLYGONS]


@pytest.mark.parametrize("shape", SHAPES, ids=map(region_of, SHAPES))
def test_the_cells_of_a_region_are_those_of_mocpy(run: Run, shape: tuple[Any, ...]) -> None:
    orders = (0, 3, 7, 10)
    mocs = ", ".join(f"MOC({order}, {region_of(shape)}) AS m{order}" for order in orders)
    (found,) = run(f"SELECT TOP 1 {mocs} FROM tap_schema.schemas")
    assert [of_text(text) for text in found] == [mocpy_of(shape, order) for order in orders]


@pytest.mark.parametrize("order", [0, 6])
def test_the_cells_of_regions_of_columns_are_those_of_mocpy_and_few_besides(run: Run, order: int) -> None:
    """pgSphere finds them, which takes some for touched that the region just misses."""
    rows = run(
        f"SELECT ra, dec, MOC({order}, CIRCLE(ra, dec, 1.0 + id / 100)),"
        f" MOC({order}, POLYGON(ra, dec, ra + 4, dec, ra + 4, dec + 4)),"
        f" MOC({order}, POLYGON(ra, dec, ra + 4, dec, ra + 1, dec + 1, ra, dec + 4))"
        " FROM answers.points WHERE id < 30 AND ABS(dec) < 80 AND ra < 350"
    )
    assert rows
    cells = extra = 0
    for ra, dec, *texts in rows:
        corners = (
            [(ra, dec), (ra + 4, dec), (ra + 4, dec + 4)],
            [(ra, dec), (ra + 4, dec), (ra + 1, dec + 1), (ra, dec + 4)],
        )
        shapes = [(ra, dec, 1.0), *map(tuple, corners)]
        for shape, text in zip(shapes, texts, strict=True):
            found, finer = of_text(text), mocpy_of(shape, order + 6).degrade_to_order(order)
            assert within(finer, found), (shape, text)
            cells, extra = cells + len(found.flatten()), extra + len(found.flatten()) - len(finer.flatten())
    assert extra <= 0.06 * cells


@pytest.mark.parametrize("shape", SHAPES, ids=map(region_of, SHAPES))
def test_a_region_is_in_a_moc_if_all_cells_that_it_touches_are(run: Run, shape: tuple[Any, ...]) -> None:
    names = ("few cells", "several orders", "half of the sky", "empty", "whole sky")
    region = region_of(shape)
    asked = "CONTAINS({0}, {1}), INTERSECTS({0}, {1}), INTERSECTS({1}, {0})".format
    literals = ", ".join(asked(region, f"MOC('{text_of(MOCS[name])}')") for name in names)
    numbers = [number for number, name in COLUMN.items() if name in names]
    rows = run(f"SELECT id, {asked(region, 'map')} FROM answers.mocs WHERE id IN ({', '.join(map(str, numbers))})")
    of_column = {COLUMN[number]: answers for number, *answers in rows}
    (of_literals,) = run(f"SELECT TOP 1 {literals} FROM tap_schema.schemas")
    for place, name in enumerate(names):
        moc = MOCS[name]
        cells = mocpy_of(shape, 12 if shape[-1] != 90.0 else 9).degrade_to_order(moc.max_order)
        meets = int(not cells.intersection(moc).empty())
        expected = [int(within(cells, moc)), meets, meets]
        assert of_column[name] == list(of_literals[3 * place : 3 * place + 3]) == expected, name


def test_regions_of_columns_are_compared_with_mocs_as_constant_ones_are(run: Run) -> None:
    circle = "CIRCLE(p.ra, p.dec, 3.0)"
    rows = run(
        f"SELECT p.ra, p.dec, m.id, CONTAINS({circle}, m.map) AS c, INTERSECTS({circle}, m.map) AS i"
        " FROM answers.points AS p, answers.mocs AS m WHERE p.id < 15 AND m.map IS NOT NULL AND m.id <> 4"
    )
    wrong = 0
    for ra, dec, number, contains, intersects in rows:
        moc = MOCS[COLUMN[number]]
        cells = mocpy_of((ra, dec, 3.0), 12).degrade_to_order(min(moc.max_order, 12))
        wrong += (bool(contains), bool(intersects)) != (within(cells, moc), not cells.intersection(moc).empty())
    assert wrong <= 0.01 * len(rows)


# ---- sets


@pytest.mark.parametrize("seed", range(4))
def test_unions_intersections_differences_and_complements_are_those_of_mocpy(run: Run, seed: int) -> None:
    one, other = random_moc(2 + 2 * seed, 30 * 5**seed), random_moc(7 - seed, 300)
    a, b = f"MOC('{text_of(one)}')", f"MOC('{text_of(other)}')"
    assert of_text(value(run, f"gavo_mocunion({a}, {b})")) == one.union(other)
    assert of_text(value(run, f"gavo_mocintersect({a}, {b})")) == one.intersection(other)
    assert of_text(value(run, f"moc_difference({a}, {b})")) == one.intersection(other.complement())
    assert of_text(value(run, f"moc_complement({a})")) == one.complement()
    assert value(run, f"AREA({a})") == pytest.approx(one.sky_fraction * 41252.96124941928, rel=1e-12)
    assert value(run, f"INTERSECTS({a}, {b})") == int(not one.intersection(other).empty())
    assert value(run, f"CONTAINS({a}, gavo_mocunion({a}, {b}))") == 1
    assert value(run, f"CONTAINS(gavo_mocunion({a}, {b}), {a})") == int(within(other, one))


@pytest.mark.parametrize("order", [0, 5, 10])
def test_the_moc_of_all_positions_is_that_of_mocpy(run: Run, order: int) -> None:
    ((found,),) = run(f"SELECT MOC_AGG({order}, POINT(ra, dec)) FROM answers.points")
    assert of_text(found) == MOC.from_lonlat(RA * u.deg, DEC * u.deg, max_norder=order)


def test_a_moc_of_positions_is_made_for_each_group_and_none_of_no_rows(run: Run) -> None:
    rows = run("SELECT MOD(id, 3) AS k, MOC_AGG(4, POINT(ra, dec)) AS m FROM answers.points GROUP BY MOD(id, 3)")
    assert len(rows) == 3
    for key, text in rows:
        chosen = key == IDS % 3
        assert of_text(text) == MOC.from_lonlat(RA[chosen] * u.deg, DEC[chosen] * u.deg, max_norder=4)
    assert run("SELECT MOC_AGG(4, POINT(ra, dec)) AS m FROM answers.points WHERE id < 0") == [(None,)]


def test_the_union_of_all_mocs_of_a_column_is_that_of_mocpy(run: Run) -> None:
    ((found,),) = run("SELECT MOC_AGG(map) FROM answers.mocs WHERE id IN (2, 3, 5, 9)")
    names = ["a cell at a pole", "a cell at longitude 0", "few cells", "several orders"]
    assert [COLUMN[number] for number in (2, 3, 5, 9)] == names
    assert of_text(found) == MOCS[names[0]].union(*(MOCS[name] for name in names[1:]))


def test_mocs_are_told_apart_by_distinct_and_set_operations(run: Run) -> None:
    query = "SELECT map FROM answers.mocs WHERE id IN (0, 1) UNION SELECT MOC('0/0-11') FROM answers.mocs"
    assert sorted(row[0] for row in run(query)) == ["0/", "0/0-11"]
    assert len(run("SELECT DISTINCT map FROM answers.mocs")) == len(COLUMN) + 1


# ---- what is refused

REFUSED = {
    "MOC('4/30-33 5/1x24')": (22, "'1x24' cannot stand in a MOC"),
    "MOC('1/48')": (14, "Cells of order 1 are from 0 to 47"),
    "MOC('')": (12, "at least an order"),
    "MOC('t61/5')": (12, "MOC of times"),
    "MOC(30, CIRCLE(10, 20, 1))": (11, "from 0 to 24"),
    "MOC(25, CIRCLE(10, 20, 1))": (11, "from 0 to 24"),
    "MOC(20, CIRCLE(10, 20, 1))": (11, "too many cells of order 20"),
    "MOC(15, CIRCLE(id, 20, 1))": (11, "from 0 to 14"),
    "MOC(id, CIRCLE(10, 20, 1))": (11, "from 0 to 24"),
    "MOC(-1, POINT(10, 20))": (11, "from 0 to 29"),
    "MOC(6, map)": (14, "a MOC already"),
    "MOC(map)": (11, "does not take MOC values"),
    "MOC(6)": (11, "does not take INTEGER values"),
    "MOC_AGG(11, POINT(id, 20))": (15, "from 0 to 10"),
    "CENTROID(map)": (16, "no centroid"),
    "CONTAINS(map, CIRCLE(10, 20, 1))": (16, "not known exactly"),
    "CONTAINS(map, POINT(10, 20))": (21, "never inside a point"),
    "ivo_geom_transform('ICRS', 'GALACTIC', map)": (46, "cannot be turned"),
    "gavo_mocunion(map, CIRCLE(10, 20, 1))": (26, "does not take CIRCLE values"),
    "moc_difference(map, '0/1')": (27, "does not take VARCHAR values"),
    "map || 'x'": (7, "not a MOC"),
    "MAX(map)": (11, "cannot compare MOCs"),
    "MOC_AGG(map) OVER (PARTITION BY id)": (7, "cannot stand before OVER"),
    "CAST(map AS INTEGER)": (7, "cannot be cast"),
    "INMOC(id, 20, '0/1')": (7, "There is no function inmoc"),
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_cannot_be_is_refused_where_it_stands(run: Run, expression: str) -> None:
    place, message = REFUSED[expression]
    with pytest.raises(AdqlError, match=message) as error:
        run(f"SELECT {expression} FROM answers.mocs")
    assert error.value.span.start == place


@pytest.mark.parametrize("order", [18, DEEPEST_OF_REGION])
def test_a_small_region_can_be_made_of_very_small_cells(run: Run, order: int) -> None:
    shape = (56.75, 24.12, 3e-7 * 2 ** (24 - order))
    assert of_text(value(run, f"MOC({order}, {region_of(shape)})")) == mocpy_of(shape, order)
