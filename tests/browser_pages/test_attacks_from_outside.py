"""What pages of other sites, links, and the next user of a browser can do with somebody's login: nothing."""

import json
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser_pages.conftest import Visit, Visitor
from tests.contract.client import get
from tests.contract.own_tables import Asker

pytestmark = pytest.mark.long

_FOREIGN = ["http://elsewhere.example/", "http://localhost:9/"]
"""A page of another site, and one of the same site at another port, to which a browser sends the cookies of a login."""
_ACCEPT = {"Accept": "text/html,application/xhtml+xml"}


def attack(visitor: Visitor, origin: str, path: str, fields: dict[str, str], *, kind: str = "") -> Page:
    """Open a page at `origin` that sends a form to `path` at once."""
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="{visitor.root}{path}" enctype="{kind}">{inputs}</form>'
    document = f"<!doctype html><title>attack</title>{form}<script>document.forms[0].submit()</script>"
    visitor.page.route(origin, lambda route: route.fulfill(body=document, content_type="text/html"))
    with visitor.page.expect_response(lambda answer: answer.request.method == "POST"):
        visitor.page.goto(origin, wait_until="commit")
    visitor.page.wait_for_load_state()
    return visitor.page


@pytest.fixture
def victim(visit: Visit, ada: Asker) -> Visitor:
    """Ada, logged in."""
    visitor = visit()
    visitor.expected = ("401", "403", "404")
    assert ada.person
    visitor.log_in(ada.person)
    return visitor


@pytest.mark.parametrize("origin", _FOREIGN)
def test_a_form_of_another_site_does_nothing_with_a_login(victim: Visitor, ada: Asker, origin: str) -> None:
    job = ada.run("SELECT TOP 1 name FROM demo.ngc").rpartition("/")[2]
    for path, fields in (
        ("/-/form/tap/tokens?back=/", {"NAME": "stolen"}),
        ("/tap/tokens", {"NAME": "stolen"}),
        (f"/-/form/tap/async/{job}?method=DELETE", {}),
        (f"/tap/async/{job}", {"ACTION": "DELETE"}),
        (f"/-/jobs/{job}", {"RUNID": "stolen", "NOTE": "stolen"}),
        ("/-/form/tap/shares", {"KIND": "job", "JOB": job, "WITH": "link"}),
        ("/tap/logout", {}),
    ):
        attack(victim, origin, path, fields)
    assert json.loads(ada.call("GET", "shares").text)["given"] == []
    assert "stolen" not in json.dumps([ada.call("GET", f"async/{job}").text, victim.open("/tap/whoami").content()])
    expect(victim.page.get_by_role("heading", level=1)).to_have_text(ada.name)
    assert victim.open(f"/tap/async/{job}").get_by_role("cell").count() == 1


@pytest.mark.parametrize("origin", _FOREIGN)
def test_a_page_of_another_site_cannot_log_a_visitor_in_as_somebody_else(
    visitor: Visitor, bo: Asker, origin: str
) -> None:
    visitor.expected = ("403",)
    assert bo.person
    attack(visitor, origin, "/tap/login", {"USERNAME": bo.name, "PASSWORD": bo.person.password})
    expect(visitor.open("/tap/whoami").get_by_role("heading", level=1)).to_have_text("You are not logged in")


def test_a_page_of_another_site_does_not_take_a_strangers_jobs_away(visitor: Visitor) -> None:
    visitor.run("SELECT TOP 1 name AS mine FROM demo.ngc")
    attack(visitor, _FOREIGN[0], "/tap/async", {"LANG": "ADQL", "QUERY": "SELECT 1"})
    expect(visitor.open("/tap/async").locator("tbody code")).to_contain_text(
        ["SELECT TOP 1 name AS mine FROM demo.ngc"]
    )


def test_a_page_of_another_site_does_not_break_a_strangers_first_page(visitor: Visitor) -> None:
    visitor.expected = ("400",)
    attack(visitor, _FOREIGN[0], "/tap/async", {"QUERY": "SELECT 1", "query": "SELECT 2"})
    page = visitor.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Query", timeout=2000)


