"""Whatever is asked, the rows are the same whether a table lies on four shards or on one server."""

import csv
import io
import math
import random
import urllib.parse
import urllib.request
from collections import Counter

import psycopg
import pytest

from tap.config import Config
from tap.engine import database
from tap.sharding.placements import read_placements
from tests.tap.sharding.test_tables_on_shards import ALIKE, CENTRES, RADII

TOGETHER = [
    "SELECT COUNT(*) AS n, AVG(p.teff) AS t FROM {s}.source AS s JOIN {s}.params AS p ON s.source_id = p.source_id",
    "SELECT s.source_id, p.teff FROM {s}.source AS s JOIN {s}.params AS p USING (source_id) WHERE s.vmag < 9",
    "SELECT s.source_id, p.teff FROM {s}.source AS s NATURAL JOIN {s}.params AS p WHERE s.vmag < 9",
    "SELECT s.source_id, p.teff FROM {s}.source AS s, {s}.params AS p WHERE s.source_id = p.source_id AND s.vmag < 8",
    "SELECT s.source_id, p.teff FROM {s}.source AS s LEFT JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 9",
    "SELECT s.source_id, p.teff FROM {s}.params AS p RIGHT JOIN {s}.source AS s ON s.source_id = p.source_id WHERE s.vmag < 9",
    "SELECT COUNT(s.source_id) AS a, COUNT(p.source_id) AS b, COUNT(*) AS n FROM {s}.source AS s FULL JOIN {s}.params AS p ON s.source_id = p.source_id",
    "SELECT p.source_id, COUNT(*) AS n FROM {s}.source AS s LEFT JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 9 GROUP BY p.source_id",
    "SELECT s.source_id, COUNT(*) AS n FROM {s}.source AS s JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 9 GROUP BY s.source_id",
    "SELECT DISTINCT s.source_id, s.vmag FROM {s}.source AS s JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 9",
    "SELECT s.source_id FROM {s}.source AS s WHERE s.vmag < 9 AND EXISTS (SELECT p.teff FROM {s}.params AS p WHERE p.source_id = s.source_id AND p.teff > 5000)",
    "SELECT s.source_id FROM {s}.source AS s WHERE s.vmag < 9 AND NOT EXISTS (SELECT p.teff FROM {s}.params AS p WHERE p.source_id = s.source_id)",
    "SELECT s.source_id FROM {s}.source AS s WHERE s.vmag < 9 AND s.source_id IN (SELECT p.source_id FROM {s}.params AS p WHERE p.teff > 5000)",
    "SELECT s.source_id FROM {s}.source AS s WHERE s.vmag < 9 AND s.source_id NOT IN (SELECT p.source_id FROM {s}.params AS p)",
    "SELECT a.source_id FROM {s}.source AS a JOIN {s}.params AS p ON p.source_id = a.source_id JOIN {s}.source AS b ON b.source_id = p.source_id WHERE a.vmag < 9",
    "SELECT TOP 20 s.source_id, p.teff FROM {s}.source AS s JOIN {s}.params AS p ON s.source_id = p.source_id ORDER BY p.teff DESC, s.source_id",
    "SELECT ROUND(p.teff / 1000) AS t, COUNT(*) AS n, MIN(s.vmag) AS v FROM {s}.source AS s JOIN {s}.params AS p ON s.source_id = p.source_id GROUP BY ROUND(p.teff / 1000)",
    "SELECT q.source_id, p.teff FROM (SELECT source_id FROM {s}.source WHERE vmag < 9) AS q JOIN {s}.params AS p ON p.source_id = q.source_id",
    "WITH q AS (SELECT source_id AS i, vmag FROM {s}.source WHERE vmag < 9) SELECT q.i, q.vmag, p.teff FROM q JOIN {s}.params AS p ON p.source_id = q.i",
    "SELECT s.source_id FROM {s}.source AS s JOIN {s}.params AS p ON p.source_id = s.source_id WHERE DISTANCE(s.ra, s.dec, 45, 10) < 3",
    "SELECT source_id FROM {s}.source WHERE vmag < 7 UNION ALL SELECT source_id FROM {s}.params WHERE teff > 7500",
    "SELECT source_id FROM {s}.source WHERE vmag < 7 UNION SELECT source_id FROM {s}.params WHERE teff > 7500",
    "SELECT source_id FROM {s}.source EXCEPT SELECT source_id FROM {s}.params",
    "SELECT COUNT(*) AS n FROM {s}.stars AS a JOIN {s}.source AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.001 WHERE a.vmag < 6",
]
ALL = [
    "SELECT AVG(hip) AS a, SUM(hip) AS s, AVG(vmag) AS v, SUM(vmag) AS w, AVG(epoch) AS e FROM {s}.stars WHERE vmag < 7",
    "SELECT COUNT(DISTINCT epoch) AS a, SUM(DISTINCT epoch) AS b, COUNT(*) AS n, AVG(DISTINCT epoch) AS c, MAX(DISTINCT epoch) AS m FROM {s}.stars",
    "SELECT epoch, COUNT(DISTINCT ccdm) AS a, COUNT(ccdm) AS b, MIN(tyc_id) AS c FROM {s}.stars GROUP BY epoch",
    "SELECT COUNT(*) AS n, SUM(vmag) AS s, AVG(vmag) AS a, MIN(vmag) AS m FROM {s}.stars WHERE vmag < -10",
    "SELECT epoch FROM {s}.stars GROUP BY epoch",
    "SELECT epoch, COUNT(*) AS n FROM {s}.stars GROUP BY epoch HAVING COUNT(*) > 1000 ORDER BY n DESC, epoch",
    "SELECT TOP 3 epoch + 1 AS e, 2 * COUNT(*) AS n, MAX(vmag) - MIN(vmag) AS d FROM {s}.stars GROUP BY epoch + 1 ORDER BY 2 DESC, 1",
    "SELECT COUNT(*) AS n FROM {s}.stars HAVING COUNT(*) > 10",
    "SELECT COUNT(*) AS n FROM {s}.stars HAVING COUNT(*) < 10",
    "SELECT DISTINCT epoch FROM {s}.stars ORDER BY epoch",
    "SELECT DISTINCT TOP 2 epoch FROM {s}.stars ORDER BY epoch DESC",
    "SELECT TOP 10 tyc_id FROM {s}.stars ORDER BY vmag, tyc_id, ra OFFSET 5",
    "SELECT TOP 10 tyc_id, POINT(ra, dec) AS p FROM {s}.stars WHERE vmag IS NOT NULL ORDER BY ABS(vmag - 5), tyc_id, ra",
    "SELECT TOP 10 tyc_id FROM {s}.stars WHERE DISTANCE(ra, dec, 45, 0) < 20 ORDER BY DISTANCE(ra, dec, 45, 0), tyc_id",
    "SELECT DISTINCT POINT(ROUND(ra / 60), ROUND(dec / 60)) AS p FROM {s}.stars WHERE vmag < 5",
    "SELECT tyc_id FROM {s}.stars WHERE vmag < 4 ORDER BY tyc_id, ra",
    "SELECT q.cell, q.n FROM (SELECT ivo_healpix_index(1, ra, dec) AS cell, COUNT(*) AS n FROM {s}.stars GROUP BY ivo_healpix_index(1, ra, dec)) AS q WHERE q.n > 6000",
    "SELECT MAX(q.n) AS m FROM (SELECT epoch, COUNT(*) AS n FROM {s}.stars GROUP BY epoch) AS q",
    "SELECT tyc_id FROM {s}.stars WHERE vmag < 5 AND epoch IN (SELECT MIN(epoch) AS m FROM {s}.stars)",
    "SELECT ivo_histogram(vmag, 0, 10, 5) AS h FROM {s}.stars",
    "SELECT COUNT(*) AS n FROM {s}.stars AS a JOIN {s}.stars AS b ON a.hip = b.hip WHERE a.vmag < 5 AND b.vmag > 3",
    "SELECT a.tyc_id, b.tyc_id FROM {s}.stars AS a JOIN {s}.stars AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.05 WHERE DISTANCE(a.ra, a.dec, 135, 41.81) < 1 AND a.tyc_id < b.tyc_id",
    "SELECT n.name, COUNT(s.tyc_id) AS n FROM demo.ngc AS n LEFT JOIN {s}.stars AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.05 WHERE n.name LIKE 'IC01%' GROUP BY n.name",
    "SELECT c.name, COUNT(*) AS members FROM demo.ngc AS c JOIN {s}.stars AS s ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(c.ra, c.dec, c.radius)) AND POWER(s.pmra - c.pmra, 2) + POWER(s.pmdec - c.pmdec, 2) < 16 WHERE c.obj_type IN ('OCl', 'Cl+N') GROUP BY c.name ORDER BY members DESC, c.name",
    "SELECT t.table_name, COUNT(*) AS n FROM tap_schema.tables AS t JOIN {s}.stars AS s ON s.vmag < 1 WHERE t.table_name = 'demo.ngc' GROUP BY t.table_name",
    "SELECT source_id FROM {s}.source WHERE source_id BETWEEN 2690000000000000000 AND 2900000000000000000",
    "SELECT COUNT(*) AS n FROM {s}.source WHERE source_id < 2690000000000000000",
    "SELECT COUNT(*) AS n FROM {s}.source WHERE source_id >= 2690000000000000000 AND source_id > 2900000000000000000",
    "SELECT tyc_id FROM {s}.stars WHERE 1 = CONTAINS(POINT(ra, dec), MOC('6/462 30000 8/7000'))",
    "SELECT COUNT(*) AS n, SUM(hip) AS s FROM {s}.stars WHERE 1 = CONTAINS(POINT(ra, dec), MOC('4/100-180 0/11'))",
    "SELECT COUNT(*) AS n FROM {s}.stars WHERE 1 = CONTAINS(POINT(ra, dec), MOC('0/0-11'))",
    "SELECT COUNT(*) AS n FROM {s}.stars WHERE 0 = CONTAINS(POINT(ra, dec), MOC(5, CIRCLE(0, 90, 40)))",
    "SELECT TOP 10 source_id FROM {s}.source WHERE 1 = CONTAINS(POINT(ra, dec), MOC(9, POLYGON(40, 0, 60, 0, 50, 20))) ORDER BY vmag, source_id",
    "SELECT s.source_id, p.teff FROM {s}.source AS s JOIN {s}.params AS p ON p.source_id = s.source_id WHERE 1 = CONTAINS(POINT(s.ra, s.dec), MOC('5/100-300'))",
    "SELECT MOC_AGG(5, POINT(ra, dec)) AS m FROM {s}.stars WHERE vmag < 5",
]


