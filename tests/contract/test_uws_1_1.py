"""UWS 1.1, the asynchronous parts of DALI 1.1 and TAP 1.1, and results over HTTP (RFC 9110, RFC 9530)."""

import base64
import contextlib
import hashlib
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.jobs import limits_of
from tests.contract.client import Reply, get, post_multipart, request, sync
from tests.contract.xsd import UWS, XSI, problems
from uws.phases import ACTIVE, FINAL, Move, Phase
from uws.statements import statements
from uws.store import Store

QUERY = "SELECT table_name, description FROM tap_schema.tables ORDER BY table_name"
SOME = "SELECT TOP 3000 * FROM demo.ngc ORDER BY name"
ENDLESS = "SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b, demo.ngc AS c WHERE a.ra + b.ra < c.ra"
FORMATS = ("votable", "votable/b", "votable/td", "csv", "tsv")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ATOMS = ("phase", "executionduration", "destruction", "quote", "owner")
HREF = "{http://www.w3.org/1999/xlink}href"
NIL = f"{{{XSI}}}nil"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FAR = "2099-01-01T00:00:00Z"


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers here."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def call(method: str, url: str, body: bytes | None = None, /, **headers: str) -> Reply:
    spelt = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(url, body, spelt, method=method)
    try:
        with _OPENER.open(asked, timeout=90) as answer:
            return Reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read())


def post(url: str, *pairs: tuple[str, str], cookie: str = "", **form: str) -> Reply:
    body = urlencode([*pairs, *form.items()]).encode()
    return call("POST", url, body, Content_Type=FORM["Content-Type"], Cookie=cookie)


def submit(service: str, query: str = QUERY, cookie: str = "", **form: str) -> str:
    """The URL of a new job."""
    reply = post(f"{service}/async", cookie=cookie, LANG="ADQL", QUERY=query, **form)
    assert reply.status == 303, reply.text
    return str(reply.headers["Location"])


def document(job: str, **parameters: str) -> Any:
    """A job's document, which must be valid."""
    reply = get(job, parameters)
    assert reply.status == 200, reply.text
    return reply.xml()


def said(job: str, name: str) -> str | None:
    """The text of an element of a job's document; None where there is no such element."""
    found = document(job).find(f"{{{UWS}}}{name}")
    return None if found is None else found.text or ""


def parameters(job: str) -> list[tuple[str, str]]:
    return [(each.get("id"), each.text or "") for each in document(job).iter(f"{{{UWS}}}parameter")]


def told(job: str) -> dict[str, str]:
    """The jobInfo."""
    return {each.tag: each.text for info in document(job).iter(f"{{{UWS}}}jobInfo") for each in info}


def state(job: str) -> bytes:
    """All that is told of a job but for its quote, which may follow the clock."""
    return re.sub(rb"<uws:quote.*", b"", get(job).body)


def wait_for(job: str, *phases: str) -> str:
    """Waits as clients shall, until the job is in one of these phases."""
    end, phase = time.monotonic() + 60, get(f"{job}/phase").text
    while phase not in phases:
        still_to_come = phase not in FINAL and time.monotonic() < end
        assert still_to_come, f"{phase}: {get(job).text}"
        phase = document(job, WAIT="10", PHASE=phase).findtext(f"{{{UWS}}}phase")
    return phase


def done(service: str, query: str = QUERY, **form: str) -> str:
    """A job that is complete."""
    job = submit(service, query, PHASE="RUN", **form)
    wait_for(job, "COMPLETED")
    return job


def eventually(check: Callable[[], bool], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def refused(reply: Reply, *statuses: int) -> str:
    """The message of an error in a valid VOTable."""
    assert reply.status in statuses, (reply.status, reply.text[:300])
    assert reply.media_type in {"application/x-votable+xml", "text/xml", "application/xml"}
    votable = reply.votable()
    assert votable.statuses == [("ERROR", "alone")]
    assert votable.message
    return votable.message


def id_of(job: str) -> str:
    return job.rpartition("/")[2]


def listed(service: str, cookie: str = "", *pairs: tuple[str, str]) -> list[str]:
    """Ids in the job list, which must be valid."""
    reply = call("GET", f"{service}/async?{urlencode(pairs)}", Cookie=cookie)
    assert reply.status == 200, reply.text
    return [each.get("id") for each in reply.xml().iter(f"{{{UWS}}}jobref")]


@pytest.fixture(scope="module")
def store(service: str, sample: Config) -> Iterator[Store]:
    """The service's own, for what only an operator or a keeper does."""
    store = Store(database.jobs_conninfo(sample), limits_of(sample.jobs))
    store.open()
    yield store
    store.close()


@pytest.fixture
def admin(sample: Config) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.cluster_of(sample.database).conninfo(ADMIN), autocommit=True) as connection:
        yield connection


@pytest.fixture
def cookie(service: str) -> str:
    """Of a visitor whom nobody knows yet."""
    reply = post(f"{service}/async", QUERY="x")
    job = reply.headers["Location"]
    assert call("DELETE", job).status == 303
    return str(reply.headers["Set-Cookie"]).partition(";")[0]


@pytest.fixture
def endless(service: str) -> Iterator[str]:
    """A job that runs, until the test is over."""
    job = submit(service, ENDLESS, PHASE="RUN")
    wait_for(job, "EXECUTING")
    yield job
    call("DELETE", job)


@contextlib.contextmanager
def nobody_claims(store: Store) -> Iterator[None]:
    """What is queued stays queued for a moment."""
    with store.connection() as connection, connection.transaction():
        connection.execute(statements()["turn"].encode())
        yield


@pytest.fixture(scope="module")
def finished(service: str) -> str:
    """A job that is complete, for those who only look at it."""
    return done(service)


@pytest.fixture(scope="module")
def failed(service: str) -> str:
    job = submit(service, "SELECT nothing FROM demo.stars", PHASE="RUN")
    wait_for(job, "ERROR")
    return job


# ---- creating jobs (§2.2.3.1, DALI 1.1 §2.1, TAP 1.1 §2.2)


