"""The log, as an operator reads it: a line for each request and each move of a job, and no secret in any."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tests.conftest import ROOT, alone, serving
from tests.contract.client import get, post
from tests.contract.own_tables import Asker
from tests.contract.pages import log_in
from tests.people import MakePerson, bearer

ENDLESS = "SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b, demo.ngc AS c WHERE a.ra + b.ra < c.ra"
NGC = "SELECT TOP 7 name, ra FROM demo.ngc"


class Log:
    """A service that logs into a file, and what it wrote there."""

    def __init__(self, config: Config, path: Path) -> None:
        self.path = path
        self.config = config
        self.service = config.web.base_url

    @property
    def text(self) -> str:
        return self.path.read_text()

    def line(self, **values: Any) -> dict[str, Any]:
        """The last line that has these values; it may take a moment to come."""
        end = time.monotonic() + 10
        while True:
            for line in reversed(self.text.splitlines()):
                known = json.loads(line)
                if values.items() <= known.items():
                    return dict(known)
            assert time.monotonic() < end, self.text
            time.sleep(0.05)


@pytest.fixture(scope="module")
def open_log(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Log]]:
    """Start a service with a log of its own."""
    running = []

    def start(**settings: Any) -> Log:
        path = tmp_path_factory.mktemp("log") / "armillary.log"
        config = alone(sample, processes=1, log_target=str(path), **settings)
        service = serving(config)
        service.__enter__()
        running.append(service)
        return Log(config, path)

    yield start
    for service in running:
        service.__exit__()


@pytest.fixture(scope="module")
def log(open_log: Callable[..., Log]) -> Log:
    return open_log()


def test_a_query_is_one_line_that_says_who_what_how_much_and_where_the_time_went(log: Log) -> None:
    reply = get(f"{log.service}/sync", {"LANG": "ADQL", "QUERY": NGC, "FORMAT": "csv"}, X_Request_ID="seven-rows")
    line = log.line(id="seven-rows")
    assert list(line)[:3] == ["time", "level", "event"]
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", "/tap/sync", 200)
    assert (line["rows"], line["bytes"]) == (7, len(reply.body))
    assert re.fullmatch("~[0-9a-f]{12}", line["who"])
    assert {"queue", "open", "translate", "first row", "encode", "send"} <= line["stages"].keys()
    assert 0.5 * line["ms"] <= sum(line["stages"].values()) <= 1.05 * line["ms"]


def test_what_failed_says_why(log: Log) -> None:
    reply = get(f"{log.service}/sync", {"LANG": "ADQL", "QUERY": "SELECT nothing FROM demo.ngc"})
    line = log.line(id=reply.headers["X-Request-ID"])
    assert (line["status"], line["cause"], line["level"]) == (400, "UnknownColumn", "info")
    line = log.line(id=get(f"{log.service}/nowhere").headers["X-Request-ID"])
    assert (line["status"], line["cause"]) == (404, "Not Found")


@pytest.mark.parametrize("id_", ["", "two words", "a\tb", "x" * 101, "<script>", "'; SELECT 1", "ä"])
def test_an_id_that_could_do_harm_is_replaced(log: Log, id_: str) -> None:
    given = get(f"{log.service}/availability", X_Request_ID=id_).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{16}", given)


@pytest.mark.parametrize("id_", ["a", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "00-4bf92f35/77b34da6:1=", "x" * 100])
def test_an_id_of_the_client_or_a_proxy_is_kept(log: Log, id_: str) -> None:
    assert get(f"{log.service}/availability", X_Request_ID=id_).headers["X-Request-ID"] == id_
    assert log.line(id=id_)["path"] == "/tap/availability"


def test_accounts_are_named_and_the_moves_of_their_jobs_too(log: Log, person: MakePerson) -> None:
    ada = Asker(log.service, person())
    job = ada.run(NGC)
    assert log.line(path="/tap/async", method="POST", who=ada.name)["status"] == 303
    id_ = job.rpartition("/")[2]
    assert log.line(job=id_, phase="EXECUTING")["who"] == ada.name
    line = log.line(job=id_, phase="COMPLETED")
    assert (line["event"], line["rows"]) == ("job", 7)
    assert line["bytes"] > 0
    failed = ada.run("SELECT 1/0 AS x FROM demo.ngc").rpartition("/")[2]
    line = log.line(job=failed, phase="ERROR")
    assert (line["cause"], line["stages"].keys() >= {"open", "translate"}) == ("DivisionByZero", True)


def test_a_job_can_be_followed_from_the_request_that_made_it_to_who_ended_it(log: Log, person: MakePerson) -> None:
    ada = Asker(log.service, person())
    made = ada.post_form("async", LANG="ADQL", QUERY=NGC)
    job = log.line(id=made.headers["X-Request-ID"])["job"]
    assert log.line(event="job", job=job)["phase"] == "PENDING"
    ada.call("GET", f"async/{job}")
    assert log.line(job=job, method="GET", path=f"/tap/async/{job}")["status"] == 200
    ada.post_form(f"async/{job}/phase", PHASE="ABORT")
    line = log.line(job=job, phase="ABORTED")
    assert (line["who"], "ms" in line) == (ada.name, False)
    made = ada.post_form("async", LANG="ADQL", QUERY=ENDLESS, PHASE="RUN")
    job = made.headers["Location"].rpartition("/")[2]
    assert log.line(job=job, phase="QUEUED")["lane"] == "long"
    log.line(job=job, phase="EXECUTING")
    ada.post_form(f"async/{job}/phase", PHASE="ABORT")
    assert log.line(job=job, phase="ABORTED")["ms"] > 0


def test_what_the_command_line_does_to_a_job_is_in_the_log_too(log: Log, person: MakePerson) -> None:
    ada = Asker(log.service, person())
    job = ada.post_form("async", LANG="ADQL", QUERY=ENDLESS, PHASE="RUN").headers["Location"].rpartition("/")[2]
    log.line(job=job, phase="EXECUTING")
    command = [sys.executable, "-m", "tap", "queries", "kill", job]
    subprocess.run(command, cwd=ROOT, env=os.environ | log.config.as_environment(), check=True)
    assert log.line(job=job, phase="ABORTED")["who"] == ada.name


def test_probes_are_no_news(log: Log) -> None:
    probe = get(log.service.removesuffix("/tap") + "/readyz", X_Request_ID="probe-1")
    assert probe.status == 200
    get(f"{log.service}/availability", X_Request_ID="after-the-probe")
    log.line(id="after-the-probe")
    assert "probe-1" not in log.text


def test_no_password_token_cookie_or_query_stands_in_the_log(
    log: Log, person: MakePerson, accounts: AccountStore
) -> None:
    member = person()
    ada = Asker(log.service, member)
    token = accounts.add_token(member.account, "of-the-log", list(TokenScope)[:2], 60)
    cookie = str(log_in(log.service, member).headers["Set-Cookie"]).split(";")[0].partition("=")[2]
    job = ada.run("SELECT TOP 1 name AS secret_of_mine FROM demo.ngc")
    link = json.loads(ada.post_form("shares", KIND="job", JOB=job.rpartition("/")[2], WITH="link").body)["url"]
    secret = link.rpartition("/")[2]
    assert get(link).status == 200
    assert get(link.replace("/shared/", "//shared//")).status == 200
    ada.run("SELECT secret_of_mine FROM demo.ngc")
    assert get(f"{log.service}/whoami", **bearer(token)).status == 200
    get(f"{log.service}/sync?LANG=ADQL&QUERY=SELECT+1+AS+secret_of_mine&token={token}", X_Request_ID="the-last")
    log.line(id="the-last")
    for text in (member.password, token, cookie, secret, "secret_of_mine", "127.0.0.1"):
        assert text
        assert text not in log.text, text
    assert "/tap/shared/…" in log.text or "/tap/shared/\\u2026" in log.text


def test_postgresqls_own_log_has_nothing_of_what_strangers_write(log: Log) -> None:
    path = database.cluster_of(log.config.database).folder / "postgres.log"
    before = path.stat().st_size
    queries = ["SELECT 1/(ra - ra) AS secret_of_theirs FROM demo.ngc", "SELECT CAST(name AS INTEGER) AS secret_of_theirs FROM demo.ngc"]  # fmt: skip
    for query in queries:
        assert get(f"{log.service}/sync", {"LANG": "ADQL", "QUERY": query}).status == 400
    job = post(f"{log.service}/async", {"LANG": "ADQL", "QUERY": queries[0], "PHASE": "RUN"}).xml().findtext("{*}jobId")
    log.line(job=job, phase="ERROR")
    with path.open() as file:
        file.seek(before)
        assert "secret_of_theirs" not in file.read()


def test_queries_and_addresses_are_there_where_the_operator_wants_them(open_log: Callable[..., Log]) -> None:
    log = open_log(log_queries=True, log_addresses="plain", log_level="debug")
    get(f"{log.service}/sync", {"LANG": "ADQL", "QUERY": NGC}, X_Request_ID="told")
    line = log.line(id="told")
    assert (line["query"], line["who"]) == (NGC, "127.0.0.1")
    job = post(f"{log.service}/async", {"LANG": "ADQL", "QUERY": NGC, "PHASE": "RUN"}).xml().findtext("{*}jobId")
    assert log.line(job=job, phase="COMPLETED")["query"] == NGC
    assert '"path": "/readyz"' in log.text


def test_no_line_is_as_long_as_what_was_sent(open_log: Callable[..., Log]) -> None:
    log = open_log(log_queries=True)
    query = f"SELECT TOP 1 name FROM demo.ngc WHERE name <> '{'x' * 500_000}'"
    headers = {"X_Request_ID": "long", "User_Agent": "u" * 20_000}
    post(f"{log.service}/sync", {"LANG": "ADQL", "QUERY": query}, **headers)
    assert query.startswith(log.line(id="long")["query"])
    get(f"{log.service}/{'p' * 20_000}")
    assert max(map(len, log.text.splitlines())) < 12_000


def test_a_fault_shows_no_variables_where_lines_are_for_people(
    open_log: Callable[..., Log], config: Config, person: MakePerson
) -> None:
    log, token = open_log(log_format="text"), person().token
    with psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin:
        # As long as this lasts, reading a table is a fault of ours.
        admin.execute("REVOKE USAGE ON SCHEMA demo FROM armillary_reader")
        try:
            reply = post(f"{log.service}/sync", {"LANG": "ADQL", "QUERY": NGC}, **bearer(token))
        finally:
            admin.execute("GRANT USAGE ON SCHEMA demo TO armillary_reader")
    assert reply.status == 503
    assert "Traceback" in log.text
    assert token not in log.text
    assert "127.0.0.1" not in log.text


@pytest.mark.long
def test_lines_for_people_have_no_braces(open_log: Callable[..., Log]) -> None:
    log = open_log(log_format="text")
    get(f"{log.service}/availability", X_Request_ID="readable")
    end = time.monotonic() + 10
    while not re.search(r"\[.*info.*\].*request.*readable", re.sub("\x1b\\[[0-9;]*m", "", log.text)):
        assert time.monotonic() < end, log.text
        time.sleep(0.05)
    assert not log.text.startswith("{")


@pytest.mark.long
def test_warnings_alone_are_logged_where_that_is_the_level(open_log: Callable[..., Log]) -> None:
    log = open_log(log_level="warning")
    get(f"{log.service}/availability")
    assert log.text == ""