def rows_of(service: str, query: str, **parameters: str) -> list[list[str]]:
    form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", "MAXREC": "100000000"} | parameters
    with urllib.request.urlopen(f"{service}/sync", urllib.parse.urlencode(form).encode(), timeout=60) as response:
        return list(csv.reader(io.StringIO(response.read().decode())))[1:]


def alike(one: list[list[str]], other: list[list[str]], *, ordered: bool) -> None:
    """Sums of doubles depend on their order; all else does not."""
    kinds = [[_rounded(row) for row in rows] for rows in (one, other)]
    if kinds[0] == kinds[1] or (not ordered and Counter(kinds[1]) == Counter(kinds[0])):
        return
    # Two that are nearly equal may be rounded apart.
    pairs = zip(one, other, strict=True) if ordered else zip(sorted(one), sorted(other), strict=True)
    assert [pair for pair in pairs if not all(map(_nearly, *pair))] == []


def _rounded(row: list[str]) -> tuple[str, ...]:
    return tuple(f"{float(cell):.10g}" if _is_float(cell) else cell for cell in row)


def _nearly(one: str, other: str) -> bool:
    return one == other or (
        _is_float(one) and _is_float(other) and math.isclose(float(one), float(other), rel_tol=1e-9)
    )


def _is_float(cell: str) -> bool:
    return "." in cell and cell.replace(".", "").isdigit()