def test_a_new_job_is_answered_with_303_and_its_absolute_url(service: str) -> None:
    """§2.2.3.1: must have code 303 and a Location that points to the job."""
    reply = post(f"{service}/async", LANG="ADQL", QUERY=QUERY)
    assert reply.status == 303
    job = reply.headers["Location"]
    assert re.fullmatch(rf"{re.escape(service)}/async/[0-9a-f]{{32}}", job)
    assert said(job, "jobId") == id_of(job)
    assert said(job, "phase") == get(f"{job}/phase").text == "PENDING"


def test_a_job_is_made_by_every_kind_of_form(service: str) -> None:
    """DALI 1.1 §3.1: parameters in the URL, in a form, in parts."""
    query = urlencode({"LANG": "ADQL", "QUERY": QUERY, "RUNID": "x"})
    by_url = call("POST", f"{service}/async?{query}", b"", **FORM).headers["Location"]
    by_form = submit(service, RUNID="x")
    assert parameters(by_url) == parameters(by_form) == [("LANG", "ADQL"), ("QUERY", QUERY)]
    in_parts = post_multipart(f"{service}/async", {"LANG": "ADQL", "QUERY": "SELECT 1\r\nAS x", "RUNID": "x"})
    assert in_parts.xml().findtext(f"{{{UWS}}}parameters/{{{UWS}}}parameter[@id='QUERY']") == "SELECT 1\r\nAS x"


def test_a_job_needs_no_parameters_when_it_is_made(service: str) -> None:
    """TAP 1.1 §2.7: may be created with no parameters, which are checked when the query is run."""
    job = post(f"{service}/async").headers["Location"]
    assert parameters(job) == []
    for name, value in (("QUERY", QUERY), ("LANG", "ADQL"), ("RESPONSEFORMAT", "csv")):
        assert post(f"{job}/parameters", (name, value)).status == 303
    post(f"{job}/phase", PHASE="RUN")
    assert wait_for(job, "COMPLETED")


def test_parameters_are_kept_as_they_came_but_for_the_case_of_their_names(service: str) -> None:
    """DALI 1.1 §3; unknown ones are no error."""
    sent = [("lang", "ADQL"), ("Query", "SELECT 'ä🔭' <&>"), ("MAXREC", "5"), ("fOrMaT", "csv"), ("jobname", "J")]
    job = post(f"{service}/async", *sent, ("X", "1"), ("x", "2")).headers["Location"]
    assert parameters(job) == [*((name.upper(), value) for name, value in sent), ("X", "1"), ("X", "2")]


@pytest.mark.parametrize("in_url", [False, True])
def test_a_job_may_run_from_its_creation(service: str, in_url: bool) -> None:
    """§2.2.3.1: PHASE=RUN, also in the query part of the URL."""
    form = {"LANG": "ADQL", "QUERY": QUERY, "REQUEST": "doQuery"}
    reply = post(f"{service}/async?PHASE=RUN", **form) if in_url else post(f"{service}/async", **form, PHASE="RUN")
    assert reply.status == 303
    job = reply.headers["Location"]
    assert said(job, "phase") != "PENDING"
    wait_for(job, "COMPLETED")


def test_a_job_may_be_steered_from_its_creation(service: str) -> None:
    """§2.1.11: job control parameters have their standard names, and are no parameters of the job."""
    job = submit(service, RUNID=" my run <1> ", EXECUTIONDURATION="77", DESTRUCTION="2026-12-24T18:00:00.250Z")
    assert said(job, "runId") == " my run <1> "
    assert said(job, "executionDuration") == get(f"{job}/executionduration").text == "77"
    destruction = said(job, "destruction")
    assert destruction == get(f"{job}/destruction").text
    assert [name for name, _ in parameters(job)] == ["LANG", "QUERY"]


@pytest.mark.parametrize(
    "form",
    [
        {"LANG": "ADQL", "QUERY": "DUFF QUERY"},
        {"LANG": "OOBLECK", "QUERY": QUERY},
        {"QUERY": QUERY},
        {"LANG": "ADQL"},
        {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": "clay"},
        {"LANG": "ADQL", "QUERY": QUERY, "MAXREC": "-1"},
        {"LANG": "ADQL", "QUERY": QUERY, "REQUEST": "doNothing"},
        {"LANG": "ADQL", "QUERY": "SELECT 1/(nrows - nrows) FROM tap_schema.tables"},
    ],
    ids=str,
)
def test_a_job_that_cannot_work_is_made_and_fails(service: str, form: dict[str, str]) -> None:
    """TAP 1.1 §2.7, §2.2.2.5: the phase ERROR, a summary, and the same text in the error document."""
    reply = post(f"{service}/async", **form, PHASE="RUN")
    assert reply.status == 303
    job = reply.headers["Location"]
    wait_for(job, "ERROR")
    summary = document(job).find(f"{{{UWS}}}errorSummary")
    assert summary.get("type") == "fatal"
    message = summary.findtext(f"{{{UWS}}}message")
    assert refused(get(f"{job}/error"), 200) == message
    # Of what /sync says of it, nothing is lost.
    assert refused(get(f"{service}/sync", form), 400) == message


NONSENSE = {
    "DESTRUCTION": ["tomorrow", "2030-13-01T00:00:00Z", "1999-01-01T00:00:00Z", "-1", "2030-01-01T00:00:00+02:00"],
    "EXECUTIONDURATION": ["-1", "1.5", "an hour", "1e3", "0x10", "\u0661"],
    "PHASE": ["ABORT", "JUMP", "COMPLETED", "RUN;"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NONSENSE.items() for value in values])
def test_nonsense_makes_no_job(service: str, cookie: str, name: str, value: str) -> None:
    assert name in refused(post(f"{service}/async", (name, value), cookie=cookie, QUERY=QUERY), 400)
    assert listed(service, cookie) == []


def test_what_is_given_twice_makes_no_job(service: str, cookie: str) -> None:
    """DALI 1.1 §3.2."""
    for name, value in (("PHASE", "RUN"), ("RUNID", "x"), ("EXECUTIONDURATION", "5"), ("DESTRUCTION", FAR)):
        other = (name.lower(), f"{value}1")
        assert name in refused(post(f"{service}/async", (name, value), other, cookie=cookie), 400)
    assert listed(service, cookie) == []


# ---- resources and their representations (§2.2.1, §2.2.2)


@contextlib.contextmanager
def job_in(service: str, store: Store, phase: Phase) -> Iterator[str]:
    """A job of the service that is in that phase as long as the block lasts."""
    if phase is Phase.QUEUED:
        with nobody_claims(store):
            yield submit(service, PHASE="RUN")
        return
    job = _moved_to(service, store, phase)
    try:
        yield job
    finally:
        call("DELETE", job)


def _moved_to(service: str, store: Store, phase: Phase) -> str:
    if phase is Phase.HELD:
        with nobody_claims(store):
            job = submit(service, PHASE="RUN")
            store.move(id_of(job), Move.HOLD)
        return job
    if phase in {Phase.PENDING, Phase.COMPLETED}:
        return done(service) if phase is Phase.COMPLETED else submit(service)
    wrong = phase is Phase.ERROR
    job = submit(service, "wrong" if wrong else ENDLESS, PHASE="RUN")
    wait_for(job, "ERROR" if wrong else "EXECUTING")
    for move in {Phase.SUSPENDED: [Move.HOLD], Phase.ARCHIVED: [Move.ABORT, Move.ARCHIVE]}.get(phase, []):
        store.move(id_of(job), move)
    if phase is Phase.ABORTED:
        post(f"{job}/phase", PHASE="ABORT")
    return job


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.UNKNOWN])
def test_a_job_in_any_phase_is_told_as_the_schema_has_it(service: str, store: Store, phase: Phase) -> None:
    """§2.2.2 and appendix B: the schema is the definitive description; xsi:nil where nobody knows."""
    with job_in(service, store, phase) as job:
        root = document(job)
        assert root.findtext(f"{{{UWS}}}phase") == get(f"{job}/phase").text == phase
        known = {each.tag.removeprefix(f"{{{UWS}}}"): each for each in root}
        assert [name for name in ("ownerId", "startTime", "endTime") if known[name].get(NIL) is None] == [
            *(["startTime"] if phase not in {Phase.PENDING, Phase.QUEUED, Phase.HELD} else []),
            *(["endTime"] if phase in FINAL else []),
        ]
        assert ("errorSummary" in known) == (phase is Phase.ERROR)
        assert bool(len(known["results"])) == (phase is Phase.COMPLETED)
        for name in ("creationTime", "destruction"):
            assert INSTANT.fullmatch(known[name].text)
        _is_whole(job, known)


