"""Pages under attack from outside: forged forms, frames, redirects, sessions, and what caches keep."""

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import quote

import pytest

from tests.contract.client import Reply
from tests.contract.own_tables import Asker
from tests.contract.pages import HTML, NGC, cookie, form, job_of, list_file, log_in, login_cookie, page, root
from tests.contract.test_uws_1_1 import call

_CHANGES = {
    "token": ("/-/form/tap/tokens?back=/", {"NAME": "stolen"}),
    "group": ("/-/form/tap/groups?back=/", {"NAME": "stolen"}),
    "share": ("/-/form/tap/shares?back=/", {"KIND": "job", "JOB": "{job}", "WITH": "link"}),
    "password": ("/-/form/tap/password", {"OLD": "x", "NEW": "y"}),
    "publication": ("/-/form/tap/publications", {"TABLE": "x"}),
    "table": ("/-/form/tap/tables/x?method=DELETE", {}),
    "new job": ("/-/form/tap/async", {"QUERY": NGC}),
    "delete job": ("/-/form/tap/async/{job}?method=DELETE", {}),
    "note": ("/-/jobs/{job}", {"RUNID": "stolen", "NOTE": "stolen"}),
    "login": ("/tap/login", {"USERNAME": "x", "PASSWORD": "y"}),
    "logout": ("/tap/logout", {}),
    "check": ("/tap/check", {"QUERY": NGC}),
    "completion": ("/-/completion", {"QUERY": NGC}),
}


# ---- forged forms


