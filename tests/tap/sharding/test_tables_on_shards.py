"""A table on four shards answers as the same table on one server: servers are databases of their own, joined by postgres_fdw."""

import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from schema.analyze import analyze_table
from schema.coverage import coverage_of
from schema.description import read_description
from schema.load import open_file
from schema.load.reader import LoadError
from schema.publish import unpublish_table
from schema.readers import add_readers, grantee, make_public
from schema.statistics.store import column_statistics_of
from schema.tap_schema import count_change, read_catalogue
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.errors import describe
from tap.sharding.engines.postgres_fdw import PostgresFdw
from tap.sharding.loading.load import load_sharded
from tap.sharding.placements import read_placements
from tap.sharding.rebalancing.verify import check_ranges
from tap.sharding.setup import init_shards, shard_states
from tap.sharding.shards import Shard
from tests.conftest import ROOT, SAMPLE, alone, serving
from tests.contract.client import get
from tests.people import MakePerson, Person, basic
from tests.tap.sharding.databases import coordinator_sql

pytestmark = pytest.mark.long

COUNT = 4
ALIKE = [
    "SELECT COUNT(*) AS n FROM {stars}",
    "SELECT MIN(ra) AS a, MAX(ra) AS b, COUNT(hip) AS c, COUNT(DISTINCT ccdm) AS d FROM {stars}",
    "SELECT tyc_id, ra, dec, vmag FROM {stars} WHERE vmag < 4",
    "SELECT * FROM {stars} WHERE tyc_id = '1-13-1'",
    "SELECT TOP 50 tyc_id, vmag FROM {stars} WHERE vmag IS NOT NULL ORDER BY vmag, tyc_id, ra",
    "SELECT tyc_id, vmag FROM {stars} WHERE vmag < 6 ORDER BY vmag, tyc_id, ra OFFSET 20",
    "SELECT epoch, COUNT(*) AS n FROM {stars} GROUP BY epoch",
    "SELECT ivo_healpix_index(3, ra, dec) AS cell, COUNT(*) AS n FROM {stars} GROUP BY ivo_healpix_index(3, ra, dec)",
    "SELECT DISTINCT ccdm FROM {stars}",
    "SELECT a.tyc_id, b.tyc_id FROM {stars} AS a JOIN {stars} AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.01 WHERE a.vmag < 5",
    "SELECT n.name, s.tyc_id FROM demo.ngc AS n JOIN {stars} AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.05 WHERE n.name LIKE 'IC01%'",
    "SELECT n.name, s.tyc_id FROM demo.ngc AS n LEFT JOIN {stars} AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.02 WHERE n.name LIKE 'IC01%'",
    "WITH near AS (SELECT * FROM {stars} WHERE DISTANCE(ra, dec, 56.75, 24.1) < 1) SELECT COUNT(*) AS n, MIN(vmag) AS v FROM near",
    "SELECT tyc_id FROM {stars} WHERE vmag < 3 UNION SELECT tyc_id FROM {stars} WHERE DISTANCE(ra, dec, 0, 0) < 1",
    "SELECT tyc_id FROM {stars} WHERE vmag < 5 EXCEPT SELECT tyc_id FROM {stars} WHERE dec > 0",
    "SELECT tyc_id FROM {stars} WHERE vmag < 5 INTERSECT SELECT tyc_id FROM {stars} WHERE dec > 0",
    "SELECT tyc_id FROM {stars} WHERE hip IN (SELECT hip FROM {stars} WHERE vmag < 3)",
    "SELECT n.name FROM demo.ngc AS n WHERE n.name LIKE 'IC00%' AND EXISTS (SELECT s.tyc_id FROM {stars} AS s WHERE DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.1)",
    "SELECT n.name FROM demo.ngc AS n WHERE n.name LIKE 'IC00%' AND NOT EXISTS (SELECT s.tyc_id FROM {stars} AS s WHERE DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.1)",
    "SELECT tyc_id FROM {stars} WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(10, 10, 20, 12, 18, 25, 9, 22))",
    "SELECT tyc_id FROM {stars} WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(355, -5, 5, -5, 5, 5, 355, 5))",
    "SELECT tyc_id FROM {stars} WHERE 1 = CONTAINS(POINT(ra, dec), BOX(0, 0, 12, 8))",
    "SELECT tyc_id FROM {stars} WHERE 1 = CONTAINS(POINT(ra, dec), BOX(120, 85, 12, 8))",
    "SELECT tyc_id FROM {stars} WHERE 0 = CONTAINS(POINT(ra, dec), CIRCLE(0, -90, 170)) AND vmag < 9",
    "SELECT COUNT(*) AS n FROM {stars} WHERE NOT DISTANCE(ra, dec, 10, 10) < 40",
    "SELECT tyc_id FROM {stars} WHERE DISTANCE(ra, dec, 10, 10) < 0.5 OR DISTANCE(ra, dec, 190, -80) < 1",
    "SELECT tyc_id FROM {stars} WHERE DISTANCE(ra, dec, 10, 10) * 3600 < 1800",
    "SELECT q.tyc_id FROM (SELECT tyc_id, ra, dec FROM {stars} WHERE vmag < 8) AS q WHERE DISTANCE(q.ra, q.dec, 80, 5) < 5",
]
CENTRES = [
    (0.0, 0.0),
    (359.999, 0.001),
    (45.0, 89.99),
    (0.0, 90.0),
    (180.0, -90.0),
    (135.0, 41.81),
    (56.75, 24.1),
    (315.0, -41.8),
]
RADII = [0.0, 0.01, 0.1, 1.0, 5.0, 20.0, 59.0]


