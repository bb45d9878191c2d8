"""How queries on tables that Citus distributes are made ready; that the rows are right is proved on real workers (tests/tap/sharding/execution)."""

import re
from dataclasses import replace

import pytest

from adql.translate import translate
from tap.sharding.model import Placement
from tap.sharding.planning import CitusPlan, QueryPlan, plan_query
from tests.tap.sharding.planning.test_planner import CATALOGUE, PLACEMENTS

WORKERS = ("north", "south")
HASHED = {
    parts: Placement(replace(placement.partitioning, hashed=True, order=4, column="hpx4"), (), WORKERS)
    for parts, placement in PLACEMENTS.items()
}
NEAR = "DISTANCE(s.ra, s.dec, n.ra, n.dec) < {}"


def planned(query: str) -> QueryPlan:
    return plan_query(translate(query, CATALOGUE), HASHED)


def plan(query: str) -> CitusPlan:
    distributed = planned(query).distributed
    assert isinstance(distributed, CitusPlan)
    return distributed


def sql(query: str) -> str:
    return plan(query).statement.sql()


@pytest.mark.parametrize(
    ("strategy", "query"),
    [
        ("push-down", "SELECT COUNT(*) AS n FROM s.stars WHERE g < 3"),
        ("push-down", "SELECT s.id FROM s.source AS s LEFT JOIN s.params AS p ON s.id = p.id"),
        ("push-down", "SELECT n.name FROM s.few AS n JOIN s.stars AS s ON " + NEAR.format(1)),
        ("push-down", "SELECT s.id FROM s.stars AS s LEFT JOIN s.few AS n ON " + NEAR.format(1)),
        (
            "push-down",
            "SELECT s.id FROM s.stars AS s WHERE NOT EXISTS (SELECT n.name FROM s.few AS n WHERE "
            + NEAR.format(1)
            + ")",
        ),
        ("table by table", "SELECT id FROM s.source EXCEPT SELECT id FROM s.params"),
        ("table by table", "SELECT id FROM s.source WHERE id NOT IN (SELECT id FROM s.params)"),
        ("table by table", "SELECT RANK() OVER (ORDER BY g) AS r FROM s.stars"),
        ("table by table", "SELECT MAX(q.n) AS m FROM (SELECT g, COUNT(*) AS n FROM s.stars GROUP BY g) AS q"),
        ("steps", "SELECT n.name FROM s.few AS n LEFT JOIN s.stars AS s ON " + NEAR.format(1)),
        (
            "steps",
            "SELECT n.name FROM s.few AS n WHERE NOT EXISTS (SELECT s.id FROM s.stars AS s WHERE "
            + NEAR.format(1)
            + ")",
        ),
        (
            "steps",
            "SELECT a.id FROM s.stars AS a JOIN s.stars AS b ON DISTANCE(a.ra, a.dec, b.ra, b.dec) < 0.1 WHERE a.g < 3",
        ),
        ("as it is", "SELECT a.id FROM s.stars AS a, s.stars AS b WHERE a.g < b.g"),
        ("as it is", "SELECT m.name FROM s.many AS m JOIN s.stars AS s ON m.ra = s.ra"),
    ],
)
def test_the_first_way_that_can_serve_is_taken(strategy: str, query: str) -> None:
    assert plan(query).strategy == strategy


def test_why_the_ways_before_could_not_is_kept() -> None:
    names = [name for name, _ in planned("SELECT a.id FROM s.stars AS a, s.stars AS b WHERE a.g < b.g").refusals]
    assert names == ["push-down", "table by table", "steps"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT s.id FROM s.source AS s JOIN s.params AS p ON p.id = s.id",
        "SELECT s.id FROM s.source AS s, s.params AS p WHERE p.id = s.id AND p.teff > 3",
        "SELECT s.id FROM s.source AS s FULL JOIN s.params AS p ON p.id = s.id",
        "SELECT s.id FROM s.source AS s WHERE EXISTS (SELECT p.id FROM s.params AS p WHERE p.id = s.id)",
        "SELECT s.id FROM s.source AS s WHERE NOT EXISTS (SELECT p.id FROM s.params AS p WHERE p.id = s.id)",
        "SELECT s.id FROM s.source AS s WHERE s.id IN (SELECT p.id FROM s.params AS p)",
        "SELECT q.i FROM (SELECT id AS i, g FROM s.source WHERE g < 3) AS q JOIN s.params AS p ON p.id = q.i",
        "SELECT q.i FROM (SELECT id AS i, COUNT(*) AS n FROM s.source GROUP BY id) AS q JOIN s.params AS p ON p.id = q.i",
        "WITH q AS (SELECT id AS i FROM s.source) SELECT r.i FROM q AS r JOIN s.params AS p ON p.id = r.i",
        "WITH q AS (SELECT id AS i FROM s.source), r AS (SELECT i AS j FROM q) SELECT r.j FROM r JOIN s.params AS p ON p.id = r.j",
    ],
)
def test_equal_ids_are_equal_cells(query: str) -> None:
    cell = r'\w+\."?(hpx4|armillary_cell)"?'
    assert len(re.findall(f"{cell} = {cell}", sql(query))) == 1, sql(query)
    assert " IN (" not in sql(query)


