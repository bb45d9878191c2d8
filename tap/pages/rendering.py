"""Templates → responses. Whatever stands in a page is escaped, and nothing but our own files runs in it."""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from schema.model import Catalogue
from tap.auth.identity import identity_of
from tap.config_sections import WebConfig
from tap.messages import Messages
from tap.pages.documentation import site_folder
from tap.pages.static_files import digest
from tap.version import VERSION

CatalogueOf = Callable[[Request], Awaitable[Catalogue]]
"""Tells what who asks may know of."""

HUB = "http://localhost:21012"
"""Where a SAMP hub on the user's own machine listens for web pages (SAMP 1.3 §5.2.1)."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:;"
    f" connect-src 'self' {HUB}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Pages:
    """Renders the pages of a service."""

    web: WebConfig
    messages: Messages
    """What the operator tells all users."""
    registry_record: str | None = None
    """The URL of the service's record, where it has a registry."""

    @property
    def root(self) -> str:
        """The path below which the service lies, behind a proxy that has others beside it."""
        return urlsplit(self.web.base_url).path.removesuffix("/tap")

    def response(
        self, request: HTTPConnection, template: str, values: Mapping[str, Any], status: int = 200
    ) -> Response:
        """Return a page, or a part of one, which must not be kept: it shows what one user may see."""
        nonce = secrets.token_urlsafe(16)
        identity = identity_of(request)
        site = {
            "web": self.web,
            "root": self.root,
            "tap": f"{self.root}/tap",
            "static": f"{self.root}/-/static/{digest()}",
            "account": identity.account if identity else None,
            "is_admin": identity is not None and identity.is_admin,
            "path": request.url.path,
            "version": VERSION,
            "has_documents": site_folder(self.web.documents) is not None,
            "nonce": nonce,
            "messages": self.messages.texts(),
            "registry_record": self.registry_record,
        }
        page = _templates().get_template(template).render(site=site, **values)
        headers = {
            "content-security-policy": _POLICY.format(nonce=nonce),
            "cache-control": "private, no-store",
            "vary": "Accept, Cookie, HX-Request",
            "referrer-policy": "same-origin",
            "x-frame-options": "DENY",
        }
        kind = "application/xhtml+xml" if template.endswith(".xhtml") else "text/html"
        return Response(page, status, headers, media_type=kind)


def see(path: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
    """Lead the browser to a path of this server, with the cookies among the headers of an answer."""
    response = Response(b"", 303, {"location": path, "cache-control": "no-store"})
    response.raw_headers += [(name, value) for name, value in headers if name.lower() == b"set-cookie"]
    return response


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("tap", "pages/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": count, "size": size, "duration": duration, "moment": moment, "in_url": in_url}
    return environment


def count(number: float) -> str:
    return f"{number:,.0f}"


def size(number: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """Return seconds with the two largest of their units."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    parts, rest = [], round(seconds)
    for length, unit in _STEPS:
        if number := rest // length:
            parts.append(f"{number} {unit}")
        rest %= length
    return " ".join(parts[:2])


def moment(instant: datetime) -> str:
    """Return an instant to the second, in UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def in_url(text: str) -> str:
    return quote(text, safe="")
