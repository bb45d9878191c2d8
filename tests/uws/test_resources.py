"""The tree of resources for a service with accounts: each job is its owner's on every resource and with every verb."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tap.auth.accounts import AccountStore
from tap.config import Config
from tap.error_middleware import ErrorMiddleware
from tap.form import Form, FormFile, read_form, read_parameters
from tap.messages import Messages
from tap.pages.rendering import Pages
from tap.request_log import RequestLog
from tests.contract.xsd import UWS, parse
from tests.uws.conftest import PHASES, Sql, create, job_in, row_of
from uws import resumable_uploads
from uws.errors import NoSuchJob
from uws.forecast import outlook
from uws.job import Attachment, Job, Requester
from uws.parameters import Parameters
from uws.phases import Move, Phase
from uws.resources import Resources
from uws.service import JobFile
from uws.store import Store
from uws.waiting import Waiting, WaitingPlaces
from uws.xml import job_document

URL = "https://example.org/jobs"
LONGEST = 0.5


@dataclass(frozen=True)
class Echoes:
    """A service whose askers say who they are in a header; its jobs have the result `echo`."""

    url: str = URL

    async def parameters(self, request: Request) -> Parameters:
        return await read_parameters(request, Config())

    async def form(self, request: Request) -> Form:
        return await read_form(request, Config(), None)

    @property
    def most_bytes(self) -> int:
        return 1_000_000

    @property
    def most_words(self) -> int:
        return 10_000

    async def part(self, request: Request) -> JobFile:
        content = await request.body()
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(content)
        return FormFile("", Path(file.name))

    def keep(self, file: JobFile, key: str) -> None:
        """Keep nothing: what is stored of a file here is what the store knows of it."""

    async def attachment(self, attachment: Attachment) -> Response:
        raise NotImplementedError

    def asker(self, request: Request) -> Requester:
        who = request.headers.get("x-user")
        return Requester(who, None, who or "nobody")

    def is_shared(self, request: Request, job: Job) -> bool:
        return request.headers.get("x-shared") == job.job_id

    def welcome(self, request: Request, response: Response, asker: Requester) -> None:
        response.headers["x-welcome"] = asker.owner_id or "stranger"

    def cost(self, parameters: Parameters, owner: str | None) -> float | None:
        return None

    async def result(self, request: Request, job: Job, id_: str) -> Response:
        if id_ != "echo":
            raise NoSuchJob
        return PlainTextResponse("echo")

    def error(self, request: Request, job: Job) -> Response:
        return PlainTextResponse(job.error.message if job.error else "")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ids(self) -> list[str]:
        """Of the jobs in a list."""
        return [each.get("id") for each in parse(self.body).iter(f"{{{UWS}}}jobref")]


class Client:
    """Calls the application as a server would, and waits for its answer."""

    def __init__(self, store: Store, places: WaitingPlaces | None = None) -> None:
        # Nothing wakes who waits here: all that is asked is how long it may take.
        resources = Resources(store, Waiting(store, places=places), Echoes(), LONGEST)
        pages = Pages(Config().web, Messages(AccountStore("")))
        self._app = Starlette(
            routes=resources.routes("/jobs"),
            middleware=[Middleware(RequestLog), Middleware(ErrorMiddleware, [], pages)],
        )

    def __call__(self, method: str, path: str, who: str | None = None, /, **form: str) -> Answer:
        headers = [*_FORM, *([(b"x-user", who.encode())] if who else [])]
        return asyncio.run(_call(self._app, method, path, headers, urlencode(form).encode()))

    def put(self, path: str, body: str) -> Answer:
        return asyncio.run(_call(self._app, "PUT", path, _FORM, body.encode()))

    def patch(self, path: str, offset: int, body: bytes) -> Answer:
        """Send a part of a file."""
        headers = [(b"content-type", b"application/partial-upload"), (b"upload-offset", str(offset).encode())]
        return asyncio.run(_call(self._app, "PATCH", path, headers, body))

    def at_once(self, path: str, count: int) -> list[Answer]:
        """Get the same several times at the same time."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(_call(self._app, "GET", path, _FORM, b"") for _ in range(count)))

        return asyncio.run(all_of_them())


Headers = Sequence[tuple[bytes, bytes]]
_FORM: Headers = ((b"content-type", b"application/x-www-form-urlencoded"),)


async def _call(app: Starlette, method: str, path: str, headers: Headers, body: bytes) -> Answer:
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"example.org"), *headers],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(each.get("body", b"") for each in sent[1:]))