@pytest.fixture(scope="module")
def sharded(sample: Config) -> Iterator[Config]:
    """demo.stars also as sharded.stars."""
    sockets = database.cluster_of(sample.database).sockets
    shards = tuple(
        Shard(
            f"shard{i}",
            *(f"host={sockets} dbname=shard{i} user={user}" for user in ("armillary_owner", "armillary_reader", ADMIN)),
        )
        for i in range(COUNT)
    )
    with psycopg.connect(database.cluster_of(sample.database).conninfo(ADMIN), autocommit=True) as admin:
        for shard in shards:
            admin.execute(f"CREATE DATABASE {shard.name}")
    init_shards(sample, shards, lambda _: None)
    description = read_description(ROOT / "deploy" / "sample" / "stars.toml")
    with database.owner_connection(sample) as connection:
        load_sharded(connection, lambda: open_file(SAMPLE / "stars.parquet"), "sharded.stars", description)
    yield sample
    with database.owner_connection(sample) as connection:
        unpublish_table(connection, "sharded.stars")
        connection.execute("DROP SCHEMA sharded CASCADE")


@pytest.fixture
def connection(sharded: Config) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.reader_conninfo(sharded), autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        connection.execute("SET statement_timeout = 60000")
        yield connection


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(coordinator_sql(connection, query).encode()).fetchall()


def shard_of(line: str) -> int:
    """Of a line of a plan that names a partition: neighbours lie on one shard, four by four."""
    number = re.search(r"stars_p(\d+)", line)
    assert number
    return int(number[1]) // 4


def plan(connection: psycopg.Connection, query: str) -> str:
    sql = coordinator_sql(connection, query)
    return "\n".join(str(row[0]) for row in connection.execute(f"EXPLAIN VERBOSE {sql}".encode()))


@pytest.mark.parametrize("query", ALIKE)
def test_a_sharded_table_gives_the_rows_of_one_that_is_not(connection: psycopg.Connection, query: str) -> None:
    one, other = (rows(connection, query.format(stars=name)) for name in ("demo.stars", "sharded.stars"))
    assert Counter(other) == Counter(one)
    assert one
    if "ORDER BY" in query:
        assert other == one


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("radius", RADII)
def test_cones_of_all_sizes_lose_nothing_at_poles_and_edges(
    connection: psycopg.Connection, centre: tuple[float, float], radius: float
) -> None:
    query = "SELECT COUNT(*) AS n, SUM(ra) AS s FROM {0} WHERE DISTANCE(ra, dec, {1}, {2}) <= {3}"
    (one,), (other,) = (
        rows(connection, query.format(name, *centre, radius)) for name in ("demo.stars", "sharded.stars")
    )
    assert other[0] == one[0]
    assert (other[1] or 0) == pytest.approx(one[1] or 0, rel=1e-9)


