"""How queries on sharded tables are asked; that the rows are right is proved on real shards (tests/tap/sharding)."""

import random

import numpy as np
import pytest

from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table
from tap.sharding.model import CellRange, HealpixPartitioning, Placement
from tap.sharding.planning import QueryPlan, plan_query

RANGES = tuple(CellRange(n * 3072 - (n == 0), (n + 1) * 3072, f"shard{n // 4}", f"_p{n}") for n in range(16))

PLACEMENTS: dict[tuple[str, ...], Placement] = {}


def table(
    name: str, *columns: Column, nrows: int | None = None, partitioning: HealpixPartitioning | None = None
) -> Table:
    if partitioning:
        ranges = tuple(CellRange(r.first, r.stop, r.shard, f"{name}{r.partition}") for r in RANGES)
        PLACEMENTS["s", name] = Placement(partitioning, ranges)
    return Table("s", f"s.{name}", columns, nrows=nrows)


POSITION = (Column("ra", "double"), Column("dec", "double"))
ID, G = Column("id", "long"), Column("g", "float")
TABLES = (
    table("stars", *POSITION, ID, G, partitioning=HealpixPartitioning("hpx6", 6, "ra", "dec", "s.stars")),
    table("source", *POSITION, ID, G, partitioning=HealpixPartitioning("hpx6", 6, "ra", "dec", "s.source", "id", 0.1)),
    table(
        "params",
        ID,
        Column("teff", "float"),
        Column("flux", "float", "*"),
        partitioning=HealpixPartitioning("hpx6", 6, None, None, "s.source", "id"),
    ),
    table("few", *POSITION, Column("name", "char", "*"), nrows=100),
    table("ids", ID, nrows=100),
    table("many", *POSITION, Column("name", "char", "*"), nrows=10**7),
)
CATALOGUE = Catalogue((Schema("s", TABLES),))
QUERIES = {
    "router": [
        "SELECT * FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 1",
        "SELECT COUNT(*) AS n FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 1",
        "SELECT TOP 5 * FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 1 ORDER BY g",
        "SELECT * FROM s.source WHERE id = 2690000000000000000",
        "SELECT a.id FROM s.stars AS a JOIN s.stars AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 WHERE DISTANCE(a.ra, a.dec, 10, 20) < 1",
        "SELECT id FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 1 EXCEPT SELECT id FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 0.5",
        "SELECT n.name FROM s.few AS n LEFT JOIN s.stars AS s ON DISTANCE(s.ra, s.dec, 10, 20) < 1",
    ],
    "push-down": [
        "SELECT * FROM s.stars",
        "SELECT TOP 10 id FROM s.stars WHERE g < 5",
        "SELECT s.id, p.teff FROM s.source AS s JOIN s.params AS p ON s.id = p.id",
        "SELECT s.id, p.teff FROM s.source AS s FULL JOIN s.params AS p ON s.id = p.id",
        "SELECT s.id FROM s.source AS s WHERE EXISTS (SELECT p.id FROM s.params AS p WHERE p.id = s.id)",
        "SELECT s.id FROM s.source AS s WHERE s.id IN (SELECT p.id FROM s.params AS p)",
        "SELECT id, COUNT(*) AS n FROM s.source GROUP BY id",
        "SELECT DISTINCT id, g FROM s.source",
        "SELECT n.name, s.id FROM s.few AS n JOIN s.stars AS s ON DISTANCE(s.ra, s.dec, n.ra, n.dec) < 1",
        "SELECT id FROM s.source UNION ALL SELECT id FROM s.params",
        "SELECT n.name, s.id FROM s.few AS n LEFT JOIN s.stars AS s ON DISTANCE(s.ra, s.dec, n.ra, n.dec) < 1 WHERE s.g < 5",
        "SELECT n.name, s.id FROM s.stars AS s FULL JOIN s.few AS n ON s.id = n.ra WHERE s.g + 1 < 5",
        "SELECT p.id, u.f, u.i FROM s.params AS p, UNNEST(p.flux * 2) WITH ORDINALITY AS u (f, i) WHERE u.f > 3",
        "SELECT p.id, u.f FROM s.source AS s JOIN s.params AS p ON s.id = p.id LEFT JOIN UNNEST(p.flux) AS u (f) ON u.f > s.g",
        "SELECT p.id, (SELECT MAX(f) FROM UNNEST(p.flux) AS u (f)) AS m FROM s.params AS p WHERE EXISTS (SELECT f FROM UNNEST(p.flux) AS u (f) WHERE f > 3)",
        "SELECT id, arr_map(x * teff, flux) AS f FROM s.params WHERE arr_sum(flux) > 3",
        "SELECT id, ARRAY_AGG(teff) AS a FROM s.params GROUP BY id",
    ],
    "push-down in two phases": [
        "SELECT COUNT(*) AS n, AVG(g) AS g FROM s.stars",
        "SELECT g, COUNT(DISTINCT id) AS n FROM s.stars GROUP BY g HAVING COUNT(*) > 1 ORDER BY n",
        "SELECT DISTINCT g FROM s.stars",
        "SELECT SUM(flux) AS a, MAX(flux) AS b, COUNT(flux) AS c, AVG(arr_avg(flux)) AS d FROM s.params",
        "SELECT u.i, AVG(u.f) AS f FROM s.params AS p, UNNEST(p.flux) WITH ORDINALITY AS u (f, i) GROUP BY u.i",
        "SELECT TOP 10 id FROM s.stars ORDER BY g",
        "SELECT TOP 10 s.id FROM s.source AS s JOIN s.params AS p ON s.id = p.id ORDER BY p.teff OFFSET 4",
    ],
    "semi-join reduction": [
        "SELECT n.name, s.id FROM s.few AS n LEFT JOIN s.stars AS s ON DISTANCE(s.ra, s.dec, n.ra, n.dec) < 1",
        "SELECT n.name FROM s.few AS n WHERE NOT EXISTS (SELECT s.id FROM s.stars AS s WHERE DISTANCE(s.ra, s.dec, n.ra, n.dec) < 1)",
        "SELECT id FROM s.stars WHERE g IN (SELECT g FROM s.stars WHERE id < 10)",
        "SELECT a.id FROM s.stars AS a JOIN s.stars AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 WHERE a.g < 3",
        "SELECT p.id FROM s.source AS s LEFT JOIN s.params AS p ON s.id = p.id JOIN s.stars AS t ON t.id = p.id WHERE s.g < 3 AND t.g < 4",
    ],
    "left to PostgreSQL": [
        "SELECT m.name, s.id FROM s.many AS m JOIN s.stars AS s ON DISTANCE(s.ra, s.dec, m.ra, m.dec) < 1",
        "SELECT ivo_histogram(g, 0, 10, 5) AS h FROM s.stars",
        "SELECT AVG(flux) AS a FROM s.params",
        "SELECT ARRAY_AGG(g ORDER BY id) AS a FROM s.stars",
        "SELECT a.id FROM s.stars AS a, s.stars AS b WHERE a.g < b.g",
    ],
    "not on shards": ["SELECT name FROM s.many"],
}


