"""What accounts are told of their jobs: signed webhooks, e-mail, and events as they come."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from standardwebhooks import Webhook, WebhookVerificationError

from tap import notifications
from tap.auth.accounts import AccountStore
from tap.config import Config
from tap.engine.database import jobs_conninfo
from tap.jobs import limits_of
from tap.notifications import Notifier
from tap.uploads import remote
from tests.conftest import alone, free_port, serving
from tests.contract.own_tables import Asker
from tests.people import MakePerson
from uws.deliveries import DELAYS, Delivery, NotDelivered
from uws.store import Store

PATIENCE = 30
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
QUERY = "SELECT TOP 3 name FROM demo.ngc"


@dataclass
class Receiver:
    """A server that webhooks reach; it answers with the statuses, one after the other, then with 204."""

    statuses: list[int] = field(default_factory=list)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook?a=b"

    def serve(self) -> ThreadingHTTPServer:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    server = receiver.serve()
    yield receiver
    server.shutdown()
    server.server_close()


@dataclass
class Mailbox:
    """A mail server that wants a login, and what came to it."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"armillary", b"hush"))


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox(free_port())
    controller = Controller(
        mailbox, "127.0.0.1", mailbox.port, authenticator=_login, auth_required=True, auth_require_tls=False
    )
    controller.start()
    yield mailbox
    controller.stop()


@pytest.fixture(scope="module")
def settings(sample: Config, mailbox: Mailbox) -> Config:
    return alone(
        sample,
        webhook_hosts="localhost",
        smtp_host="127.0.0.1",
        smtp_port=mailbox.port,
        smtp_security="none",
        smtp_user="armillary",
        smtp_password="hush",  # noqa: S106
        mail_from="tap@example.org",
        processes=1,
    )


@pytest.fixture(scope="module")
def notifying(settings: Config) -> Iterator[str]:
    with serving(settings) as service:
        yield service


@pytest.fixture
def ada(notifying: str, person: MakePerson, config: Config) -> Asker:
    who = person()
    with psycopg.connect(f"host={config.database.data_dir}/run dbname=armillary user=armillary_accounts") as connection:
        connection.execute("UPDATE accounts.accounts SET email = 'ada@example.org' WHERE name = %s", (who.name,))
    return Asker(notifying, who)


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def subscription(asker: Asker) -> dict[str, Any]:
    reply = asker.call("GET", "notifications")
    assert reply.status == 200, reply.text
    return dict(json.loads(reply.body))


# ---- webhooks


def test_the_end_of_a_job_is_posted_and_signed(ada: Asker, receiver: Receiver) -> None:
    job = ada.run(QUERY, NOTIFY=receiver.url, RUNID="nights")
    until(lambda: receiver.posts)
    ((headers, body),) = receiver.posts
    told = Webhook(subscription(ada)["webhook_secret"]).verify(body, headers)
    assert (told["type"], told["data"]["url"]) == ("job.completed", job)
    assert (told["data"]["phase"], told["data"]["run_id"], told["data"]["rows"]) == ("COMPLETED", "nights", 3)
    assert headers["webhook-id"] == job.rpartition("/")[2] + ".COMPLETED"
    assert b"ngc" not in body
    with pytest.raises(WebhookVerificationError):
        Webhook(subscription(ada)["webhook_secret"]).verify(body.replace(b"COMPLETED", b"ERROR"), headers)


def test_an_error_and_an_abortion_are_told_too(ada: Asker, receiver: Receiver) -> None:
    ada.run("SELECT nothing FROM demo.ngc", NOTIFY=receiver.url)
    pending = str(ada.post_form("async", LANG="ADQL", QUERY=QUERY, NOTIFY=receiver.url).headers["Location"])
    ada.post_form(f"{pending}/phase", PHASE="ABORT")
    until(lambda: len(receiver.posts) == 2)
    told = [json.loads(body)["data"] for _, body in receiver.posts]
    assert {data["phase"] for data in told} == {"ERROR", "ABORTED"}
    assert any("There is no column nothing" in (data["error"] or "") for data in told)


def test_one_that_is_not_taken_is_posted_again_under_the_same_id(
    ada: Asker, receiver: Receiver, settings: Config
) -> None:
    receiver.statuses = [500, 302]
    ada.run(QUERY, NOTIFY=receiver.url)
    with psycopg.connect(jobs_conninfo(settings), autocommit=True) as connection:
        for attempt in (2, 3):
            until(lambda count=attempt - 1: len(receiver.posts) == count)
            # Before it is put off, its lease keeps it from others.
            until(lambda delay=DELAYS[attempt - 2]: delay - 4 < _due(connection) <= delay)
            assert connection.execute("SELECT attempt FROM uws.deliveries").fetchone() == (attempt - 1,)
            connection.execute("UPDATE uws.deliveries SET due = now()")
        until(lambda: connection.execute("SELECT count(*) FROM uws.deliveries").fetchone() == (0,))
    assert len({headers["webhook-id"] for headers, _ in receiver.posts}) == 1
    assert len(receiver.posts) == 3


