"""Fetching for a stranger: only from hosts that are allowed and public, each redirect looked at anew, within limits (docs/demands.md C5)."""

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from schema.load.reader import LoadError
from tap.form import FormFile
from tap.shares.readable_jobs import ReadableJobs
from tap.uploads import remote
from tap.uploads.remote import Remote, public_address
from tap.uploads.sources import Sources
from tap.uploads.upload import Upload
from uws.parameters import ParameterError

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]
ALLOWED = ("data.example.org", "*.example.net")

PRIVATE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "2001:db8::1",
    "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:4136:e378::", "::127.0.0.1", "::7f00:1", "fec0::1",
)  # fmt: skip


def found_at(*addresses: str) -> Callable[..., list[Any]]:
    """A getaddrinfo that knows these addresses for every name."""
    return lambda host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("beside", [(), ("8.8.8.8",)], ids=["alone", "beside a public one"])
def test_an_address_that_is_not_public_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str, beside: tuple[str, ...]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", found_at(*beside, address))
    with pytest.raises(ParameterError, match="is not a public host"):
        public_address("data.example.org", 80)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_a_public_address_is_given(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", found_at(address))
    assert public_address("data.example.org", 443) == (address, 443)


class Web:
    """A server of this machine that answers for every allowed host; `asked` are the hosts that were looked up."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.answers[self.path](self)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def address(self, host: str, _port: int) -> tuple[str, int]:
        self.asked.append(host)
        if host.startswith("inside"):
            raise ParameterError(f"UPLOAD: {host} is not a public host")
        return "127.0.0.1", self._server.server_address[1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    web = Web()
    monkeypatch.setattr(remote, "public_address", web.address)
    yield web
    web.close()


def content(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def to(url: str, status: int = 302) -> Answer:
    return content(b"", status, Location=url)


def fetch(url: str, most_bytes: int = 10_000, seconds: float = 5.0) -> bytes:
    return b"".join(Remote(ALLOWED, most_bytes, seconds).fetch(url))


@pytest.mark.parametrize("host", ["data.example.org", "DATA.example.org", "a.example.net", "a.b.example.net"])
def test_an_allowed_host_is_asked(web: Web, host: str) -> None:
    web.answers["/t.vot?a=b"] = content(b"<VOTABLE/>")
    assert fetch(f"http://{host}/t.vot?a=b") == b"<VOTABLE/>"
    assert web.asked == [host.lower()]


@pytest.mark.parametrize("url", [
    "http://elsewhere.org/", "http://example.net/", "http://data.example.org.evil.org/", "http://evil-example.net/", "http://127.0.0.1/",
    "http://[::1]/", "http://2130706433/", "http://0x7f000001/", "http://localhost/", "ftp://data.example.org/", "file:///etc/passwd",
    "http://user@data.example.org/", "http://data.example.org@evil.org/", "http:///", "gopher://data.example.org/", "//data.example.org/",
    "http://data.example.org%2eevil.org/",
])  # fmt: skip
def test_any_other_is_not(web: Web, url: str) -> None:
    with pytest.raises(ParameterError, match="UPLOAD"):
        fetch(url)
    assert not web.asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_looked_at_anew(web: Web, status: int) -> None:
    web.answers["/a"] = to("http://b.example.net/b", status)
    web.answers["/b"] = to("c", status)
    web.answers["/c"] = content(b"there")
    assert fetch("http://data.example.org/a") == b"there"
    assert web.asked == ["data.example.org", "b.example.net", "b.example.net"]


@pytest.mark.parametrize(("url", "says"), [
    ("http://elsewhere.org/", "fetches nothing from elsewhere.org"),
    ("http://127.0.0.1:5432/", "fetches nothing from 127.0.0.1"),
    ("file:///etc/passwd", "no plain http"),
    ("http://inside.example.net/", "not a public host"),
    ("/again", "redirects too often"),
])  # fmt: skip
def test_a_redirect_leads_nowhere_else(web: Web, url: str, says: str) -> None:
    web.answers["/a"] = web.answers["/again"] = to(url)
    with pytest.raises(ParameterError, match=says):
        fetch("http://data.example.org/a")


def test_a_host_that_lies_inside_is_not_connected_to(web: Web) -> None:
    with pytest.raises(ParameterError, match="not a public host"):
        fetch("http://inside.example.net/")


def test_one_whose_head_drips_is_given_up(web: Web) -> None:
    def dripping(request: http.server.BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            for _ in range(100):
                request.wfile.write(b"HTTP/1.1 200 OK\r\n" if not _ else b"X: y\r\n")
                request.wfile.flush()
                time.sleep(0.1)

    web.answers["/a"] = dripping
    begun = time.monotonic()
    with pytest.raises(ParameterError, match="UPLOAD"):
        fetch("http://data.example.org/a", seconds=1)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("status", [204, 400, 403, 404, 500])
def test_another_status_is_told(web: Web, status: int) -> None:
    web.answers["/a"] = content(b"", status)
    with pytest.raises(ParameterError, match=f"status {status}"):
        fetch("http://data.example.org/a")


@pytest.mark.parametrize("says_so", [True, False])
def test_too_many_bytes_are_refused_while_they_come(web: Web, *, says_so: bool) -> None:
    def endless(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if says_so:
            request.send_header("Content-Length", str(10**12))
        request.end_headers()
        try:
            for _ in range(1000):
                request.wfile.write(bytes(100_000))
        except OSError:
            return

    web.answers["/a"] = endless
    with pytest.raises(ParameterError, match="larger than 10000 bytes"):
        fetch("http://data.example.org/a")


def test_one_that_drips_is_given_up(web: Web) -> None:
    def dripping(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            for _ in range(100):
                request.wfile.write(b"x")
                request.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    web.answers["/a"] = dripping
    begun = time.monotonic()
    with pytest.raises(ParameterError, match="did not come within 1 seconds"):
        fetch("http://data.example.org/a", seconds=1)
    assert time.monotonic() - begun < 5


def test_one_that_breaks_off_is_told(web: Web) -> None:
    def broken(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"x")

    web.answers["/a"] = broken
    with pytest.raises(ParameterError, match="broke off"):
        fetch("http://data.example.org/a")


def test_all_that_comes_from_elsewhere_is_counted_together(web: Web, tmp_path: Path) -> None:
    web.answers["/a"] = content(bytes(6_000))
    sources = Sources(cast(ReadableJobs, None), Remote(ALLOWED, 10_000, 5.0), "https://tap.example.org/async", tmp_path)
    uploads = tuple(Upload(name, None, "http://data.example.org/a") for name in "ab")
    with sources.opened(uploads[:1], None) as opened:
        assert [each.path.parent for each in opened] == [tmp_path]
        assert opened[0].path.read_bytes() == bytes(6_000)
    with pytest.raises(ParameterError, match="larger than 4000 bytes"), sources.opened(uploads, None):
        pass
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_job_are_counted_together(tmp_path: Path) -> None:
    sources = Sources(cast(ReadableJobs, None), Remote((), 10_000, 5.0), "https://tap.example.org/async", tmp_path)
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(6_000))
    uploads = tuple(Upload(name, FormFile(name, tmp_path / name)) for name in "ab")
    with sources.opened(uploads[:1], None) as opened:
        assert [each.path.name for each in opened] == ["a"]
    with pytest.raises(LoadError, match="more bytes than are taken: 10,000"), sources.opened(uploads, None):
        pass