def _is_whole(job: str, known: dict[str, Any]) -> None:
    """Every atom and container is there and says what the document says (§2.2.1)."""
    for name, element in (
        ("executionduration", "executionDuration"),
        ("destruction", "destruction"),
        ("owner", "ownerId"),
    ):
        assert get(f"{job}/{name}").text == (known[element].text or "")
    for name in ("parameters", "results"):
        assert get(f"{job}/{name}").xml().tag == known[name].tag
    assert get(f"{job}/error").status == (200 if "errorSummary" in known else 404)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in ACTIVE | {Phase.UNKNOWN}])
def test_nobody_waits_for_a_job_that_is_not_active(service: str, store: Store, phase: Phase) -> None:
    """§2.2.1.2: otherwise must return immediately."""
    with job_in(service, store, phase) as job:
        began = time.monotonic()
        for wait in ("30", "-1"):
            assert document(job, WAIT=wait, PHASE=phase).findtext(f"{{{UWS}}}phase") == phase
        assert time.monotonic() - began < 15


def test_atoms_are_plain_text(finished: str) -> None:
    """§2.2.2; demand 17."""
    for name in ATOMS:
        reply = get(f"{finished}/{name}")
        assert (reply.status, reply.media_type) == (200, "text/plain")
        assert reply.text == reply.text.strip()


def test_containers_are_xml_with_the_literal_prefix(service: str, finished: str) -> None:
    """§2.2.2; some clients compare names as text."""
    for path, name in (("", "job"), ("/parameters", "parameters"), ("/results", "results")):
        reply = get(f"{finished}{path}", Accept="text/html,text/plain,*/*;q=0.1")
        assert (reply.status, reply.media_type) == (200, "text/xml")
        assert reply.text.startswith("<?xml")
        assert f"<uws:{name} " in reply.text
        assert not problems(reply.body)
    assert "<uws:jobs " in get(f"{service}/async").text
    assert "<uws:jobId>" in get(finished).text


def test_the_version_stands_on_job_and_list(service: str, finished: str) -> None:
    """§2.2.1.1: must set the attribute value to 1.1."""
    for url in (finished, f"{service}/async"):
        assert get(url).xml().get("version") == "1.1"


def test_an_anonymous_job_has_no_owner(finished: str) -> None:
    """§2.1.8."""
    assert get(f"{finished}/owner").text == ""
    assert document(finished).find(f"{{{UWS}}}ownerId").get(NIL) == "true"


def test_a_quote_is_a_time_or_nothing(service: str, finished: str) -> None:
    """§2.1.6, §2.2.1: nothing for what has ended; else in both places, both with T and Z."""
    assert get(f"{finished}/quote").text == ""
    assert document(finished).find(f"{{{UWS}}}quote").get(NIL) == "true"
    job = submit(service)
    element = document(job).find(f"{{{UWS}}}quote")
    assert element.get(NIL) == "true" or INSTANT.fullmatch(element.text)
    assert bool(get(f"{job}/quote").text) == (element.get(NIL) is None)


def test_what_happened_when_is_told_in_order(finished: str) -> None:
    names = ("creationTime", "startTime", "endTime", "destruction")
    times = [said(finished, name) or "" for name in names]
    assert all(INSTANT.fullmatch(each) for each in times)
    assert times == sorted(times)


def test_a_run_id_is_only_passed_back(service: str) -> None:
    """§2.1.9: no parsing or processing; several jobs may have the same."""
    for run_id in ("<&>'\"", "ä🔭 x", "a" * 256, "0"):
        for job in (submit(service, RUNID=run_id), submit(service, RUNID=run_id)):
            assert said(job, "runId") == run_id


def test_parameters_are_read_as_a_list_and_each_alone(service: str) -> None:
    """§2.2.2.4."""
    job = submit(service, MAXREC="7")
    found = get(f"{job}/parameters").xml()
    assert [(each.get("id"), each.text) for each in found] == [("LANG", "ADQL"), ("QUERY", QUERY), ("MAXREC", "7")]
    for name in ("QUERY", "query"):
        reply = get(f"{job}/parameters/{name}")
        assert (reply.text, reply.media_type) == (QUERY, "text/plain")
    refused(get(f"{job}/parameters/NONE"), 404)