def test_random_small_cones_are_alike_and_touch_few_shards(connection: psycopg.Connection) -> None:
    random.seed(5)
    touched = []
    for _ in range(60):
        ra, dec = random.uniform(0, 360), math.degrees(math.asin(random.uniform(-1, 1)))
        query = f"SELECT tyc_id FROM {{0}} WHERE DISTANCE(ra, dec, {ra}, {dec}) < {random.uniform(0, 1)}"
        assert Counter(rows(connection, query.format("sharded.stars"))) == Counter(
            rows(connection, query.format("demo.stars"))
        )
        text = plan(connection, query.format("sharded.stars"))
        touched.append({shard_of(line) for line in text.splitlines() if "Foreign Scan on" in line})
        assert "spoint" in text.split("Remote SQL")[1]
    assert max(map(len, touched)) <= 2
    assert sum(map(len, touched)) < 1.5 * len(touched)


def test_the_pixel_is_not_published(connection: psycopg.Connection) -> None:
    table = next(t for t in read_catalogue(connection).tables if t.table_name == "sharded.stars")
    assert "hpx6" not in {column.name for column in table.columns}
    assert read_placements(connection)["sharded", "stars"].partitioning.column == "hpx6"


def test_the_statistics_of_shards_together_are_those_of_one_table(sharded: Config) -> None:
    """Where the rows are and what is counted exactly; estimates to a twentieth."""
    with database.owner_connection(sharded) as connection:
        for renewed in (False, True):
            if renewed:
                analyze_table(connection, "sharded.stars", PostgresFdw(connection).measure)
            assert coverage_of(connection, "sharded.stars") == coverage_of(connection, "demo.stars")
            one, other = (column_statistics_of(connection, name) for name in ("demo.stars", "sharded.stars"))
            assert other.keys() == one.keys()
            for name in one:
                for exact in ("nulls", "least", "largest", "min_value", "max_value"):
                    assert getattr(other[name], exact) == getattr(one[name], exact), (name, exact)
            vmag, expected = other["vmag"], one["vmag"]
            assert (vmag.percentile03, vmag.median) == pytest.approx((expected.percentile03, expected.median), rel=0.05)
            assert other["hip"].distinct_values == pytest.approx(one["hip"].distinct_values, rel=0.1)


_ROWS = "SELECT nrows FROM armillary.ranges WHERE table_name = 'sharded.stars'"


def test_all_ranges_hold_about_as_many_rows_and_all_of_them(sharded: Config) -> None:
    with database.owner_connection(sharded) as connection:
        states = shard_states(connection)
        counts = [n for (n,) in connection.execute(_ROWS).fetchall()]
        assert check_ranges(connection) == []
    assert [state.problem for state in states if state.name.startswith("shard")] == [None] * COUNT
    assert sum(counts) == 981_852
    assert len(counts) == 16
    assert max(counts) < 1.3 * min(counts)


def test_a_shard_that_lost_rows_is_found(sharded: Config) -> None:
    shard = f"host={database.cluster_of(sharded.database).sockets} dbname=shard1 user=armillary_owner"
    with database.owner_connection(sharded) as connection, psycopg.connect(shard) as there:
        partition = connection.execute(
            "SELECT partition FROM armillary.ranges WHERE shard_name = 'shard1' LIMIT 1"
        ).fetchone()
        assert partition
        there.execute(f"CREATE TABLE sharded.kept AS SELECT * FROM sharded.{partition[0]} LIMIT 7")
        there.execute(f"DELETE FROM sharded.{partition[0]} WHERE tyc_id IN (SELECT tyc_id FROM sharded.kept)")
        there.commit()
        try:
            (problem,) = check_ranges(connection)
            assert partition[0] in problem
            with pytest.raises(LoadError, match="should have 981,852"):
                analyze_table(connection, "sharded.stars", PostgresFdw(connection).measure)
        finally:
            there.execute(f"INSERT INTO sharded.{partition[0]} SELECT * FROM sharded.kept; DROP TABLE sharded.kept")
            there.commit()


@pytest.mark.long
def test_a_table_that_is_loaded_again_replaces_its_parts(sharded: Config, connection: psycopg.Connection) -> None:
    description = read_description(ROOT / "deploy" / "sample" / "ngc.toml")
    with database.owner_connection(sharded) as owner:
        for _ in range(2):
            load_sharded(owner, lambda: open_file(SAMPLE / "ngc.parquet"), "sharded.ngc", description)
        shard = f"host={database.cluster_of(sharded.database).sockets} dbname=shard0 user=armillary_owner"
        with psycopg.connect(shard) as there:
            (parts,) = there.execute(
                "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'ngc%'"
            ).fetchone() or (0,)
        assert parts == 4
        assert rows(connection, "SELECT COUNT(*) AS n FROM sharded.ngc") == [(14033,)]
        unpublish_table(owner, "sharded.ngc")