def _due(connection: psycopg.Connection) -> float:
    """Seconds until the only delivery is tried again."""
    (seconds,) = connection.execute("SELECT extract(epoch FROM due - now())::float FROM uws.deliveries").fetchone() or (
        0.0,
    )
    return float(seconds)


def test_an_account_may_be_told_of_all_its_jobs(ada: Asker, receiver: Receiver) -> None:
    assert json.loads(ada.post_form("notifications", NOTIFY=receiver.url).body)["notify"] == [receiver.url]
    ada.run(QUERY)
    # Asked for twice, told once.
    ada.run(QUERY, NOTIFY=receiver.url)
    until(lambda: len(receiver.posts) == 2)
    assert json.loads(ada.post_form("notifications", NOTIFY="").body)["notify"] == []
    ada.run(QUERY)
    time.sleep(2)
    assert len(receiver.posts) == 2


def test_the_secret_stays_until_another_is_wanted(ada: Asker) -> None:
    secret = subscription(ada)["webhook_secret"]
    ada.post_form("notifications", NOTIFY="https://example.org/hook")
    assert subscription(ada)["webhook_secret"] == secret
    assert json.loads(ada.post_form("notifications", ACTION="renew").body)["webhook_secret"] != secret
    assert subscription(ada)["notify"] == ["https://example.org/hook"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("ftp://example.org/x", "NOTIFY is email, or a URL"),
        ("mailto:eve@example.org", "NOTIFY is email, or a URL"),
        ("eve@example.org", "NOTIFY is email, or a URL"),
        ("http://ada:secret@example.org/", "NOTIFY: 'http://ada"),
        ("http://example.org/\r\nX: y", "NOTIFY: 'http"),
    ],
)
def test_what_cannot_be_told_is_refused_at_once(ada: Asker, target: str, message: str) -> None:
    for reply in (
        ada.post_form("async", LANG="ADQL", QUERY=QUERY, NOTIFY=target),
        ada.post_form("notifications", NOTIFY=target),
    ):
        assert (reply.status, message in reply.text) == (400, True), reply.text


def test_a_stranger_is_told_nothing(notifying: str) -> None:
    asker = Asker(notifying)
    assert asker.post_form("async", LANG="ADQL", QUERY=QUERY, NOTIFY="https://example.org/").status == 401
    assert asker.call("GET", "notifications").status == 401
    assert asker.call("GET", "events").status == 401


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.1.2.3"])
def test_no_webhook_reaches_a_host_that_is_not_public(
    config: Config, accounts: AccountStore, monkeypatch: pytest.MonkeyPatch, address: str, store: Store
) -> None:
    info = (2, 1, 6, "", (address, 80))
    monkeypatch.setattr(remote.socket, "getaddrinfo", lambda *_, **__: [info])
    notifier = Notifier(config, store, accounts)
    with pytest.raises(NotDelivered, match="is not a public host"):
        notifier.send(Delivery(1, "0" * 32, "ada", "http://hook.example.org/", "COMPLETED", 1))


@pytest.fixture
def store(settings: Config) -> Iterator[Store]:
    store = Store(jobs_conninfo(settings), limits_of(settings.jobs), 2)
    store.open()
    yield store
    store.close()