@pytest.mark.parametrize("query", [*(each.replace("{stars}", "{s}.stars") for each in ALIKE), *TOGETHER, *ALL])
def test_a_query_gives_the_rows_that_it_gives_on_one_server(service: str, query: str) -> None:
    one, other = (rows_of(service, query.format(s=schema)) for schema in ("near", "far"))
    alike(one, other, ordered="ORDER BY" in query)
    assert one or "HAVING COUNT(*) < 10" in query


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("table", ["stars", "source"])
def test_cones_lose_nothing_at_poles_and_edges(
    service: str, centre: tuple[float, float], radius: float, table: str
) -> None:
    query = "SELECT COUNT(*) AS n, SUM(ra) AS s FROM {0}.{1} WHERE DISTANCE(ra, dec, {2}, {3}) <= {4}"
    one, other = (rows_of(service, query.format(schema, table, *centre, radius)) for schema in ("near", "far"))
    alike(one, other, ordered=True)


def test_random_cones_give_the_rows_that_they_give_on_one_server(service: str) -> None:
    random.seed(11)
    for _ in range(40):
        ra, dec, radius = random.uniform(0, 360), random.uniform(-90, 90), 10 ** random.uniform(-2, 1.3)
        query = f"SELECT source_id, dec FROM {{0}}.source WHERE DISTANCE(ra, dec, {ra}, {dec}) < {radius}"
        alike(rows_of(service, query.format("near")), rows_of(service, query.format("far")), ordered=False)


