"""Standing queries: asked again when their data have changed, and told what came, went or changed."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.description import Description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tests.conftest import alone, serving
from tests.contract.client import get
from tests.contract.own_tables import Asker
from tests.people import MakePerson

QUERY = "SELECT id, mag FROM vigil.stars WHERE mag < 10"
Load = Callable[[dict[int, float]], None]
"""Loads vigil.stars anew, of ids and magnitudes."""


@pytest.fixture(scope="module")
def watched(sample: Config) -> Iterator[str]:
    with serving(alone(sample, standing_seconds=0.5, standing_per_account=3, processes=1, upload_rows=12)) as service:
        yield service


@pytest.fixture
def load(sample: Config, tmp_path: Path) -> Iterator[Load]:
    def load(rows: dict[int, float]) -> None:
        path = tmp_path / "stars.parquet"
        pq.write_table(pa.table({"id": list(rows), "mag": list(rows.values())}), path)
        with database.owner_connection(sample) as owner:
            load_table(owner, open_file(path), "vigil.stars", Description())

    load({1: 5.0, 2: 6.0, 3: 12.0})
    yield load
    with database.owner_connection(sample) as owner:
        unpublish_table(owner, "vigil.stars", drop=True)


@pytest.fixture
def ada(watched: str, person: MakePerson) -> Asker:
    return Asker(watched, person())


def standing(asker: Asker, name: str = "bright") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(asker.call("GET", f"standing/{name}").body)
    return content


def wait_for(asker: Asker, condition: Callable[[dict[str, Any]], bool], name: str = "bright") -> dict[str, Any]:
    for _ in range(300):
        if condition(query := standing(asker, name)):
            return query
        time.sleep(0.1)
    raise AssertionError(query)


def test_rows_that_came_went_and_changed_are_told_when_there_is_a_new_version(ada: Asker, load: Load) -> None:
    reply = ada.post_form("standing", NAME="bright", QUERY=QUERY, KEY="id")
    assert reply.status == 201, reply.text
    first = wait_for(ada, lambda query: query["job"] is not None)
    assert (first["changes"], first["problem"]) == ([], None)
    load({1: 5.0, 2: 6.5, 4: 7.0, 5: 8.0})
    (change,) = wait_for(ada, lambda query: bool(query["changes"]))["changes"]
    assert change["rows"] == {"first": 2, "second": 4, "only_first": 1, "only_second": 3, "changed": 1}
    assert change["in_words"][0] == "Different: of 2 rows, now 4, 2 are new, 1 have changed"
    assert "is version 2" in change["in_words"][1]
    rows = {which: sorted(ada.call("GET", change[which] + "&FORMAT=csv").lines[1:]) for which in ("came", "went")}
    assert rows == {"came": ["2,6.5", "4,7", "5,8"], "went": ["2,6"]}


def test_a_version_with_the_same_rows_is_told_as_equal(ada: Asker, load: Load) -> None:
    ada.post_form("standing", NAME="bright", QUERY=QUERY)
    wait_for(ada, lambda query: query["job"] is not None)
    load({3: 12.0, 2: 6.0, 1: 5.0})
    (change,) = wait_for(ada, lambda query: bool(query["changes"]))["changes"]
    assert (change["equal"], change["in_words"][0]) == (True, "Equal: 2 rows")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT id, MOC(4, CIRCLE(mag, 0, 1)) AS around FROM vigil.stars", "cannot be compared"),
        pytest.param(
            "SELECT a.id, b.id AS other FROM vigil.stars AS a, vigil.stars AS b", "rows", marks=pytest.mark.long
        ),
    ],
)
def test_results_that_cannot_be_compared_say_why_and_others_go_on(
    ada: Asker, load: Load, query: str, said: str
) -> None:
    for name, text in (("unlike", query), ("bright", QUERY)):
        ada.post_form("standing", NAME=name, QUERY=text)
        wait_for(ada, lambda query: query["job"] is not None, name)
    load({1: 5.0, 2: 6.5})
    (change,) = wait_for(ada, lambda query: bool(query["changes"]), "unlike")["changes"]
    assert said in change["in_words"][0]
    assert standing(ada, "unlike")["job"].endswith(change["second"])
    assert wait_for(ada, lambda query: bool(query["changes"]))["changes"][0]["rows"]["only_second"] == 1


def test_what_the_next_comparison_needs_outlives_other_jobs(ada: Asker, load: Load) -> None:
    ada.post_form("standing", NAME="bright", QUERY=QUERY)
    job = wait_for(ada, lambda query: query["job"] is not None)["job"]
    for _ in range(100):
        destruction = datetime.fromisoformat(ada.call("GET", f"{job}/destruction").text)
        if destruction > datetime.now(UTC) + timedelta(days=29):
            return
        time.sleep(0.1)
    raise AssertionError(destruction)


def test_a_job_that_somebody_ended_is_asked_again(ada: Asker, load: Load) -> None:
    endless = "SELECT COUNT(*) AS n FROM vigil.stars AS v, demo.stars AS a, demo.stars AS b WHERE v.mag + a.ra < b.dec"
    ada.post_form("standing", NAME="endless", QUERY=endless)
    jobs: set[str] = set()
    for _ in range(2):
        (job,) = appear(ada, jobs)
        jobs.add(job)
        assert ada.post_form(f"async/{job}/phase", PHASE="ABORT").status == 303
    (job,) = appear(ada, jobs)
    ada.call("DELETE", "standing/endless")
    ada.call("DELETE", f"async/{job}")


def appear(asker: Asker, known: set[str]) -> set[str]:
    """Wait for jobs that are not known yet; return their ids."""
    for _ in range(100):
        ids = {element.attrib["id"] for element in asker.call("GET", "async").xml().iter("{*}jobref")}
        if ids - known:
            return ids - known
        time.sleep(0.1)
    raise AssertionError(known)


def test_a_query_is_not_asked_again_while_nothing_has_changed(ada: Asker, load: Load) -> None:
    ada.post_form("standing", NAME="bright", QUERY=QUERY)
    first = wait_for(ada, lambda query: query["job"] is not None)
    time.sleep(2)
    now = standing(ada)
    assert (now["job"], now["running"], now["changes"]) == (first["job"], None, [])
    assert now["looked"] > first["looked"]


def test_a_query_whose_table_is_gone_says_so_and_stands(ada: Asker, load: Load, sample: Config) -> None:
    ada.post_form("standing", NAME="bright", QUERY=QUERY)
    wait_for(ada, lambda query: query["job"] is not None)
    load({1: 5.0})
    query = wait_for(ada, lambda query: bool(query["changes"]))
    assert query["changes"][0]["rows"]["only_first"] == 1


def test_names_are_listed_and_dropped(ada: Asker, load: Load, person: MakePerson) -> None:
    for name in ("a", "b c"):
        assert ada.post_form("standing", NAME=name, QUERY=QUERY).status == 201
    assert [query["name"] for query in json.loads(ada.call("GET", "standing").body)] == ["a", "b c"]
    bo = Asker(ada.service, person())
    assert bo.call("GET", "standing/a").status == 404
    assert bo.call("DELETE", "standing/a").status == 404
    assert ada.call("DELETE", "standing/b%20c").status == 204
    assert [query["name"] for query in json.loads(ada.call("GET", "standing").body)] == ["a"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"NAME": "x"}, "QUERY"),
        ({"QUERY": QUERY}, "NAME"),
        ({"NAME": "a/b", "QUERY": QUERY}, "NAME has"),
        ({"NAME": "x", "QUERY": "SELECT nothing FROM vigil.stars"}, "There is no column nothing"),
        ({"NAME": "x", "QUERY": QUERY, "KEY": "ra"}, "KEY is a column of the result: id, mag"),
        ({"NAME": "x", "QUERY": "SELECT RAND() AS r FROM vigil.stars"}, "random"),
        ({"NAME": "x", "QUERY": "SELECT table_name FROM tap_schema.tables"}, "tap_schema.tables"),
        ({"NAME": "x", "QUERY": QUERY, "NOTIFY": "ftp://example.org"}, "NOTIFY"),
    ],
)
def test_what_cannot_stand_is_told(ada: Asker, load: Load, form: dict[str, str], said: str) -> None:
    reply = ada.post_form("standing", **form)
    assert (reply.status, said in reply.text) == (400, True), reply.text


def test_a_name_is_taken_once_and_so_many_are_enough(ada: Asker, load: Load) -> None:
    for name in "abc":
        assert ada.post_form("standing", NAME=name, QUERY=QUERY).status == 201
    assert "as many as an account may" in ada.post_form("standing", NAME="d", QUERY=QUERY).text
    ada.call("DELETE", "standing/c")
    assert "already" in ada.post_form("standing", NAME="a", QUERY=QUERY).text


def test_a_stranger_has_none(watched: str) -> None:
    assert get(f"{watched}/standing").status == 401
    assert Asker(watched).post_form("standing", NAME="x", QUERY=QUERY).status == 401


def test_jobs_of_a_standing_query_have_its_name(ada: Asker, load: Load) -> None:
    ada.post_form("standing", NAME="bright", QUERY=QUERY)
    query = wait_for(ada, lambda query: query["job"] is not None)
    document = ada.call("GET", query["job"]).text
    assert re.search(r"<uws:runId>bright</uws:runId>", document)


def test_pages_let_a_query_stand_list_it_and_end_it(ada: Asker, load: Load) -> None:
    job = ada.run(QUERY)
    assert "Let it stand" in ada.call("GET", job, Accept="text/html").text
    ada.post_form("standing", NAME="bright <b>", QUERY=QUERY)
    ada.post_form("standing", NAME="bright", QUERY=QUERY)
    wait_for(ada, lambda query: query["job"] is not None)
    page = ada.call("GET", "whoami", Accept="text/html").text
    assert "<h2>Standing queries</h2>" in page
    assert "/-/form/tap/standing/bright?method=DELETE" in page
    assert "bright <b>" not in page
