"""Forms of pages → the resources that programs use: HTML knows neither DELETE nor PUT, and people want no JSON for an answer.

A form is sent to /-/form/PATH?method=…&back=…: the resource at PATH is asked within this process, with all its own
checks, and the browser is led back to a page.
"""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from tap.auth.authentication import OutOfScope, check_own_page
from tap.auth.login import local_path
from tap.config import Config
from tap.errors import NotFound
from tap.form import read_parameters
from tap.pages.rendering import Pages, see
from uws.parameters import ParameterError

_METHODS = frozenset({"POST", "PUT", "DELETE"})
_RESOURCES = (
    "tap/async/",
    "tap/tables/",
    "tap/shares",
    "tap/groups",
    "tap/tokens",
    "tap/notifications",
    "tap/password",
    "tap/publications",
    "tap/queries/",
    "tap/standing",
)
_JOBS = "tap/async"
_OF_FORM = frozenset({"method", "back"})
_MOST_BYTES = 100_000


@dataclass
class _Answer:
    """What a resource answered."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        elif len(self.body) < _MOST_BYTES:
            self.body += message.get("body", b"")

    def header(self, name: bytes) -> str | None:
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True)
class Forms:
    """The handler."""

    pages: Pages
    config: Config

    async def form(self, request: Request) -> Response:
        """Do what a form of our own pages says; errors are raised, and become pages."""
        check_own_page(request, self.config.web.base_url)
        if "authorization" in request.headers:
            raise OutOfScope(
                "Forms are for people in a browser; programs send their requests to the resources themselves"
            )
        path = request.path_params["path"]
        if path != _JOBS and not path.startswith(_RESOURCES):
            raise NotFound("There is no such form")
        method = request.query_params.get("method", "POST").upper()
        if method not in _METHODS:
            raise ParameterError("A form can POST, PUT or DELETE")
        answer = _Answer()
        await request.app.router(*await self._inner(request, path, method), answer.send)
        back = local_path(request.query_params.get("back")) or f"{self.pages.root}/"
        return self._lead_back(request, answer, back)

    async def _inner(self, request: Request, path: str, method: str) -> tuple[Scope, Receive]:
        """Return the request to the resource. The fields of a form that is no POST go into its URL."""
        own = [(name, value) for name, value in parse_qsl(request.url.query) if name not in _OF_FORM]
        receive = request.receive
        if method != "POST":
            own += [
                (name, value)
                for name, value in (await read_parameters(request, self.config)).pairs
                if name.lower() not in _OF_FORM
            ]
            receive = _nothing
        headers = [(name, value) for name, value in request.scope["headers"] if name not in {b"accept", b"hx-request"}]
        scope = {
            **request.scope,
            "method": method,
            "path": f"/{path}",
            "raw_path": f"/{path}".encode(),
            "query_string": urlencode(own).encode(),
            "headers": [*headers, (b"accept", b"application/json")],
        }
        scope.pop("path_params", None)
        return scope, receive

    def _lead_back(self, request: Request, answer: _Answer, back: str) -> Response:
        """Return what the browser gets: a page where there is something to be told once, else the way back."""
        told = _told(answer)
        if told:
            values = {"told": told, "back": back}
            return self.pages.response(request, "told.html", values)
        location = answer.header(b"location") if answer.status == 303 else None
        target = local_path(urlsplit(location).path) if location and not request.query_params.get("back") else back
        return see(target or back, answer.headers)


def _told(answer: _Answer) -> dict[str, str]:
    """Return the secrets that an answer has: the token, the URL of a link."""
    if answer.status != 201 or "json" not in (answer.header(b"content-type") or ""):
        return {}
    values = json.loads(answer.body)
    return {name: str(values[name]) for name in ("token", "url") if name in values}


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