def planned(query: str) -> QueryPlan:
    return plan_query(translate(query, CATALOGUE), PLACEMENTS)


def strategy_of(query: str) -> str:
    plan = planned(query)
    if plan.distributed:
        return plan.distributed.strategy
    return "left to PostgreSQL" if plan.refusals else "not on shards"


@pytest.mark.parametrize(
    ("strategy", "query"), [(strategy, query) for strategy, queries in QUERIES.items() for query in queries]
)
def test_a_query_is_run_by_the_strategy_that_suits_it(strategy: str, query: str) -> None:
    assert strategy_of(query) == strategy


@pytest.mark.parametrize(
    "query",
    [
        "SELECT s.id, p.teff FROM s.stars AS s JOIN s.params AS p ON s.id = p.id",
        "SELECT s.id FROM s.source AS s JOIN s.params AS p ON s.g = p.teff",
        "SELECT s.id FROM s.source AS s WHERE s.id NOT IN (SELECT p.id FROM s.params AS p)",
        "SELECT s.id FROM s.source AS s WHERE EXISTS (SELECT p.id FROM s.params AS p)",
        "SELECT s.id FROM (SELECT TOP 10 id FROM s.source) AS s JOIN s.params AS p ON s.id = p.id",
    ],
)
def test_rows_that_may_lie_apart_are_not_made_on_the_shards(query: str) -> None:
    assert strategy_of(query) in {"semi-join reduction", "left to PostgreSQL"}


