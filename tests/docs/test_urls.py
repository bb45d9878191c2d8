"""URLs of the service in the documents: there is something at each of them, for the method that is named."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Match

from tap.app import create_app
from tap.config import Config
from tests.docs.documents import blocks, inline

_URL = re.compile(r"https?://(?:localhost:8080|(?:tap\.|data\.)?example\.org)(/[^\s'\"…`]*)")
_CALL = re.compile(r"(?:(?P<method>GET|HEAD|PUT|POST|PATCH|DELETE)(?:, [A-Z]+)? +)?(?P<path>/[a-z-][\w/.{}-]*)")
_FILES = ("/etc/", "/var/", "/metrics", "/backups")
"""Of the machine, and of the port for metrics."""


def calls() -> Iterator[tuple[str, str, str]]:
    """Yield document, method and path of what commands send."""
    for block in blocks():
        for line in (part for command in block.commands for part in command.split("&&")):
            if "curl" in line:
                for url in _URL.findall(line):
                    yield block.path.name, _method(line), urlsplit(url).path
            elif block.language == "" and (match := re.match(rf"{_CALL.pattern} ", line)) and match["method"]:
                yield block.path.name, match["method"], match["path"]


def _method(command: str) -> str:
    if named := re.search(r"-X ([A-Z]+)", command):
        return named[1]
    if " -T " in command:
        return "PUT"
    return "POST" if re.search(r" (-d|-F|--data[\w-]*) ", command) else "GET"


def mentions() -> Iterator[tuple[str, str, str]]:
    for path, text in inline():
        match = _CALL.fullmatch(text)
        if match and not text.startswith(_FILES) and "..." not in text:
            yield path.name, match["method"] or "", match["path"]


@pytest.fixture(scope="module")
def app(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    """The service, with a site of documents as it would have one."""
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").touch()
    return create_app(sample.changed(documents=str(site)))


def answers(app: Starlette, method: str, path: str) -> bool:
    """Return whether a route takes a method at a path; without a method, any."""
    headers = [] if method else [(b"accept", b"text/html,application/xhtml+xml")]
    scope: dict[str, Any] = {"type": "http", "path": path, "root_path": "", "headers": headers}
    matches = [route.matches(scope | {"method": method or "GET"})[0] for route in app.routes]
    return Match.FULL in matches or (not method and Match.PARTIAL in matches)


@pytest.mark.parametrize(("document", "method", "path"), sorted(set(calls())))
def test_a_command_is_sent_to_something_that_takes_it(app: Starlette, document: str, method: str, path: str) -> None:
    assert answers(app, method, path) or answers(app, method, f"/tap{path}")


@pytest.mark.parametrize(("document", "method", "path"), sorted(set(mentions())))
def test_an_endpoint_that_is_mentioned_exists(app: Starlette, document: str, method: str, path: str) -> None:
    paths = [f"{path.rstrip('/')}{rest}" for rest in ("", "/x", "/x/x")]
    assert any(answers(app, method, each) or answers(app, method, f"/tap{each}") for each in paths)


@pytest.mark.parametrize(("method", "path"), [("PUT", "/tap/sync"), ("GET", "/tap/asink"), ("", "/tap/cheque")])
def test_an_endpoint_that_does_not_exist_is_noticed(app: Starlette, method: str, path: str) -> None:
    assert not answers(app, method, path)
