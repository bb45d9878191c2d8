"""Requests that are repeated when the network or the server fails for a while."""

import base64
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_TIMEOUT = 120.0

Body = bytes | Iterable[bytes] | None


class Refused(Exception):
    """The service answered, and the answer is no."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(_message(body) or f"the service answers with status {status}")
        self.status = status
        self.headers = headers


class Unreachable(Exception):
    """The service did not answer for too long."""


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but shows who asks to the server only that it was meant for."""

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        request, code = arguments[0], arguments[2]
        if request.data is not None and code != HTTPStatus.SEE_OTHER:
            # A body would be lost without a word.
            return None
        new = super().redirect_request(*arguments)
        if new and origin(new.full_url) != origin(request.full_url):
            new.remove_header("Authorization")
        return new


def origin(url: str) -> tuple[str, str]:
    """Return what tells a server from others."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header that shows an account and its password (RFC 7617)."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that shows a token (RFC 6750); none for who has none."""
    return {"Authorization": f"Bearer {token}"} if token else {}


_OPENER = urllib.request.build_opener(_SameServer)


@dataclass(frozen=True)
class Http:
    """Sends requests; `patience` in seconds, for a server that does not answer or answers 5xx.

    `authorization` is sent with each, but to no other server than that. `timeout` in seconds is how long a server may
    be silent; `agent` is how it is told who asks.
    """

    patience: float = 300.0
    authorization: Mapping[str, str] = field(default_factory=dict)
    timeout: float = _TIMEOUT
    agent: str = "armillary"

    def send(self, method: str, url: str, body: Body = None, headers: Mapping[str, str] | None = None) -> HTTPResponse:
        """Return an answer with status 2xx, after redirections.

        An iterable body is sent once only. Raises: Refused, Unreachable.
        """
        end, pause = time.monotonic() + self.patience, _FIRST_PAUSE
        while True:
            try:
                return self._once(method, url, body, headers or {})
            except Refused as error:
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                reason: Exception = error
            except (urllib.error.URLError, HTTPException, OSError) as error:
                reason = error
            if time.monotonic() + pause > end or not isinstance(body, bytes | None):
                raise Unreachable(f"{url}: {reason}") from reason
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, method: str, url: str, body: Body, headers: Mapping[str, str]) -> HTTPResponse:
        if not url.startswith(("http://", "https://")):
            raise Unreachable(f"{url} is no http or https URL")
        headers = {"User-Agent": self.agent, **headers, **self.authorization}
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
        try:
            answer: HTTPResponse = _OPENER.open(request, timeout=self.timeout)
            return answer
        except urllib.error.HTTPError as error:
            headers = {name.lower(): value for name, value in error.headers.items()}
            with error:
                raise Refused(error.code, headers, error.read(100_000)) from None


def parsed(document: bytes) -> Any:
    """Parse XML that a service sent. Raises: Unreachable where it is none."""
    try:
        return etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise Unreachable(f"the service's answer is no XML: {document[:80]!r}") from error


def _message(body: bytes) -> str:
    """Return what a DALI error document says (DALI 1.1 §4.2.2)."""
    try:
        infos = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True)).iter("{*}INFO")
    except etree.XMLSyntaxError:
        return " ".join(body[:500].decode("utf-8", "replace").split())
    return " ".join(info.text or "" for info in infos if info.get("name") == "QUERY_STATUS").strip()
