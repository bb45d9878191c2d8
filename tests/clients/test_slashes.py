"""The service's URL with a slash at its end, as people copy it: clients then ask //sync, /sync/ and the like."""

import csv
import http.client
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
import pyvo
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning
from astroquery.utils.tap.core import TapPlus

from tests.contract.client import Reply, request
from tests.tap.uploads.test_uploads import ALL, send

STILTS = shutil.which("stilts")
QUERY = "SELECT TOP 2 name FROM demo.ngc WHERE name LIKE 'IC000%' ORDER BY name"
FORM = {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": "csv"}
NAMES = ["IC0001", "IC0002"]
SPELT = ("/tap//{0}", "/tap/{0}/", "/tap//{0}/")
GETS = (
    "capabilities",
    "availability",
    "tables",
    "tables?detail=min",
    "tables/demo.ngc",
    "examples",
    f"sync?{urlencode(FORM)}",
    f"sync?{urlencode(FORM | {'RESPONSEFORMAT': 'votable/td'})}",
    "sync?LANG=ADQL&QUERY=SELECT",
    "async",
    "jobs/async",
)
ATOMS = ("phase", "executionduration", "destruction", "quote", "owner", "parameters", "parameters/QUERY", "results")
ELSEWHERE = "elsewhere.example"


def ask(service: str, method: str, path: str, form: dict[str, str] | None = None) -> Reply:
    """One request, as it stands, under the name of another host; no redirect is followed."""
    place = urlsplit(service)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    headers = {"Host": ELSEWHERE} | ({"Content-Type": "application/x-www-form-urlencoded"} if form else {})
    try:
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()
    assert ELSEWHERE not in f"{reply.headers}{reply.body.decode('utf-8', 'replace')}"
    return reply


def spelt(pattern: str, path: str) -> str:
    name, mark, query = path.partition("?")
    return pattern.format(name) + mark + query


def plain(reply: Reply) -> tuple[int, str, str]:
    """What must be the same: the status, the type, and the body but for times, which each web process has of its own, and nonces."""
    return reply.status, reply.media_type, re.sub(r'\d{4}-\d\d-\d\dT[\d:.]+Z|nonce="[^"]*"', "", reply.text)


# ---- one request


@pytest.mark.parametrize("path", ["/tap/", "/tap//"])
def test_the_page_of_the_service_is_there_with_a_slash_too(service: str, path: str) -> None:
    assert plain(ask(service, "GET", path)) == plain(ask(service, "GET", "/tap"))


@pytest.mark.parametrize("pattern", SPELT)
@pytest.mark.parametrize("path", GETS)
def test_a_slash_too_many_changes_nothing(service: str, pattern: str, path: str) -> None:
    found = ask(service, "GET", spelt(pattern, path))
    assert plain(found) == plain(ask(service, "GET", f"/tap/{path}"))
    assert "location" not in found.headers


@pytest.mark.parametrize("pattern", SPELT)
def test_a_form_is_taken_with_a_slash_too_many(service: str, pattern: str) -> None:
    found = ask(service, "POST", pattern.format("sync"), FORM)
    assert (found.status, found.lines) == (200, ["name", *NAMES])


@pytest.mark.parametrize("pattern", SPELT)
def test_a_file_is_taken_with_a_slash_too_many(service: str, pattern: str) -> None:
    url = service.removesuffix("/tap") + pattern.format("sync")
    assert send(url, ALL, b"a\n1\n", file_name="mine.csv").lines == ["a", "1"]


@pytest.mark.parametrize("pattern", SPELT)
@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "capabilities"), ("HEAD", f"sync?{urlencode(FORM)}"), ("PUT", "sync")]
)
def test_other_methods_are_answered_as_ever(service: str, pattern: str, method: str, path: str) -> None:
    found, wanted = (ask(service, method, each) for each in (spelt(pattern, path), f"/tap/{path}"))
    assert (found.status, found.media_type, found.body) == (wanted.status, wanted.media_type, wanted.body)


@pytest.mark.parametrize("path", ["/tap/nothing/", "/tap//nothing", "/tap/sync/x/", "/tap/tables/no.table/", "//tap/x"])
def test_where_nothing_is_a_slash_makes_nothing(service: str, path: str) -> None:
    assert ask(service, "GET", path).status == 404


# ---- a job from its creation to its end


@pytest.fixture(scope="module", params=SPELT)
def made(service: str, request: pytest.FixtureRequest) -> tuple[str, str]:
    """The pattern and the id of a job that was made by it."""
    reply = ask(service, "POST", request.param.format("async"), FORM)
    assert reply.status == 303
    found = re.fullmatch(rf"{re.escape(service)}/async/([0-9a-f]{{32}})", reply.headers["location"])
    assert found, reply.headers["location"]
    return request.param, found[1]


