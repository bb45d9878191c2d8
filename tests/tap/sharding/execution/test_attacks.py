"""Queries made to find where a sharded table answers otherwise: NULLs, names, outer joins, bounds of ids, wide matches."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from schema.description import Description, TableDescription
from schema.load import open_file
from schema.publish import load_table
from tap.config import Config
from tap.engine import database
from tap.sharding.layout import cells_of
from tests.conftest import alone, serving
from tests.tap.sharding.execution.conftest import load_far
from tests.tap.sharding.execution.random_queries import Writer
from tests.tap.sharding.execution.test_answers import alike

pytestmark = pytest.mark.long

ROWS = 4_000
RANDOM_QUERIES = 250
NEAR = "DISTANCE(u.ra, u.dec, s.ra, s.dec) < {}"
POINTS = """<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="n" datatype="int"/><FIELD name="p" datatype="double" arraysize="2" xtype="point"/>
<DATA><TABLEDATA>{}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


def with_nulls(random: np.random.Generator, values: np.ndarray, part: float) -> pa.Array:
    return pa.array(values, mask=random.random(len(values)) < part)


def odd_tables() -> dict[str, pa.Table]:
    """Positions that are NULL, names that we use ourselves, and ids that are none or belong to no cell."""
    random = np.random.default_rng(5)
    ra, dec = random.uniform(0, 360, ROWS), np.degrees(np.arcsin(random.uniform(-1, 1, ROWS)))
    words = np.array(["", "a", "Ä ö", "o'brien", 'q"q', "🜨", "NULL", "x FROM y"])
    ids = (cells_of(pa.array(ra), pa.array(dec), 12) << 35) + np.arange(ROWS)
    kinds = random.integers(0, 9, ROWS)
    ids = np.where(kinds == 0, -ids - 5, np.where(kinds == 1, 2**63 - 1 - np.arange(ROWS), ids))
    c2, c3 = with_nulls(random, ra, 0.03), with_nulls(random, dec, 0.03)
    odd = {" table": np.arange(ROWS), "c1": c2, "c2": c3, "g1": with_nulls(random, random.integers(0, 9, ROWS), 0.2)}
    odd |= {"name": with_nulls(random, random.choice(words, ROWS).astype(object), 0.1)}
    odd |= {"hpx6": np.arange(ROWS), "nothing": pa.nulls(ROWS, pa.float64())}
    of_ids = {"c1": with_nulls(random, ids, 0.1), "c2": c2, "c3": c3, "v": random.integers(0, 50, ROWS)}
    return {"odd": pa.table(odd), "ids": pa.table(of_ids)}