def forged(asker: Asker, change: str, job: str, **headers: str) -> Reply:
    """Send a form as a page of another site would have a browser send it."""
    path, fields = _CHANGES[change]
    filled = {name: value.replace("{job}", job) for name, value in fields.items()}
    return form(asker.service, path.replace("{job}", job), filled, **headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_forms_of_another_site_are_refused_to_who_is_logged_in(ada: Asker, site: str) -> None:
    job, own = job_of(ada), login_cookie(ada)
    for change in _CHANGES:
        reply = forged(ada, change, job, Cookie=own, Sec_Fetch_Site=site)
        assert (reply.status, "A page of another site" in reply.text) == (403, True), change
    assert forged(ada, "note", job, Cookie=own, Sec_Fetch_Site="same-origin").status == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_forms_of_another_site_are_refused_to_a_stranger_too(stranger: Asker, site: str) -> None:
    job = job_of(stranger)
    for change in ("login", "logout", "note", "new job", "delete job"):
        reply = forged(stranger, change, job, Sec_Fetch_Site=site)
        assert (reply.status, "A page of another site" in reply.text) == (403, True), change


def test_a_browser_that_tells_no_site_is_refused_by_the_origin_of_its_page(ada: Asker) -> None:
    """Safari before 16.4 sends Origin with a form and no Sec-Fetch-Site; a login needs no cookie that could be Lax."""
    assert ada.person
    fields = {"USERNAME": ada.name, "PASSWORD": ada.person.password, "NAME": "stolen"}
    for path in ("/tap/login", "/-/form/tap/tokens?back=/", "/tap/logout"):
        own = login_cookie(ada)
        assert form(ada.service, path, fields, Origin="https://elsewhere.example", Cookie=own).status == 403
        assert form(ada.service, path, fields, Origin=root(ada.service), Cookie=own).status in {200, 303}


def test_an_origin_that_cannot_be_read_is_that_of_another_site(ada: Asker) -> None:
    own = login_cookie(ada)
    for origin in (
        "null",
        "http://[",
        "http://[::1",
        "file://",
        "https://localhost.elsewhere.example",
        "http://localhost@x.example",
    ):
        for path in ("/-/form/tap/tokens?back=/", "/tap/login", "/tap/async"):
            reply = form(
                ada.service, path, {"NAME": "stolen", "USERNAME": "x", "PASSWORD": "y"}, Origin=origin, Cookie=own
            )
            assert reply.status == 403, (path, origin)
        made = form(ada.service, "/tap/async", {"QUERY": NGC}, Origin=origin)
        assert (made.status, made.headers["Set-Cookie"]) == (303, None), origin


def test_a_list_of_another_site_is_refused_to_who_is_logged_in(ada: Asker) -> None:
    own = {
        "Cookie": login_cookie(ada),
        "Sec_Fetch_Site": "same-site",
        "Content_Type": "multipart/form-data; boundary=x",
    }
    assert page(ada.service, "/-/list", "POST", b"--x--\r\n", **own).status == 403
    assert list_file(ada.service, b"a,b\n1,2\n", "x.csv").status == 200


def test_nothing_is_changed_by_a_link(ada: Asker) -> None:
    own, job = login_cookie(ada), job_of(ada)
    for path in ("/tap/logout", "/-/form/tap/async", "/-/list", f"/-/jobs/{job}"):
        assert page(ada.service, path, Cookie=own).status == 405
    assert page(ada.service, "/tap/whoami", Cookie=own).headers["X-VO-Authenticated"] == ada.name


def test_no_script_of_another_site_reads_what_a_cookie_opens(ada: Asker) -> None:
    own = login_cookie(ada)
    for path in ("/tap/whoami", "/tap/async", "/-/completion?QUERY=SELECT"):
        reply = page(ada.service, path, Cookie=own, Origin="https://elsewhere.example")
        assert reply.status == 200
        assert reply.headers["Access-Control-Allow-Credentials"] is None


def test_forms_of_pages_take_no_password_and_no_token_of_a_program(ada: Asker) -> None:
    token = ada.post_form("tokens", NAME="all").text.rpartition('"token":"')[2].partition('"')[0]
    for headers in (ada.headers, {"Authorization": f"Bearer {token}"}):
        assert form(ada.service, "/-/form/tap/groups?back=/", {"NAME": "g"}, **headers).status == 403


# ---- frames and what runs


def answers(service: str) -> Iterator[tuple[str, Reply]]:
    """Pages, their parts and their errors, each with what it is."""
    for path in (
        "/", "/tap", "/tap/tables", "/tap/tables?brief=1", "/tap/tables/demo.ngc", "/build?table=demo.ngc", "/crossmatch",
        "/tap/async", "/tap/whoami", "/tap/login", "/help", "/help/jobs", "/tap/availability", "/tap/examples",
        "/tap/check?QUERY=x", "/tap/tables/no.such", "/tap/async/0", "/nowhere", "/tap/check", "/build?table=x&table=y",
        "/help/none", "/-/form/tap/async", "/-/columns/0?name=x", "/tap/shared/x", "/tap/sync",
    ):  # fmt: skip
        yield path, page(service, path)
    yield "part", page(service, "/tap/check?QUERY=x", HX_Request="true")
    yield "forged", form(service, "/-/form/tap/async", Sec_Fetch_Site="cross-site")
    yield "no login", form(service, "/tap/login", {"USERNAME": "nobody", "PASSWORD": "x"})
    yield "too large", form(service, "/tap/check", {"QUERY": "x" * 2_000_000})


def test_every_page_and_every_error_runs_our_own_files_only_and_stands_in_no_frame(service: str) -> None:
    for name, reply in answers(service):
        assert reply.media_type in {"text/html", "application/xhtml+xml"}, name
        policy = dict(part.strip().partition(" ")[::2] for part in reply.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", name
        assert policy["script-src"] == policy["form-action"] == "'self'", name
        assert re.fullmatch(r"'self' 'nonce-[\w-]{22}'", policy["style-src"]), name
        assert reply.headers["X-Frame-Options"] == "DENY", name
        assert reply.headers["X-Content-Type-Options"] == "nosniff", name
        assert reply.headers["Referrer-Policy"] == "same-origin", name
        assert "no-store" in reply.headers["Cache-Control"], name


def test_a_nonce_is_used_once(service: str) -> None:
    nonces = {page(service, "/").headers["Content-Security-Policy"] for _ in range(5)}
    assert len(nonces) == 5


def test_files_and_results_are_what_they_say(service: str, stranger: Asker) -> None:
    """A browser must not take a result for a script, which our own policy would let run."""
    job = job_of(stranger, f"SELECT TOP 1 '{'alert(1)//'}' AS x FROM demo.ngc", RESPONSEFORMAT="text")
    for path in (f"/tap/async/{job}/results/result", f"/-/kit/{job}/query.py", f"/tap/async/{job}/parameters/QUERY"):
        reply = page(service, path)
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.media_type in {"text/plain", "text/x-python"}


# ---- where a form leads


def test_no_header_is_written_by_where_a_form_shall_lead(ada: Asker) -> None:
    assert ada.person
    own = login_cookie(ada)
    written = "Set-Cookie: stolen=1"
    for target in (
        f"/\r\n{written}",
        f"/%0d%0a{written}",
        f"/\n\n{written}",
        "/\u2028x",
        "//x.example",
        "/" + "a" * 9000,
    ):
        where = quote(target, safe="")
        for reply in (
            form(ada.service, f"/-/form/tap/async?back={where}", {"QUERY": NGC}, Cookie=own),
            log_in(ada.service, ada.person, f"/tap/login?next={where}"),
        ):
            assert reply.status == 303
            assert re.fullmatch(r"/(?!/)[!-~]*", str(reply.headers["Location"]))
            assert "stolen" not in SimpleCookie(str(reply.headers["Set-Cookie"]))


# ---- sessions


def test_a_login_begins_a_session_of_its_own_whatever_cookie_came_with_it(ada: Asker) -> None:
    assert ada.person
    reply = log_in(ada.service, ada.person, Cookie="SESSION=chosen-by-somebody-else")
    session = SimpleCookie(reply.headers["Set-Cookie"])["SESSION"]
    assert len(session.value) >= 43
    assert (session["httponly"], session["samesite"], session["path"], session["domain"]) == (True, "lax", "/", "")
    assert "X-VO-Authenticated" not in page(ada.service, "/", Cookie="SESSION=chosen-by-somebody-else").headers


def test_a_cookie_is_secure_where_the_connection_is(ada: Asker) -> None:
    assert ada.person
    reply = log_in(ada.service, ada.person, X_Forwarded_Proto="https")
    assert SimpleCookie(reply.headers["Set-Cookie"])["SESSION"]["secure"]


def test_a_login_ends_the_session_that_it_takes_the_place_of(ada: Asker, bo: Asker) -> None:
    """Otherwise nobody could end it: the browser has forgotten its cookie."""
    assert bo.person
    old = login_cookie(ada)
    new = cookie(log_in(ada.service, bo.person, Cookie=old))
    assert page(ada.service, "/", Cookie=new).headers["X-VO-Authenticated"] == bo.name
    assert page(ada.service, "/", Cookie=old).headers["X-VO-Authenticated"] is None


@pytest.mark.parametrize("accept", [HTML, "*/*"])
def test_a_logout_ends_the_session_at_the_service_too(ada: Asker, accept: str) -> None:
    own = login_cookie(ada)
    assert call("POST", f"{ada.service}/logout", b"", Cookie=own, Accept=accept).status in {200, 303}
    assert page(ada.service, "/", Cookie=own).headers["X-VO-Authenticated"] is None


# ---- what is kept on the way


def test_what_anybody_may_keep_names_nobody(ada: Asker) -> None:
    """A cache on the way would tell the next reader that they are logged in, and as whom (AuthVO 1.0 §4.3)."""
    style = re.search(r'href="(/-/static/[^"]+style\.css)"', page(ada.service, "/").text)
    assert style
    reply = page(ada.service, style[1], Cookie=login_cookie(ada))
    assert "public" in reply.headers["Cache-Control"]
    assert reply.headers["X-VO-Authenticated"] is None


def test_what_only_one_account_may_see_is_kept_nowhere(ada: Asker) -> None:
    job, own = job_of(ada), login_cookie(ada)
    for path in (
        f"/-/columns/{job}?name=ra", f"/-/kit/{job}/query.py", f"/-/results/{job}?RESPONSEFORMAT=csv", f"/tap/async/{job}",
        f"/-/events?jobs={job}", "/-/completion?QUERY=x", "/tap/check?QUERY=x", "/tap/whoami",
    ):  # fmt: skip
        reply = page(ada.service, path, Cookie=own)
        assert reply.status == 200, path
        assert "no-store" in reply.headers["Cache-Control"], path


def test_a_secret_is_told_once_and_on_a_page_that_is_not_kept(ada: Asker) -> None:
    own = {"Cookie": login_cookie(ada)}
    told = form(ada.service, "/-/form/tap/tokens?back=/tap/whoami", {"NAME": "mine"}, **own)
    secret = re.search(r"arm_[\w-]+", told.text)
    assert secret
    assert "no-store" in told.headers["Cache-Control"]
    assert secret[0] not in page(ada.service, "/tap/whoami", **own).text
