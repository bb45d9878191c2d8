"""Browsers get pages, programs get what the standards promise them, at the same URLs."""

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from tap.pages.negotiation import PageRoute, wants_page
from tests.contract.client import request

BROWSERS = {
    "Firefox": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Firefox 128": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.8",
    "Chrome": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    "Safari": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "lynx": "text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01",
    "w3m": "text/html, text/*;q=0.5, image/*",
}
PROGRAMS = {
    "curl, wget, pyvo (requests), httpx": "*/*",
    "astroquery (TapPlus)": "text/plain",
    "Java to version 17 (TOPCAT, STILTS)": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    "Java since then": "text/html, image/gif, image/jpeg, */*; q=0.2",
    "R (httr)": "application/json, text/xml, application/xml, */*",
    "an XML client": "application/xml",
    "one that takes a VOTable, or else whatever there is": "application/x-votable+xml, text/html;q=0.5, */*;q=0.1",
    "urllib": None,
    "nothing": "",
}
by_browsers = pytest.mark.parametrize("accept", [pytest.param(accept, id=who) for who, accept in BROWSERS.items()])
by_programs = pytest.mark.parametrize("accept", [pytest.param(accept, id=who) for who, accept in PROGRAMS.items()])
HTMX = {"hx-request": "true"}


def scope(accept: str | None, method: str = "GET", path: str = "/tap/async", **more: str) -> dict[str, object]:
    headers = more | ({} if accept is None else {"accept": accept})
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": pairs}


@by_browsers
def test_a_browser_gets_a_page(accept: str) -> None:
    assert wants_page(scope(accept))


@by_programs
def test_a_program_gets_none(accept: str | None) -> None:
    assert not wants_page(scope(accept))


@by_programs
def test_a_part_of_a_page_is_of_a_page(accept: str | None) -> None:
    assert wants_page(scope(accept, hx_request="true"))


async def page(request: Request) -> Response:
    return Response("page")


ROUTE = PageRoute("/tap/async", page, methods=["GET"])


@by_browsers
def test_a_page_answers_its_method_and_path_only(accept: str) -> None:
    assert ROUTE.matches(scope(accept))[0] is Match.FULL
    assert ROUTE.matches(scope(accept, "HEAD"))[0] is Match.FULL
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ROUTE.matches(scope(accept, method)) == (Match.NONE, {})
    assert ROUTE.matches(scope(accept, path="/tap/sync")) == (Match.NONE, {})


@by_programs
def test_a_page_is_not_there_for_programs(accept: str | None) -> None:
    assert ROUTE.matches(scope(accept)) == (Match.NONE, {})


def test_a_page_is_not_there_where_the_url_names_a_format() -> None:
    named = {**scope(BROWSERS["Firefox"]), "query_string": b"a=b&ResponseFormat=votable"}
    assert ROUTE.matches(named) == (Match.NONE, {})
    assert ROUTE.matches({**named, "query_string": b"q=responseformat"})[0] is Match.FULL


def test_a_page_is_not_there_for_web_sockets() -> None:
    assert ROUTE.matches({**scope(BROWSERS["Firefox"]), "type": "websocket"}) == (Match.NONE, {})


@pytest.mark.parametrize("path", ["tables", "tables/demo.stars", "async", "availability"])
def test_the_service_answers_both_at_one_url(service: str, path: str) -> None:
    for accept in BROWSERS.values():
        assert request("GET", f"{service}/{path}", headers={"Accept": accept}).media_type == "text/html"
    for asked in PROGRAMS.values():
        reply = request("GET", f"{service}/{path}", headers={} if asked is None else {"Accept": asked})
        is_votable = path == "tables/demo.stars" and "votable" in str(asked)
        assert (reply.status, reply.media_type) == (200, "application/x-votable+xml" if is_votable else "text/xml")
        reply.xml()


@pytest.mark.parametrize("name", ["RESPONSEFORMAT", "responseformat"])
def test_a_browser_gets_what_a_link_names(service: str, name: str) -> None:
    reply = request("GET", f"{service}/tables/demo.stars?x=1&{name}=votable", headers={"Accept": BROWSERS["Firefox"]})
    assert reply.media_type == "application/x-votable+xml"
