"""Forms of the pages do what a resource does, and lead the browser back to a page of this service, wherever they were told to."""

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from lxml import html

from tests.browser import Browser
from tests.contract.client import Reply, get, request
from tests.people import MakePerson, Person, basic

ELSEWHERE = [
    "https://example.org/",
    "//example.org/",
    "///example.org/",
    "/\\example.org/",
    "\\\\example.org/",
    "/\t/example.org/",
    "/\n/example.org/",
    "\t//example.org/",
    " //example.org/",
    "http:example.org",
    "javascript:alert(1)",
    "data:text/html,x",
    "example.org",
    "?x",
    "",
    "/x\r\nSet-Cookie: SESSION=x",
    "/é",
    "/x" * 4000,
]
ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8"
JOB = {"LANG": "ADQL", "QUERY": "SELECT TOP 1 name FROM demo.ngc"}
Form = Callable[..., Reply]


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def form(service: str, browser: Browser) -> Form:
    """Sends a form of a page as a browser does."""

    def send(path: str, fields: dict[str, str] | None = None, /, back: str | None = None, **more: str) -> Reply:
        headers = {name: more.pop(name) for name in list(more) if name[0].isupper()}
        pairs = more | ({} if back is None else {"back": back})
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
        url = f"{service.removesuffix('/tap')}/-/form/{path}?{query}"
        return browser.ask(url, fields or {}, **{"Accept": ACCEPT, "Sec_Fetch_Site": "same-origin"} | headers)

    return send


@pytest.fixture
def ada(service: str, browser: Browser, person: MakePerson) -> Person:
    """Somebody who is logged in with this browser."""
    ada = person()
    browser.ask(f"{service}/login", {"username": ada.name, "password": ada.password})
    return ada


def made(service: str, form: Form) -> str:
    """The id of a job that waits."""
    location = form("tap/async", JOB).headers["Location"]
    assert location.startswith("/tap/async/")
    return str(location.rsplit("/", 1)[1])


def phase(service: str, job_id: str) -> Reply:
    return get(f"{service}/async/{job_id}/phase")


# ---- the way back


@pytest.mark.parametrize(
    "path", ["/", "/tap/async", "/tap/whoami?x=1&y=%2F", "/tap/tables/demo.stars#columns", "/a//b", "/'\"<>"]
)
def test_a_form_leads_back_to_where_it_says(service: str, form: Form, browser: Browser, path: str) -> None:
    reply = form("tap/async", JOB, back=path)
    assert (reply.status, reply.headers["Location"]) == (303, path)
    assert "no-store" in reply.headers["Cache-Control"]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_no_form_leads_to_another_server(service: str, form: Form, browser: Browser, elsewhere: str) -> None:
    reply = form(f"tap/async/{made(service, form)}", {"ACTION": "DELETE"}, back=elsewhere)
    assert reply.status == 303
    target, here = urlsplit(browser.target(reply)), urlsplit(service)
    assert (target.scheme, target.netloc) == (here.scheme, here.netloc)
    assert reply.headers["Location"].startswith("/")
    assert reply.headers["Set-Cookie"] is None


def test_without_a_way_back_it_leads_to_what_was_made_or_to_the_first_page(service: str, form: Form) -> None:
    job_id = made(service, form)
    assert phase(service, job_id).status == 200
    assert form(f"tap/async/{job_id}", method="DELETE").headers["Location"] == "/tap/async"


@pytest.mark.parametrize("back", ["/tap/whoami", "/\"><script>alert('x')</script>", *ELSEWHERE])
def test_what_is_told_once_comes_with_a_link_that_stays_here(
    service: str, ada: Person, form: Form, browser: Browser, back: str
) -> None:
    reply = form("tap/tokens", {"NAME": secrets.token_hex(4)}, back=back)
    assert (reply.status, reply.media_type) == (200, "text/html")
    assert "no-store" in reply.headers["Cache-Control"]
    page: Any = html.fromstring(reply.body)
    (token,) = page.xpath("//dd/code/text()")
    assert get(f"{service}/whoami", Authorization=f"Bearer {token}").status == 200
    (href,) = page.xpath("//a[text()='Continue']/@href")
    assert href == (back if back not in ELSEWHERE else "/")
    assert all(script.get("src") for script in page.iter("script"))


