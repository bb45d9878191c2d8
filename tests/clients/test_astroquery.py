"""astroquery's TapPlus as a client, which speaks HTTP by hand: what it sends, and what it can read of the answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from astroquery.utils.tap.core import Tap, TapPlus
from astroquery.utils.tap.model.job import Job
from requests.exceptions import HTTPError

from tests.contract.client import Reply, get, post, post_multipart, request, sync
from tests.tap.uploads.test_uploads import send, votable

QUERY = "SELECT TOP 3 name, ra, vmag, hubble FROM demo.ngc WHERE name LIKE 'IC000%' ORDER BY name"
UPLOADED = "SELECT id, x FROM tap_upload.mine ORDER BY id"
MINE = Table({"id": [1, 2, 3], "x": [0.5, 1.5, 2.5]})


@pytest.fixture(scope="module")
def tap(service: str) -> TapPlus:
    return TapPlus(url=service)


@pytest.fixture
def job(tap: TapPlus) -> Iterator[Job]:
    """One that has not been told to run."""
    made = tap.launch_job_async(QUERY, autorun=False)
    yield made
    request("DELETE", made.remoteLocation)


def check(found: Table) -> None:
    assert found.colnames == ["name", "ra", "vmag", "hubble"]
    assert [str(each) for each in found["name"]] == ["IC0001", "IC0002", "IC0003"]
    assert found["ra"][0] == pytest.approx(2.1127083333333334)


# ---- formats


@pytest.mark.parametrize("output_format", ["votable", "votable_plain", "csv", "ecsv", "json"])
def test_a_result_of_every_format_is_read(tap: TapPlus, output_format: str) -> None:
    """But for FITS, of which astroquery reads only what is a gzip file as a whole."""
    job = tap.launch_job(QUERY, output_format=output_format)
    check(job.get_results())
    assert job.get_results() is job.get_results()


@pytest.mark.parametrize("output_format", ["votable", "csv", "json"])
def test_the_result_of_a_job_is_read_as_often_as_one_likes(tap: TapPlus, output_format: str) -> None:
    job = tap.launch_job_async(QUERY, output_format=output_format)
    for _ in range(2):
        check(job.get_results())
    assert job.get_phase(update=True) == "COMPLETED"
    tap.remove_jobs(job.jobid)


def test_json_has_the_units_and_descriptions_that_there_are(tap: TapPlus) -> None:
    found = tap.launch_job(QUERY, output_format="json").get_results()
    assert str(found["ra"].unit) == "deg"
    assert found["name"].unit is None
    assert found["name"].description.startswith("Name in the NGC")


def test_every_column_of_json_has_a_unit_and_a_description_null_where_there_is_none(service: str) -> None:
    reply = sync(service, "SELECT TOP 1 name, ra, 1 + 1 AS two FROM demo.ngc", RESPONSEFORMAT="json")
    about = {each["name"]: each for each in json.loads(reply.body)["metadata"]}
    assert [each["unit"] for each in about.values()] == [None, "deg", None]
    assert about["two"]["description"] is None
    assert about["ra"]["description"]


def test_a_result_goes_into_a_file(tap: TapPlus, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    tap.launch_job(QUERY, output_format="csv", output_file=str(path), dump_to_file=True)
    check(Table.read(path, format="ascii.csv"))


def test_maxrec_and_the_name_of_a_job_are_taken(tap: TapPlus) -> None:
    assert len(tap.launch_job("SELECT name FROM demo.ngc", maxrec=4, name="mine").get_results()) == 4


# ---- uploads: FORMAT comes twice


@pytest.mark.parametrize("name", ["launch_job", "launch_job_async"])
def test_a_table_is_uploaded(tap: TapPlus, name: str) -> None:
    found = getattr(tap, name)(UPLOADED, upload_resource=MINE, upload_table_name="mine").get_results()
    assert found["id"].tolist() == [1, 2, 3]
    assert found["x"].tolist() == [0.5, 1.5, 2.5]


def test_a_file_is_uploaded_and_answered_in_the_format_that_was_asked_for(tap: TapPlus, tmp_path: Path) -> None:
    path = tmp_path / "mine.vot"
    path.write_bytes(votable(MINE, "tabledata"))
    job = tap.launch_job(UPLOADED, upload_resource=str(path), upload_table_name="mine", output_format="json")
    assert job.get_results()["x"].tolist() == [0.5, 1.5, 2.5]


def test_a_table_without_rows_is_uploaded(tap: TapPlus) -> None:
    found = tap.launch_job("SELECT id FROM tap_upload.mine", upload_resource=MINE[:0], upload_table_name="mine")
    assert len(found.get_results()) == 0


SINGLE = {
    "LANG": ("ADQL", "ADQL-2.1"),
    "QUERY": (QUERY, "SELECT 1 AS x FROM demo.ngc"),
    "MAXREC": ("5", "6"),
    "RESPONSEFORMAT": ("csv", "tsv"),
    "FORMAT": ("csv", "tsv"),
    "REQUEST": ("doQuery", "getCapabilities"),
    "PARTIAL": ("refuse", "allow"),
}


def pairs_of(name: str, second: str) -> list[tuple[str, str]]:
    """A query with that parameter twice, the second time under its name in small letters."""
    first = [("LANG", "ADQL"), ("QUERY", QUERY), (name, SINGLE[name][0])]
    return [*dict.fromkeys(first), (name.lower(), second)]


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("send_form", [get, post, post_multipart])
def test_a_parameter_twice_with_one_value_is_that_value(service: str, send_form: object, name: str) -> None:
    reply: Reply = send_form(f"{service}/sync", pairs_of(name, SINGLE[name][0]))  # type: ignore[operator]
    assert reply.status == 200, reply.text


@pytest.mark.parametrize("name", SINGLE)
def test_a_parameter_twice_with_two_values_is_an_error(service: str, name: str) -> None:
    reply = post(f"{service}/sync", pairs_of(name, SINGLE[name][1]))
    assert reply.status == 400
    assert name in reply.votable().message


def test_values_that_differ_in_case_or_blanks_are_two(service: str) -> None:
    for second in ("csv ", "CSV"):
        assert post(f"{service}/sync", pairs_of("FORMAT", second)).status == 400


def test_one_in_the_url_and_one_in_the_body_are_twice(service: str) -> None:
    form = {"LANG": "ADQL", "QUERY": QUERY, "MAXREC": "2", "FORMAT": "csv"}
    assert len(post(f"{service}/sync?MAXREC=2", form).lines) == 3
    assert post(f"{service}/sync?MAXREC=3", form).status == 400


CONTROL = {
    "RUNID": ("mine", "yours"),
    "EXECUTIONDURATION": ("50", "60"),
    "DESTRUCTION": ("2100-01-01T00:00:00Z", "2100-01-02T00:00:00Z"),
}


@pytest.mark.parametrize("name", CONTROL)
def test_what_steers_a_job_may_come_twice_with_one_value(service: str, job: Job, name: str) -> None:
    one, other = CONTROL[name]
    form = [("LANG", "ADQL"), ("QUERY", QUERY), (name, one)]
    made = post(f"{service}/async", [*form, (name.lower(), one)])
    assert made.status == 200
    request("DELETE", f"{service}/async/{made.xml().findtext('{*}jobId')}")
    assert post(f"{service}/async", [*form, (name.lower(), other)]).status == 400
    assert post(job.remoteLocation, [(name, one), (name.lower(), one)]).status == 200
    assert post(job.remoteLocation, [(name, one), (name.lower(), other)]).status == 400


def test_a_parameter_of_a_job_twice_with_one_value_runs(service: str) -> None:
    made = post(f"{service}/async", [("LANG", "ADQL"), ("QUERY", QUERY), ("FORMAT", "csv")]).xml()
    job = f"{service}/async/{made.findtext('{*}jobId')}"
    assert post(f"{job}/parameters", [("MAXREC", "2"), ("maxrec", "2")]).status == 200
    assert post(f"{job}/phase", [("PHASE", "RUN"), ("phase", "RUN")]).status == 200
    phase = "PENDING"
    while phase in {"PENDING", "QUEUED", "EXECUTING"}:
        phase = get(job, {"WAIT": "10", "PHASE": phase}).xml().findtext("{*}phase")
    assert len(get(f"{job}/results/result").lines) == 3
    request("DELETE", job)


def test_several_uploads_may_still_be_given_by_repeating_upload(service: str) -> None:
    """UPLOAD has many values; the same one twice is a table twice."""
    query = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.a, TAP_UPLOAD.b"
    content = votable(MINE, "tabledata")
    assert send(f"{service}/sync?UPLOAD=b,param:part", query, content, name="a").lines == ["n", "9"]


# ---- jobs


def test_jobs_can_be_listed_straight_after_one_was_made(tap: TapPlus, job: Job) -> None:
    """TapPlus keeps no cookie, so what it may list is the service's affair; whatever it lists has a phase."""
    listed = tap.list_async_jobs()
    assert isinstance(listed, list)
    assert all(len(each.jobid) == 32 and each.get_phase() for each in listed)
    assert {each.get_phase() for each in listed if each.jobid == job.jobid} <= {"PENDING"}
    assert isinstance(tap.search_async_jobs(), list)