@pytest.mark.parametrize(
    "condition", ["NOT (p.id = s.id)", "(p.id = s.id OR p.teff > 3)", "p.id <> s.id", "p.teff = s.id"]
)
def test_cells_are_not_compared_where_that_could_change_what_is_true(condition: str) -> None:
    assert '"hpx4"' not in sql(f"SELECT s.id FROM s.source AS s, s.params AS p WHERE {condition}")


def test_a_cone_names_its_cells_one_by_one_and_a_wide_one_none() -> None:
    assert '"hpx4" IN (' in sql("SELECT id FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 1")
    assert "BETWEEN" not in sql("SELECT id FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 1")
    assert '"hpx4"' not in sql("SELECT id FROM s.stars WHERE DISTANCE(ra, dec, 10, 20) < 50")


def test_ids_name_their_cells() -> None:
    assert f'"hpx4" IN ({2690000000000000000 >> 51})' in sql("SELECT * FROM s.source WHERE id = 2690000000000000000")


def test_a_list_is_placed_in_the_cells_that_its_circles_touch() -> None:
    statement = plan("SELECT n.name, s.id FROM s.few AS n JOIN s.source AS s ON " + NEAR.format(0.5)).statement
    (placed,) = statement.placed
    # A source may lie 0.1 degrees outside of its cell.
    assert (placed.position, placed.radius, placed.beside) == (("ra", "dec"), 0.6, ("s", "source"))
    assert "name" in placed.columns
    assert '"armillary_cell" = ' in statement.sql()
    assert 'armillary_upload."x0_17"' in statement.sql(lambda name: f"{name}_17")


def test_a_list_of_ids_is_placed_by_their_cells() -> None:
    (placed,) = plan("SELECT s.g FROM s.ids AS n JOIN s.source AS s ON s.id = n.id").statement.placed
    assert (placed.key, placed.shift, placed.beside) == ("id", 51, ("s", "source"))


@pytest.mark.parametrize("condition", [NEAR.format(3), NEAR.format("0.1 * n.ra"), "s.g = n.ra"])
def test_what_cannot_be_placed_is_taken_to_all_workers(condition: str) -> None:
    query = f"SELECT n.name, s.id FROM s.stars AS s LEFT JOIN s.few AS n ON {condition}"
    assert plan(query).statement.placed == ()
    assert 'FROM "s"."few" OFFSET 0)' in sql(query)


def test_steps_ask_for_rows_that_have_one_of_the_others_once() -> None:
    (step,) = plan("SELECT n.name, s.id FROM s.few AS n LEFT JOIN s.stars AS s ON " + NEAR.format(1)).steps
    assert "SELECT DISTINCT" in step.sql()
    assert '"hpx4"::bigint' in step.sql()
    assert '"ctid"::text' in step.sql()
    assert "LIMIT 200001" in step.sql()


@pytest.mark.parametrize(
    ("query", "fenced"),
    [
        ("SELECT id FROM s.stars ORDER BY g", True),
        ("SELECT TOP 5 id FROM s.stars ORDER BY g", False),
        ("SELECT id FROM s.source UNION SELECT id FROM s.params ORDER BY id", True),
        ("SELECT id FROM s.stars", False),
    ],
)
def test_an_order_is_kept_from_what_stands_round_it(query: str, *, fenced: bool) -> None:
    assert sql(query).endswith("OFFSET 0") == fenced


@pytest.mark.parametrize(
    ("query", "whole"),
    [
        ("SELECT * FROM s.stars", True),
        ("SELECT id + 1 AS i, POINT(ra, dec) AS p FROM s.stars", True),
        ("SELECT TOP 5 id FROM s.stars", True),
        ("SELECT TOP 5 id FROM s.stars ORDER BY g", False),
        ("WITH q AS (SELECT id FROM s.stars) SELECT id FROM q", False),
        ("WITH q AS (SELECT id FROM s.stars) SELECT name FROM s.few", False),
        ("SELECT id FROM s.stars WHERE g < 3", False),
        ("SELECT COUNT(*) AS n FROM s.stars", False),
        ("SELECT RANK() OVER (ORDER BY g) AS r FROM s.stars", False),
        ("SELECT DISTINCT g FROM s.stars", False),
        ("SELECT id, (SELECT COUNT(*) FROM s.params) AS n FROM s.stars", False),
    ],
)
def test_whole_tables_are_seen(query: str, *, whole: bool) -> None:
    assert plan(query).statement.is_whole_table == whole


def test_workers_that_are_away_are_left_out_by_their_cells() -> None:
    statement = plan("SELECT COUNT(*) AS n FROM s.stars").statement
    text = statement.sql(cells={("s", "stars"): "hpx4 = ANY ('{1,2}')"})
    assert '(SELECT * FROM "s"."stars" WHERE hpx4 = ANY (\'{1,2}\'))' in text