@pytest.fixture
def client(store: Store) -> Client:
    return Client(store)


READ = ["", "?WAIT=1", "?WAIT=-1&PHASE=PENDING"] + [
    f"/{name}"
    for name in (
        "phase executionduration destruction quote owner error parameters parameters/QUERY results results/echo".split()
    )
]
WRITE: dict[tuple[str, str], dict[str, str]] = {
    ("POST", ""): {"RUNID": "mine now"},
    ("POST", "?ACTION=DELETE"): {},
    ("POST", "/phase"): {"PHASE": "RUN"},
    ("POST", "/phase?PHASE=ABORT"): {},
    ("POST", "/executionduration"): {"EXECUTIONDURATION": "1"},
    ("POST", "/destruction"): {"DESTRUCTION": "2099-01-01T00:00:00Z"},
    ("POST", "/parameters"): {"QUERY": "another"},
    ("POST", "/parameters/QUERY"): {"QUERY": "another"},
    ("PUT", "/parameters/QUERY"): {"another": ""},
    ("PATCH", "/parameters/QUERY"): {},
    ("DELETE", ""): {},
}
VERBS = [*itertools.product(("GET", "HEAD"), READ), *WRITE]


@pytest.mark.parametrize("who", [None, "mallory", "ALICE", "alice "])
@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_job_of_somebody_else_is_forbidden(
    store: Store, sql: Sql, client: Client, verb: tuple[str, str], who: str | None
) -> None:
    """UWS 1.1 §3: 403 Forbidden, and nothing happens."""
    job = create(store, owner="alice")
    before = row_of(sql, job)
    answer = client(verb[0], f"/jobs/{job.job_id}{verb[1]}", who, **WRITE.get(verb, {}))
    assert answer.status == 403
    assert b"SELECT" not in answer.body
    assert b"alice" not in answer.body
    assert row_of(sql, job) == before


def test_every_resource_was_asked_with_every_verb(store: Store) -> None:
    """So that a new one is not forgotten here."""
    resources = Resources(store, Waiting(store), Echoes(), LONGEST)
    known = {
        (method, route.path.removeprefix("/jobs/{job_id}"))
        for route in resources.routes("/jobs")
        for method in route.methods or ()
        if route.path != "/jobs"
    }
    asked = {
        (method, path.partition("?")[0].replace("/QUERY", "/{name}").replace("/echo", "/{result_id}"))
        for method, path in VERBS
    }
    assert asked == known


@pytest.mark.parametrize(("method", "path"), VERBS)
def test_its_owner_may_do_it(store: Store, client: Client, method: str, path: str) -> None:
    job = create(store, owner="alice")
    answer = client(method, f"/jobs/{job.job_id}{path}", "alice", **WRITE.get((method, path), {}))
    if path == "/error":
        assert answer.status == 404
    elif method == "PATCH":
        assert answer.status == 400  # it is no part of a file
    else:
        assert answer.status == (200 if method in {"GET", "HEAD"} else 303)


@pytest.mark.parametrize("who", [None, "mallory"])
def test_a_job_of_a_stranger_is_reached_by_its_id(store: Store, client: Client, who: str | None) -> None:
    job = create(store)
    assert client("GET", f"/jobs/{job.job_id}", who).status == 200
    assert client("POST", f"/jobs/{job.job_id}/phase", who, PHASE="RUN").status == 303
    assert client("DELETE", f"/jobs/{job.job_id}", who).status == 303


def test_each_sees_the_own_jobs_only(store: Store, client: Client) -> None:
    """UWS 1.1 §2.2.2.1, §3."""
    made: dict[str | None, list[str]] = {"alice": [], "bob": [], None: []}
    for who in ["alice", "bob", "alice", None, "bob", "alice"]:
        answer = client("POST", "/jobs", who, QUERY="x")
        assert (answer.status, answer.headers["x-welcome"]) == (303, who or "stranger")
        made[who].append(answer.headers["location"].removeprefix(f"{URL}/"))
    assert sorted(client("GET", "/jobs", "alice").ids) == sorted(made["alice"])
    assert sorted(client("GET", "/jobs?PHASE=PENDING&LAST=5", "bob").ids) == sorted(made["bob"])
    assert client("GET", "/jobs").ids == client("GET", "/jobs", "mallory").ids == []
    store.delete(made["bob"][0])
    assert client("GET", "/jobs", "bob").ids == made["bob"][1:]


