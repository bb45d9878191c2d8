"""Jobs as pyvo, STILTS and astroquery run them."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pyvo
import requests
from pyvo.dal.exceptions import DALQueryError, DALServiceError

from tests.contract.client import get, post

STILTS = shutil.which("stilts")
THREE = "SELECT TOP 3 name, ra FROM demo.ngc WHERE name LIKE 'IC000%' ORDER BY name"
WRONG = "SELECT TOP 3 nam FROM demo.ngc"
LONG = "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.stars AS b WHERE a.ra < b.dec"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:astroquery", "ignore::ResourceWarning")


@pytest.fixture
def tap(service: str) -> Iterator[pyvo.dal.TAPService]:
    found = pyvo.dal.TAPService(service)
    yield found
    found._session.close()


# ---- pyvo


def test_pyvo_runs_a_query_as_a_job(tap: pyvo.dal.TAPService) -> None:
    assert list(tap.run_async(THREE)["name"]) == ["IC0001", "IC0002", "IC0003"]


def test_pyvo_gets_the_message_with_its_hint(tap: pyvo.dal.TAPService) -> None:
    with pytest.raises(DALQueryError, match="Did you mean name"):
        tap.run_async(WRONG)


def test_pyvo_steers_a_job_step_by_step(tap: pyvo.dal.TAPService) -> None:
    job = tap.submit_job("SELECT 1 AS one FROM demo.ngc", maxrec=2)
    job.query = THREE
    job.execution_duration = 77
    job.destruction = datetime.now(UTC) + timedelta(hours=5)
    assert (job.phase, job.execution_duration.sec, job.owner) == ("PENDING", 77, None)
    job.run().wait()
    assert job.phase == "COMPLETED"
    assert len(job.fetch_result()) == 2
    assert job.result_uri.endswith("/results/result")
    url = job.url
    job.delete()
    assert get(url).status == 404


def test_pyvo_aborts_a_job(tap: pyvo.dal.TAPService) -> None:
    job = tap.submit_job(LONG)
    job.run()
    job.abort()
    assert job.phase == "ABORTED"
    job.delete()


def test_pyvo_lists_the_jobs_of_its_own_session_and_no_others(service: str, tap: pyvo.dal.TAPService) -> None:
    begun = datetime.now(UTC)
    done = tap.submit_job(THREE)
    done.run().wait()
    waiting = tap.submit_job(THREE)
    assert [job.jobid for job in tap.get_job_list()] == [waiting.job_id, done.job_id]
    assert [job.jobid for job in tap.get_job_list(phases=["COMPLETED"])] == [done.job_id]
    assert [job.jobid for job in tap.get_job_list(last=1)] == [waiting.job_id]
    assert len(tap.get_job_list(after=begun - timedelta(minutes=1))) == 2
    assert tap.get_job(done.job_id).phase == "COMPLETED"
    another = pyvo.dal.TAPService(service, session=requests.Session())
    assert another.get_job_list() == []
    another._session.close()


def test_pyvo_is_told_that_a_deleted_job_is_gone(tap: pyvo.dal.TAPService) -> None:
    job = tap.submit_job(THREE)
    job.delete()
    with pytest.raises((DALServiceError, requests.HTTPError)):
        assert job.phase


# ---- STILTS


def stilts(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(STILTS), *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")
def test_stilts_runs_a_query_as_a_job_and_resumes_it(service: str) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    more = ("sync=false", "ofmt=csv", "poll=100", "executionduration=55", f"destruction={tomorrow}", "delete=never")
    done = stilts("tapquery", f"tapurl={service}", f"adql={THREE}", "progress=true", *more)
    assert [line.split(",")[0] for line in done.stdout.splitlines()][-3:] == ["IC0001", "IC0002", "IC0003"], done.stderr
    said = done.stdout + done.stderr
    url = next(word for word in said.split() if word.startswith(f"{service}/async/"))
    assert get(f"{url}/executionduration").text == "55"
    resumed = stilts("tapresume", f"joburl={url}", "ofmt=csv", "delete=finished")
    assert "IC0003" in resumed.stdout, resumed.stderr
    assert get(url).status == 404


@pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")
def test_stilts_shows_why_a_job_failed(service: str) -> None:
    done = stilts("tapquery", f"tapurl={service}", f"adql={WRONG}", "sync=false", "parse=false", "poll=100")
    assert done.returncode != 0
    assert "Did you mean name" in done.stdout + done.stderr


# ---- astroquery


@pytest.fixture
def plus(service: str) -> Any:
    tap = pytest.importorskip("astroquery.utils.tap")
    return tap.TapPlus(url=service)


def test_tap_plus_loads_the_tables(plus: Any) -> None:
    assert "demo.ngc" in {table.name for table in plus.load_tables()}
    assert len(plus.load_tables(only_names=True)) == len(plus.load_tables(include_shared_tables=True))
    flags = {column.name: column.flags for column in plus.load_table("demo.ngc").columns}
    assert (flags["ra"], flags["dec"]) in {("1", "2"), ("33", "34")}


def test_tap_plus_runs_queries(plus: Any) -> None:
    assert list(plus.launch_job(THREE).get_results()["name"]) == ["IC0001", "IC0002", "IC0003"]
    job = plus.launch_job_async(THREE, name="mine")
    assert list(job.get_results()["name"]) == ["IC0001", "IC0002", "IC0003"]
    assert plus.load_async_job(jobid=job.jobid).get_phase() == "COMPLETED"


def test_tap_plus_prepares_starts_and_aborts(service: str, plus: Any) -> None:
    job = plus.launch_job_async(THREE, autorun=False)
    job.send_parameter(name="MAXREC", value="2")
    job.start()
    job.wait_for_job_end()
    assert len(job.get_results()) == 2
    other = plus.launch_job_async(THREE, autorun=False)
    other.abort()
    assert get(f"{service}/async/{other.jobid}/phase").text == "ABORTED"


def test_tap_plus_finds_lists_and_removes_jobs(service: str, plus: Any) -> None:
    from astroquery.utils.tap.model.filter import Filter

    job = plus.launch_job_async(THREE, name="mine")
    by_id = Filter()
    by_id.add_filter("jobid", job.jobid)
    assert [each.name for each in plus.search_async_jobs(jobfilter=by_id)] == ["mine"]
    assert plus.list_async_jobs() == []
    plus.remove_jobs([job.jobid])
    assert get(f"{service}/async/{job.jobid}").status == 404
    assert post(f"{service}/deletejobs", {"JOB_IDS": job.jobid}).status == 404


def test_tap_plus_shows_why_a_job_failed(plus: Any) -> None:
    with pytest.raises(requests.HTTPError, match="There is no column nam"):
        plus.launch_job_async(WRONG).get_results()


def test_others_are_not_given_what_is_tap_plus_only(service: str) -> None:
    assert b"esatapplus" not in get(f"{service}/tables").body


# ---- uploads


def test_pyvo_uploads_a_table_with_a_query_and_to_a_job(tap: pyvo.dal.TAPService) -> None:
    mine = tap.search(THREE).to_table()
    count = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS m JOIN demo.ngc AS c ON c.name = m.name"
    assert tap.search(count, uploads={"mine": mine})["n"][0] == 3
    assert tap.run_async(count, uploads={"mine": mine})["n"][0] == 3


def test_pyvo_uploads_a_file_and_the_url_of_a_result(tap: pyvo.dal.TAPService, tmp_path: Path) -> None:
    job = tap.submit_job(THREE)
    job.run().wait()
    path = tmp_path / "mine.vot"
    path.write_bytes(get(job.result_uri).body)
    count = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS m JOIN demo.ngc AS c ON c.name = m.name"
    for uploaded in (str(path), job.result_uri):
        assert tap.search(count, uploads={"mine": uploaded})["n"][0] == 3
        assert tap.run_async(count, uploads={"mine": uploaded})["n"][0] == 3
    job.delete()


@pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")
@pytest.mark.parametrize("find", ["best", "all", "each", "each-dist"])
def test_stilts_matches_a_table_in_the_sky(service: str, tmp_path: Path, find: str) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("ra,dec\n10.0,41.0\n0.0,89.9\n359.9999,0.0\n56.75,24.1167\n")
    done = stilts(
        "tapskymatch", f"tapurl={service}", "taptable=demo.ngc", "taplon=ra", "taplat=dec", f"in={mine}", "ifmt=csv",
        "inlon=ra", "inlat=dec", "sr=1.5", f"find={find}", "ofmt=csv", "blocksize=3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5 if find.startswith("each") else len(lines) > 2
