"""Files of jobs in parts: what the IETF's draft "Resumable Uploads for HTTP" asks of offsets and parts, and what must never happen."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import Reply, post, request

COUNT = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n, SUM(a) AS s FROM TAP_UPLOAD.mine", "RESPONSEFORMAT": "csv"}
CONTENT = b"a\n" + b"".join(b"%d\n" % i for i in range(1000))


@pytest.fixture(scope="module")
def small(sample: Config) -> Config:
    """One whose files have a limit that a test can reach."""
    return alone(sample, upload_bytes=1_000_000)


@pytest.fixture(scope="module")
def url(small: Config) -> Iterator[str]:
    with serving(small) as url:
        yield url


@pytest.fixture
def job(url: str) -> Iterator[str]:
    """A job that waits for the file `f`."""
    job = created(url)
    yield job
    request("DELETE", job)


def created(url: str) -> str:
    reply = post(f"{url}/async", COUNT | {"UPLOAD": "mine,param:f"})
    return f"{url}/async/{reply.text.partition('<uws:jobId>')[2][:32]}"


def patch(job: str, offset: int, content: bytes, *, last: bool = False, **headers: str) -> Reply:
    given = {
        "Content-Type": "application/partial-upload",
        "Upload-Offset": str(offset),
        "Upload-Complete": "?1" if last else "?0",
        "Content-Disposition": 'attachment; filename="mine.csv"',
    }
    return request(
        "PATCH", f"{job}/parameters/f", content, given | {k.replace("_", "-"): v for k, v in headers.items()}
    )


def offset(job: str) -> tuple[str, str]:
    reply = request("HEAD", f"{job}/parameters/f")
    return reply.headers["Upload-Offset"], reply.headers["Upload-Complete"]


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_the_offset_tells_where_to_go_on(job: str) -> None:
    assert request("HEAD", f"{job}/parameters/f").status == 404
    assert patch(job, 0, CONTENT[:700]).status == 204
    reply = request("HEAD", f"{job}/parameters/f")
    assert reply.status == 204
    assert (reply.headers["Upload-Offset"], reply.headers["Upload-Complete"]) == ("700", "?0")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Upload-Limit"] == "max-size=1000000"


def finished(job: str) -> str:
    """Its document; each WAIT ends with a change of phase, of which there are several."""
    for _ in range(10):
        text = request("GET", f"{job}?WAIT=20").text
        if not any(f"<uws:phase>{phase}" in text for phase in ("PENDING", "QUEUED", "EXECUTING")):
            break
    return text


@pytest.mark.parametrize("cuts", [(), (1,), (0, 500), (700, 700, 701), tuple(range(100, 3000, 100))])
def test_parts_make_the_file_again(job: str, cuts: tuple[int, ...]) -> None:
    for start, end in zip((0, *cuts), (*cuts, len(CONTENT)), strict=True):
        reply = patch(
            job, start, CONTENT[start:end], last=end == len(CONTENT), Content_Digest=digest(CONTENT[start:end])
        )
        assert (reply.status, reply.headers["Upload-Offset"]) == (204, str(end))
    assert offset(job) == (str(len(CONTENT)), "?1")
    assert request("GET", f"{job}/parameters/f").body == CONTENT
    post(f"{job}/phase", {"PHASE": "RUN"})
    assert "<uws:phase>COMPLETED" in finished(job)
    assert request("GET", f"{job}/results/result").text.split() == ["n,s", "1000,499500"]


def test_the_last_part_may_be_empty(job: str) -> None:
    patch(job, 0, CONTENT)
    assert patch(job, len(CONTENT), b"", last=True).status == 204
    assert offset(job) == (str(len(CONTENT)), "?1")


@pytest.mark.parametrize("wrong", [0, 99, 101, 10**12])
def test_a_part_that_does_not_go_on_is_409_with_the_right_offset(job: str, wrong: int) -> None:
    patch(job, 0, CONTENT[:100])
    reply = patch(job, wrong, CONTENT[wrong % 1000 :])
    assert reply.status == 409
    assert (reply.headers["Upload-Offset"], reply.headers["Upload-Complete"]) == ("100", "?0")
    assert offset(job) == ("100", "?0")


def test_a_complete_file_takes_no_more(job: str) -> None:
    patch(job, 0, CONTENT, last=True)
    reply = patch(job, len(CONTENT), b"7\n")
    assert (reply.status, reply.headers["Upload-Complete"]) == (409, "?1")
    assert request("GET", f"{job}/parameters/f").body == CONTENT


def test_a_part_that_is_not_what_its_digest_says_is_thrown_away(job: str) -> None:
    reply = patch(job, 0, CONTENT[:100], Content_Digest=digest(CONTENT[:99]))
    assert reply.status == 400
    assert "send it again" in reply.text
    assert request("HEAD", f"{job}/parameters/f").status == 404


@pytest.mark.parametrize(("headers", "expected"), [
    ({"Content_Digest": "md5=:abc:"}, "sha-256"),
    ({"Content_Digest": "sha-256=:" + "=" * 44 + ":"}, "sha-256"),
    ({"Content_Type": "text/csv"}, "application/partial-upload"),
    ({"Upload_Offset": "-1"}, "Upload-Offset"),
    ({"Upload_Offset": "1e3"}, "Upload-Offset"),
    ({"Upload_Complete": "yes"}, "Upload-Complete"),
])  # fmt: skip
def test_a_wrong_header_is_400_and_says_which(job: str, headers: dict[str, str], expected: str) -> None:
    reply = patch(job, 0, CONTENT, **headers)
    assert reply.status == 400
    assert expected in reply.text


def test_a_job_does_not_run_before_its_file_is_complete(job: str) -> None:
    patch(job, 0, CONTENT[:100])
    reply = post(f"{job}/phase", {"PHASE": "RUN"})
    assert reply.status == 400
    assert "Of the file f 100 bytes are here" in reply.text
    assert request("GET", f"{job}/phase").text == "PENDING"


def test_a_job_that_runs_takes_no_part(job: str) -> None:
    patch(job, 0, CONTENT, last=True)
    post(f"{job}/phase", {"PHASE": "RUN"})
    finished(job)
    assert patch(job, len(CONTENT), b"7\n").status == 403


def test_a_file_has_a_limit(job: str) -> None:
    assert patch(job, 0, b"a\n" * 400_000).status == 204
    reply = patch(job, 800_000, b"1\n" * 200_000)
    assert reply.status == 400
    assert "at most 1000000 bytes" in reply.text
    assert offset(job) == ("800000", "?0")


def test_two_at_once_cannot_both_append(job: str) -> None:
    replies: list[Reply] = []
    parts = [b"a\n" + bytes([49 + i]) * 50_000 for i in range(8)]
    threads = [threading.Thread(target=lambda p=p: replies.append(patch(job, 0, p))) for p in parts]  # type: ignore[misc]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(reply.status for reply in replies) == [204] + [409] * 7
    assert request("GET", f"{job}/parameters/f").body in parts


def test_a_file_of_a_job_that_is_not_there_is_404(url: str) -> None:
    assert patch(f"{url}/async/{'0' * 32}", 0, CONTENT).status == 404


def test_a_form_takes_the_place_of_parts(job: str) -> None:
    patch(job, 0, CONTENT[:100])
    body = b'--xyz\r\nContent-Disposition: form-data; name="f"; filename="b.csv"\r\n\r\na\n5\n\r\n--xyz--\r\n'
    request("POST", f"{job}/parameters", body, {"Content-Type": "multipart/form-data; boundary=xyz"})
    assert request("GET", f"{job}/parameters/f").body == b"a\n5\n"


def test_parts_are_gone_with_their_job(small: Config, url: str) -> None:
    job = created(url)
    patch(job, 0, CONTENT[:100])
    patch(job, 100, CONTENT[100:], last=True)
    folder = Path(small.jobs.results) / job[-32:][:2] / job[-32:]
    assert len(list(folder.iterdir())) == 2
    request("DELETE", job)
    for _ in range(60):
        if not folder.exists():
            return
        threading.Event().wait(0.25)
    raise AssertionError(list(folder.iterdir()))
