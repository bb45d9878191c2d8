"""Uploads by URL: off unless the operator names hosts, and then guarded (TAP 1.1 §2.7.6, OWASP ASVS 13.2.4).

Every address of the host must be a public one, the connection goes to the very address that was looked at, and
each redirect begins anew. Bytes and seconds are limited.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from uws.parameters import ParameterError

_PIECE = 1 << 18
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3
_CONNECT = 10.0


_LONGEST_URL = 2_000


def split_url(url: str, parameter: str = "UPLOAD") -> SplitResult:
    """Return the parts of a plain http or https URL. Raises: ParameterError for anything else, naming the parameter."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
        is_plain = is_plain and (parts.port is None or parts.port > 0)
    except ValueError:
        is_plain = False
    if not is_plain or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ParameterError(f"{parameter}: {url[:200]!r} is no plain http or https URL")
    return parts


@dataclass(frozen=True, slots=True)
class Remote:
    """What may be fetched: from which hosts (`*.example.org` for all below), how many bytes, in how many seconds."""

    hosts: tuple[str, ...]
    most_bytes: int
    seconds: float

    def fetch(self, url: str, most_bytes: int | None = None) -> Iterator[bytes]:
        """Yield the content of a URL, of fewer bytes where that is asked for. Raises: ParameterError saying what is wrong with it."""
        end = time.monotonic() + self.seconds
        for _ in range(_MOST_REDIRECTS + 1):
            connection = self._connected(self._checked(url))
            with closing(connection), ended_at(end, connection.sock):
                answer = self._ask(connection, urlsplit(url))
                location = answer.getheader("location")
                if answer.status in _REDIRECTS and location:
                    url = urljoin(url, location)
                    continue
                if answer.status != http.client.OK:
                    raise ParameterError(f"UPLOAD: {url[:200]} answers with status {answer.status}")
                yield from self._content(answer, end, url, self.most_bytes if most_bytes is None else most_bytes)
                return
        raise ParameterError(f"UPLOAD: {url[:200]} redirects too often")

    def _checked(self, url: str) -> SplitResult:
        parts = split_url(url)
        host = (parts.hostname or "").lower()
        if not any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in self.hosts):
            advice = (
                f"; it may be at {', '.join(self.hosts)}" if self.hosts else "; send the table with the request instead"
            )
            raise ParameterError(f"UPLOAD: this service fetches nothing from {host[:100]}{advice}")
        return parts

    def _connected(self, parts: SplitResult) -> http.client.HTTPConnection:
        with _reaching(parts.hostname or ""):
            return connected(parts, public_address)

    def _ask(self, connection: http.client.HTTPConnection, parts: SplitResult) -> http.client.HTTPResponse:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with _reaching(parts.hostname or ""):
            connection.request("GET", path, headers={"Host": parts.netloc, "Accept-Encoding": "identity"})
            return connection.getresponse()

    def _content(self, answer: http.client.HTTPResponse, end: float, url: str, most_bytes: int) -> Iterator[bytes]:
        size = 0
        try:
            while piece := answer.read1(_PIECE):
                size += len(piece)
                if size > most_bytes:
                    raise ParameterError(f"UPLOAD: {url[:200]} is larger than {most_bytes} bytes")
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise ParameterError(f"UPLOAD: {url[:200]} broke off") from error
        if time.monotonic() > end:
            raise ParameterError(f"UPLOAD: {url[:200]} did not come within {self.seconds:g} seconds")
        if answer.length:
            raise ParameterError(f"UPLOAD: {url[:200]} broke off")


@contextmanager
def _reaching(host: str) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ParameterError(f"UPLOAD: {host[:100]} cannot be reached") from error


@contextmanager
def ended_at(end: float, connection: socket.socket) -> Iterator[None]:
    """End the connection when the time is over, whatever waits for it."""

    def cut() -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, end - time.monotonic()), cut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def connected(parts: SplitResult, address_of: Callable[[str, int], tuple[str, int]]) -> http.client.HTTPConnection:
    """Return a connection to the very address that `address_of` chose for a host and a port. Raises: OSError."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = address_of(host, port)
    plain = socket.create_connection(address, _CONNECT)
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(host, port, timeout=_CONNECT)
    connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
    return connection


_LEADING_ELSEWHERE = [
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10")
]
"""IPv6 by which a gateway reaches any address of IPv4 (NAT64, 6to4, Teredo, compatible ones), and what was once site-local."""


def public_address(host: str, port: int) -> tuple[str, int]:
    """Return one of a host's addresses. Raises: ParameterError where any of them is not public; OSError."""
    addresses = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not mapped.is_global or mapped.is_multicast or any(mapped in network for network in _LEADING_ELSEWHERE):
            raise ParameterError(f"UPLOAD: {host[:100]} is not a public host")
    return addresses[0], port
