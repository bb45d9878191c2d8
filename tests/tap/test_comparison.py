"""Whether two results have the same rows: compared by the service, counted here."""

import json
import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from schema.tap_schema import count_change_of
from tap.config import Config
from tap.engine import database
from tests.command import armillary
from tests.contract.client import get
from tests.contract.own_tables import Asker
from tests.people import MakePerson

QUERY = "SELECT TOP 50 name, ra, dec FROM demo.ngc WHERE ra < 30"
Run = Callable[..., str]


@pytest.fixture
def asker(service: str) -> Asker:
    return Asker(service)


def compare(first: str, second: str, **more: str) -> dict[str, Any]:
    reply = get(f"{first}/compare", {"WITH": second, **more})
    assert reply.status == 200, reply.text
    assert reply.media_type == "application/json"
    content: dict[str, Any] = json.loads(reply.body)
    return content


def test_the_same_rows_in_another_order_are_equal(asker: Asker) -> None:
    first = asker.run(f"{QUERY} ORDER BY name", REUSE="refuse")
    second = asker.run(f"SELECT * FROM ({QUERY} ORDER BY name) AS q ORDER BY ra DESC", REUSE="refuse")
    compared = compare(first, second)
    assert compared["equal"] is True
    assert compared["rows"] == {"first": 50, "second": 50, "only_first": 0, "only_second": 0}
    assert (compared["same_query"], compared["changed_tables"]) == (False, [])


@pytest.mark.parametrize("format_", ["votable", "csv", "parquet"])
def test_a_job_that_is_run_again_on_the_same_data_is_equal(asker: Asker, format_: str) -> None:
    jobs = [asker.run(f"{QUERY} ORDER BY name", REUSE="refuse", RESPONSEFORMAT=format_) for _ in range(2)]
    compared = compare(*jobs)
    assert (compared["equal"], compared["same_query"]) == (True, True)


@pytest.mark.parametrize("format_", ["json", "text", "html", "hdf5"])
def test_results_that_are_not_read_again_are_equal_by_their_bytes_or_refused(asker: Asker, format_: str) -> None:
    query = f"{QUERY} ORDER BY name"
    jobs = [asker.run(query, REUSE="refuse", RESPONSEFORMAT=format_) for _ in range(2)]
    others = asker.run(f"{query} DESC", RESPONSEFORMAT=format_)
    if get(f"{jobs[0]}/results/result").body == get(f"{jobs[1]}/results/result").body:
        assert compare(*jobs)["in_words"] == ["Equal: 50 rows"]
    reply = get(f"{jobs[0]}/compare", {"WITH": others})
    assert (reply.status, "run it again with RESPONSEFORMAT=votable" in reply.text) == (400, True)


def test_results_with_geometries_are_equal_by_their_bytes(asker: Asker) -> None:
    query = "SELECT TOP 9 name, POINT(ra, dec) AS place FROM demo.ngc ORDER BY name"
    jobs = [asker.run(query, REUSE="refuse", RESPONSEFORMAT="csv") for _ in range(2)]
    assert compare(*jobs)["equal"] is True


def test_results_that_were_cut_say_so(asker: Asker) -> None:
    jobs = [asker.run(f"{QUERY} ORDER BY name", REUSE="refuse", MAXREC="7") for _ in range(2)]
    compared = compare(*jobs)
    assert (compared["equal"], "MAXREC cut" in compared["in_words"][1]) == (True, True)


def test_rows_that_are_twice_in_one_result_only_are_a_difference(asker: Asker) -> None:
    once, twice = f"{QUERY} ORDER BY name", f"SELECT * FROM ({QUERY} ORDER BY name) AS a"
    second = f"{twice} UNION ALL {twice.replace('AS a', 'AS b')}"
    compared = compare(asker.run(once), asker.run(second))
    assert compared["equal"] is False
    assert compared["rows"] == {"first": 50, "second": 100, "only_first": 0, "only_second": 50}


def test_with_a_key_rows_that_changed_are_counted_apart(asker: Asker) -> None:
    first = asker.run("SELECT name, ra FROM demo.ngc WHERE ra < 10")
    second = asker.run("SELECT name, CASE WHEN ra < 2 THEN 0.0 ELSE ra END AS ra FROM demo.ngc WHERE ra < 9")
    rows = compare(first, second, KEY="name")["rows"]
    assert rows["changed"] == rows["only_second"] > 0
    assert rows["only_first"] == rows["changed"] + rows["first"] - rows["second"]