def test_a_job_is_started_later_loaded_and_removed(tap: TapPlus, job: Job) -> None:
    assert job.get_phase(update=True) == "PENDING"
    job.send_parameter(name="MAXREC", value="2")
    job.start()
    assert len(job.get_results()) == 2
    loaded = tap.load_async_job(jobid=job.jobid)
    assert (loaded.jobid, loaded.get_phase(update=True)) == (job.jobid, "COMPLETED")
    assert len(loaded.get_results()) == len(loaded.get_results()) == 2
    tap.remove_jobs([job.jobid])
    with pytest.raises(HTTPError, match="404"):
        tap.load_async_job(jobid=job.jobid)


@pytest.mark.parametrize("name", ["launch_job", "launch_job_async"])
def test_an_error_is_shown_in_the_services_words(tap: TapPlus, name: str) -> None:
    with pytest.raises(HTTPError, match="Hint: Did you mean name"):
        getattr(tap, name)("SELECT nam FROM demo.ngc")


# ---- tables


@pytest.mark.parametrize("kind", [Tap, TapPlus])
def test_the_tables_are_loaded_with_their_columns(service: str, kind: type[Tap]) -> None:
    tables = {each.name: each for each in kind(url=service).load_tables()}
    found = next(table for name, table in tables.items() if name.endswith("demo.ngc"))
    columns = {each.name: each for each in found.columns}
    assert (columns["ra"].unit, columns["ra"].ucd) == ("deg", "pos.eq.ra;meta.main")


def test_names_only_or_one_table_can_be_loaded(tap: TapPlus) -> None:
    assert all(not each.columns for each in tap.load_tables(only_names=True))
    assert len(tap.load_table("demo.ngc").columns) > 5


@pytest.mark.parametrize("rows", [1, 2001])
def test_a_large_upload_by_form_keeps_its_rows(tap: TapPlus, rows: int) -> None:
    """Beyond TapPlus's own TOP 2000 only by asking for more."""
    mine = Table({"id": np.arange(rows)})
    query = "SELECT TOP 5000 id FROM tap_upload.mine"
    found = tap.launch_job(query, upload_resource=mine, upload_table_name="mine").get_results()
    assert len(found) == rows