def test_errors_of_the_job_list_are_told_in_votables(service: str) -> None:
    """Demand 7."""
    refused(get(f"{service}/async/nothing"), 404)
    refused(get(f"{service}/async", {"LAST": "x"}), 400)


# ---- WAIT (§2.2.1.2)


def test_a_wait_ends_when_its_time_is_up(service: str) -> None:
    """§2.2.1.2: must return after the given value of seconds, with the unchanged document."""
    job = submit(service)
    before = state(job)
    began = time.monotonic()
    waited = get(job, {"WAIT": "1"})
    assert 1 <= time.monotonic() - began < 20
    assert not problems(waited.body)
    assert re.sub(rb"<uws:quote.*", b"", waited.body) == before


def test_a_wait_ends_at_once_where_the_client_is_mistaken_about_the_phase(service: str) -> None:
    """§2.2.1.2: must return immediately if the phase is not the given one."""
    job = submit(service)
    began = time.monotonic()
    for wait in ("60", "-1"):
        for phase in ("QUEUED", "EXECUTING", "COMPLETED"):
            assert document(job, WAIT=wait, PHASE=phase).findtext(f"{{{UWS}}}phase") == "PENDING"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("wait", [{"WAIT": "60"}, {"WAIT": "-1"}, {"wait": "-1", "phase": "pending"}])