def test_groups_of_ids_that_a_join_made_null_are_put_together() -> None:
    query = "SELECT p.id, COUNT(*) AS n FROM s.source AS s LEFT JOIN s.params AS p ON s.id = p.id GROUP BY p.id"
    assert strategy_of(query) == "push-down in two phases"


def test_a_small_cone_asks_at_most_two_shards_and_most_ask_one() -> None:
    random.seed(8)
    asked = []
    for _ in range(200):
        ra, dec = random.uniform(0, 360), float(np.degrees(np.arcsin(random.uniform(-1, 1))))
        query = f"SELECT * FROM s.stars WHERE DISTANCE(ra, dec, {ra}, {dec}) < {random.uniform(0, 1)}"
        distributed = planned(query).distributed
        assert distributed is not None
        asked.append(len(distributed.shard_queries[0].shards))
    assert max(asked) <= 2
    assert sum(asked) < 1.2 * len(asked)


def test_a_shard_is_asked_about_its_own_parts_only() -> None:
    distributed = planned("SELECT id FROM s.stars").distributed
    assert distributed is not None
    (shard_query,) = distributed.shard_queries
    assert shard_query.shards == ("shard0", "shard1", "shard2", "shard3")
    for shard in shard_query.shards:
        own = [f'"stars{r.partition}"' in shard_query.sql(shard) for r in RANGES]
        assert own == [r.shard == shard for r in RANGES]


@pytest.mark.parametrize(
    ("query", "strategy", "reason", "text"),
    [
        ("SELECT id FROM s.stars", "router", "its cells lie on 4 shards", "SELECT id FROM s.stars"),
        (
            "SELECT a.id FROM s.stars AS a, s.stars AS b WHERE a.g < b.g",
            "push-down",
            "joined by something else than the ids",
            "SELECT a.id FROM s.stars AS a, s.stars AS b WHERE a.g < b.g",
        ),
        (
            "SELECT s.id FROM s.stars AS s JOIN s.many AS m ON s.g = m.ra",
            "push-down",
            "too large to be broadcast",
            "s.many",
        ),
        ("SELECT id FROM s.stars WHERE g IN (SELECT g FROM s.stars)", "push-down", "IN a query", "g IN (SELECT g FROM s.stars)"),
        ("SELECT RANK() OVER (ORDER BY g) AS r FROM s.stars", "push-down", "a window function", "RANK() OVER (ORDER BY g)"),
        ("SELECT MEDIAN(g) AS m FROM s.stars", "push-down", "median of all rows", "MEDIAN(g)"),
        ("SELECT id FROM s.stars WHERE g IN (SELECT g FROM s.stars) AND RAND() < 0.5", "semi-join reduction", "rand gives", "RAND()"),
    ],
)  # fmt: skip
def test_a_strategy_that_cannot_serve_says_why_and_where(query: str, strategy: str, reason: str, text: str) -> None:
    refusal = dict(planned(query).refusals)[strategy]
    assert reason in refusal.reason
    assert query[refusal.span.start : refusal.span.end] == text
