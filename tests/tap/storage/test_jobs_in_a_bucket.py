"""A service whose results lie in a bucket."""

from collections.abc import Iterator

import pytest

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import get, post, request
from tests.tap.storage.s3_server import BUCKET, S3Server

QUERY = "SELECT TOP 500 name, ra, dec FROM demo.ngc"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    server.make_bucket()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(sample: Config, server: S3Server) -> Iterator[str]:
    config = alone(sample, results=f"s3://{BUCKET}/here")
    with serving(config, **server.environment) as url:
        yield url


def run(url: str, **form: str) -> tuple[str, str]:
    job = location(url, form)
    phase = "QUEUED"
    while phase in {"QUEUED", "EXECUTING"}:
        root = get(job, {"WAIT": "10", "PHASE": phase}).xml()
        phase = root.findtext("{*}phase")
    return job, phase


def location(url: str, form: dict[str, str]) -> str:
    """Redirects are followed: the document tells the job."""
    root = post(f"{url}/async", {"LANG": "ADQL", "PHASE": "RUN"} | form).xml()
    return f"{url}/async/{root.findtext('{*}jobId')}"


def test_a_result_is_that_of_sync_and_comes_in_parts_too(url: str, server: S3Server) -> None:
    job, phase = run(url, QUERY=QUERY, RESPONSEFORMAT="csv")
    assert phase == "COMPLETED"
    whole = get(f"{job}/results/result").body
    assert whole == get(f"{url}/sync", {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": "csv"}).body
    part = get(f"{job}/results/result", Range="bytes=100-199")
    assert (part.status, part.body) == (206, whole[100:200])
    assert request("DELETE", job).status == 303
    assert get(f"{job}/results/result").status == 404


def test_a_bucket_that_is_away_is_503_and_heals(url: str, server: S3Server) -> None:
    job, phase = run(url, QUERY=QUERY, RESPONSEFORMAT="csv")
    assert phase == "COMPLETED"
    server.stop()
    try:
        away = get(f"{job}/results/result")
        assert (away.status, away.headers["Retry-After"]) == (503, "10")
    finally:
        server.start()
    assert get(f"{job}/results/result").status == 200


@pytest.mark.long
def test_a_job_waits_for_a_bucket_that_is_away(url: str, server: S3Server) -> None:
    """Whether it was away before the job ran or while its result was written, the result is whole in the end."""
    server.stop()
    try:
        job = location(url, {"QUERY": QUERY, "RESPONSEFORMAT": "csv"})
        phase = "QUEUED"
        for _ in range(4):
            phase = str(get(job, {"WAIT": "2", "PHASE": phase}).xml().findtext("{*}phase"))
            assert phase in {"QUEUED", "EXECUTING"}
        assert get(f"{url}/sync", {"LANG": "ADQL", "QUERY": QUERY}).status == 200
    finally:
        server.start()
    while phase in {"QUEUED", "EXECUTING"}:
        phase = str(get(job, {"WAIT": "10", "PHASE": phase}).xml().findtext("{*}phase"))
    assert phase == "COMPLETED"
    whole = get(f"{url}/sync", {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": "csv"}).body
    assert get(f"{job}/results/result").body == whole
