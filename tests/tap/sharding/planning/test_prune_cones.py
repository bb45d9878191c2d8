"""The pixels that a search is given cover all of it, by brute force over positions in it."""

import math
import random

import numpy as np
import pyarrow as pa
import pytest
from cdshealpix.nested import vertices

from adql import nodes, postgres
from adql.parse import parse
from adql.resolve import resolve
from adql.rewrite import rewrite
from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table
from tap.sharding.layout import cells_of
from tap.sharding.model import HealpixPartitioning, Placement
from tap.sharding.planning.prune import pruned

ORDER = 6
PLACES = [(0.0, 90.0), (0.0, -90.0), (359.9999, 0.0), (45.0, 41.8103), (90.0, 0.0), (180.0, 66.0)]
STARS = Table(
    "s",
    "s.stars",
    tuple(Column(name, "double") for name in ("ra", "dec", "g")),
)
PLACEMENTS = {("s", "stars"): Placement(HealpixPartitioning("hpx6", ORDER, "ra", "dec"), ())}
CATALOGUE = Catalogue((Schema("s", (STARS,)),))


def sql(condition: str) -> str:
    query = translate(f"SELECT g FROM s.stars WHERE {condition}", CATALOGUE).query
    assert query is not None
    return postgres.query(pruned(query, PLACEMENTS))


def ranges(condition: str) -> list[tuple[int, int]]:
    query = pruned(rewrite(resolve(parse(f"SELECT g FROM s.stars WHERE {condition}"), CATALOGUE)[0]), PLACEMENTS)
    found: list[tuple[int, int]] = []
    pending: list[object] = [query.body.where]  # type: ignore[union-attr]
    while pending:
        node = pending.pop()
        if isinstance(node, nodes.And | nodes.Or):
            pending += node.operands
        elif isinstance(node, nodes.Between):
            found.append((int(node.low.text), int(node.high.text)))  # type: ignore[union-attr]
    return found


def offsets(ra: float, dec: float, radius: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions in a cone, its edge included."""
    rng = np.random.default_rng(3)
    distance = np.radians(radius) * np.sqrt(rng.random(count))
    distance[: count // 4] = np.radians(radius)
    angle = 2 * np.pi * rng.random(count)
    a, d = math.radians(ra), math.radians(dec)
    lat = np.arcsin(np.clip(np.sin(d) * np.cos(distance) + np.cos(d) * np.sin(distance) * np.cos(angle), -1, 1))
    lon = a + np.arctan2(np.sin(angle) * np.sin(distance) * np.cos(d), np.cos(distance) - np.sin(d) * np.sin(lat))
    return np.degrees(lon) % 360, np.degrees(lat)


@pytest.mark.parametrize("seed", range(40))
def test_every_position_in_a_cone_is_in_its_pixels(seed: int) -> None:
    dice = random.Random(seed)
    ra, dec = (
        PLACES[seed] if seed < len(PLACES) else (dice.uniform(0, 360), math.degrees(math.asin(dice.uniform(-1, 1))))
    )
    radius = 10 ** dice.uniform(-4, math.log10(59))
    found = ranges(f"DISTANCE(ra, dec, {ra}, {dec}) < {radius}")
    lon, lat = offsets(ra, dec, radius, 4000)
    cells = cells_of(pa.array(lon), pa.array(lat))
    covered = np.zeros(len(cells), bool)
    for first, last in found:
        covered |= (cells >= first) & (cells <= last)
    assert covered.all()
    assert 1 <= len(found) <= 12


def test_small_cones_get_few_pixels() -> None:
    sizes = [sum(b - a + 1 for a, b in ranges(f"DISTANCE(ra, dec, {ra}, 12.3) < 0.1")) for ra in range(0, 360, 7)]
    assert max(sizes) <= 40
    assert sorted(sizes)[len(sizes) // 2] <= 3


@pytest.mark.parametrize(
    "region", ["POLYGON(10, 10, 20, 12, 18, 25, 9, 22)", "POLYGON(355, -5, 5, -5, 5, 5, 355, 5)", "BOX(30, 80, 20, 10)"]
)
def test_polygons_and_boxes_have_pixels_too(region: str) -> None:
    assert '"hpx6" BETWEEN' in sql(f"1 = CONTAINS(POINT(ra, dec), {region})")


@pytest.mark.parametrize(
    "condition",
    [
        "DISTANCE(ra, dec, 10, 10) < g",
        "DISTANCE(g, dec, 10, 10) < 1",
        "DISTANCE(dec, ra, 10, 10) < 1",
        "DISTANCE(ra, dec, 10, 10) < 80",
        "DISTANCE(ra, dec, 10, 10) > 1",
        "1 = CONTAINS(POINT(ra, dec), CIRCLE(ra, 10, 1))",
    ],
)
def test_what_has_no_constant_place_or_is_not_the_tables_position_has_none(condition: str) -> None:
    assert "hpx6" not in sql(condition)


def test_the_pixel_is_that_of_the_table_not_of_a_query_in_from() -> None:
    query = "SELECT g FROM (SELECT ra, dec, g FROM s.stars) AS q WHERE DISTANCE(q.ra, q.dec, 10, 10) < 1"
    assert "hpx6" not in translate(query, CATALOGUE).sql


def test_a_table_that_is_not_sharded_has_none() -> None:
    plain = Catalogue((Schema("s", (Table("s", "s.stars", STARS.columns),)),))
    assert "hpx6" not in translate("SELECT g FROM s.stars WHERE DISTANCE(ra, dec, 1, 1) < 1", plain).sql


# ---- MOCs


@pytest.mark.parametrize("seed", range(12))
def test_every_position_in_a_moc_is_in_its_pixels(seed: int) -> None:
    dice = np.random.default_rng(seed)
    order = int(dice.integers(0, 11))
    first = int(dice.integers(12 * 4**order))
    cells = np.unique((first + dice.integers(0, 2 * 4 ** (order // 2), 30)) % (12 * 4**order))[: 1 + 3 * seed]
    found = ranges(f"1 = CONTAINS(POINT(ra, dec), MOC('{order}/{' '.join(map(str, cells))}'))")
    if not found:
        assert len(cells) > 6 * 4**order
        return
    lon, lat = vertices(cells.astype(np.uint64), order, step=20)
    of_edges = cells_of(pa.array(lon.deg.ravel() % 360), pa.array(lat.deg.ravel()))
    covered = np.zeros(len(of_edges), bool)
    for low, high in found:
        covered |= (of_edges >= low) & (of_edges <= high)
    assert covered.all()
    assert len(found) <= 12


def test_a_small_moc_gets_few_pixels_and_one_of_most_of_the_sky_all() -> None:
    assert sum(b - a + 1 for a, b in ranges("1 = CONTAINS(POINT(ra, dec), MOC('6/1000 9/5'))")) <= 40
    assert ranges("1 = CONTAINS(POINT(ra, dec), MOC('0/0-8'))") == []
    assert 1 <= sum(b - a + 1 for a, b in ranges("1 = CONTAINS(POINT(ra, dec), MOC('0/'))")) <= 9


def test_the_pixels_of_a_moc_stand_beside_it_wherever_it_stands() -> None:
    moc = "1 = CONTAINS(POINT(ra, dec), MOC('6/1000'))"
    assert ranges(f"{moc} OR g < 3") == ranges(moc)
    assert ranges(f"NOT {moc}") == []
    assert '"hpx6"' in sql(moc)