def test_other_columns_are_told(asker: Asker) -> None:
    compared = compare(asker.run("SELECT TOP 3 name FROM demo.ngc"), asker.run("SELECT TOP 3 name, ra FROM demo.ngc"))
    assert (compared["equal"], compared["rows"]) == (False, None)
    assert "columns" in compared["why"]


def test_a_new_version_of_a_table_is_named(asker: Asker, sample: Config) -> None:
    first = asker.run(QUERY, REUSE="refuse")
    with database.owner_connection(sample) as owner:
        touch(owner, "2")
        second = asker.run(QUERY, REUSE="refuse")
        touch(owner, "1")
    (changed,) = compare(first, second)["changed_tables"]
    assert changed["name"] == "demo.ngc"
    assert (changed["first"]["version"], changed["second"]["version"]) == ("1", "2")


def touch(owner: psycopg.Connection, version: str) -> None:
    with owner.transaction():
        owner.execute("UPDATE armillary.tables SET version = %s WHERE table_name = 'demo.ngc'", (version,))
        count_change_of(owner, "demo.ngc")


@pytest.fixture
def jobs_of_others(service: str, person: MakePerson) -> tuple[Asker, str]:
    ada, bo = Asker(service, person()), Asker(service, person())
    return ada, bo.run(QUERY)


def test_only_jobs_that_one_may_see_are_compared(jobs_of_others: tuple[Asker, str]) -> None:
    ada, job = jobs_of_others
    own = ada.run(QUERY)
    assert ada.call("GET", f"{own}/compare?WITH={job}").status == 403
    assert ada.call("GET", f"{job}/compare?WITH={own}").status == 403
    assert ada.call("GET", f"{own}/compare?WITH={own}").status == 200


@pytest.mark.parametrize(
    ("parameters", "status", "said"),
    [
        ({}, 400, "WITH"),
        ({"WITH": "nothing"}, 404, ""),
        ({"KEY": "nope"}, 400, "nope"),
        ({"KEY": "x" * 101}, 400, "KEY"),
    ],
)
def test_what_cannot_be_compared_is_told(asker: Asker, parameters: dict[str, str], status: int, said: str) -> None:
    job = asker.run(QUERY)
    if parameters.keys() == {"KEY"}:
        parameters = {"WITH": job, **parameters}
    reply = get(f"{job}/compare", parameters)
    assert (reply.status, said in reply.text) == (status, True), reply.text


def test_a_job_without_a_result_cannot_be_compared(asker: Asker) -> None:
    wrong, job = asker.run("SELECT nothing FROM demo.ngc"), asker.run(QUERY)
    reply = get(f"{job}/compare", {"WITH": wrong})
    assert (reply.status, "is ERROR" in reply.text) == (400, True)


# ---- the command, and the page


def test_the_command_runs_a_job_again_and_says_that_it_is_equal(asker: Asker) -> None:
    job = asker.run(f"{QUERY} ORDER BY name", RESPONSEFORMAT="csv")
    said = armillary("compare", job)
    assert "Equal: 50 rows" in said
    new = re.search(r"The new job is (\S+)", said)
    assert new
    assert new[1] != job
    assert "computed" not in get(new[1]).text


def test_the_command_says_what_differs_and_fails(asker: Asker) -> None:
    first = asker.run("SELECT name, ra FROM demo.ngc WHERE ra < 10")
    second = asker.run("SELECT name, CASE WHEN ra < 2 THEN 0.0 ELSE ra END AS ra FROM demo.ngc WHERE ra < 9")
    said = armillary("compare", first, second, "--key", "name", fails=True)
    assert re.search(r"Different: of [\d,]+ rows, now [\d,]+, [\d,]+ are gone, [\d,]+ have changed", said)
    assert "The queries are not the same" in said


def test_a_page_shows_what_a_job_that_was_run_again_gives(asker: Asker) -> None:
    first = asker.run(QUERY)
    assert "Repeat and compare" in get(first, Accept="text/html").text
    again = asker.run(f"{QUERY} ORDER BY name", COMPARE=first.rpartition("/")[2], REUSE="refuse")
    page = get(again, Accept="text/html").text
    path = re.search(r'hx-get="([^"]*/compare\?WITH=\w+)"', page)
    assert path
    reply = get(again.partition("/tap/")[0] + path[1], HX_Request="true")
    assert (reply.media_type, reply.text.startswith("<p>")) == ("text/html", True)