@pytest.fixture(scope="module")
def job(service: str, made: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield made
    request("DELETE", f"{service}/async/{made[1]}")


def test_all_of_a_job_is_reached_with_a_slash_too_many(service: str, job: tuple[str, str]) -> None:
    pattern, id_ = job
    for path in (f"async/{id_}", *(f"async/{id_}/{each}" for each in ATOMS)):
        found, wanted = ask(service, "GET", pattern.format(path)), ask(service, "GET", f"/tap/{path}")
        assert plain(found) == plain(wanted), path
        assert wanted.status == 200


def test_a_job_is_changed_run_and_deleted_with_a_slash_too_many(service: str, job: tuple[str, str]) -> None:
    pattern, id_ = job
    steps = [("", {"MAXREC": "1"}), ("/executionduration", {"EXECUTIONDURATION": "77"}), ("/phase", {"PHASE": "RUN"})]
    for path, form in steps:
        assert ask(service, "POST", pattern.format(f"async/{id_}{path}"), form).status == 303, path
    while ask(service, "GET", f"/tap/async/{id_}/phase").text in {"QUEUED", "EXECUTING"}:
        ask(service, "GET", spelt(pattern, f"async/{id_}?WAIT=5"))
    assert ask(service, "GET", f"/tap/async/{id_}/executionduration").text == "77"
    assert ask(service, "GET", pattern.format(f"async/{id_}/results/result")).lines == ["name", NAMES[0]]
    assert ask(service, "DELETE", pattern.format(f"async/{id_}")).status == 303
    assert ask(service, "GET", f"/tap/async/{id_}").status == 404


def test_a_job_is_removed_as_tap_plus_does_it_with_a_slash_too_many(service: str) -> None:
    id_ = ask(service, "POST", "/tap/async", FORM).headers["location"].rpartition("/")[2]
    assert ask(service, "POST", "/tap//deletejobs/", {"JOB_IDS": id_}).status == 200
    assert ask(service, "GET", f"/tap/async/{id_}").status == 404


def test_a_file_comes_in_parts_with_a_slash_too_many(service: str) -> None:
    form = FORM | {"QUERY": "SELECT a FROM TAP_UPLOAD.mine", "UPLOAD": "mine,param:f"}
    job = ask(service, "POST", "/tap//async/", form).headers["location"]
    part = {"Content-Type": "application/partial-upload", "Upload-Offset": "0", "Upload-Complete": "?1"}
    place = f"{service}//async/{job.rpartition('/')[2]}/parameters/f/"
    assert request("PATCH", place, b"a\n1\n", part).status == 204
    assert request("HEAD", place).headers["Upload-Offset"] == "4"
    request("DELETE", job)


# ---- clients


def test_pyvo_searches_runs_jobs_and_uploads(service: str) -> None:
    tap = pyvo.dal.TAPService(f"{service}/")
    try:
        assert list(tap.search(QUERY)["name"]) == NAMES
        assert list(tap.run_async(QUERY)["name"]) == NAMES
        assert list(tap.run_sync("SELECT a FROM TAP_UPLOAD.t", uploads={"t": Table({"a": [1, 2]})})["a"]) == [1, 2]
        assert "demo.ngc" in tap.tables
        assert [column.name for column in tap.tables["demo.ngc"].columns][:1] == ["name"]
        assert tap.hardlimit > 0
        assert tap.examples
    finally:
        tap._session.close()


@pytest.mark.filterwarnings(f"ignore::{AstropyWarning.__module__}.AstropyWarning")
def test_tap_plus_searches_runs_jobs_and_loads_tables(service: str) -> None:
    tap = TapPlus(url=f"{service}/")
    assert list(tap.launch_job(QUERY).get_results()["name"]) == NAMES
    job = tap.launch_job_async(QUERY)
    assert list(job.get_results()["name"]) == NAMES
    assert tap.load_async_job(jobid=job.jobid).jobid == job.jobid
    tap.remove_jobs(job.jobid)
    uploaded = tap.launch_job("SELECT a FROM tap_upload.t", upload_resource=Table({"a": [7]}), upload_table_name="t")
    assert uploaded.get_results()["a"].tolist() == [7]
    assert len(tap.load_tables()) > 5


@pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")
@pytest.mark.parametrize("is_sync", ["true", "false"])
def test_stilts_searches_and_runs_jobs(service: str, is_sync: str) -> None:
    how = ["sync=true"] if is_sync == "true" else ["sync=false", "poll=100"]
    command = [str(STILTS), "tapquery", f"tapurl={service}/", f"adql={QUERY}", "ofmt=csv", *how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert [row["name"] for row in csv.DictReader(io.StringIO(done.stdout))] == NAMES
