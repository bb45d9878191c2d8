"""Every form in which people write a cone or a cross-match is served by the spatial index (EXPLAIN on real stars)."""

import random

import psycopg
import pytest

from adql.translate import translate
from schema.model import Catalogue

POINT, CIRCLE = "POINT('ICRS', ra, dec)", "CIRCLE('ICRS', 56.75, 24.12, 0.5)"

CONES = {
    "1 = CONTAINS": f"SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS({POINT}, {CIRCLE})",
    "CONTAINS = 1": f"SELECT tyc_id FROM demo.stars WHERE CONTAINS({POINT}, {CIRCLE}) = 1",
    "CONTAINS <> 0": f"SELECT tyc_id FROM demo.stars WHERE CONTAINS({POINT}, {CIRCLE}) <> 0",
    "CONTAINS > 0": f"SELECT tyc_id FROM demo.stars WHERE CONTAINS({POINT}, {CIRCLE}) > 0",
    "polygon": "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(56, 24, 57, 24, 57, 25))",
    "box": "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), BOX(56.75, 24.12, 1, 1))",
    "region": "SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), REGION('CIRCLE 56.75 24.12 0.5'))",
    "1 = INTERSECTS": f"SELECT tyc_id FROM demo.stars WHERE 1 = INTERSECTS({POINT}, {CIRCLE})",
    "INTERSECTS(circle, point)": f"SELECT tyc_id FROM demo.stars WHERE INTERSECTS({CIRCLE}, {POINT}) = 1",
    "DISTANCE of points": "SELECT tyc_id FROM demo.stars WHERE DISTANCE(POINT(ra, dec), POINT(56.75, 24.12)) < 0.5",
    "DISTANCE, points swapped": "SELECT tyc_id FROM demo.stars WHERE DISTANCE(POINT(56.75, 24.12), POINT(ra, dec)) <= 0.5",
    "DISTANCE of numbers": "SELECT tyc_id FROM demo.stars WHERE DISTANCE(ra, dec, 56.75, 24.12) < 30. / 60",
    "radius first": "SELECT tyc_id FROM demo.stars WHERE 0.5 > DISTANCE(ra, dec, 56.75, 24.12)",
    "DISTANCE BETWEEN": "SELECT tyc_id FROM demo.stars WHERE DISTANCE(ra, dec, 56.75, 24.12) BETWEEN 0 AND 0.5",
    "with other conditions": f"SELECT tyc_id FROM demo.stars WHERE vmag < 9 AND 1 = CONTAINS({POINT}, {CIRCLE})",
    "two cones with OR": f"SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS({POINT}, {CIRCLE})"
    " OR DISTANCE(ra, dec, 130, 20) < 0.5",
    "TOP": f"SELECT TOP 5 tyc_id FROM demo.stars WHERE 1 = CONTAINS({POINT}, {CIRCLE})",
    "TOP and ORDER BY an indexed column": f"SELECT TOP 5 tyc_id FROM demo.stars WHERE 1 = CONTAINS({POINT}, {CIRCLE}) ORDER BY vmag",
    "TOP and ORDER BY the distance": "SELECT TOP 5 tyc_id, DISTANCE(ra, dec, 56.75, 24.12) AS d FROM demo.stars"
    " WHERE DISTANCE(ra, dec, 56.75, 24.12) < 0.5 ORDER BY d",
    "through a derived table": "SELECT q.tyc_id FROM (SELECT tyc_id, ra, dec FROM demo.stars WHERE vmag < 10) AS q"
    " WHERE DISTANCE(q.ra, q.dec, 56.75, 24.12) < 0.5",
    "through WITH": "WITH s AS (SELECT tyc_id, ra, dec FROM demo.stars) SELECT tyc_id FROM s"
    " WHERE DISTANCE(ra, dec, 56.75, 24.12) < 0.5",
    "through WITH, used twice": "WITH s AS (SELECT tyc_id, ra, dec FROM demo.stars) SELECT tyc_id FROM s"
    " WHERE DISTANCE(ra, dec, 56.75, 24.12) < 0.5 UNION ALL SELECT tyc_id FROM s WHERE DISTANCE(ra, dec, 130, 20) < 0.5",
    "count": f"SELECT COUNT(*) FROM demo.stars WHERE 1 = CONTAINS({POINT}, {CIRCLE})",
    "IN a query": f"SELECT name FROM demo.ngc WHERE name IN (SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS({POINT}, {CIRCLE}))",
}
_S, _N = "POINT(s.ra, s.dec)", "POINT(n.ra, n.dec)"
MATCHES = {
    "the small table in the circle": f"CONTAINS({_S}, CIRCLE(n.ra, n.dec, 0.01)) = 1",
    "the large table in the circle": f"1 = CONTAINS({_N}, CIRCLE(s.ra, s.dec, 0.01))",
    "a radius from a column": f"1 = CONTAINS({_S}, CIRCLE(n.ra, n.dec, n.radius))",
    "DISTANCE of points": f"DISTANCE({_S}, {_N}) < 0.01",
    "DISTANCE of points, swapped": f"DISTANCE({_N}, {_S}) <= 0.01",
    "DISTANCE of numbers": "DISTANCE(n.ra, n.dec, s.ra, s.dec) < 1. / 3600",
    "DISTANCE below a column": f"DISTANCE({_S}, {_N}) < n.radius",
    "DISTANCE in arcseconds": f"DISTANCE({_S}, {_N}) * 3600 < 36",
    "DISTANCE in arcseconds below a column": f"DISTANCE({_S}, {_N}) * 3600 < n.radius",
    "IN_UNIT": f"36 > IN_UNIT(DISTANCE({_S}, {_N}), 'arcsec')",
    "two circles": "1 = INTERSECTS(CIRCLE(s.ra, s.dec, 0.001), CIRCLE(n.ra, n.dec, 0.002))",
}


