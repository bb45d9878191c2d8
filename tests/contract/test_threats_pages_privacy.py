"""What pages show to whom: jobs, results, own tables and what administrators see, asked for by everybody else."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tap.config import Config
from tap.uploads.upload import uploads_of
from tests.conftest import alone, serving
from tests.contract.client import Reply
from tests.contract.own_tables import Asker, column, description
from tests.contract.pages import cookie, form, job_of, login_cookie, page, secret_word
from tests.people import MakePerson, bearer


@pytest.fixture
def admin(service: str, person: MakePerson) -> Asker:
    return Asker(service, person(is_admin=True))


def token(asker: Asker, *scopes: str) -> Asker:
    """The same account by a token that may do only so much."""
    reply = asker.post_form("tokens", NAME=f"for {'-'.join(scopes)}", SCOPE=",".join(scopes))
    assert reply.status == 201, reply.text
    return Asker(asker.service, token=json.loads(reply.text)["token"])


def secret_job(asker: Asker) -> tuple[str, str]:
    """A job, and the word that its query and its result have."""
    word = secret_word()
    return job_of(asker, f"SELECT TOP 3 ra AS {word} FROM demo.ngc"), word


def pages_of(job: str, word: str) -> list[str]:
    """Where the pages show a job, its result, or what makes it anew."""
    kit = [f"/-/kit/{job}/{name}" for name in ("query.py", "query.sh", "query.stilts.sh", "query.ipynb", "query.adql")]
    return [
        f"/tap/async/{job}", f"/tap/async/{job}?first=1", f"/tap/async/{job}?sort={word}", f"/-/columns/{job}?name={word}",
        f"/-/results/{job}", f"/-/results/{job}?RESPONSEFORMAT=html", *kit, f"/?job={job}",
    ]  # fmt: skip


# ---- jobs


@pytest.mark.parametrize("who", ["bo", "stranger"])
def test_no_page_shows_a_job_of_an_account_to_others(ada: Asker, who: str, request: pytest.FixtureRequest) -> None:
    other: Asker = request.getfixturevalue(who)
    job, word = secret_job(ada)
    for path in pages_of(job, word):
        assert page(ada.service, path, **ada.headers).status == 200, path
        for more in ({}, {"HX_Request": "true", "HX_Target": "rows"}):
            reply = page(other.service, path, **other.headers, **more)
            assert (reply.status in {403, 404}, word in reply.text) == (True, False), path
    for path in ("/", "/tap/async", "/tap/async?ALL=1", "/tap/async?PHASE=COMPLETED", "/tap/whoami"):
        reply = page(other.service, path, **other.headers)
        assert (reply.status, word in reply.text, job in reply.text) == (200, False, False), path
    assert form(other.service, f"/-/jobs/{job}", {"NOTE": "mine"}, **other.headers).status == 403
    assert page(other.service, f"/-/events?jobs={job}", **other.headers).text == "event: end\ndata: \n\n"


def test_the_events_of_a_running_job_are_told_to_its_owner_only(ada: Asker, bo: Asker, stranger: Asker) -> None:
    job = str(ada.post_form("async", LANG="ADQL", QUERY="SELECT 1").headers["Location"]).rpartition("/")[2]
    for other in (bo, stranger):
        assert page(other.service, f"/-/events?jobs={job}", **other.headers).text == "event: end\ndata: \n\n"
    assert page(ada.service, "/tap/async", **ada.headers).text.count(f'sse-connect="/-/events?jobs={job}"') == 1


def test_a_stranger_sees_the_jobs_of_no_other_stranger(stranger: Asker) -> None:
    word = secret_word()
    made = form(stranger.service, "/tap/async", {"QUERY": f"SELECT ra AS {word} FROM demo.ngc"})
    for path in ("/", "/tap/async", "/tap/async?ALL=1"):
        assert word in page(stranger.service, path, Cookie=cookie(made)).text or "ALL" in path
        assert word not in page(stranger.service, path).text
        assert word not in page(stranger.service, path, Cookie="armillary_visitor=").text
        assert word not in page(stranger.service, path, Cookie="armillary_visitor=" + "a" * 22).text


def test_a_job_is_seen_no_more_when_its_share_has_ended(ada: Asker, bo: Asker) -> None:
    job, word = secret_job(ada)
    share = json.loads(ada.post_form("shares", KIND="job", JOB=job, WITH=f"user:{bo.name}").text)["id"]
    own = {"Cookie": login_cookie(bo)}
    for path in (f"/tap/async/{job}", f"/?job={job}"):
        assert word in page(bo.service, path, **own).text, path
    assert form(bo.service, f"/-/jobs/{job}", {"NOTE": "mine"}, **own).status == 403
    assert form(bo.service, f"/-/form/tap/async/{job}?method=DELETE", **own).status == 403
    assert form(bo.service, f"/-/form/tap/shares/{share}?method=DELETE", **own).status in {403, 404}
    assert ada.call("DELETE", f"shares/{share}").status == 204
    for path in pages_of(job, word):
        assert page(bo.service, path, **own).status in {403, 404}, path


def test_the_owners_note_is_not_shown_to_whom_a_job_is_shared_with(ada: Asker, bo: Asker) -> None:
    job, _ = secret_job(ada)
    word = secret_word()
    assert form(ada.service, f"/-/jobs/{job}", {"NOTE": word}, **ada.headers).status == 303
    assert word in page(ada.service, f"/tap/async/{job}", **ada.headers).text
    assert ada.post_form("shares", KIND="job", JOB=job, WITH=f"user:{bo.name}").status == 201
    reply = page(bo.service, f"/tap/async/{job}", **bo.headers)
    assert (reply.status, word in reply.text) == (200, False)


def test_a_deleted_job_leaves_none_of_its_rows_behind(config: Config, ada: Asker) -> None:
    """Pages keep rows of results in a folder of their own."""
    job, word = secret_job(ada)
    assert page(ada.service, f"/-/columns/{job}?name={word}", **ada.headers).status == 200
    folder = Path(uploads_of(config)).parent / "pages"
    assert list(folder.glob(f"{job}*"))
    assert ada.call("DELETE", f"async/{job}").status == 303
    deadline = time.monotonic() + 2
    while list(folder.glob(f"{job}*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(folder.glob(f"{job}*")) == []


# ---- tokens


def test_a_token_that_may_read_sees_no_jobs_on_any_page(ada: Asker) -> None:
    """docs/accounts.md: it may name results as UPLOAD, but not see or change the jobs."""
    job, word = secret_job(ada)
    reader = token(ada, "read")
    assert word not in page(ada.service, "/", **reader.headers).text
    assert [path for path in pages_of(job, word) if page(ada.service, path, **reader.headers).status != 403] == []


def test_a_token_that_may_read_changes_no_job(ada: Asker) -> None:
    job, _ = secret_job(ada)
    reader = token(ada, "read")
    assert form(ada.service, f"/-/jobs/{job}", {"RUNID": "changed"}, **reader.headers).status == 403
    assert "changed" not in ada.call("GET", f"async/{job}").text


def test_a_token_does_not_list_the_tokens_of_its_account_on_a_page_either(ada: Asker) -> None:
    reader = token(ada, "read")
    assert ada.post_form("tokens", NAME="for-the-telescope").status == 201
    assert reader.call("GET", "tokens").status == 403
    shown = page(ada.service, "/tap/whoami", **reader.headers)
    assert (shown.status, "for-the-telescope" in shown.text) == (200, False)


def test_a_token_for_other_things_opens_no_page(ada: Asker) -> None:
    job, word = secret_job(ada)
    for scope in ("tables", "jobs"):
        holder = token(ada, scope)
        for path in (
            "/",
            "/tap/whoami",
            "/tap/tables",
            "/build",
            "/-/completion?QUERY=SELECT",
            *(pages_of(job, word)[3:] if scope != "jobs" else ()),
        ):
            assert page(ada.service, path, **holder.headers).status == 403, (scope, path)


# ---- administrators


_ADMINS_PARTS = ("<h2>Accounts</h2>", "<h2>Offers to publish</h2>", "<h2>Jobs of all</h2>", "of all accounts")


def administers(asker: Asker) -> str:
    return "".join(page(asker.service, path, **asker.headers).text for path in ("/tap/queries", "/tap/async?ALL=1"))


def test_only_administrators_see_the_parts_for_administrators(ada: Asker, stranger: Asker, admin: Asker) -> None:
    job, _ = secret_job(ada)
    shown = administers(admin)
    assert all(part in shown for part in _ADMINS_PARTS)
    assert job in shown
    for asker in (stranger, token(admin, "read", "jobs"), Asker(ada.service, ada.person)):
        shown = administers(asker)
        assert not any(part in shown for part in _ADMINS_PARTS)
        assert asker.person is ada.person or job not in shown


def test_only_administrators_decide_by_a_form(ada: Asker, stars: str, bo: Asker, admin: Asker) -> None:
    texts = dict.fromkeys(("TITLE", "ABSTRACT", "LICENCE", "CONTACT"), "x")
    number = json.loads(ada.post_form("publications", TABLE=stars, **texts).text)["id"]
    for asker in (ada, bo):
        reply = form(
            ada.service,
            f"/-/form/tap/publications/{number}",
            {"ACTION": "accept", "AS": "x.y"},
            Cookie=login_cookie(asker),
        )
        assert reply.status in {403, 404}
    back = {"ACTION": "return", "WORD": "no"}
    assert form(ada.service, f"/-/form/tap/publications/{number}", back, Cookie=login_cookie(admin)).status == 303


# ---- own tables


@pytest.fixture
def secret_table(ada: Asker) -> tuple[str, str]:
    """A table of hers, and the word that its name and its column have."""
    word = secret_word()
    position = [column(axis, "double", more=f"<ucd>pos.eq.{axis}</ucd>") for axis in ("ra", "dec")]
    name = ada.own(word)
    assert ada.put(name, description(column(word, "int"), *position), "text/xml").status == 201
    return name, word


@pytest.mark.parametrize("who", ["bo", "stranger"])
def test_no_page_knows_of_a_table_of_another_account(
    ada: Asker, secret_table: tuple[str, str], who: str, request: pytest.FixtureRequest
) -> None:
    other: Asker = request.getfixturevalue(who)
    _, word = secret_table
    for path in (
        "/",
        "/tap/tables",
        "/build",
        "/crossmatch",
        "/tap/examples",
        "/-/completion?QUERY=SELECT+*+FROM+&OFFSET=14",
    ):
        assert word in page(ada.service, path, **ada.headers).text or path == "/tap/examples", path
        reply = page(other.service, path, **other.headers)
        assert (reply.status, word in reply.text, ada.name in reply.text) == (200, False, False), path
    for path in (f"/tap/tables?q={word[:12]}", f"/tap/tables?brief=1&q={word[:12]}"):
        assert word in page(ada.service, path, **ada.headers).text
        assert word not in page(other.service, path, **other.headers).text


@pytest.mark.parametrize("who", ["bo", "stranger"])
def test_a_table_of_another_account_is_on_every_page_as_if_it_were_not_there(
    ada: Asker, secret_table: tuple[str, str], who: str, request: pytest.FixtureRequest
) -> None:
    other: Asker = request.getfixturevalue(who)
    name, word = secret_table
    absent = name.replace(word, "x" + word[1:])

    def asked(table: str) -> list[str]:
        url, query = quote(table, safe=""), quote(f"SELECT {table}. FROM {table}")
        paths = (
            f"/tap/tables/{url}", f"/build?table={url}", f"/crossmatch?left={url}&right={url}&radius=1&write=1",
            f"/tap/check?QUERY={query}", f"/tap/check?QUERY={quote(f'SELECT * FROM {table}')}",
            f"/-/completion?QUERY={query}&OFFSET={len(f'SELECT {table}.')}",
        )  # fmt: skip
        replies = [page(other.service, path, **other.headers) for path in paths]
        return [f"{reply.status} {without_nonce(reply)}".replace("x" + word[1:], word) for reply in replies]

    assert asked(name) == asked(absent)


def without_nonce(reply: Reply) -> str:
    nonce = reply.headers.get("Content-Security-Policy", "").partition("'nonce-")[2].partition("'")[0]
    return reply.text.replace(nonce, "") if nonce else reply.text


def test_a_table_is_on_no_page_of_a_colleague_when_its_share_has_ended(
    ada: Asker, bo: Asker, secret_table: tuple[str, str]
) -> None:
    name, word = secret_table
    share = json.loads(ada.post_form("shares", KIND="table", NAME=name, WITH=f"user:{bo.name}").text)["id"]
    paths = ("/", "/tap/tables", f"/tap/tables/{quote(name)}", "/build", "/tap/whoami")
    assert all(word in page(bo.service, path, **bo.headers).text for path in paths)
    assert ada.call("DELETE", f"shares/{share}").status == 204
    assert [word in page(bo.service, path, **bo.headers).text for path in paths if quote(name) not in path] == [
        False
    ] * 4
    assert page(bo.service, paths[2], **bo.headers).status == 404


# ---- services for accounts only


@pytest.fixture(scope="module")
def closed(sample: Config) -> Iterator[str]:
    """The URL of a service that is for accounts only."""
    with serving(alone(sample, anonymous=False)) as url:
        yield url


def test_a_service_for_accounts_only_opens_its_login_its_state_and_its_style_to_strangers_and_no_more(
    closed: str,
) -> None:
    for path in ("/tap/login", "/tap/availability", "/tap/capabilities", "/-/static/0/style.css", "/livez", "/readyz"):
        assert page(closed, path).status == 200, path
    for path in (
        "/", "/tap", "/tap/tables", "/tap/tables/demo.ngc", "/tap/check?QUERY=x", "/build", "/crossmatch", "/help", "/help/jobs",
        "/tap/async", "/tap/async/0", "/tap/whoami", "/whoami", "/tap/examples", "/-/completion?QUERY=x", "/-/events?jobs=0",
        "/-/columns/0?name=x", "/-/kit/0/query.py", "/-/results/0", "/-/static", "/-/staticx/0/style.css", "//tap/async",
        "/tap/login/..", "/tap/login/../async", "/nowhere",
    ):  # fmt: skip
        reply = page(closed, path)
        assert reply.status == 401, path
        assert "demo.stars" not in reply.text
        assert reply.headers["X-Frame-Options"] == "DENY"
    for path in ("/-/list", "/-/form/tap/async", "/-/jobs/0", "/tap/check", "/-/completion"):
        assert form(closed, path, {"QUERY": "x"}).status == 401, path


def test_tokens_are_asked_for_by_their_names(ada: Asker) -> None:
    """A wrong token is no stranger, on pages too."""
    assert page(ada.service, "/tap/whoami", **bearer("arm_wrong")).status == 401