def test_an_owner_is_told_in_job_and_list(store: Store, client: Client) -> None:
    """UWS 1.1 §3: should set the owner object to the identity obtained by the authentication."""
    job = create(store, owner="alice")
    assert client("GET", f"/jobs/{job.job_id}/owner", "alice").body == b"alice"
    for path in ("", f"/{job.job_id}"):
        document = parse(client("GET", f"/jobs{path}", "alice").body)
        assert [each.text for each in document.iter(f"{{{UWS}}}ownerId")] == ["alice"]


def test_whose_job_it_is_was_settled_when_it_was_made(client: Client) -> None:
    """No parameter makes one somebody else."""
    answer = client("POST", "/jobs?OWNER=bob&ownerId=bob", "alice", OWNERID="bob", SHARE="bob", SESSION="bob")
    job = answer.headers["location"].removeprefix(URL)
    assert client("GET", f"/jobs{job}/owner", "alice").body == b"alice"
    assert client("GET", f"/jobs{job}", "bob").status == 403


def test_a_job_that_is_not_there_is_no_secret(store: Store, client: Client) -> None:
    gone = create(store, owner="alice")
    store.delete(gone.job_id)
    for job_id in (gone.job_id, "0" * 32, "nonsense", "%00", "a" * 5000):
        assert client("GET", f"/jobs/{job_id}", "mallory").status == 404


@pytest.mark.parametrize("wait", ["60", "-1", "999999999999999999999"])
def test_a_wait_is_bounded_by_the_service(store: Store, client: Client, wait: str) -> None:
    """UWS 1.1 §2.2.1.2: may impose a maximum; the document is then what it was."""
    job = create(store)
    began = time.monotonic()
    answer = client("GET", f"/jobs/{job.job_id}?WAIT={wait}")
    assert LONGEST <= time.monotonic() - began < 30
    assert answer.status == 200
    assert parse(answer.body).findtext(f"{{{UWS}}}phase") == "PENDING"


@pytest.mark.parametrize("wait", ["soon", "-2", "1.5", "1e3", "1_0", "0x10", "\u0661\u0660", "--1"])
def test_nonsense_for_wait_is_refused(store: Store, client: Client, wait: str) -> None:
    job = create(store)
    answer = client("GET", f"/jobs/{job.job_id}?{urlencode({'WAIT': wait})}")
    assert answer.status == 400


@pytest.mark.parametrize("phase", PHASES)
def test_a_document_in_any_phase_is_valid(store: Store, client: Client, phase: Phase) -> None:
    job = job_in(store, phase)
    assert parse(client("GET", f"/jobs/{job.job_id}").body).findtext(f"{{{UWS}}}phase") == phase


@pytest.mark.parametrize(
    "form",
    [
        {"DESTRUCTION": "2099-01-01T00:00:00Z", "PHASE": "RUN"},
        {"QUERY": "another", "RUNID": "another", "PHASE": "ABORT"},
        {"EXECUTIONDURATION": "5", "DESTRUCTION": "2099-01-01T00:00:00Z"},
    ],
)
def test_a_form_that_the_phase_forbids_changes_nothing_of_it(
    store: Store, sql: Sql, client: Client, form: dict[str, str]
) -> None:
    job = job_in(store, Phase.COMPLETED)
    before = row_of(sql, job)
    assert client("POST", f"/jobs/{job.job_id}", **form).status == 403
    assert row_of(sql, job) == before


def test_a_form_is_done_as_a_whole(store: Store, client: Client) -> None:
    job = create(store)
    form = {"QUERY": "another", "RUNID": "r", "EXECUTIONDURATION": "5", "PHASE": "RUN"}
    assert client("POST", f"/jobs/{job.job_id}", **form).status == 303
    after = store.job(job.job_id)
    assert (after.parameters, after.run_id, after.execution_duration) == ((("QUERY", "another"),), "r", 5)
    assert after.phase is Phase.QUEUED


@pytest.mark.parametrize(("limit", "status"), [("waiting_per_owner", 429), ("waiting", 503)])
def test_who_may_not_queue_more_is_told_when_to_come_back(
    make_store: Callable[..., Store], limit: str, status: int
) -> None:
    store = make_store(**{limit: 1})
    create(store, "nobody", run=True)
    answer = Client(store)("POST", "/jobs", QUERY="x", PHASE="RUN")
    assert answer.status == status
    assert int(answer.headers["retry-after"]) > 0
    assert len(store.references(None)) == 1