@pytest.fixture(scope="module")
def odd(sharded: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """With the tables odd and ids in both schemas."""
    about = {
        "odd": TableDescription(sharded=True, ra="c1", dec="c2"),
        "ids": TableDescription(sharded=True, healpix_id="c1", ra="c2", dec="c3"),
    }
    for name, rows in odd_tables().items():
        path = tmp_path_factory.mktemp("odd") / f"{name}.parquet"
        pq.write_table(rows, path)
        load_far(sharded, path, name, Description(about[name]))
        with database.owner_connection(sharded) as connection:
            load_table(connection, open_file(path), f"near.{name}", Description(about[name]))
    return sharded


@pytest.fixture(scope="module")
def attacked(odd: Config) -> Iterator[str]:
    with serving(alone(odd, processes=1, workers=1, upload_part_rows=100, sync_limit=10)) as url:
        yield url


def positions() -> str:
    """A list with rows without a position, one beyond the pole and two that are the same."""
    random = np.random.default_rng(4)
    sky = zip(random.uniform(0, 360, 250).tolist(), random.uniform(-90, 90, 250).tolist(), strict=True)
    rows = [f"{n},{ra!r},{dec!r},{n % 3}" for n, (ra, dec) in enumerate(sky)]
    return "\n".join(["n,ra,dec,f", *rows, "300,,,1", "301,10,95,1", "302,0,90,", "302,0,90,", ""])


def points() -> str:
    return POINTS.format("".join(f"<TR><TD>{n}</TD><TD>{7 * n} {n - 20}</TD></TR>" for n in range(40)))


def ask(service: str, query: str) -> requests.Response:
    form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", "MAXREC": "10000000"}
    files = {name: (f"{name}.csv", positions(), "text/csv") for name in ("list", "more") if f"_upload.{name}" in query}
    if "_upload.points" in query:
        files["points"] = ("points.vot", points(), "application/x-votable+xml")
    form["UPLOAD"] = ";".join(f"{name},param:{name}" for name in files)
    return requests.post(f"{service}/sync", data=form, files=files or None, timeout=60)


def rows_of(service: str, query: str) -> list[list[str]]:
    answer = ask(service, query)
    assert answer.status_code == 200, answer.text[-500:]
    return list(csv.reader(io.StringIO(answer.text)))[1:]


FAULTS = {
    "a_negated_search_leaves_out_rows_without_a_position_or_id": [
        "SELECT COUNT(*) AS n FROM {s}.odd WHERE NOT DISTANCE(c1, c2, 10, 10) < 40",
        "SELECT COUNT(*) AS n FROM {s}.odd WHERE 0 = CONTAINS(POINT(c1, c2), CIRCLE(10, 10, 40))",
        "SELECT COUNT(*) AS n FROM {s}.ids WHERE NOT (c1 IN (5, 6))",
    ],
    "ids_above_a_bound_are_found_up_to_the_largest": [
        "SELECT c1 FROM {s}.ids WHERE c1 > 4611686018427387904",
        "SELECT c1 FROM {s}.ids WHERE c1 >= 6000000000000000000 AND c1 < 9223372036854775807",
        "SELECT c1 FROM {s}.ids WHERE c1 < 0 OR c1 IS NULL",
    ],
    "a_cone_finds_rows_whose_id_has_no_cell": [
        "SELECT c1, v FROM {s}.ids WHERE DISTANCE(c2, c3, 10, 10) < 40",
        "SELECT u.n, s.c1 FROM tap_upload.list AS u JOIN {s}.ids AS s ON DISTANCE(u.ra, u.dec, s.c2, s.c3) < 5",
    ],
    "equal_rows_of_groups_on_several_shards_come_once": [
        "SELECT DISTINCT COUNT(*) AS n FROM {s}.source WHERE vmag < 8 GROUP BY source_id",
        "SELECT COUNT(*) AS c FROM (SELECT DISTINCT COUNT(*) AS n FROM {s}.source WHERE vmag < 8 GROUP BY source_id) AS q",
    ],
    "a_query_inside_a_computed_value_sees_all_shards": [
        "SELECT SUM(CASE WHEN s.vmag IN (SELECT t.vmag FROM {s}.stars AS t WHERE t.vmag < 5) THEN 1 ELSE 0 END) AS x FROM {s}.source AS s WHERE s.vmag < 5",
        "SELECT s.source_id, CASE WHEN EXISTS (SELECT t.hip FROM demo.stars AS t WHERE t.vmag < 0) THEN 1 ELSE 0 END AS x FROM {s}.source AS s WHERE s.vmag < 5",
    ],
    "a_row_without_a_match_is_no_row_with_one": [
        "SELECT COUNT(*) AS n FROM {s}.stars AS s LEFT JOIN demo.ngc AS u ON "
        + NEAR.format(0.05)
        + " WHERE u.name IS NULL AND s.vmag < 8",
        "SELECT COUNT(*) AS n FROM demo.ngc AS u LEFT JOIN {s}.stars AS s ON "
        + NEAR.format(0.05)
        + " WHERE s.tyc_id IS NULL",
        "SELECT u.n FROM tap_upload.list AS u LEFT JOIN {s}.stars AS s ON "
        + NEAR.format(0.1)
        + " WHERE s.tyc_id IS NULL",
        "SELECT u.n FROM tap_upload.list AS u LEFT JOIN {s}.stars AS s ON "
        + NEAR.format(0.1)
        + " WHERE COALESCE(s.vmag, 99) > 10",
        "SELECT u.n, s.tyc_id FROM tap_upload.list AS u FULL JOIN {s}.stars AS s ON s.hip = u.n WHERE s.vmag < 5 OR s.vmag IS NULL",
        "SELECT s.tyc_id, u.n, b.tyc_id FROM {s}.stars AS s LEFT JOIN tap_upload.list AS u ON u.n = s.hip JOIN {s}.stars AS b ON DISTANCE(s.ra, s.dec, b.ra, b.dec) < 0.01 WHERE (u.n IS NULL OR s.vmag > 20) AND s.vmag < 4",
    ],
    "a_match_may_be_as_wide_as_the_sky": [
        f"SELECT u.n, COUNT(*) AS c FROM tap_upload.list AS u JOIN {{s}}.odd AS s ON DISTANCE(u.ra, u.dec, s.c1, s.c2) < {r} GROUP BY u.n"
        for r in (-1, 3, 40, 60, 90, 170)
    ],
    "of_two_uploads_only_that_comes_in_parts_whose_parts_may": [
        "SELECT s.tyc_id, u.n, m.n FROM {s}.stars AS s LEFT JOIN tap_upload.list AS u ON "
        + NEAR.format(3)
        + " JOIN tap_upload.more AS m ON m.n = s.hip",
    ],
    "geometries_of_an_upload_travel": [
        "SELECT u.n, u.p, s.tyc_id FROM tap_upload.points AS u LEFT JOIN {s}.stars AS s ON DISTANCE(u.p, POINT(s.ra, s.dec)) < 0.2",
        "SELECT u.n FROM tap_upload.points AS u WHERE NOT EXISTS (SELECT s.tyc_id FROM {s}.stars AS s WHERE DISTANCE(u.p, POINT(s.ra, s.dec)) < 0.2)",
    ],
    "a_name_of_with_is_no_table_on_shards": [
        "WITH q AS (SELECT TOP 3 source_id AS i FROM {s}.source) SELECT 1 AS x FROM q",
        "WITH q AS (SELECT COUNT(*) AS n FROM {s}.source) SELECT 'a' AS x FROM q",
        "WITH q AS (SELECT source_id AS i FROM {s}.source WHERE vmag < 6) SELECT i FROM q",
        "WITH q AS (SELECT vmag FROM {s}.source WHERE vmag < 6), r AS (SELECT teff FROM {s}.params) SELECT vmag FROM q",
    ],
    "nulls_that_an_outer_join_makes_up_are_one_group": [
        "SELECT q.i, q.n FROM (SELECT p.source_id AS i, COUNT(*) AS n FROM {s}.source AS s LEFT JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 9 GROUP BY p.source_id) AS q WHERE q.i IS NULL",
        "SELECT COUNT(*) AS n FROM (SELECT DISTINCT p.source_id FROM {s}.source AS s LEFT JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 9) AS q",
        "SELECT COUNT(*) AS n FROM (SELECT DISTINCT p.source_id FROM {s}.source AS s FULL JOIN {s}.params AS p ON s.source_id = p.source_id) AS q",
        "SELECT COUNT(*) AS n FROM (SELECT DISTINCT r.i FROM (SELECT p.source_id AS i FROM {s}.source AS s LEFT JOIN {s}.params AS p ON s.source_id = p.source_id WHERE s.vmag < 9) AS r) AS q",
    ],
    "columns_may_have_any_name": [
        "SELECT u.n, s.* FROM tap_upload.list AS u LEFT JOIN {s}.odd AS s ON DISTANCE(u.ra, u.dec, s.c1, s.c2) < 3",
        "SELECT TOP 3 'x FROM y' AS x, tyc_id FROM {s}.stars WHERE DISTANCE(ra, dec, 10, 10) < 5 ORDER BY DISTANCE(ra, dec, 10, 10)",
    ],
}


@pytest.mark.parametrize(("fault", "query"), [(fault, query) for fault, queries in FAULTS.items() for query in queries])
def test_what_was_once_wrong_is_right(attacked: str, fault: str, query: str) -> None:
    one, other = (rows_of(attacked, query.replace("{s}", schema)) for schema in ("near", "far"))
    alike(one, other, ordered="ORDER BY" in query)
    assert one or "< -1" in query


def _compared(service: str, seed: int) -> str | None:
    """What is wrong with a random query; None also where it takes too long."""
    query = Writer(seed).query()
    one, other = (ask(service, query.replace("{s}", schema)) for schema in ("near", "far"))
    if any("took longer" in each.text or each.status_code == 503 for each in (one, other)):
        return None
    if one.status_code != other.status_code or other.status_code == 500:
        return f"{one.status_code}, {other.status_code} {other.text[-200:]}: {query}"
    try:
        kinds = [list(csv.reader(io.StringIO(each.text))) for each in (one, other)]
        alike(*kinds, ordered=False)
    except AssertionError:
        return f"{len(kinds[0])}, {len(kinds[1])} rows: {query}"
    return None


@pytest.mark.long
def test_random_queries_give_the_rows_that_they_give_on_one_server(attacked: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        wrong = [each for each in threads.map(lambda seed: _compared(attacked, seed), range(RANDOM_QUERIES)) if each]
    assert not wrong, "\n".join(wrong[:5])


def _left(service: str) -> None:
    form = {"LANG": "ADQL", "QUERY": "SELECT * FROM far.stars", "RESPONSEFORMAT": "csv", "MAXREC": "10000000"}
    with requests.post(f"{service}/sync", data=form, stream=True, timeout=30) as answer:
        next(answer.iter_content(1000))


def test_shards_stop_when_clients_leave(attacked: str, odd: Config) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(_left, [attacked] * 16))
    rows_of(attacked, "SELECT COUNT(*) AS n FROM far.stars")
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'far%' AND state = 'active' AND query LIKE 'COPY%'"
    with psycopg.connect(database.cluster_of(odd.database).conninfo("armillary_admin"), autocommit=True) as admin:
        for _ in range(50):
            if admin.execute(busy).fetchone() == (0,):
                return
            admin.execute("SELECT pg_sleep(0.1)")
        pytest.fail("shards still send rows")
