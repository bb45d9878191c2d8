"""What is kept beside the result of a job, what its query took, and its rows while they are written."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import Reply, get, post
from tests.contract.own_tables import Asker

QUERY = "SELECT TOP 7 name, ra FROM demo.ngc ORDER BY name"
LONG = "SELECT a.name, b.name AS other, a.ra + b.ra AS total FROM demo.ngc AS a, demo.ngc AS b"


@pytest.fixture(scope="module")
def service(sample: Config) -> Iterator[str]:
    with serving(alone(sample, maxrec_hard=100_000_000, processes=1)) as service:
        yield service


def run(service: str, query: str, **more: str) -> str:
    """Run a job to its end and return its URL."""
    return Asker(service).run(query, **more)


def manifest_of(job: str) -> Any:
    return json.loads(get(f"{job}/results/manifest").body)


def test_a_manifest_tells_query_sql_tables_software_digest_and_times(service: str) -> None:
    job = run(service, QUERY, RESPONSEFORMAT="csv", REUSE="refuse")
    manifest, body = manifest_of(job), get(f"{job}/results/result").body
    assert (manifest["query"], manifest["sql"].split()[0]) == (QUERY, "SELECT")
    (table,) = manifest["tables"]
    assert (table["name"], table["version"]) == ("demo.ngc", "1")
    assert table["title"]
    assert manifest["software"].keys() == {"armillary", "postgresql"}
    assert manifest["result"]["sha256"] == hashlib.sha256(body).hexdigest()
    assert (manifest["result"]["rows"], manifest["result"]["bytes"]) == (7, len(body))
    assert manifest["queued"] <= manifest["started"] <= manifest["ended"]


def test_manifest_and_citations_are_results_behind_the_rows(service: str) -> None:
    job = run(service, QUERY, REUSE="refuse")
    document = get(job).text
    assert re.findall(r'<uws:result id="(\w+)"', document) == ["result", "manifest", "citations"]
    citation = get(f"{job}/results/citations")
    assert citation.headers["Content-Type"].startswith("application/x-bibtex")
    assert citation.text.startswith("@misc{demo_ngc,")
    assert document.count('name="sha-256"') + document.count("sha-256") >= 1


def test_a_result_that_is_used_again_has_the_manifest_of_its_first_job(service: str) -> None:
    first = run(service, QUERY, RESPONSEFORMAT="tsv")
    again = run(service, QUERY, RESPONSEFORMAT="tsv")
    assert manifest_of(again) == manifest_of(first)


def test_uploads_are_in_the_manifest_with_their_digests(service: str) -> None:
    source = run(service, QUERY, RESPONSEFORMAT="csv")
    job = run(service, "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine", UPLOAD=f"mine,{source}/results/result")
    (upload,) = manifest_of(job)["uploads"]
    assert upload["name"] == "mine"
    assert upload["sha256"] == hashlib.sha256(get(f"{source}/results/result").body).hexdigest()
    assert manifest_of(job)["tables"] == []


def test_what_a_job_took_adds_up_to_its_time(service: str) -> None:
    job = run(
        service,
        "SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b WHERE a.ra < 60 AND a.dec < b.dec",
        REUSE="refuse",
    )
    receipt = manifest_of(job)["receipt"]
    assert list(receipt["seconds"]) == ["queue", "open", "translate", "plan", "first row", "rows", "encode", "send"]
    assert sum(receipt["seconds"].values()) == pytest.approx(receipt["total"], rel=1e-3)
    assert max(receipt["seconds"], key=receipt["seconds"].get) == "first row"
    assert "before its first row" in receipt["slow"]


def test_stages_of_a_job_are_its_time_within_five_percent(service: str) -> None:
    job = run(service, LARGE, REUSE="refuse")
    manifest = manifest_of(job)
    queued, ended = (datetime.fromisoformat(manifest[name]) for name in ("queued", "ended"))
    wall = (ended - queued).total_seconds()
    assert wall > 0.5
    assert manifest["receipt"]["total"] == pytest.approx(wall, rel=0.05)


LARGE = "SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b WHERE a.ra < 40 AND a.ra + a.dec < b.dec"


def test_an_answer_of_sync_tells_what_it_took_where_that_is_asked_for(service: str) -> None:
    form = {"LANG": "ADQL", "QUERY": LARGE, "FORMAT": "csv", "RECEIPT": "allow"}
    begun = time.perf_counter()
    reply = get(f"{service}/sync", form)
    wall = time.perf_counter() - begun
    receipt = json.loads(reply.headers["X-Armillary-Receipt"])
    assert receipt["total"] == pytest.approx(wall, rel=0.05)
    assert max(receipt["seconds"], key=receipt["seconds"].get) == "first row"
    assert "X-Armillary-Receipt" not in get(f"{service}/sync", form | {"RECEIPT": "refuse"}).headers


def test_a_receipt_has_the_rows_and_blocks_that_were_read(service: str) -> None:
    def read(query: str, **more: str) -> dict[str, Any]:
        reply = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "RECEIPT": "allow", **more})
        assert reply.status == 200, reply.text
        content: dict[str, Any] = json.loads(reply.headers["X-Armillary-Receipt"])["read"]
        return content

    every = read("SELECT AVG(vmag) AS v FROM demo.ngc")
    assert (every["rows"], every["why"]) == (14033, None)
    assert 0 < every["cached"] <= every["blocks"]
    one = read("SELECT ra FROM demo.ngc WHERE name = 'NGC0224'")
    assert one["rows"] < 10
    assert one["blocks"] < every["blocks"]
    joined = read(
        "SELECT COUNT(*) AS n FROM demo.ngc AS a JOIN TAP_UPLOAD.result AS u ON a.name = u.name",
        UPLOAD=f"result,{run(service, QUERY)}",
    )
    assert joined["rows"] >= 7
    shared = read("SELECT COUNT(*) AS n FROM demo.stars WHERE vmag - ra > 1000")
    assert shared["rows"] == 981_852 or "Several processes" in shared["why"]


def test_a_result_that_is_too_large_to_wait_for_is_refused(sample: Config) -> None:
    with serving(alone(sample, processes=1, spool_limit=100_000, spool_memory=50_000)) as service:
        query = "SELECT TOP 30000 ra, dec FROM demo.stars"
        reply = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv", "RECEIPT": "allow"})
    assert (reply.status, "make it a job" in reply.text) == (400, True)


def test_the_page_of_a_job_shows_what_it_took(service: str) -> None:
    page = get(run(service, QUERY, REUSE="refuse"), Accept="text/html").text
    assert "Spent on" in page
    assert "/results/manifest" in page


def test_server_timing_tells_the_stages_of_a_query(service: str) -> None:
    begun = time.perf_counter()
    reply = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY, "FORMAT": "csv"})
    wall = 1000 * (time.perf_counter() - begun)
    stages = dict(re.findall(r"([a-z-]+);dur=([\d.]+)", reply.headers["Server-Timing"]))
    assert {"queue", "open", "translate", "plan", "first-row", "rows", "encode"} <= stages.keys()
    assert 0 < sum(map(float, stages.values())) <= wall


def test_rows_of_a_job_that_runs_can_be_read_as_a_part_of_unknown_length(service: str) -> None:
    asker = Asker(service)
    reply = asker.post_form("async", LANG="ADQL", QUERY=LONG, RESPONSEFORMAT="csv", MAXREC="100000000", PHASE="RUN")
    job = str(reply.headers["Location"])
    try:
        reply = wait_for_rows(job)
        assert reply.headers["Content-Range"] == f"bytes 0-{len(reply.body) - 1}/*"
        assert reply.body.startswith(b"name,other,total\n")
        assert reply.body.endswith(b"\n")
        more = wait_for_rows(job, Range=f"bytes={len(reply.body)}-")
        assert more.headers["Content-Range"].startswith(f"bytes {len(reply.body)}-")
        assert more.text.splitlines()[0].count(",") == 2
        assert get(f"{job}/results/result").status == 404
    finally:
        post(f"{job}/phase", {"PHASE": "ABORT"})


def wait_for_rows(job: str, **headers: str) -> Reply:
    for _ in range(200):
        reply = get(f"{job}/results/partial", **headers)
        if reply.status == 206:
            return reply
        assert reply.status in {404, 416}, reply.text
        time.sleep(0.1)
    raise AssertionError("no rows come")


def test_of_a_job_that_is_done_the_whole_result_is_there_instead(service: str) -> None:
    job = run(service, QUERY, RESPONSEFORMAT="csv")
    assert get(f"{job}/results/partial").text.count("\n") == 8