@pytest.mark.parametrize("maxrec", [0, 1, 7, 1000])
def test_no_more_rows_come_than_are_asked_for_and_overflow_is_told(service: str, maxrec: int) -> None:
    form = {"LANG": "ADQL", "QUERY": "SELECT tyc_id FROM far.stars", "MAXREC": str(maxrec)}
    with urllib.request.urlopen(f"{service}/sync", urllib.parse.urlencode(form).encode(), timeout=60) as response:
        assert b'value="OVERFLOW"' in response.read()
    assert len(rows_of(service, "SELECT tyc_id FROM far.stars", MAXREC=str(maxrec))) == maxrec


def test_top_is_no_overflow(service: str) -> None:
    form = {"LANG": "ADQL", "QUERY": "SELECT TOP 7 tyc_id FROM far.stars", "MAXREC": "7"}
    with urllib.request.urlopen(f"{service}/sync", urllib.parse.urlencode(form).encode(), timeout=60) as response:
        assert b'value="OVERFLOW"' not in response.read()
    assert len(rows_of(service, "SELECT TOP 7 tyc_id FROM far.stars")) == 7


@pytest.fixture(scope="module")
def pixel(sharded: Config) -> tuple[str, int]:
    """The column of cells, and their order."""
    with psycopg.connect(database.reader_conninfo(sharded), autocommit=True) as connection:
        partitioning = read_placements(connection)["far", "source"].partitioning
    return partitioning.column, partitioning.order


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        ("{0} = 1400", "{1} = 1400"),
        ("{0} BETWEEN 1400 AND 1500 AND vmag < 9", "{1} BETWEEN 1400 AND 1500 AND vmag < 9"),
        ("{0} > 2500", "{1} > 2500"),
        ("{0} IN (1400, 3000, -1)", "{1} IN (1400, 3000)"),
    ],
)
def test_a_published_pixel_is_a_column_like_others(
    service: str, pixel: tuple[str, int], condition: str, same: str
) -> None:
    """Sources that have moved keep the cell of their ids."""
    moved = "MOD(MOD(source_id, 34359738368), 10) <> 0"
    query = "SELECT source_id FROM far.source WHERE {0} AND {1}"
    column, order = pixel
    condition, same = (text.format(column, f"ivo_healpix_index({order}, ra, dec)") for text in (condition, same))
    alike(rows_of(service, query.format(same, moved)), rows_of(service, query.format(condition, moved)), ordered=False)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT c.{0} AS h, COUNT(*) AS n FROM far.params AS a LEFT JOIN far.source AS c ON a.source_id = c.source_id AND c.vmag < 5 GROUP BY c.{0}",
        "SELECT DISTINCT c.{0} AS h FROM far.params AS a LEFT JOIN far.source AS c ON a.source_id = c.source_id AND c.vmag < 5",
        "SELECT c.{0} AS h FROM far.params AS a LEFT JOIN far.source AS c ON a.source_id = c.source_id AND c.vmag < 5 UNION SELECT d.{0} AS h FROM far.source AS d WHERE d.vmag < 4",
    ],
)
def test_pixels_that_an_outer_join_leaves_out_are_one_null(service: str, pixel: tuple[str, int], query: str) -> None:
    assert [row[0] for row in rows_of(service, query.format(pixel[0]))].count("") == 1


@pytest.mark.parametrize("maxrec", ["0", "5"])
def test_a_query_in_steps_has_its_columns_also_without_rows(service: str, maxrec: str) -> None:
    query = "SELECT n.name FROM demo.ngc AS n WHERE n.name LIKE 'IC00%' AND NOT EXISTS (SELECT s.tyc_id FROM far.stars AS s WHERE DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.1)"
    assert len(rows_of(service, query, MAXREC=maxrec)) == int(maxrec)


def test_a_pixel_is_published_where_the_operator_likes(service: str, pixel: tuple[str, int]) -> None:
    columns = "SELECT table_name, ucd FROM tap_schema.columns WHERE column_name = '{0}' AND table_name LIKE 'far.%'"
    assert rows_of(service, columns.format(pixel[0])) == [["far.source", "pos.healpix"]]
