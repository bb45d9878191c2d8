"""`armillary tables`, as a process of its own, at a running service: by name and password, or by a token."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table, vstack
from click.testing import CliRunner

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.auth.passwords import hashed
from tap.cli import main
from tests.conftest import ROOT, free_port
from tests.contract.own_tables import CSV, WRITERS, Asker, csv, parquet, values
from tests.contract.own_tables import stars as three_stars
from tests.people import MakePerson
from tests.tap.elsewhere import Answer, Elsewhere, Recorder, listing, moved

pytestmark = pytest.mark.long

SUFFIXES = {"tabledata": "vot", "csv": "csv", "tsv": "tsv", "ecsv": "ecsv", "fits": "fits", "parquet": "parquet"}
ALL = "SELECT id, n, ra, dec, mag, name FROM {} ORDER BY id"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Terminal:
    """Where one types; `who` shows who one is. `is_process`: whether the command runs in a process of its own."""

    url: str
    folder: Path
    who: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    is_process: bool = False

    def type(self, *arguments: str) -> Said:
        words = ["tables", *(["--url", self.url] if self.url else []), *self.who, *arguments]
        return self._process(words) if self.is_process else self._call(words)

    def _process(self, words: list[str]) -> Said:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARMILLARY_")}
        done = subprocess.run(
            [sys.executable, "-m", "tap", *words],
            cwd=self.folder,
            env=inherited | {"PYTHONPATH": str(ROOT)} | self.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def _call(self, words: list[str]) -> Said:
        with chdir(self.folder):
            done = CliRunner(env=self.environment).invoke(main, words)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    def do(self, *arguments: str) -> str:
        said = self.type(*arguments)
        assert (said.code, said.err) == (0, ""), said
        return said.out

    def fail(self, *arguments: str) -> str:
        """What is said of an error: one line, and nothing else."""
        said = self.type(*arguments)
        assert (said.code, said.out) == (1, ""), said
        assert said.err.startswith("Error: ")
        assert said.err.count("\n") == 1
        return said.err


@pytest.fixture
def here(ada: Asker, tmp_path: Path) -> Terminal:
    """Her terminal, with three stars in files of all kinds."""
    for kind, suffix in SUFFIXES.items():
        (tmp_path / f"stars.{suffix}").write_bytes(WRITERS[kind][1](three_stars()))
    assert ada.person
    environment = {"ARMILLARY_PASSWORD": ada.person.password}
    return Terminal(ada.service, tmp_path, ("--user", ada.name), environment)


@pytest.fixture
def apart(here: Terminal) -> Terminal:
    """The same, where commands are processes of their own."""
    return replace(here, is_process=True)


def token(accounts: AccountStore, who: Asker, *scopes: TokenScope) -> str:
    assert who.person
    return accounts.add_token(who.person.account, "script", scopes, 600)


# ---- what they do


def test_tables_are_loaded_listed_added_to_and_dropped(ada: Asker, apart: Terminal) -> None:
    assert apart.do("list") == ""
    assert "3 rows" in apart.do("load", "stars.parquet", "stars")
    assert apart.do("list") == f"{ada.own('stars')}\n"
    more = three_stars()
    more["id"] = [4, 5, 6]
    (apart.folder / "more.csv").write_bytes(csv(more))
    assert "stars" in apart.do("append", "more.csv", ada.own("stars"))
    both = vstack([three_stars(), more], metadata_conflicts="silent")
    both.sort("id")
    assert ada.rows(ALL.format(ada.own("stars"))) == values(both)
    assert apart.do("drop", "stars") == "stars is gone\n"
    assert apart.do("list") == ""
    assert ada.get("stars").status == 404


@pytest.mark.parametrize("suffix", SUFFIXES.values())
def test_a_file_of_every_kind_is_loaded(ada: Asker, here: Terminal, suffix: str) -> None:
    here.do("load", f"stars.{suffix}", "stars")
    assert ada.rows(ALL.format(ada.own("stars"))) == values(three_stars())


def test_a_table_is_replaced_described_and_kept_for_some_days(ada: Asker, here: Terminal) -> None:
    (here.folder / "one.csv").write_bytes(csv(Table({"x": np.arange(1)})))
    here.do("load", "one.csv", "stars", "--description", "Just one & only", "--days", "3")
    assert ada.get("stars").xml().findtext("description") == "Just one & only"
    here.do("load", "stars.fits", "stars", "--replace")
    assert ada.rows(ALL.format(ada.own("stars"))) == values(three_stars())


def test_a_name_with_other_letters_is_taken_as_it_is(ada: Asker, here: Terminal) -> None:
    here.do("load", "stars.csv", '"größte Sterne? #1 100%"')
    assert here.do("list").strip() == ada.own('"größte Sterne? #1 100%"')
    assert ada.count(ada.own('"größte Sterne? #1 100%"')) == 3
    here.do("drop", '"größte Sterne? #1 100%"')
    assert here.do("list") == ""


def test_a_table_is_shared_with_a_group_and_with_an_account(
    ada: Asker, bo: Asker, here: Terminal, accounts: AccountStore
) -> None:
    group = f"g-{bo.name}"
    accounts.add_group(group)
    accounts.add_member(group, bo.name, is_owner=False)
    stars = ada.own("stars")
    here.do("load", "stars.csv", "stars")
    assert bo.get(stars).status == 404
    here.do("share", "stars", "--group", group)
    assert (bo.count(stars), bo.post(stars, csv(three_stars()), CSV).status) == (3, 403)
    here.do("share", "stars", "--group", group, "--write")
    assert bo.post(stars, csv(three_stars()), CSV).status == 204
    here.do("share", "stars", "--group", "")
    here.do("share", "stars", "--group", "", "--write")
    assert bo.get(stars).status == 404
    here.do("share", "stars", "--with", bo.name)
    assert (bo.count(stars), bo.post(stars, csv(three_stars()), CSV).status) == (6, 403)
    assert bo.person
    his = replace(here, who=("--user", bo.name), environment={"ARMILLARY_PASSWORD": bo.person.password})
    assert his.do("list") == ""
    accounts.delete_group(group)


# ---- who one is


def test_a_token_does_it_too_as_an_option_or_a_variable(ada: Asker, apart: Terminal, accounts: AccountStore) -> None:
    secret = token(accounts, ada, TokenScope.READ, TokenScope.TABLES)
    by_option = replace(apart, who=("--token", secret), environment={})
    by_option.do("load", "stars.csv", "stars")
    by_variable = replace(
        by_option, url="", who=(), environment={"ARMILLARY_TOKEN": secret, "ARMILLARY_BASE_URL": apart.url}
    )
    assert by_variable.do("list") == f"{ada.own('stars')}\n"
    by_variable.do("append", "stars.csv", "stars")
    assert ada.count(ada.own("stars")) == 6
    by_variable.do("drop", "stars")


def test_a_token_without_the_scope_of_tables_is_refused(ada: Asker, apart: Terminal, accounts: AccountStore) -> None:
    secret = token(accounts, ada, TokenScope.READ, TokenScope.JOBS)
    assert "scope tables" in replace(apart, who=("--token", secret), environment={}).fail("load", "stars.csv", "stars")


@pytest.mark.parametrize(
    "command", [("list",), ("load", "stars.csv", "t"), ("drop", "t"), ("share", "t", "--group", "g")]
)
def test_a_wrong_password_is_told_and_not_shown(here: Terminal, command: tuple[str, ...]) -> None:
    wrong = replace(here, environment={"ARMILLARY_PASSWORD": "not-the-password"})
    said = wrong.fail(*command)
    assert "password" in said
    assert "not-the-password" not in said


@pytest.mark.parametrize("secret", ["arm_nothing", "arm_nothing\r", "arm_\u20ac", "arm_a b"])
def test_a_token_that_is_none_is_told(here: Terminal, secret: str) -> None:
    replace(here, who=("--token", secret), environment={}).fail("list")


def test_a_password_of_any_letters_is_taken(
    service: str, here: Terminal, accounts: AccountStore, person: MakePerson
) -> None:
    cy = person()
    accounts.set_password(cy.name, hashed("größer als: \u20ac 100"))
    terminal = Terminal(service, here.folder, ("--user", cy.name), {"ARMILLARY_PASSWORD": "größer als: \u20ac 100"})
    assert terminal.do("list") == ""


# ---- what goes wrong


def test_what_the_service_refuses_is_said_in_its_words(ada: Asker, here: Terminal) -> None:
    here.do("load", "stars.csv", "stars")
    (here.folder / "odd.csv").write_bytes(b"id,colour\n9,red\n")
    (here.folder / "broken.parquet").write_bytes(parquet(three_stars())[:-20])
    (here.folder / "empty.csv").write_bytes(b"")
    assert "exists already" in here.fail("load", "stars.csv", "stars")
    assert "colour" in here.fail("append", "odd.csv", "stars")
    assert "There is no table" in here.fail("append", "stars.csv", "none")
    assert "There is no table" in here.fail("drop", "none")
    assert "not in your schema" in here.fail("load", "stars.csv", "demo.mine")
    here.fail("load", "broken.parquet", "broken")
    here.fail("load", "empty.csv", "empty")
    assert "no-such-group" in here.fail("share", "stars", "--group", "no-such-group")
    assert "no-such-account" in here.fail("share", "stars", "--with", "no-such-account")
    assert here.do("list") == f"{ada.own('stars')}\n"


def test_a_table_that_is_not_there_cannot_be_shared_which_is_told(bo: Asker, here: Terminal) -> None:
    assert "There is no table" in here.fail("share", "none", "--group", "")
    assert "There is no table" in here.fail("share", "none", "--with", bo.name)


def test_a_quota_that_is_full_is_said_in_the_words_of_the_service(
    ada: Asker, here: Terminal, accounts: AccountStore
) -> None:
    accounts.add_group(f"g-{ada.name}")
    accounts.add_member(f"g-{ada.name}", ada.name, is_owner=False)
    accounts.set_limits(f"g-{ada.name}", {"own_rows": 2})
    assert "3 rows" in here.fail("load", "stars.csv", "stars")
    accounts.delete_group(f"g-{ada.name}")


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (("load", "none.csv", "t"), "none.csv"),
        (("load", ".", "t"), "directory"),
        (("load", "stars.csv"), "NAME"),
        (("load", "stars.csv", "t", "--days", "0"), "--days"),
        (("share", "t"), "--group or --with"),
        (("share", "t", "--group", "g", "--with", "a"), "--group or --with"),
        (("publish", "t"), "publish"),
    ],
)
def test_what_cannot_be_meant_is_an_error_of_use(here: Terminal, command: tuple[str, ...], word: str) -> None:
    said = here.type(*command)
    assert (said.code, said.out) == (2, "")
    assert word in said.err.splitlines()[-1]
    assert said.err.splitlines()[-1].startswith("Error: ")


def test_one_says_who_one_is(apart: Terminal) -> None:
    said = replace(apart, who=(), environment={}).type("list")
    assert (said.code, said.out) == (2, "")
    assert "--user NAME, or --token" in said.err.splitlines()[-1]


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://localhost/tap", "file:///etc", "http://", "http://[::1", "http://localhost:99999999/tap"]
)
def test_a_url_that_leads_to_no_service_is_told(here: Terminal, url: str) -> None:
    replace(here, url=url).fail("load", "stars.csv", "t")


def test_a_service_that_is_not_there_is_told(apart: Terminal) -> None:
    url = f"http://localhost:{free_port()}/tap"
    said = replace(apart, url=url).fail("load", "stars.csv", "t")
    assert url in said


# ---- redirections, and other services


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Answer], Elsewhere]]:
    servers = []

    def start(answer: Answer) -> Elsewhere:
        server = Elsewhere(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "command",
    [
        ("list",),
        ("load", "stars.csv", "t"),
        ("append", "stars.csv", "t"),
        ("drop", "t"),
        ("share", "t", "--with", "bo"),
    ],
)
def test_no_other_server_is_shown_who_asks(
    here: Terminal, elsewhere: Callable[[Answer], Elsewhere], command: tuple[str, ...], status: int
) -> None:
    other = elsewhere(listing)
    first = elsewhere(moved(other.url, status))
    said = replace(here, url=f"{first.url}/tap").type(*command)
    assert "Traceback" not in said.err
    assert said.code in {0, 1}
    assert all(authorization for _, _, authorization in first.seen)
    assert [authorization for _, _, authorization in other.seen] == [None] * len(other.seen)


def test_the_same_server_is_shown_who_asks_at_another_path(
    here: Terminal, elsewhere: Callable[[Answer], Elsewhere]
) -> None:
    def answer(request: Recorder) -> tuple[int, dict[str, str], bytes]:
        if request.path.startswith("/old"):
            return 302, {"Location": request.path.replace("/old", "/tap")}, b""
        return listing(request)

    server = elsewhere(answer)
    assert replace(here, url=f"{server.url}/old").do("list") == "a.t\n"
    assert all(authorization for _, _, authorization in server.seen)


@pytest.mark.parametrize("status", [301, 302, 303, 307])
@pytest.mark.parametrize(
    "command",
    [("load", "stars.csv", "t"), ("append", "stars.csv", "t"), ("drop", "t"), ("share", "t", "--group", "g")],
)
def test_a_change_that_a_redirection_loses_is_not_told_as_done(
    here: Terminal, elsewhere: Callable[[Answer], Elsewhere], command: tuple[str, ...], status: int
) -> None:
    """RFC 9110 §15.4: a client may make a GET of a POST, which changes nothing."""
    other = elsewhere(listing)
    first = elsewhere(moved(other.url, status))
    said = replace(here, url=f"{first.url}/tap").type(*command)
    is_done = any(method == first.seen[-1][0] for method, _, _ in other.seen)
    assert said.code == (0 if is_done else 1), said


def test_a_service_without_whoami_lists_all_tables(here: Terminal, elsewhere: Callable[[Answer], Elsewhere]) -> None:
    server = elsewhere(listing)
    assert replace(here, url=f"{server.url}/tap").do("list") == "a.t\n"


@pytest.mark.parametrize("body", [b"", b"<html><p>not closed", b"{}"])
def test_an_answer_that_is_none_is_told(here: Terminal, elsewhere: Callable[[Answer], Elsewhere], body: bytes) -> None:
    server = elsewhere(lambda _: (200, {}, body))
    assert "XML" in replace(here, url=f"{server.url}/tap").fail("list")


def test_a_page_of_a_proxy_is_told_on_one_line(here: Terminal, elsewhere: Callable[[Answer], Elsewhere]) -> None:
    page = b"<html>\n<head><title>403 Forbidden</title></head>\n<body>\n<hr>nginx\n</body>\n</html>\n"
    server = elsewhere(lambda _: (403, {"Content-Type": "text/html"}, page))
    assert "403" in replace(here, url=f"{server.url}/tap").fail("drop", "t")