def test_no_page_is_shown_in_a_frame_not_even_in_one_of_our_own(victim: Visitor) -> None:
    victim.expected = ("frame-ancestors", "Refused to display", "403", "404")
    paths = [
        "/",
        "/tap/whoami",
        "/tap/login",
        "/tap/async",
        "/tap/async/0",
        "/tap/tables/no.such",
        "/help",
        "/tap/examples",
    ]
    sync = f"/tap/sync?LANG=ADQL&FORMAT=html&QUERY={quote('SELECT TOP 1 name FROM demo.ngc')}"
    frames = "".join(f'<iframe src="{victim.root}{path}"></iframe>' for path in ("/livez", *paths, sync))
    victim.page.route(f"{victim.root}/frames", lambda route: route.fulfill(body=frames, content_type="text/html"))
    page = victim.open("/frames")
    page.wait_for_timeout(500)
    allowed, *refused = [frame.url for frame in page.main_frame.child_frames]
    assert allowed == f"{victim.root}/livez"
    assert refused == ["chrome-error://chromewebdata/"] * (len(paths) + 1)


_TARGETS = (
    "//elsewhere.example", "///elsewhere.example", "/\\elsewhere.example", "\\\\elsewhere.example", "/\t/elsewhere.example",
    "/%09/elsewhere.example", "https:elsewhere.example", "https://elsewhere.example", "http:///elsewhere.example",
    "/\r\nLocation: https://elsewhere.example", "//user@elsewhere.example", "@elsewhere.example", ".elsewhere.example",
    "javascript:pwned=1", "data:text/html,x", "/.//elsewhere.example", "/..//elsewhere.example", "/%2f/elsewhere.example",
    "\u2215/elsewhere.example", " //elsewhere.example", "/;@elsewhere.example", "//localhost:9/", "/%5celsewhere.example",
)  # fmt: skip


def test_no_way_back_leads_to_another_site(victim: Visitor, ada: Asker) -> None:
    """The browser resolves what the service says, as it would follow it."""
    assert ada.person
    for target in _TARGETS:
        encoded = quote(target, safe="")
        page = victim.open(f"/tap/login?next={encoded}")
        action = str(page.locator("main form").get_attribute("action"))
        forms: tuple[tuple[str, dict[str, str | float | bool]], ...] = (
            (f"/-/form/tap/async?back={encoded}", {"QUERY": "SELECT 1"}),
            (f"/-/form/tap/async?back={encoded}&back={encoded}", {"QUERY": "SELECT 1"}),
            (action, {"USERNAME": ada.name, "PASSWORD": ada.person.password}),
        )
        for path, form in forms:
            answer = page.request.post(victim.root + path, form=form, max_redirects=0, headers=_ACCEPT)
            assert answer.status == 303, target
            where = page.evaluate("location => new URL(location, document.baseURI).origin", answer.headers["location"])
            assert where == victim.root, target


def test_what_a_browser_kept_of_a_result_is_not_shown_after_the_logout(victim: Visitor) -> None:
    victim.page.unroute_all()  # which kept the browser from keeping anything
    page = victim.run("SELECT TOP 3 name, ra FROM demo.ngc")
    job = page.url.rpartition("/")[2]
    url = f"/-/columns/{job}?name=ra"
    read = "async url => (await fetch(url)).status"
    assert page.evaluate(read, url) == 200
    page = victim.open("/tap/whoami")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in").first).to_be_visible()
    assert page.evaluate(read, url) == 403


def test_the_way_back_after_a_logout_shows_nothing_of_the_account(victim: Visitor, ada: Asker) -> None:
    victim.page.unroute_all()  # which kept the browser from keeping anything
    victim.run("SELECT TOP 3 name AS secret FROM demo.ngc")
    page = victim.open("/tap/whoami")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in").first).to_be_visible()
    for _ in range(2):
        page.go_back()
        assert ada.name not in page.content()
        assert "secret" not in page.content()


def test_links_of_a_result_do_not_tell_where_they_stood(visitor: Visitor) -> None:
    told: list[str | None] = []
    page = visitor.run("SELECT TOP 1 'http://elsewhere.example/' AS link FROM demo.ngc")

    def hear(route: object) -> None:
        told.append(route.request.headers.get("referer"))  # type: ignore[attr-defined]
        route.fulfill(body="there", content_type="text/plain")  # type: ignore[attr-defined]

    page.route("http://elsewhere.example/", hear)
    page.locator("#rows td a").click()
    expect(page.locator("body")).to_have_text("there")
    assert told == [None]
    assert get(f"{visitor.root}/help").headers["Referrer-Policy"] == "same-origin"
