"""What runs just now, as an administrator sees it on the page, over HTTP and by the command, and how it is ended."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tests.command import armillary
from tests.conftest import alone, serving
from tests.contract.client import Reply
from tests.contract.own_tables import Asker
from tests.contract.pages import form, page
from tests.contract.test_threats_faults import ENDLESS, eventually
from tests.people import MakePerson


@pytest.fixture
def root(service: str, person: MakePerson) -> Asker:
    return Asker(service, person(is_admin=True))


class Endless:
    """An endless query of somebody, on its way; `reply` when it was ended."""

    def __init__(self, who: Asker, **parameters: str) -> None:
        self.reply: Reply | None = None
        headers = {"Content_Type": "application/x-www-form-urlencoded", "X_Request_ID": "endless-1"}
        body = f"LANG=ADQL&QUERY={ENDLESS.replace('+', '%2B')}&FORMAT=csv".encode()

        def run() -> None:
            with suppress(OSError):  # its service was killed
                self.reply = who.call("POST", "sync", body, **headers)

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def abandon(self) -> None:
        """Wait until it ended in any way."""
        self._thread.join(20)

    def end(self) -> Reply:
        self._thread.join(20)
        assert self.reply is not None
        return self.reply


def listed(root: Asker, owner: str) -> list[dict[str, Any]]:
    return [row for row in json.loads(root.call("GET", "queries").body) if row["owner"] == owner]


def appears(root: Asker, owner: str) -> dict[str, Any]:
    assert eventually(lambda: bool(listed(root, owner)), 10)
    (row,) = listed(root, owner)
    return row


@pytest.fixture
def endless(root: Asker, ada: Asker) -> Iterator[Endless]:
    """A query of ada's, which is listed."""
    running = Endless(ada)
    row = appears(root, ada.name)
    yield running
    root.call("DELETE", f"queries/{row['id']}")
    running.end()


def test_a_query_that_runs_is_listed_with_who_asks_since_when_and_what_it_is_at(
    root: Asker, ada: Asker, endless: Endless
) -> None:
    (row,) = listed(root, ada.name)
    assert (row["kind"], row["stage"], row["rows"], row["query"]) == ("sync", "first row", 0, ENDLESS)
    assert row["request_id"] == "endless-1"
    assert row["since"].endswith("Z")


def test_postgresql_shows_the_id_of_the_request(sample: Config, endless: Endless) -> None:
    with psycopg.connect(database.cluster_of(sample.database).conninfo(ADMIN)) as admin:
        names = admin.execute("SELECT application_name FROM pg_stat_activity WHERE state = 'active'").fetchall()
    assert ("armillary endless-1",) in names


def test_who_asked_is_told_that_the_operator_ended_it(root: Asker, ada: Asker) -> None:
    running = Endless(ada)
    assert root.call("DELETE", f"queries/{appears(root, ada.name)['id']}").status == 204
    reply = running.end()
    assert reply.status == 403
    assert "The operator of this service stopped this query" in reply.text
    assert eventually(lambda: not listed(root, ada.name), 5)


def test_a_job_is_listed_and_ended_too(root: Asker, ada: Asker) -> None:
    job = str(ada.post_form("async", LANG="ADQL", QUERY=ENDLESS, PHASE="RUN").headers["Location"])
    row = appears(root, ada.name)
    assert (row["kind"], row["query"], row["id"]) == ("job", ENDLESS, job.rpartition("/")[2])
    assert root.call("DELETE", f"queries/{row['id']}").status == 204
    assert ada.phase(job) == "ABORTED"
    assert "The operator of this service ended this job" in ada.call("GET", job).text
    assert not listed(root, ada.name)