def test_a_receiver_that_drips_its_answer_keeps_others_waiting_for_seconds_only(
    settings: Config, accounts: AccountStore, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(notifications, "_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        delivery = Delivery(1, "0" * 32, "ada", f"http://localhost:{server.getsockname()[1]}/", "COMPLETED", 1)
        start = time.monotonic()
        with pytest.raises(NotDelivered):
            Notifier(settings, store, accounts).send(delivery)
    assert time.monotonic() - start < 4


def drip(server: socket.socket) -> None:
    """Answer one client with a header that goes on for half a minute."""
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(300):
            connection.sendall(b"x")
            time.sleep(0.1)


# ---- e-mail


def test_e_mail_goes_to_the_address_of_the_account(ada: Asker, mailbox: Mailbox) -> None:
    mailbox.mails.clear()
    job = ada.run(QUERY, NOTIFY="email", RUNID="one\r\nBcc: eve@example.org")
    until(lambda: mailbox.mails)
    (mail,) = mailbox.mails
    assert (mail["To"], mail["From"], mail["Bcc"]) == ("ada@example.org", "tap@example.org", None)
    assert "is COMPLETED" in mail["Subject"]
    text = mail.get_payload()
    assert job in text
    assert "Rows: 3" in text


def test_who_has_no_address_is_told_so(notifying: str, person: MakePerson) -> None:
    reply = Asker(notifying, person()).post_form("async", LANG="ADQL", QUERY=QUERY, NOTIFY="email")
    assert (reply.status, "no e-mail address" in reply.text) == (400, True)


def test_a_service_without_a_mail_server_says_so(service: str, person: MakePerson) -> None:
    reply = Asker(service, person()).post_form("async", LANG="ADQL", QUERY=QUERY, NOTIFY="email")
    assert (reply.status, "sends no e-mail" in reply.text) == (400, True)


# ---- events


@dataclass
class Listener:
    """Somebody who listens to /events; `lines` are what came."""

    asker: Asker
    query: str = ""
    lines: list[str] = field(default_factory=list)
    has_ended: bool = False

    def start(self) -> "Listener":
        threading.Thread(target=self._listen, daemon=True).start()
        until(lambda: any(self.lines))
        return self

    def _listen(self) -> None:
        url = f"{self.asker.service}/events{self.query}"
        with (
            suppress(requests.RequestException),
            requests.get(url, headers=self.asker.headers, stream=True, timeout=60) as answer,
        ):
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                self.lines.append(line)
        self.has_ended = True

    @property
    def phases(self) -> list[tuple[str, str]]:
        data = [json.loads(line.removeprefix("data: ")) for line in self.lines if line.startswith('data: {"job')]
        return [(event["job"], event["phase"]) for event in data]


def test_the_phases_of_ones_jobs_come_as_events(ada: Asker, notifying: str, person: MakePerson) -> None:
    mine, other = Listener(ada).start(), Listener(Asker(notifying, person())).start()
    job = ada.run(QUERY).rpartition("/")[2]
    until(lambda: (job, "COMPLETED") in mine.phases)
    assert [phase for id_, phase in mine.phases if id_ == job] == ["QUEUED", "EXECUTING", "COMPLETED"]
    ada.call("DELETE", f"async/{job}")
    until(lambda: (job, "DELETED") in mine.phases)
    assert other.phases == []


def test_the_events_of_a_job_begin_with_its_phase_and_end_with_it(ada: Asker) -> None:
    job = str(ada.post_form("async", LANG="ADQL", QUERY=QUERY).headers["Location"])
    listener = Listener(ada, f"?JOB={job.rpartition('/')[2]}").start()
    ada.end(job)
    until(lambda: listener.has_ended)
    assert [phase for _, phase in listener.phases] == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]
    assert Listener(ada, f"?JOB={job.rpartition('/')[2]}").start().phases[0][1] == "COMPLETED"


def test_the_events_of_somebody_elses_job_are_refused(ada: Asker, notifying: str, person: MakePerson) -> None:
    job = str(ada.post_form("async", LANG="ADQL", QUERY=QUERY).headers["Location"]).rpartition("/")[2]
    assert Asker(notifying, person()).call("GET", f"events?JOB={job}").status == 403
    assert ada.call("GET", f"events?JOB={'0' * 32}").status == 404


@pytest.mark.long
def test_more_listeners_than_one_may_have_are_told_to_come_back(ada: Asker) -> None:
    listeners = [Listener(ada).start() for _ in range(50)]
    reply = ada.call("GET", "events")
    assert (reply.status, reply.headers["Retry-After"] is not None) == (503, True)
    assert len(listeners) == 50


LISTENERS = 1000


@pytest.mark.long
def test_a_thousand_listeners_hear_of_a_job_and_cost_no_query(settings: Config, person: MakePerson) -> None:
    config = replace(
        settings,
        notifications=replace(settings.notifications, event_streams_per_owner=LISTENERS),
        web=replace(settings.web, port=free_port()),
    )
    config = config.changed(base_url=f"http://localhost:{config.web.port}/tap")
    with serving(config) as service:
        ada = Asker(service, person())
        heard, transactions = asyncio.run(_listen_and_run(ada, config))
    assert heard == LISTENERS
    # Workers and keepers ask now and then, whoever listens.
    assert transactions < LISTENERS / 4


async def _listen_and_run(ada: Asker, config: Config) -> tuple[int, int]:
    """Return how many listeners heard that a job is completed, and the transactions of the job store while all but listened."""
    streams = [await _stream(ada, config.web.port) for _ in range(LISTENERS)]
    begun = _transactions(config)
    await asyncio.sleep(3)
    transactions = _transactions(config) - begun
    job = asyncio.create_task(asyncio.to_thread(ada.run, QUERY))
    heard = await asyncio.gather(*(_hears(reader) for reader, _ in streams))
    await job
    for _, writer in streams:
        writer.close()
    return sum(heard), transactions


async def _stream(ada: Asker, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("localhost", port)
    lines = [
        "GET /tap/events HTTP/1.1",
        "Host: localhost",
        *(f"{name}: {value}" for name, value in ada.headers.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await reader.readuntil(b"listening")
    return reader, writer


async def _hears(reader: asyncio.StreamReader) -> bool:
    await asyncio.wait_for(reader.readuntil(b"COMPLETED"), PATIENCE)
    return True


def _transactions(config: Config) -> int:
    with psycopg.connect(jobs_conninfo(config), autocommit=True) as connection:
        row = connection.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    return int(row[0]) if row else 0