# ---- what forms do


def test_a_form_can_delete(service: str, ada: Person, form: Form) -> None:
    headers = basic(ada.name, ada.password)
    assert form("tap/tokens", {"NAME": "gone"}, back="/tap/whoami").status == 200
    assert '"gone"' in get(f"{service}/tokens", **headers).text
    assert form("tap/tokens/gone", method="DELETE", back="/tap/whoami").headers["Location"] == "/tap/whoami"
    assert '"gone"' not in get(f"{service}/tokens", **headers).text


def test_a_form_changes_a_job(service: str, form: Form) -> None:
    job_id = made(service, form)
    assert form(f"tap/async/{job_id}/phase", {"PHASE": "ABORT"}, back="/tap/async").status == 303
    assert phase(service, job_id).text == "ABORTED"
    assert form(f"tap/async/{job_id}", {}, method="delete", back="/tap/async").status == 303
    assert phase(service, job_id).status == 404


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("tap/async/" + "0" * 32, {"ACTION": "DELETE"}, 404),
        ("tap/async/" + "0" * 32 + "/phase", {"PHASE": "RUN"}, 404),
        ("tap/tokens", {"NAME": "x"}, 401),
        ("tap/tokens/x?method=DELETE", {}, 401),
    ],
)
def test_what_the_resource_refuses_is_a_page_with_its_status(
    service: str, form: Form, path: str, fields: dict[str, str], status: int
) -> None:
    path, _, method = path.partition("?method=")
    reply = form(path, fields, back="/tap/async", **({"method": method} if method else {}))
    assert (reply.status, reply.media_type) == (status, "text/html")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tap",
        "tap/sync",
        "tap/login",
        "tap/logout",
        "tap/uploads",
        "tap/asyncronous",
        "tap/async/../tokens",
        "tap/../tap/tokens",
        "TAP/TOKENS",
        "-/form/tap/async",
        "readyz",
        "https://example.org/tap/async",
    ],
)
def test_other_paths_have_no_form(service: str, ada: Person, form: Form, path: str) -> None:
    assert form(path, {"NAME": "x", **JOB}).status == 404
    assert get(f"{service}/tokens", **basic(ada.name, ada.password)).text.split() == ["[]"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "OPTIONS", "TRACE", "X", "POST "])
def test_a_form_has_no_other_method(service: str, form: Form, method: str) -> None:
    assert form(f"tap/async/{made(service, form)}", method=method).status == 400


# ---- who may


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_does_nothing(service: str, ada: Person, form: Form, site: str) -> None:
    job_id = made(service, form)
    for path, fields in ((f"tap/async/{job_id}", {"ACTION": "DELETE"}), ("tap/tokens", {"NAME": "theirs"})):
        assert form(path, fields, Sec_Fetch_Site=site).status == 403
    headers = basic(ada.name, ada.password)
    assert get(f"{service}/async/{job_id}/phase", **headers).status == 200
    assert get(f"{service}/tokens", **headers).text.split() == ["[]"]


def test_passwords_and_tokens_of_programs_are_refused(service: str, person: MakePerson, form: Form) -> None:
    """Scopes of tokens are checked by path, and this is another one."""
    ada = person()
    headers = basic(ada.name, ada.password)
    assert form("tap/tokens", {"NAME": "x"}, **headers).status == 403
    assert get(f"{service}/tokens", **headers).text.split() == ["[]"]


def test_a_form_is_posted_only(service: str) -> None:
    url = f"{service.removesuffix('/tap')}/-/form/tap/async"
    assert request("GET", url, headers={"Accept": ACCEPT}).status in {404, 405}
