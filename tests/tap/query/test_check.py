"""What is said of a query before it runs: what is wrong and how to mend it, what it reads and how, and what it would cost."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest

from adql.translate import translate
from schema.model import Catalogue, Column, Schema, Table
from tap.config import Config
from tap.engine.database import reader_conninfo
from tap.engine.engine import Engine
from tap.query.check import Report, check
from tests.adql import brute_force
from tests.conftest import SAMPLE

STARS = 981_852
ENDLESS = "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.stars AS b WHERE a.ra * b.ra < a.dec + b.dec"
LIST = Schema(
    "TAP_UPLOAD",
    (
        Table(
            "TAP_UPLOAD",
            "TAP_UPLOAD.list",
            (
                Column("name", "char", "*"),
                Column("ra", "double", unit="deg", ucd="pos.eq.ra"),
                Column("dec", "double", unit="deg", ucd="pos.eq.dec"),
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def engine(sample: Config) -> Iterator[Engine]:
    engine = Engine(reader_conninfo(sample), 2)
    engine.open()
    yield engine
    engine.close()


def checked(engine: Engine, query: str, maxrec: int = 10**9, **more: Any) -> Report:
    with engine.session(5.0) as session:
        return check(query, session, maxrec, more.pop("seconds", lambda cost: None), **more)


# ---- what is read, and how


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("SELECT * FROM demo.stars WHERE vmag < 2", {"demo.stars": "index"}),
        ("SELECT * FROM demo.stars WHERE tyc_id = '1-13-1'", {"demo.stars": "index"}),
        ("SELECT * FROM demo.stars WHERE hip = 70890", {"demo.stars": "index"}),
        ("SELECT * FROM demo.stars WHERE DISTANCE(ra, dec, 56.75, 24.12) < 0.5", {"demo.stars": "index"}),
        (
            "SELECT * FROM demo.stars WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(56.75, 24.12, 0.5))",
            {"demo.stars": "index"},
        ),
        ("SELECT * FROM demo.ngc WHERE name = 'NGC0224'", {"demo.ngc": "index"}),
        ("SELECT * FROM demo.stars", {"demo.stars": "all rows"}),
        ("SELECT * FROM demo.stars WHERE bv > 1.5", {"demo.stars": "all rows"}),
        ("SELECT * FROM demo.stars WHERE vmag + 0 < 2", {"demo.stars": "all rows"}),
        (
            "SELECT COUNT(*) AS n FROM demo.ngc AS n JOIN demo.stars AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.01",
            {"demo.ngc": "all rows", "demo.stars": "index"},
        ),
        (
            "SELECT name FROM demo.ngc WHERE name IN (SELECT tyc_id FROM demo.stars WHERE vmag < 1)",
            {"demo.ngc": None, "demo.stars": "index"},
        ),
    ],
)
def test_a_check_tells_of_each_table_whether_an_index_serves(
    engine: Engine, query: str, read: dict[str, str | None]
) -> None:
    report = checked(engine, query)
    assert report.error is None
    assert {table.name for table in report.tables} == set(read)
    assert all(table.access == (read[table.name] or table.access) for table in report.tables)
    rows = {name: pq.read_metadata(SAMPLE / f"{name.split('.')[1]}.parquet").num_rows for name in read}
    assert {table.name: table.rows for table in report.tables} == rows


def test_a_table_is_not_taken_for_another_one_of_its_name(engine: Engine, sample: Config, tmp_path: Path) -> None:
    positions = {"ra": np.arange(5.0), "dec": np.arange(5.0)}
    brute_force.put(sample, tmp_path, "stars", positions)
    try:
        query = "SELECT s.ra FROM answers.stars AS a, demo.stars AS s WHERE s.vmag < 0.5"
        read = {table.name: table.access for table in checked(engine, query).tables}
    finally:
        brute_force.take_away(sample, "stars")
    assert read == {"answers.stars": "all rows", "demo.stars": "index"}


def test_columns_are_told_in_their_order(engine: Engine) -> None:
    report = checked(engine, "SELECT dec, ra AS longitude, vmag - 5 AS bright FROM demo.stars")
    assert report.columns == ("dec", "longitude", "bright")


# ---- what it would cost


def test_rows_are_near_what_numpy_counts(engine: Engine) -> None:
    magnitudes = pq.read_table(SAMPLE / "stars.parquet", columns=["magnitude"])["magnitude"].to_numpy()
    for limit in (5, 8, 9.5, 20):
        estimate = checked(engine, f"SELECT ra FROM demo.stars WHERE vmag < {limit}").estimate
        assert estimate is not None
        assert 0.5 < estimate.rows / np.count_nonzero(magnitudes < limit) < 2


@pytest.mark.parametrize("maxrec", [0, 1, 1000, STARS - 1, 10 * STARS])
def test_there_are_no_more_rows_than_maxrec(engine: Engine, maxrec: int) -> None:
    estimate = checked(engine, "SELECT ra, dec FROM demo.stars", maxrec).estimate
    assert estimate is not None
    assert estimate.rows == pytest.approx(min(maxrec, STARS), rel=0.05)
    assert estimate.rows <= maxrec
    assert estimate.bytes == 16 * estimate.rows, "two numbers of eight bytes each"


@pytest.mark.parametrize(
    ("query", "rows"), [("SELECT TOP 7 * FROM demo.stars", 7), ("SELECT COUNT(*) AS n FROM demo.stars", 1)]
)
def test_rows_are_those_of_the_result(engine: Engine, query: str, rows: int) -> None:
    estimate = checked(engine, query).estimate
    assert estimate is not None
    assert estimate.rows == rows


def test_seconds_are_those_of_jobs_that_cost_as_much(
    engine: Engine, reader: psycopg.Connection, catalogue: Catalogue
) -> None:
    query, asked = "SELECT TOP 1000 bv FROM demo.stars WHERE bv > 1.5", []

    def seconds(cost: float) -> tuple[float, float]:
        asked.append(cost)
        return 1.5, 20.0

    estimate = checked(engine, query, seconds=seconds).estimate
    row = reader.execute(b"EXPLAIN (FORMAT JSON) " + translate(query, catalogue).sql.encode()).fetchone()
    assert row is not None
    assert asked == [row[0][0]["Plan"]["Total Cost"]]
    assert estimate is not None
    assert estimate.seconds == (1.5, 20.0)


def test_nothing_is_run(engine: Engine) -> None:
    """The session gives it five seconds; it would take days."""
    estimate = checked(engine, ENDLESS).estimate
    assert estimate is not None
    assert estimate.rows == 1


# ---- what is wrong


def test_an_error_has_its_place_its_hint_and_a_repair_that_mends_it(engine: Engine) -> None:
    query = "SELECT ra,\n       parallx FROM demo.stars"
    report = checked(engine, query)
    assert report.error is not None
    assert report.error.message == "There is no column parallx"
    assert query[report.error.span.start : report.error.span.end] == "parallx"
    assert report.error.hint == "Did you mean parallax?"
    assert report.error.quoted.splitlines() == ["         parallx FROM demo.stars", "         ^^^^^^^"]
    (repair,) = report.error.repairs
    mended = checked(engine, repair.applied(query))
    assert (mended.error, mended.columns) == (None, ("ra", "parallax"))
    assert (report.tables, report.columns, report.estimate) == ((), (), None)


@pytest.mark.parametrize(
    ("query", "wrong", "texts"),
    [
        ("SELECT ra FROM demo.strs", "demo.strs", ["demo.stars"]),
        ("SELECT ra FORM demo.stars", "FORM", ["FROM"]),
        ("SELECT distence(ra, dec, 1, 2) FROM demo.stars", "distence", ["DISTANCE"]),
        ("SELECT ra FROM demo.ngc WHERE obj_type = Neb", "Neb", ["'Neb'"]),
        ("SELECT ra FROM demo.ngc WHERE", "", []),
        ("SELECT table_name FROM tap_schema.tables@2", "tables@2", []),
    ],
)
def test_repairs_are_offered_where_they_help(engine: Engine, query: str, wrong: str, texts: list[str]) -> None:
    error = checked(engine, query).error
    assert error is not None
    assert [repair.text for repair in error.repairs][: len(texts)] == texts
    for repair in error.repairs:
        assert query[repair.span.start : repair.span.end] == wrong
        assert checked(engine, repair.applied(query)).error is None


def test_what_is_legal_and_hardly_meant_is_a_warning_with_its_repair(engine: Engine) -> None:
    query = "SELECT ra FROM demo.stars WHERE DISTANCE(ra, dec, 56.75, 24.12) < 5/60"
    report = checked(engine, query)
    assert report.error is None
    (warning,) = report.warnings
    (repair,) = warning.repairs
    mended = repair.applied(query)
    assert mended.endswith("< 5/60.")
    assert checked(engine, mended).warnings == ()


# ---- lists that come with a query

MATCH = (
    "SELECT l.name, s.vmag FROM TAP_UPLOAD.list AS l JOIN demo.stars AS s ON DISTANCE(l.ra, l.dec, s.ra, s.dec) < 0.01"
)


def test_a_list_is_known_before_it_is_there(engine: Engine) -> None:
    report = checked(engine, MATCH, uploaded=LIST)
    assert (report.error, report.columns) == (None, ("name", "vmag"))
    assert {table.name for table in report.tables} == {"TAP_UPLOAD.list", "demo.stars"}
    assert report.estimate is None, "nobody knows how many rows it has"


def test_without_a_list_there_is_no_such_table(engine: Engine) -> None:
    error = checked(engine, MATCH).error
    assert error is not None
    assert MATCH[error.span.start : error.span.end] == "TAP_UPLOAD.list"


def test_a_wrong_column_of_a_list_is_mended(engine: Engine) -> None:
    query = MATCH.replace("l.name", "l.nme")
    error = checked(engine, query, uploaded=LIST).error
    assert error is not None
    assert [repair.applied(query) for repair in error.repairs] == [MATCH]


# ---- what programs get


@pytest.mark.parametrize(
    "query",
    [
        MATCH,
        "SELECT parallx FROM demo.stars",
        "SELECT ra FROM demo.stars WHERE vmag < 1/2",
        "SELECT 1 AS n FROM demo.ngc",
    ],
)
def test_a_report_is_the_same_as_json(engine: Engine, query: str) -> None:
    report = checked(engine, query, seconds=lambda cost: (1.0, 2.0))
    told = json.loads(json.dumps(report.as_json()))
    assert (told["error"] or {}).get("message") == (report.error and report.error.message)
    assert [table["name"] for table in told["tables"]] == [table.name for table in report.tables]
    assert (told["estimate"] or {}).get("rows") == (report.estimate and report.estimate.rows)
    assert [warning["message"] for warning in told["warnings"]] == [warning.message for warning in report.warnings]