def test_a_job_with_two_queries_hides_no_other(root: Asker, ada: Asker) -> None:
    """It ends in an error, but waits and is listed like any until then."""
    form = [("LANG", "ADQL"), ("QUERY", ENDLESS), ("QUERY", "SELECT 1 AS one")]
    reply = ada.call("POST", "async", urlencode(form).encode(), Content_Type="application/x-www-form-urlencoded")
    job = str(reply.headers["Location"])
    assert ada.call("GET", "jobs/async").status == 200
    ada.post_form(f"{job}/phase", PHASE="RUN")
    assert root.call("GET", "queries", Accept="application/json").status == 200
    assert eventually(lambda: ada.phase(job) == "ERROR", 10)


def test_a_job_that_waits_is_listed_with_what_for(environment: None, root: Asker, ada: Asker) -> None:
    jobs = [str(ada.post_form("async", LANG="ADQL", QUERY=ENDLESS, PHASE="RUN").headers["Location"]) for _ in range(12)]
    try:
        assert eventually(lambda: any("waits for" in row["stage"] for row in listed(root, ada.name)), 10)
        rows = listed(root, ada.name)
        assert len(rows) == 12
        waits = next(row["stage"] for row in rows if "waits for" in row["stage"])
        assert waits in armillary("queries", "list")
    finally:
        for job in jobs:
            ada.call("DELETE", job)


def test_the_command_lists_and_ends_them(environment: None, root: Asker, ada: Asker) -> None:
    running = Endless(ada)
    row = appears(root, ada.name)
    (line,) = [line for line in armillary("queries", "list").splitlines() if ada.name in line]
    assert line.split()[:2] == [row["id"], "sync"]
    assert line.endswith("…")
    assert ENDLESS in armillary("queries", "list", "--full")
    armillary("queries", "kill", row["id"])
    assert running.end().status == 403


def test_the_page_lists_them_and_ends_them(root: Asker, ada: Asker) -> None:
    running = Endless(ada)
    row = appears(root, ada.name)
    text = page(root.service, "/tap/queries", **root.headers).text
    assert "endless-1" in text
    assert ada.name in text
    cookie = str(form(root.service, "/tap/login", _login(root)).headers["Set-Cookie"]).partition(";")[0]
    path = f"/-/form/tap/queries/{row['id']}?method=DELETE&back=/tap/queries"
    reply = form(root.service, path, {}, Cookie=cookie)
    assert (reply.status, reply.headers["Location"]) == (303, "/tap/queries")
    assert running.end().status == 403


def _login(who: Asker) -> dict[str, str]:
    assert who.person
    return {"USERNAME": who.name, "PASSWORD": who.person.password}


@pytest.mark.parametrize("id_", ["0", "deadbeef", "f" * 32, "%00", "x" * 500])
def test_what_does_not_run_is_not_found(root: Asker, id_: str) -> None:
    assert root.call("DELETE", f"queries/{id_}").status == 404


def test_the_command_says_what_it_did_not_find(environment: None) -> None:
    assert "No query that runs has the id nothing" in armillary("queries", "kill", "nothing", fails=True)


@pytest.mark.parametrize("ask", [lambda who: who.call("GET", "queries"), lambda who: who.call("DELETE", "queries/0")])
def test_others_see_and_end_nothing(ada: Asker, stranger: Asker, ask: Callable[[Asker], Reply]) -> None:
    assert ask(ada).status == 403
    assert ask(stranger).status == 401
    assert page(ada.service, "/tap/queries", **ada.headers).status == 403


def test_a_query_that_waits_for_its_turn_is_listed_and_never_runs_when_it_is_ended(
    sample: Config, person: MakePerson
) -> None:
    with serving(alone(sample, processes=1, queries_per_owner=1, queue_limit=60.0)) as service:
        root, ada = Asker(service, person(is_admin=True)), Asker(service, person())
        first = Endless(ada)
        appears(root, ada.name)
        second = Endless(ada)
        assert eventually(lambda: [row["stage"] for row in listed(root, ada.name)] == ["first row", "queue"], 10)
        for row in reversed(listed(root, ada.name)):
            assert root.call("DELETE", f"queries/{row['id']}").status == 204
        assert (first.end().status, second.end().status) == (403, 403)