@pytest.mark.parametrize("act", ["RUN", "ABORT", "DELETE"])
def test_a_wait_is_woken_by_a_change(service: str, wait: dict[str, str], act: str) -> None:
    """§2.2.1.2: at a minimum must return when the phase changes."""
    job = submit(service)
    query = urlencode(wait)
    waiter = subprocess.Popen(
        [sys.executable, "-c", _GET, f"{job}?{query}"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert waiter.stdout
    assert waiter.stdout.readline() == b"asked\n"
    time.sleep(0.3)  # whether it waits already or not, it is told
    assert waiter.poll() is None
    if act == "DELETE":
        call("DELETE", job)
    else:
        post(f"{job}/phase", PHASE=act)
    answer, _ = waiter.communicate(timeout=30)
    status, _, body = answer.partition(b"\n")
    assert status == (b"404" if act == "DELETE" else b"200")
    if act != "DELETE":
        assert b"PENDING" not in body


_GET = """
import sys, socket, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
with socket.create_connection((url.hostname, url.port)) as s:
    s.sendall(f"GET {url.path}?{url.query} HTTP/1.0\\r\\nHost: {url.netloc}\\r\\n\\r\\n".encode())
    print("asked", flush=True)
    answer = s.makefile("rb").read()
print(answer.split()[1].decode())
sys.stdout.flush()
sys.stdout.buffer.write(answer)
"""


@pytest.mark.parametrize(
    "form", [("WAIT", "soon"), ("WAIT", "-2"), ("WAIT", "1.5"), ("WAIT", "1_0"), ("PHASE", "DONE")]
)
def test_nonsense_in_a_wait_is_refused_and_the_job_unharmed(service: str, form: tuple[str, str]) -> None:
    job = submit(service)
    assert form[0] in refused(get(job, dict([("WAIT", "1"), form])), 400)
    assert get(f"{job}/phase").text == "PENDING"


def test_a_wait_without_a_value_or_for_nothing_does_not_wait(service: str) -> None:
    job = submit(service)
    for wait in ("", "0"):
        assert document(job, WAIT=wait).findtext(f"{{{UWS}}}phase") == "PENDING"
    refused(get(f"{service}/async/{'0' * 32}", {"WAIT": "-1"}), 404)


# ---- the job list (§2.2.2.1)


def test_a_visitor_lists_the_own_jobs_and_a_stranger_none(service: str, cookie: str) -> None:
    """§2.2.2.1: all jobs that the client can see in its security context."""
    jobs = [id_of(submit(service, cookie=cookie)) for _ in range(3)]
    assert sorted(listed(service, cookie)) == sorted(jobs)
    assert listed(service) == []
    assert listed(service, "armillary_visitor=" + "x" * 22) == []
    assert listed(service, f"other=1; {cookie}") == listed(service, cookie)


def test_a_reference_tells_phase_run_id_owner_and_creation(service: str, cookie: str) -> None:
    """§2.2.2.1 and the schema: a link to the job."""
    job = submit(service, cookie=cookie, RUNID="r")
    (found,) = call("GET", f"{service}/async", Cookie=cookie).xml()
    assert (found.get("id"), found.get(HREF)) == (id_of(job), job)
    assert found.findtext(f"{{{UWS}}}phase") == "PENDING"
    assert found.findtext(f"{{{UWS}}}runId") == "r"
    assert found.find(f"{{{UWS}}}ownerId").get(NIL) == "true"
    assert found.findtext(f"{{{UWS}}}creationTime") == said(job, "creationTime")


def test_a_list_is_filtered_by_phases(service: str, store: Store, cookie: str) -> None:
    """§2.2.2.1: the union of repeated phases; ARCHIVED only by this."""
    pending, aborted, archived = (id_of(submit(service, cookie=cookie)) for _ in range(3))
    for job in (aborted, archived):
        post(f"{service}/async/{job}/phase", PHASE="ABORT")
    store.move(archived, Move.ARCHIVE)
    assert set(listed(service, cookie)) == {pending, aborted}
    assert listed(service, cookie, ("PHASE", "PENDING")) == [pending]
    assert set(listed(service, cookie, ("PHASE", "PENDING"), ("phase", "ABORTED"))) == {pending, aborted}
    assert listed(service, cookie, ("PHASE", "ARCHIVED")) == [archived]
    assert set(listed(service, cookie, *[("PHASE", each) for each in Phase])) == {pending, aborted, archived}
    assert listed(service, cookie, ("PHASE", "EXECUTING")) == []


def test_a_list_is_filtered_by_time_and_number_and_all_together(service: str, cookie: str) -> None:
    """§2.2.2.1: AFTER with fractions of a second, LAST by descending creation, and both and PHASE by AND."""
    jobs = [submit(service, cookie=cookie) for _ in range(4)]
    post(f"{jobs[1]}/phase", PHASE="ABORT")
    ids, times = [id_of(job) for job in jobs], [said(job, "creationTime") or "" for job in jobs]
    assert times == sorted(set(times)), "made in one millisecond"
    assert listed(service, cookie) == ids[::-1]
    assert listed(service, cookie, ("LAST", "2")) == ids[:1:-1]
    assert listed(service, cookie, ("AFTER", times[1])) == ids[:1:-1]
    assert listed(service, cookie, ("AFTER", times[0].removesuffix("Z") + "000Z"), ("LAST", "1")) == [ids[3]]
    assert listed(service, cookie, ("AFTER", times[0]), ("PHASE", "PENDING"), ("LAST", "9")) == ids[:1:-1]
    assert listed(service, cookie, ("AFTER", times[0]), ("PHASE", "ABORTED")) == [ids[1]]
    assert listed(service, cookie, ("AFTER", times[3])) == []
    assert len(listed(service, cookie, ("AFTER", times[0][:10]))) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAST", "0"),
        ("LAST", "-1"),
        ("LAST", "many"),
        ("LAST", "1.5"),
        ("AFTER", "yesterday"),
        ("AFTER", "2026-02-30T00:00:00Z"),
        ("AFTER", "2026-01-01T00:00:00+05:00"),
        ("PHASE", "DONE"),
        ("PHASE", "PENDING,QUEUED"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(service: str, name: str, value: str) -> None:
    assert name in refused(get(f"{service}/async", {name: value}), 400)


def test_a_list_takes_any_number(service: str, cookie: str) -> None:
    job = id_of(submit(service, cookie=cookie))
    assert listed(service, cookie, ("LAST", "9" * 30)) == [job]


# ---- changing a job (§2.1.11, §2.2.3)


CHANGES: dict[str, Callable[[str], Reply]] = {
    "POST to the job": lambda job: post(job, QUERY="SELECT 2"),
    "POST to parameters": lambda job: post(f"{job}/parameters", query="SELECT 2"),
    "POST to the parameter": lambda job: post(f"{job}/parameters/QUERY", QUERY="SELECT 2"),
    "PUT to the parameter": lambda job: call("PUT", f"{job}/parameters/QUERY", b"SELECT 2", Content_Type="text/plain"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_parameters_change_while_the_job_is_pending(service: str, change: Callable[[str], Reply]) -> None:
    """§2.1.11, DALI 1.1 §2.1; the answer is 303 to the job (§2.2.3)."""
    job = submit(service)
    reply = change(job)
    assert (reply.status, reply.headers["Location"]) == (303, job)
    assert parameters(job) == [("LANG", "ADQL"), ("QUERY", "SELECT 2")]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_parameters_stay_once_the_job_is_not_pending(
    service: str, finished: str, endless: str, change: Callable[[str], Reply]
) -> None:
    """DALI 1.1 §2.1; §2.2: 403 for what is illegal in this state."""
    for job in (finished, endless):
        before = parameters(job)
        refused(change(job), 403)
        refused(post(job, RUNID="late"), 403)
        assert parameters(job) == before
        assert said(job, "runId") is None


def test_a_run_id_may_be_set_while_the_job_is_pending(service: str) -> None:
    job = submit(service)
    assert post(job, RUNID="later").status == 303
    assert said(job, "runId") == "later"


def test_astroquery_gets_200_for_a_parameter(service: str) -> None:
    """It follows no redirect after POST of a parameter to the job."""
    job = submit(service)
    body = urlencode({"MAXREC": "5"}).encode()
    reply = call("POST", job, body, Content_Type=FORM["Content-Type"], User_Agent="astroquery/0.4.11")
    assert reply.status == 200
    assert ("MAXREC", "5") in parameters(job)


def test_the_execution_duration_is_changed(service: str, sample: Config) -> None:
    """§2.2.3.4: 303 to the job; the service may substitute a value, 0 is no limit (§2.1.4)."""
    job = submit(service)
    for url, sent, kept in (
        (f"{job}/executionduration", "60", 60),
        (job, "61", 61),
        (f"{job}/executionduration", "0", sample.jobs.job_duration_limit),
        (f"{job}/executionduration", "9" * 25, sample.jobs.job_duration_limit),
    ):
        reply = post(url, EXECUTIONDURATION=sent)
        assert (reply.status, reply.headers["Location"]) == (303, job)
        assert get(f"{job}/executionduration").text == said(job, "executionDuration") == str(kept)


def test_the_destruction_is_changed(service: str, sample: Config) -> None:
    """§2.2.3.3: 303 to the job; fractions of a second are kept, too late a time is substituted."""
    job = submit(service)
    instant = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S")
    for url, fraction in ((f"{job}/destruction", ".125"), (job, ".5"), (f"{job}/destruction", ".123456")):
        reply = post(url, DESTRUCTION=f"{instant}{fraction}Z")
        assert (reply.status, reply.headers["Location"]) == (303, job)
        assert get(f"{job}/destruction").text == said(job, "destruction") == f"{instant}{fraction:0<4.4}Z"
    assert post(f"{job}/destruction", DESTRUCTION=FAR).status == 303
    latest = datetime.now(UTC) + timedelta(seconds=sample.jobs.job_lifetime_limit)
    kept = datetime.fromisoformat(get(f"{job}/destruction").text)
    assert abs(kept - latest) < timedelta(minutes=1)


def test_a_job_is_started(service: str) -> None:
    """§2.2.3.5: 303 to the job, which is no longer pending when one looks."""
    job = submit(service)
    reply = post(f"{job}/phase", PHASE="RUN")
    assert (reply.status, reply.headers["Location"]) == (303, job)
    assert said(job, "phase") in {"QUEUED", "EXECUTING", "COMPLETED"}
    wait_for(job, "COMPLETED")


@pytest.mark.parametrize("phase", ["PENDING", "EXECUTING"])
def test_a_job_is_aborted(service: str, admin: psycopg.Connection, phase: str) -> None:
    """§2.2.3.6: 303 to the job, whose resources remain; its statement is gone from PostgreSQL."""
    job = submit(service, ENDLESS, **({"PHASE": "RUN"} if phase == "EXECUTING" else {}))
    wait_for(job, phase)
    reply = post(f"{job}/phase", PHASE="ABORT")
    assert (reply.status, reply.headers["Location"]) == (303, job)
    assert get(f"{job}/phase").text == said(job, "phase") == "ABORTED"
    assert said(job, "endTime")
    assert ("QUERY", ENDLESS) in parameters(job)
    assert eventually(lambda: running(admin) == 0, 5)
    refused(get(f"{job}/results/result"), 404)


def running(admin: psycopg.Connection) -> int:
    """Endless queries that PostgreSQL is at."""
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'armillary_reader' AND state = 'active'"
        " AND query LIKE '%ngc%ngc%ngc%'"
    ).fetchone()
    return int(row[0]) if row else -1


@pytest.mark.parametrize("phase", ["RUN", "ABORT"])
def test_what_has_ended_is_neither_run_nor_aborted(finished: str, failed: str, phase: str) -> None:
    """§2.2: 403 for a request that is illegal for the state."""
    for job in (finished, failed):
        before = state(job)
        refused(post(f"{job}/phase", PHASE=phase), 403)
        assert state(job) == before


def test_a_job_is_run_only_once(service: str) -> None:
    job = done(service)
    refused(post(f"{job}/phase", PHASE="RUN"), 403)
    assert get(f"{job}/results/result").status == 200


def test_a_job_is_aborted_when_its_execution_duration_is_over(service: str) -> None:
    """§2.1.4: should automatically abort; the summary says why."""
    job = submit(service, ENDLESS, PHASE="RUN", EXECUTIONDURATION="1")
    wait_for(job, "ABORTED")
    message = document(job).findtext(f"{{{UWS}}}errorSummary/{{{UWS}}}message")
    assert "execution duration of 1 second" in message
    assert refused(get(f"{job}/error"), 200) == message


def test_a_job_is_destroyed_at_its_destruction(service: str, sample: Config) -> None:
    """§2.1.5: the execution is aborted, results are destroyed, the service forgets the job."""
    complete, executing = done(service), submit(service, ENDLESS, PHASE="RUN")
    wait_for(executing, "EXECUTING")
    files = Path(sample.database.data_dir) / "results" / id_of(complete)[:2] / id_of(complete)
    assert list(files.iterdir())
    soon = (datetime.now(UTC) + timedelta(seconds=0.5)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for job in (complete, executing):
        assert post(f"{job}/destruction", DESTRUCTION=soon).status == 303
    for job in (complete, executing):
        assert eventually(lambda: get(job).status == 404)  # noqa: B023
    assert eventually(lambda: not files.exists())


STEERING = [
    *((name, value) for name in ("DESTRUCTION", "EXECUTIONDURATION") for value in NONSENSE[name]),
    *(("PHASE", value) for value in ("JUMP", "COMPLETED", "PENDING", "ARCHIVED", "RUN;")),
    ("ACTION", "DESTROY"),
    ("ACTION", "1"),
]


@pytest.mark.parametrize(("name", "value"), STEERING)
def test_nonsense_is_refused_and_the_job_unharmed(service: str, name: str, value: str) -> None:
    job = submit(service)
    before = state(job)
    own = {"PHASE": "phase", "DESTRUCTION": "destruction", "EXECUTIONDURATION": "executionduration"}.get(name, "")
    for url in (job, f"{job}/{own}".rstrip("/")):
        assert name in refused(post(url, (name, value), MAXREC="1", RUNID="x"), 400)
        assert state(job) == before


def test_a_form_without_anything_is_refused(service: str) -> None:
    job = submit(service)
    for path in ("", "/phase", "/parameters", "/destruction"):
        refused(post(f"{job}{path}"), 400)


@pytest.mark.parametrize("delete", ["DELETE", "ACTION", "action"])
@pytest.mark.parametrize("phase", ["PENDING", "EXECUTING", "COMPLETED", "ERROR"])
def test_a_deleted_job_is_gone_everywhere(
    service: str, admin: psycopg.Connection, cookie: str, delete: str, phase: str
) -> None:
    """§2.2.3.2: 303 to the job list, which is cheap to follow; the job is destroyed (§2.1.5)."""
    query = {"EXECUTING": ENDLESS, "ERROR": "wrong"}.get(phase, QUERY)
    job = submit(service, query, cookie, **({} if phase == "PENDING" else {"PHASE": "RUN"}))
    wait_for(job, phase)
    reply = call("DELETE", job) if delete == "DELETE" else post(job, (delete, "DELETE"))
    assert (reply.status, reply.headers["Location"]) == (303, f"{service}/async")
    assert listed(service, cookie) == []
    for method, path in RESOURCES:
        refused(call(method, f"{job}{path}", _body(method), **FORM), 404)
    assert eventually(lambda: running(admin) == 0, 5)


RESOURCES = [
    *(("GET", f"/{name}") for name in (*ATOMS, "error", "parameters", "parameters/QUERY", "results", "results/result")),
    *(("POST", f"/{name}") for name in ("phase", "executionduration", "destruction", "parameters", "parameters/QUERY")),
    ("GET", ""),
    ("GET", "?WAIT=-1"),
    ("POST", ""),
    ("DELETE", ""),
    ("PUT", "/parameters/QUERY"),
]


def _body(method: str) -> bytes | None:
    return b"PHASE=RUN" if method in {"POST", "PUT"} else None


@pytest.mark.parametrize(
    "job_id", ["0" * 32, "1", "..;", "%00", "%2e%2e", "'; DROP TABLE uws.jobs; --", "ä", "x" * 4000]
)
def test_a_job_that_never_was_is_not_found_on_any_resource(service: str, job_id: str) -> None:
    """§2.2: 404 for a resource that does not exist; DALI 1.1 §4.2."""
    quoted = job_id if "%" in job_id else urllib.request.quote(job_id)  # type: ignore[attr-defined]
    for method, path in RESOURCES if job_id == "0" * 32 else RESOURCES[:1]:
        refused(call(method, f"{service}/async/{quoted}{path}", _body(method), **FORM), 404)


@pytest.mark.parametrize("path", ["/nothing", "/results/other", "/results/..", "/phase/x", "/parameters/X/Y", "/Phase"])
def test_what_a_job_does_not_have_is_not_found(finished: str, path: str) -> None:
    """§2.2, DALI 1.1 §4.2."""
    assert call("GET", f"{finished}{path}").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("DELETE", f"/{name}") for name in (*ATOMS, "error", "parameters", "parameters/QUERY", "results/result")),
        *(("POST", f"/{name}") for name in ("quote", "owner", "error", "results", "results/result")),
        *(("PUT", path) for path in ("", "/phase", "/parameters", "/results/result")),
        ("PATCH", ""),
        ("PATCH", "/phase"),
    ],
)
def test_what_may_not_be_done_to_a_resource_is_not_allowed(finished: str, method: str, path: str) -> None:
    """§2.2.3.2: no other resource may be deleted; §2.1.10: results are not updated."""
    before = state(finished)
    reply = call(method, f"{finished}{path}", b"PHASE=ABORT", **FORM)
    refused(reply, 405)
    assert "GET" in reply.headers["Allow"]
    assert state(finished) == before


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_the_list_itself_is_neither_deleted_nor_replaced(service: str, method: str) -> None:
    """§2.1.1."""
    refused(call(method, f"{service}/async", b"", **FORM), 405)


def test_heads_are_those_of_the_documents(service: str, finished: str) -> None:
    for url in (f"{service}/async", finished, *(f"{finished}/{name}" for name in (*ATOMS, "parameters", "results"))):
        head, whole = call("HEAD", url), get(url)
        assert (head.status, head.body) == (200, b"")
        assert (head.headers["Content-Type"], head.headers["Content-Length"]) == (
            whole.headers["Content-Type"],
            whole.headers["Content-Length"],
        )


# ---- the queue as clients and operators see it


def test_a_queued_job_tells_its_place_and_what_it_waits_for(service: str, store: Store) -> None:
    with nobody_claims(store):
        one, another = (submit(service, PHASE="RUN") for _ in range(2))
        assert int(told(another)["queuePosition"]) == int(told(one)["queuePosition"]) + 1
        assert "lane" in told(one)["waitsFor"]
    for job in (one, another):
        wait_for(job, "COMPLETED")
        assert "queuePosition" not in told(job)


def test_a_running_job_tells_its_progress(service: str) -> None:
    query = "SELECT a.ra, b.ra AS rb, a.dec, b.dec AS db FROM demo.ngc AS a, demo.ngc AS b"
    job = submit(service, query, PHASE="RUN", MAXREC="20000000")
    try:
        assert eventually(lambda: int(told(job).get("rows", 0)) > 0, 20)
        assert get(f"{job}/phase").text == "EXECUTING"
        rows = int(told(job)["rows"])
        assert eventually(lambda: int(told(job).get("rows", 0)) > rows, 20)
        assert int(told(job)["bytes"]) > rows
    finally:
        call("DELETE", job)


def test_an_operator_holds_and_releases_a_job(service: str, sample: Config, endless: str) -> None:
    """§2.1.3: SUSPENDED; whoever releases it lets it run again."""
    settings = sample.as_environment()

    def armillary(*command: str) -> str:
        line = [sys.executable, "-m", "tap", "jobs", *command]
        return subprocess.run(line, env=os.environ | settings, check=True, capture_output=True, text=True).stdout

    assert "SUSPENDED" in armillary("hold", id_of(endless))
    assert get(f"{endless}/phase").text == "SUSPENDED"
    assert "operator" in told(endless)["waitsFor"]
    assert "QUEUED" in armillary("release", id_of(endless))
    assert wait_for(endless, "EXECUTING")


def test_a_held_job_is_run_by_its_client(service: str, store: Store) -> None:
    """§2.1.3: it is the client's to request PHASE=RUN again."""
    with job_in(service, store, Phase.HELD) as job:
        assert post(f"{job}/phase", PHASE="RUN").status == 303
        wait_for(job, "COMPLETED")


# ---- results (§2.2.2.3, TAP 1.1 §2.2, DALI 1.1 §4)


@pytest.mark.parametrize("response_format", FORMATS)
def test_a_job_gives_what_sync_gives(service: str, response_format: str) -> None:
    """Byte for byte, but for the time of the request."""
    form = {"RESPONSEFORMAT": response_format, "MAXREC": "500"}
    job = done(service, SOME, **form)
    by_job, by_sync = get(f"{job}/results/result"), sync(service, SOME, **form)
    assert (by_job.status, by_sync.status) == (200, 200)
    assert masked(by_job.body) == masked(by_sync.body)
    assert by_job.headers["Content-Type"] == by_sync.headers["Content-Type"]


def masked(body: bytes) -> bytes:
    return re.sub(rb'name="request_date" value="[^"]*"', b"", body)


def test_a_query_without_rows_has_a_result_without_rows(service: str) -> None:
    """TAP 1.1 §2.2: the result must exist and contain no data rows."""
    job = done(service, "SELECT name, ra FROM demo.ngc WHERE ra < -1", RESPONSEFORMAT="votable/td")
    found = get(f"{job}/results/result").votable()
    assert (found.names, found.rows, found.statuses) == (["name", "ra"], [], [("OK", "before")])


def test_a_job_takes_the_parameters_of_sync_and_passes_over_others(service: str) -> None:
    """TAP 1.1 §2.7, DALI 1.1 §2.2: the same parameters; a spurious one must be ignored."""
    form = {"RESPONSEFORMAT": "csv", "MAXREC": "3", "DUMMY": "ignore-me", "VERSION": "1.0"}
    job = done(service, SOME, **form)
    assert get(f"{job}/results/result").body == sync(service, SOME, **form).body


def test_the_result_is_named_and_linked(finished: str) -> None:
    """TAP 1.1 §2.2: named result; §2.2.2.3: a list with link, size and type, in both places; demand 4."""
    for root in (get(f"{finished}/results").xml(), document(finished).find(f"{{{UWS}}}results")):
        assert [result.get("id") for result in root][:2] == ["result", "manifest"]
        for result in root:
            assert result.get(HREF) == f"{finished}/results/{result.get('id')}"
            reply = get(result.get(HREF))
            assert result.get("size") == str(len(reply.body))
            assert reply.headers["Content-Type"].startswith(result.get("mime-type"))


def test_the_job_tells_rows_bytes_and_digest_of_its_result(service: str) -> None:
    job = done(service, SOME, RESPONSEFORMAT="csv", MAXREC="777")
    body = get(f"{job}/results/result").body
    found = told(job)
    assert found["rows"] == "777" == str(body.count(b"\n") - 1)
    assert found["bytes"] == str(len(body))
    assert found["sha-256"] == digest(body)


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_a_failed_job_tells_why_where_clients_look(failed: str) -> None:
    """DALI 1.1 §4.2: the error document has status 200; demand 7: the refusal of the result tells it too."""
    message = refused(get(f"{failed}/error"), 200)
    assert "nothing" in message
    assert refused(get(f"{failed}/results/result"), 404) == message
    assert f'<INFO name="QUERY_STATUS" value="ERROR">{message}</INFO>' in get(f"{failed}/error").text
    assert document(failed).find(f"{{{UWS}}}errorSummary").get("hasDetail") == "true"


def test_what_is_not_complete_has_no_result(service: str, endless: str) -> None:
    for job in (submit(service), endless):
        refused(get(f"{job}/results/result"), 404)
        assert len(get(f"{job}/results").xml()) == 0


# ---- downloads (RFC 9110 §13, §14; RFC 9530)


@pytest.fixture(scope="module")
def download(service: str) -> str:
    """The URL of a result of some size."""
    return done(service, SOME, RESPONSEFORMAT="votable") + "/results/result"


def test_a_download_tells_length_tag_digest_and_name(download: str) -> None:
    reply = get(download)
    assert reply.status == 200
    assert reply.headers["Content-Length"] == str(len(reply.body))
    for name in ("Content-Digest", "Repr-Digest"):
        assert reply.headers[name] == f"sha-256=:{digest(reply.body)}:"
    assert re.fullmatch(r'"[!#-~]+"', reply.headers["ETag"])
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    disposition = reply.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert download.split("/")[-3] in disposition


def test_a_download_is_never_compressed(download: str) -> None:
    reply = get(download, Accept_Encoding="gzip, br")
    assert reply.headers["Content-Encoding"] is None
    assert reply.headers["Content-Length"] == str(len(reply.body))


def test_results_of_different_bytes_have_different_tags(download: str, finished: str) -> None:
    assert (
        get(download).headers["ETag"]
        == get(download).headers["ETag"]
        != get(f"{finished}/results/result").headers["ETag"]
    )


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-199", 100, 200),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=-99999999", 0, None),
        ("bytes=10-99999999", 10, None),
        ("bytes=0-", 0, None),
    ],
)
def test_a_part_is_what_was_asked_for(download: str, asked: str, start: int, end: int | None) -> None:
    """RFC 9110 §14.1.2; the digest of the content is that of the part or is not there (RFC 9530 §2)."""
    whole = get(download)
    reply = get(download, Range=asked)
    assert reply.status == 206
    assert reply.body == whole.body[start:end]
    first = start % len(whole.body)
    assert reply.headers["Content-Range"] == f"bytes {first}-{first + len(reply.body) - 1}/{len(whole.body)}"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert reply.headers["ETag"] == whole.headers["ETag"]
    assert reply.headers["Repr-Digest"] == whole.headers["Repr-Digest"]
    assert reply.headers["Content-Digest"] in {None, f"sha-256=:{digest(reply.body)}:"}


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
def test_a_part_that_is_not_there_is_416_with_the_length(download: str, asked: str) -> None:
    """RFC 9110 §15.5.17."""
    reply = get(download, Range=asked)
    assert reply.status == 416
    assert reply.headers["Content-Range"] == f"bytes */{get(download).headers['Content-Length']}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes", "bytes=0-1,5-6", "bytes=1-2-3"]
)
def test_a_part_that_makes_no_sense_is_the_whole(download: str, asked: str) -> None:
    """RFC 9110 §14.2: invalid ones are ignored, and so may be several at once."""
    reply = get(download, Range=asked)
    assert reply.status == 200
    assert reply.body == get(download).body