def test_a_put_body_is_the_value_itself(store: Store, client: Client) -> None:
    """UWS 1.1 §2.1.11."""
    job = create(store)
    value = "SELECT 'a=b&c' + \"ä\"\n%41"
    assert client.put(f"/jobs/{job.job_id}/parameters/query", value).status == 303
    assert store.job(job.job_id).parameters == (("QUERY", value),)
    assert client("GET", f"/jobs/{job.job_id}/parameters/Query").body.decode() == value
    assert store.move(job.job_id, Move.ABORT).phase is Phase.ABORTED
    assert client.put(f"/jobs/{job.job_id}/parameters/query", "x").status == 403


# ---- what any number of requests could make of one job, or of a process


def test_parameters_that_come_one_after_the_other_have_a_measure_together(store: Store, client: Client) -> None:
    job = create(store)
    for name in ("A", "B", "C"):
        assert client("POST", f"/jobs/{job.job_id}/parameters", **{name: "x" * 3000}).status == 303
    answer = client("POST", f"/jobs/{job.job_id}/parameters", D="x" * 3000)
    assert answer.status == 400
    assert b"at most 10,000 characters together" in answer.body
    assert client.put(f"/jobs/{job.job_id}/parameters/E", "x" * 3000).status == 400
    assert [name for name, _ in store.job(job.job_id).parameters] == ["QUERY", "A", "B", "C"]


def test_a_job_has_so_many_parameters_and_files(store: Store, client: Client) -> None:
    job = create(store, parameters=tuple((f"P{number}", "x") for number in range(199)))
    assert client.patch(f"/jobs/{job.job_id}/parameters/f", 0, b"x").status == 204
    assert client.patch(f"/jobs/{job.job_id}/parameters/f", 1, b"x").status == 204
    for answer in (
        client.patch(f"/jobs/{job.job_id}/parameters/g", 0, b"x"),
        client("POST", f"/jobs/{job.job_id}/parameters", MORE="x"),
    ):
        assert answer.status == 400
        assert b"at most 200 parameters and files" in answer.body
    assert client("POST", f"/jobs/{job.job_id}/parameters", P0="y").status == 303


def test_a_file_comes_in_so_many_parts(store: Store, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resumable_uploads, "_MOST_PARTS", 3)
    path = f"/jobs/{create(store).job_id}/parameters/f"
    assert [client.patch(path, offset, b"x").status for offset in range(4)] == [204, 204, 204, 400]
    assert client("HEAD", path).headers["upload-offset"] == "3"


def test_the_files_of_all_jobs_of_one_owner_have_a_measure_together(make_store: Callable[..., Store]) -> None:
    store = make_store(upload_bytes_per_owner=10)
    client = Client(store)
    first, second = (create(store, "nobody") for _ in range(2))
    path = "/jobs/{}/parameters/f".format
    assert client.patch(path(first.job_id), 0, b"sixsix").status == 204
    answer = client.patch(path(second.job_id), 0, b"five5")
    assert answer.status == 507
    assert b"at most 10 bytes together" in answer.body
    assert client.patch(path(second.job_id), 0, b"four").status == 204
    store.delete(first.job_id)
    assert client.patch(path(second.job_id), 4, b"more").status == 204
    others = create(store, "somebody else")
    store.check_upload("somebody else", 10)
    assert others.attachments == ()


@pytest.mark.parametrize("places", [WaitingPlaces(most=2), WaitingPlaces(most_of_share=2)])
def test_more_than_may_wait_are_answered_at_once(store: Store, places: WaitingPlaces) -> None:
    """UWS 1.1 §2.2.1.2: a service may answer earlier."""
    client, job, began = Client(store, places), create(store), time.monotonic()
    path = f"/jobs/{job.job_id}?WAIT=-1"
    with places.taken("nobody"), places.taken("nobody"):
        assert [answer.status for answer in client.at_once(path, 5)] == [200] * 5
        assert time.monotonic() - began < LONGEST
    assert [answer.status for answer in client.at_once(path, 3)] == [200] * 3
    assert time.monotonic() - began >= LONGEST
    assert not places.counts


def test_a_long_document_is_kept_for_nobody(store: Store) -> None:
    long, short = create(store, parameters=(("QUERY", "x" * 30_000),)), create(store)
    documents = {job: [job_document(job, URL, outlook(job, store.limits)) for _ in range(2)] for job in (long, short)}
    assert documents[short][0] is documents[short][1]
    assert documents[long][0] == documents[long][1]
    assert documents[long][0] is not documents[long][1]