@pytest.mark.long
def test_the_operator_says_how_many_ranges_a_shard_has(sharded: Config) -> None:
    described = read_description(ROOT / "deploy" / "sample" / "ngc.toml")
    with database.owner_connection(sharded) as owner:
        for each, expected in ((2, 8), (7, 28)):
            description = replace(described, table=replace(described.table, ranges_per_shard=each))
            load_sharded(owner, lambda: open_file(SAMPLE / "ngc.parquet"), "sharded.ngc", description)
            found = owner.execute("SELECT count(*) FROM armillary.ranges WHERE table_name = 'sharded.ngc'").fetchone()
            assert found == (expected,)
        unpublish_table(owner, "sharded.ngc")
        wrong = replace(described, table=replace(described.table, ranges_per_shard=0))
        with pytest.raises(LoadError, match="from 1 to"):
            load_sharded(owner, lambda: open_file(SAMPLE / "ngc.parquet"), "sharded.none", wrong)


def test_a_shard_that_cannot_be_reached_is_told_by_name(sharded: Config) -> None:
    with database.owner_connection(sharded) as owner:
        (conninfo,) = owner.execute("SELECT conninfo FROM armillary.shards WHERE shard_name = 'shard3'").fetchone() or (
            "",
        )
        owner.execute("UPDATE armillary.shards SET conninfo = 'host=/nowhere dbname=x' WHERE shard_name = 'shard3'")
        try:
            states = {state.name: state.problem for state in shard_states(owner)}
        finally:
            owner.execute("UPDATE armillary.shards SET conninfo = %s WHERE shard_name = 'shard3'", (conninfo,))
    assert "cannot be reached" in (states["shard3"] or "")
    assert states["shard0"] is None


def test_a_query_that_needs_a_shard_that_is_away_is_told_so_and_others_run(
    sharded: Config, connection: psycopg.Connection
) -> None:
    with psycopg.connect(database.cluster_of(sharded.database).conninfo(ADMIN), autocommit=True) as admin:
        admin.execute("ALTER SERVER shard2 OPTIONS (SET dbname 'gone')")
        try:
            with pytest.raises(psycopg.OperationalError) as error:
                rows(connection, "SELECT COUNT(*) AS n FROM sharded.stars")
            answer = describe(error.value)
            # The first of the cells is round 45 degrees on the equator.
            assert rows(connection, "SELECT tyc_id FROM sharded.stars WHERE DISTANCE(ra, dec, 45, 2) < 0.5")
        finally:
            admin.execute("ALTER SERVER shard2 OPTIONS (SET dbname 'shard2')")
    assert (answer.status, "shard2" in answer.message) == (503, True)
    assert rows(connection, "SELECT COUNT(*) AS n FROM sharded.stars") == [(981_852,)]


def test_strangers_do_not_see_where_the_shards_are(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM armillary.shards")


@pytest.fixture
def closed_to(sharded: Config, person: MakePerson) -> Iterator[Person]:
    """Who alone may read sharded.stars, as long as the test lasts."""
    ada = person()
    with database.owner_connection(sharded) as connection:
        for what, arguments in ((add_readers, [[grantee("user", ada.name)]]), (make_public, [])):
            with connection.transaction():
                what(connection, "sharded.stars", *arguments)
                count_change(connection)
            if what is add_readers:
                yield ada


@pytest.fixture(scope="module")
def service(sharded: Config) -> Iterator[str]:
    with serving(alone(sharded)) as url:
        yield url


@pytest.mark.parametrize("query", ALIKE[:16:3])
def test_a_sharded_table_that_is_closed_is_read_by_its_readers_only(
    service: str, closed_to: Person, query: str
) -> None:
    form = {"LANG": "ADQL", "FORMAT": "csv", "MAXREC": "2000000"}
    headers = basic(closed_to.name, closed_to.password)
    one, other = (
        get(f"{service}/sync", form | {"QUERY": query.format(stars=name)}, **headers)
        for name in ("demo.stars", "sharded.stars")
    )
    assert one.status == other.status == 200, other.text
    assert Counter(other.lines) == Counter(one.lines)
    refused = get(f"{service}/sync", form | {"QUERY": query.format(stars="sharded.stars")})
    assert refused.status == 400
    assert "There is no table sharded.stars" in refused.text
