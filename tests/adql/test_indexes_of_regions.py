"""Columns of MOCs, circles and polygons that have an index are searched by it, and give what they give without it."""

import random
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from astropy.io.votable import from_table, writeto
from astropy.table import MaskedColumn, Table

from adql.translate import translate
from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database
from tests.adql import brute_force

ROWS = 3000
DICE = random.Random(4)


def random_moc() -> str:
    """A few cells, near each other or anywhere; now and then none, or all of the sky."""
    if DICE.random() < 0.03:
        return DICE.choice(["0/", "5/", "29/", "0/0-11"])
    cells: dict[int, set[int]] = {}
    centre = DICE.randrange(12 * 4**29)
    for order in (DICE.choice([1, 2, 3, 4, 6, 8, 10, 14, 29]) for _ in range(DICE.randint(1, 6))):
        near = (centre >> 2 * (29 - order)) + DICE.randint(-3, 3)
        cell = near if DICE.random() < 0.7 else DICE.randrange(12 * 4**order)
        cells.setdefault(order, set()).add(max(0, min(12 * 4**order - 1, cell)))
    return " ".join(f"{order}/{' '.join(map(str, sorted(cells[order])))}" for order in sorted(cells))


@pytest.fixture(scope="module", autouse=True)
def _fields(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    ra, dec = brute_force.scattered(ROWS, 8)
    radius = np.linspace(0.01, 5, ROWS)
    triangles = [[a, d, (a + 2) % 360, d, a, d + 2] for a, d in zip(ra, np.clip(dec, -80, 80), strict=True)]
    mocs = MaskedColumn([random_moc() for _ in range(ROWS)], mask=np.arange(ROWS) % 50 == 7)
    table = Table({"id": np.arange(ROWS), "map": mocs, "disc": np.transpose([ra, dec, radius]), "shape": triangles})
    document = from_table(table)
    for name, xtype in (("map", "moc"), ("disc", "circle"), ("shape", "polygon")):
        document.get_first_table().get_field_by_id(name).xtype = xtype
    path = tmp_path_factory.mktemp("fields") / "fields.vot"
    writeto(document, str(path))
    description = parse_description({"table": {"indexes": [["map"], ["disc"], ["shape"], ["id"]]}})
    with database.owner_connection(config) as connection:
        load_table(connection, open_file(path), "answers.fields", description)
    yield
    brute_force.take_away(config, "fields")


MOCS = ["MOC('4/1000-1020')", "MOC('0/3')", "MOC('10/12345 29/1000')", "MOC(6, CIRCLE(10, 20, 3))", "MOC('7/')", "gavo_mocintersect(MOC('0/3'), MOC('0/4'))"]  # fmt: skip
CIRCLES = ["CIRCLE(10, 20, 3)", "CIRCLE(180, -90, 1)", "CIRCLE(359.9, 0, 0.001)"]
REGIONS = [*CIRCLES, "POLYGON(10, 10, 20, 10, 15, 30)", "BOX(200, 45, 4, 4)"]
CONDITIONS = {
    "map": [
        *map("1 = INTERSECTS(map, {})".format, MOCS + REGIONS),
        *map("1 = CONTAINS(map, {})".format, MOCS),
        *map("CONTAINS({}, map) = 1".format, [*MOCS, *REGIONS, "POINT(10, 20)"]),
    ],
    "disc": ["1 = CONTAINS(POINT(10, 20), disc)", *map("1 = INTERSECTS({}, disc)".format, REGIONS)],
    "shape": ["1 = CONTAINS(POINT(10, 20), shape)", *map("1 = INTERSECTS(shape, {})".format, REGIONS)],
}
EMPTY = {f"CONTAINS({moc}, map) = 1" for moc in MOCS[-2:]}
"""All MOCs have the empty one in them, which no index tells."""


def ids(reader: psycopg.Connection, condition: str, *, by_index: bool) -> tuple[list[int], str]:
    """Return the rows, and how they were looked for."""
    sql = translate(f"SELECT id FROM answers.fields WHERE {condition}", read_catalogue(reader)).sql
    reader.execute("SET enable_seqscan = " + ("off" if by_index else "on"))
    reader.execute("SET enable_bitmapscan = " + ("on" if by_index else "off"))
    reader.execute("SET enable_indexscan = " + ("on" if by_index else "off"))
    plan = "\n".join(row[0] for row in reader.execute(b"EXPLAIN " + sql.encode()).fetchall())
    return sorted(row[0] for row in reader.execute(sql.encode()).fetchall()), plan


@pytest.mark.parametrize(("column", "condition"), [(c, condition) for c in CONDITIONS for condition in CONDITIONS[c]])
def test_an_index_gives_what_reading_the_table_gives(reader: psycopg.Connection, column: str, condition: str) -> None:
    by_index, plan = ids(reader, condition, by_index=True)
    assert (f"fields_{column}_idx" in plan) == (condition not in EMPTY), plan
    by_reading, plan = ids(reader, condition, by_index=False)
    assert "_idx" not in plan
    assert by_index == by_reading


def test_the_planner_takes_the_index_by_itself(reader: psycopg.Connection) -> None:
    for condition in ("1 = INTERSECTS(map, CIRCLE(10, 20, 3))", "1 = CONTAINS(POINT(10, 20), map)"):
        sql = translate(f"SELECT id FROM answers.fields WHERE {condition}", read_catalogue(reader)).sql
        plan = "\n".join(row[0] for row in reader.execute(b"EXPLAIN " + sql.encode()).fetchall())
        assert "fields_map_idx" in plan, plan


@pytest.mark.parametrize(("inner", "outer"), [("a", "b"), ("b", "a")])
def test_mocs_of_columns_are_in_each_other_whether_empty_or_not(
    reader: psycopg.Connection, inner: str, outer: str
) -> None:
    """However PostgreSQL joins them."""
    tables = "answers.fields AS a, answers.fields AS b"
    query = f"SELECT COUNT(*) FROM {tables} WHERE a.id < 60 AND 1 = CONTAINS({inner}.map, {outer}.map)"
    sql = translate(query, read_catalogue(reader)).sql.encode()
    counts = set()
    for setting in ("on", "off"):
        reader.execute(f"SET enable_seqscan = {setting}")
        counts |= set(reader.execute(sql).fetchall())
    assert len(counts) == 1