def test_a_cut_download_goes_on_only_where_it_is_the_same(download: str) -> None:
    """RFC 9110 §13.1.5."""
    whole = get(download)
    etag = whole.headers["ETag"]
    same = get(download, Range="bytes=10-", If_Range=etag)
    assert (same.status, same.body) == (206, whole.body[10:])
    for other in ('"another"', f"W/{etag}", "Sat, 21 Nov 2020 00:00:00 GMT"):
        changed = get(download, Range="bytes=10-", If_Range=other)
        assert (changed.status, changed.body) == (200, whole.body)
    assert get(download, Range="bytes=99999999-", If_Range='"another"').status == 200


def test_what_one_has_is_not_sent_again(download: str) -> None:
    """RFC 9110 §13.1.2, §15.4.5; weak comparison; a condition on Range comes first."""
    etag = get(download).headers["ETag"]
    for condition in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        reply = get(download, If_None_Match=condition)
        assert (reply.status, reply.body) == (304, b"")
        assert reply.headers["ETag"] == etag
    assert get(download, If_None_Match='"x"').status == 200
    assert get(download, If_None_Match=etag, Range="bytes=0-5").status == 304


def test_a_head_of_a_download_tells_of_the_whole(download: str) -> None:
    """RFC 9110 §9.3.2, §14.2: a Range is for GET only. RFC 9530 §2: a digest of content is of the content sent."""
    whole = get(download)
    conditions: list[dict[str, str]] = [{}, {"Range": "bytes=0-5"}, {"Range": "bytes=99999999-"}]
    for headers in conditions:
        head = call("HEAD", download, **headers)
        assert (head.status, head.body) == (200, b"")
        for name in ("Content-Length", "ETag", "Content-Type", "Repr-Digest", "Accept-Ranges"):
            assert head.headers[name] == whole.headers[name]


def test_a_download_needs_no_cookie_and_no_list(service: str, cookie: str) -> None:
    """An anonymous job is reached by whoever knows its id."""
    job = submit(service, cookie=cookie, PHASE="RUN")
    wait_for(job, "COMPLETED")
    assert request("GET", f"{job}/results/result").status == 200