def plan(connection: psycopg.Connection, catalogue: Catalogue, query: str) -> str:
    sql = translate(query, catalogue).sql
    connection.execute("SET jit = off")
    return "\n".join(row[0] for row in connection.execute(b"EXPLAIN " + sql.encode()).fetchall())


def uses_index_of_stars(found: str) -> bool:
    return "stars_spoint_idx" in found and "Seq Scan on stars" not in found


@pytest.mark.parametrize("query", CONES.values(), ids=CONES)
def test_a_cone_uses_the_index(reader: psycopg.Connection, catalogue: Catalogue, query: str) -> None:
    found = plan(reader, catalogue, query)
    assert uses_index_of_stars(found), found


@pytest.mark.parametrize("where", [False, True], ids=["ON", "WHERE"])
@pytest.mark.parametrize("condition", MATCHES.values(), ids=MATCHES)
def test_a_cross_match_looks_the_large_table_up_by_its_index(
    reader: psycopg.Connection, catalogue: Catalogue, condition: str, where: bool
) -> None:
    tables = "demo.ngc AS n, demo.stars AS s WHERE" if where else "demo.ngc AS n JOIN demo.stars AS s ON"
    found = plan(reader, catalogue, f"SELECT n.name, s.tyc_id FROM {tables} {condition}")
    assert uses_index_of_stars(found), found


@pytest.mark.parametrize("condition", MATCHES.values(), ids=MATCHES)
def test_a_left_join_by_position_uses_the_index(
    reader: psycopg.Connection, catalogue: Catalogue, condition: str
) -> None:
    found = plan(
        reader, catalogue, f"SELECT n.name, s.tyc_id FROM demo.ngc AS n LEFT JOIN demo.stars AS s ON {condition}"
    )
    assert uses_index_of_stars(found), found


def test_a_join_of_one_table_with_itself_in_a_cone_uses_the_index_on_both_sides(
    reader: psycopg.Connection, catalogue: Catalogue
) -> None:
    found = plan(
        reader,
        catalogue,
        "SELECT a.tyc_id, b.tyc_id FROM demo.stars AS a JOIN demo.stars AS b"
        " ON DISTANCE(POINT(a.ra, a.dec), POINT(b.ra, b.dec)) < 0.003"
        " WHERE DISTANCE(a.ra, a.dec, 56.75, 24.12) < 0.5",
    )
    assert found.count("stars_spoint_idx") == 2, found
    assert "Seq Scan" not in found


MOCS = {
    "a text": "MOC('7/1849-1852 8/')",
    "cells of a circle": "MOC(9, CIRCLE(56.75, 24.12, 0.5))",
    "two fields far apart": "MOC('6/462 30000')",
    "at a pole": "MOC('4/255 511')",
    "an empty one": "MOC('0/')",
    "in small letters": "moc('6/462')",
    "what two have in common": "gavo_mocintersect(MOC(8, CIRCLE(56.75, 24.12, 3)), MOC(8, CIRCLE(60, 25, 3)))",
    "a difference": "moc_difference(MOC('6/462'), gavo_mocunion(MOC('7/1848'), MOC('7/1850')))",
}


@pytest.mark.parametrize("condition", ["1 = CONTAINS({point}, {moc})", "INTERSECTS({moc}, {point}) = 1"])
@pytest.mark.parametrize("moc", MOCS.values(), ids=MOCS)
def test_a_small_moc_uses_the_index(reader: psycopg.Connection, catalogue: Catalogue, moc: str, condition: str) -> None:
    query = f"SELECT tyc_id FROM demo.stars WHERE {condition.format(point=POINT, moc=moc)}"
    found = plan(reader, catalogue, query)
    assert uses_index_of_stars(found), found


@pytest.mark.parametrize("count", [100, 500])
def test_a_moc_of_many_small_cells_all_over_the_sky_uses_the_index(
    reader: psycopg.Connection, catalogue: Catalogue, count: int
) -> None:
    cells = " ".join(map(str, sorted(random.Random(count).sample(range(12 * 4**9), count))))
    found = plan(reader, catalogue, f"SELECT tyc_id FROM demo.stars WHERE 1 = CONTAINS({POINT}, MOC('9/{cells}'))")
    assert uses_index_of_stars(found), found[:2000]


def test_a_small_moc_with_top_and_an_order_uses_the_index_on_positions(
    reader: psycopg.Connection, catalogue: Catalogue
) -> None:
    condition = f"1 = CONTAINS({POINT}, {MOCS['a text']})"
    found = plan(reader, catalogue, f"SELECT TOP 5 tyc_id FROM demo.stars WHERE {condition} ORDER BY vmag")
    assert uses_index_of_stars(found), found


def test_the_whole_sky_as_a_moc_reads_the_table_once(reader: psycopg.Connection, catalogue: Catalogue) -> None:
    found = plan(reader, catalogue, f"SELECT COUNT(*) AS n FROM demo.stars WHERE 1 = CONTAINS({POINT}, MOC('0/0-11'))")
    assert "Seq Scan on stars" in found, found
    assert "stars_spoint_idx" not in found, found


def test_top_rows_of_a_moc_of_half_the_sky_come_in_the_order_of_an_index(
    reader: psycopg.Connection, catalogue: Catalogue
) -> None:
    """Not fenced, as a cone would be: rows in it are found at once whatever the order."""
    condition = f"1 = CONTAINS({POINT}, MOC('0/0-5'))"
    found = plan(reader, catalogue, f"SELECT TOP 5 tyc_id FROM demo.stars WHERE {condition} ORDER BY vmag")
    assert "Seq Scan" not in found, found
    assert "Sort" not in found, found
