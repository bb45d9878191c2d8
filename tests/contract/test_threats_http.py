"""What strangers may send over HTTP (docs/demands.md B1-B9, B16): a DALI answer or a closed connection; never a fault."""

import gzip
import re
import socket
import urllib.parse
from dataclasses import dataclass

import pytest
from lxml import etree

QUERY = b"LANG=ADQL&QUERY=SELECT+TOP+1+name+FROM+demo.ngc"
FORM = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=B"


@dataclass(frozen=True)
class Reply:
    """`status` 0: the connection was closed without a word."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name:
                return value.strip()
        return None

    @property
    def message(self) -> str:
        (info,) = etree.fromstring(self.body).iterfind(".//{*}INFO[@name='QUERY_STATUS']")
        assert info.get("value") == "ERROR"
        return str(info.text)


def send(service: str, data: bytes, timeout: float = 15) -> Reply:
    found = bytearray()
    with socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(service).port or 80), timeout) as connection:
        try:
            connection.sendall(data)
            while piece := connection.recv(1 << 16):
                found += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
    head, _, body = bytes(found).partition(b"\r\n\r\n")
    return Reply(int(head.split()[1]) if head else 0, head, body)


def get(path: bytes, host: bytes = b"localhost", more: bytes = b"", method: bytes = b"GET") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + more + b"\r\n"


def post(body: bytes, kind: bytes | None = FORM, more: bytes = b"", length: int | None = None) -> bytes:
    kinds = b"" if kind is None else b"Content-Type: " + kind + b"\r\n"
    size = b"Content-Length: %d\r\n" % (len(body) if length is None else length)
    return b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + kinds + size + more + b"\r\n" + body


def part(name: bytes, value: bytes, more: bytes = b"") -> bytes:
    return b'--B\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + value + b"\r\n"


PARTS = part(b"LANG", b"ADQL") + part(b"QUERY", b"SELECT TOP 1 name FROM demo.ngc")
END = b"--B--\r\n"


def must_be_refused(service: str, data: bytes, *statuses: int) -> Reply:
    """A DALI document with one of these statuses."""
    reply = send(service, data)
    assert reply.status in (statuses or (400,)), reply
    assert b"Traceback" not in reply.body
    assert reply.message
    return reply


# ---- B1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"LANG=ADQL",
        b"QUERY=x",
        b"LANG=&QUERY=",
        b"LANG=SQL&QUERY=x",
        QUERY + b"&LANG=ADQL-2.1",
        QUERY + b"&QUERY=x",
        QUERY + b"&query=x",
        QUERY + b"&REQUEST=getCapabilities",
        QUERY + b"&MAXREC=-1",
        QUERY + b"&MAXREC=1.5",
        QUERY + b"&MAXREC=1&maxrec=2",
        QUERY + b"&MAXREC=%D9%A1",
        QUERY + b"&MAXREC=1e3",
        QUERY + b"&FORMAT=nope",
        QUERY + b"&RESPONSEFORMAT=csv&RESPONSEFORMAT=tsv",
        QUERY + b"&UPLOAD=a,http://127.0.0.1:1/",
        QUERY + b"&UPLOAD=a,param:b",
        QUERY + b"&LANG",
    ],
)
def test_wrong_parameters_are_refused(service: str, body: bytes) -> None:
    must_be_refused(service, post(body))
    must_be_refused(service, get(b"/tap/sync?" + body))


@pytest.mark.parametrize(
    "more", [b"&FOO=bar&FOO=baz", b"&=&&==", b"&MAXREC=99999999999999999999999999", b"&MAXREC=", b"&X=%zz%"]
)
def test_parameters_that_are_not_ours_do_no_harm(service: str, more: bytes) -> None:
    assert send(service, post(QUERY + more)).status == 200


# ---- B2, B3


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (QUERY + b"".join(b"&p%d=1" % i for i in range(10_000)), FORM),
        (QUERY + b"&" * 500_000, FORM),
        (b"LANG=ADQL&QUERY=" + b"a" * 3_000_000, FORM),
        (b"LANG=ADQL&QUERY=" + b"%41" * 1_000_000, FORM),
        (PARTS + part(b"a", b"1") * 15_000 + END, MULTIPART),
        (PARTS + part(b"a", b"1", b'; filename="x"') * 5000 + END, MULTIPART),
        (part(b"LANG", b"ADQL") + part(b"QUERY", b"a" * 3_000_000) + END, MULTIPART),
        (b"--B\r\nX: " + b"a" * 500_000 + b"\r\n\r\nx\r\n" + END, MULTIPART),
        (b"--B\r\n" + b"X: a\r\n" * 50_000 + b"\r\nx\r\n" + END, MULTIPART),
    ],
    ids=[
        "parameters",
        "separators",
        "field",
        "percents",
        "parts",
        "files",
        "part",
        "header of a part",
        "headers of a part",
    ],
)
def test_a_body_without_measure_is_refused(service: str, body: bytes, kind: bytes) -> None:
    assert send(service, post(body, kind)).status in (400, 413)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"x-gzip", b"identity, gzip"])
def test_a_compressed_body_is_refused(service: str, coding: bytes) -> None:
    must_be_refused(
        service,
        post(gzip.compress(b"LANG=ADQL&QUERY=" + b"a" * 50_000_000, 1), more=b"Content-Encoding: " + coding + b"\r\n"),
        400,
        415,
    )


@pytest.mark.parametrize(
    "kind", [b"application/json", b"text/xml", b"text/plain", b"multipart/mixed; boundary=B", b"x", b"\xff"]
)
def test_a_body_of_another_type_is_refused(service: str, kind: bytes) -> None:
    must_be_refused(service, post(QUERY, kind), 400, 415)


MULTIPARTS = {
    "no boundary": (PARTS + END, b"multipart/form-data"),
    "empty boundary": (PARTS + END, b"multipart/form-data; boundary="),
    "another boundary": (PARTS + END, b"multipart/form-data; boundary=C"),
    "no end": (PARTS, MULTIPART),
    "no name": (b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END, MULTIPART),
    "no disposition": (b"--B\r\n\r\nx\r\n" + END, MULTIPART),
    "a bad header": (b"--B\r\n\xff\xfe\r\n\r\nx\r\n" + END, MULTIPART),
    "bytes that are no UTF-8": (
        part(b"LANG", b"ADQL") + part(b"QUERY", b"SELECT TOP 1 '\xff\xfe' AS x FROM demo.ngc") + END,
        MULTIPART,
    ),
    "a surrogate": (
        part(b"LANG", b"ADQL") + part(b"QUERY", b"SELECT TOP 1 '\xed\xa0\x80' AS x FROM demo.ngc") + END,
        MULTIPART,
    ),
}


CLAIMS = (b"utf-7", b"undefined", b"punycode", b"utf-16")


@pytest.mark.parametrize("charset", CLAIMS)
def test_a_form_is_utf_8_whatever_charset_it_claims(service: str, charset: bytes) -> None:
    claimed = MULTIPART + b"; charset=" + charset
    assert send(service, post(PARTS + END, claimed)).status == send(service, post(PARTS + END, MULTIPART)).status


@pytest.mark.parametrize("kind", MULTIPARTS)
def test_a_bad_multipart_form_is_refused(service: str, kind: str) -> None:
    must_be_refused(service, post(*MULTIPARTS[kind]))


@pytest.mark.parametrize(
    "charset", [b"rot13", b"idna", b"utf-16", b"hex", b"unicode_escape", b"../../x", b"x" * 300, b"utf-8"]
)
def test_no_charset_of_a_form_is_a_fault(service: str, charset: bytes) -> None:
    assert send(service, post(PARTS + END, MULTIPART + b"; charset=" + charset)).status in (200, 400)


@pytest.mark.parametrize("value", [b"%ff", b"%ed%a0%80", b"%c0%80", b"%f8%88%80%80%80", b"%e2%28"])
def test_bytes_that_are_no_utf8_are_refused(service: str, value: bytes) -> None:
    must_be_refused(service, get(b"/tap/sync?LANG=ADQL&QUERY=SELECT+TOP+1+%27" + value + b"%27+AS+x+FROM+demo.ngc"))
    must_be_refused(service, post(b"LANG=ADQL&QUERY=SELECT+TOP+1+%27" + value + b"%27+AS+x+FROM+demo.ngc"))


# ---- B4, B5, B6

FRAMES = {
    "two lengths": b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and chunks": b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "length of words": b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "bad chunk": b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n",
    "half a line": b"GET\r\n\r\n",
    "no version": b"GET /tap/sync\r\n\r\n",
    "raw bytes in the path": get(b"/tap/\xff"),
    "raw bytes in the query": get(b"/tap/sync?" + QUERY + b"&X=\xff"),
    "unknown method": get(b"/tap/sync", method=b"FOO"),
    "two hosts": b"GET /tap/availability HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
    "no host": b"GET /tap/availability HTTP/1.1\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("kind", FRAMES)
def test_bad_framing_is_refused_and_the_connection_closed(service: str, kind: str) -> None:
    assert send(service, FRAMES[kind]).status in (0, 400, 501)


@pytest.mark.parametrize(
    "more",
    [
        b"X: " + b"a" * 200_000 + b"\r\n",
        b"X: " + b"a" * 5_000_000 + b"\r\n",
        b"".join(b"X%d: a\r\n" % i for i in range(20_000)),
    ],
    ids=["200 kB", "5 MB", "20000"],
)
def test_headers_without_measure_are_refused(service: str, more: bytes) -> None:
    """docs/demands.md R15: at most 64 kB of headers."""
    assert send(service, get(b"/tap/availability", more=more)).status in (0, 400, 413, 431)


@pytest.mark.parametrize("method", [b"TRACE", b"PUT", b"DELETE", b"PATCH", b"CONNECT"])
def test_methods_that_are_not_ours_are_refused(service: str, method: bytes) -> None:
    reply = must_be_refused(service, get(b"/tap/sync?" + QUERY, method=method), 405, 501, 400)
    assert b"demo.ngc" not in reply.body


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE"])
def test_a_405_names_the_methods_that_are_allowed(service: str, method: bytes) -> None:
    """RFC 9110 §15.5.6: a 405 must have Allow."""
    reply = must_be_refused(service, get(b"/tap/capabilities", method=method, more=b"Content-Length: 0\r\n"), 405)
    assert b"GET" in (reply.header(b"allow") or b"")


@pytest.mark.parametrize(
    "path",
    [
        b"/tap/../../etc/passwd",
        b"/tap/%2e%2e/%2e%2e/etc/passwd",
        b"/-/..%2f..%2fconfig.py",
        b"/-/../__init__.py",
        b"/tap/tables/..%2f..%2f",
        b"/tap/tables/%00",
        b"//evil.example/",
        b"//evil.example/tap/sync/",
        b"/\\evil.example",
        b"/tap/tables/%0d%0aX:%20y",
        b"/tap/tables/<script>",
        b"/tap/%ff",
        b"/tap/tables/%ff",
        b"*",
        b"/tap/sync;x",
        b"/tap/tables/" + b"a" * 50_000,
        b"/%2e%2e/",
        b"/tap/asynchronous",
        b"/tap/.git/config",
    ],
)
def test_paths_lead_nowhere_else(service: str, path: bytes) -> None:
    reply = send(service, get(path))
    assert reply.status in (400, 404)
    assert b"root:" not in reply.body
    assert b"<script>" not in reply.body
    assert reply.header(b"x") is None
    assert len(reply.body) < 2000


# ---- B7: the Host header

_SPOOFED = b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: host=evil.example;proto=https\r\nX-Original-URL: /evil\r\n"


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/tap",
        b"/tap/capabilities",
        b"/tap/availability",
        b"/tap/tables",
        b"/tap/examples",
        b"/tap/sync/",
        b"/tap/",
        b"/tap/capabilities/",
        b"/livez/",
        b"/tap/sync",
    ],
)
def test_links_come_from_the_base_url_whatever_the_host_says(service: str, path: bytes) -> None:
    reply = send(service, get(path, b"evil.example", _SPOOFED))
    assert b"evil.example" not in reply.head + reply.body
    assert reply.status < 500


@pytest.mark.parametrize(
    "host",
    [b"", b"a b", b"[", b"x]", b"[::1", b"//", b"a@b:99999999", b"\xff\xfe", b"a" * 5000, b"x:y", b"evil.example/tap?"],
)
def test_no_host_is_a_fault(service: str, host: bytes) -> None:
    for path in (b"/tap/sync?" + QUERY, b"/tap/sync/", b"/tap/tables/x", b"/"):
        assert send(service, get(path, host)).status in (200, 307, 308, 400, 404)


# ---- B8, B9, B16


@pytest.mark.parametrize(
    "more",
    [
        b"&RUNID=a%0d%0aX-Evil:1",
        b"&RESPONSEFORMAT=csv%0d%0aX-Evil:1",
        b"&REQUEST=doQuery%0d%0aX-Evil:1",
        b"&LANG%0d%0aX-Evil=1",
    ],
)
def test_line_ends_in_parameters_make_no_headers(service: str, more: bytes) -> None:
    reply = send(service, post(QUERY + more))
    assert reply.header(b"x-evil") is None
    assert reply.status in (200, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"LANG=<script>alert(1)</script>&QUERY=x",
        b"LANG=ADQL&QUERY=<script>alert(1)</script>",
        b"LANG=ADQL&QUERY=x&RESPONSEFORMAT=<script>",
        b"LANG=ADQL&QUERY=SELECT+<script>+FROM+x",
        b'LANG=ADQL&QUERY=SELECT "]]></INFO><script>" FROM demo.ngc',
    ],
)
def test_nothing_comes_back_as_markup(service: str, body: bytes) -> None:
    reply = must_be_refused(service, post(body.replace(b" ", b"+")))
    assert b"<script>" not in reply.body
    assert (reply.header(b"content-type") or b"").startswith(b"application/x-votable+xml")


def test_a_name_of_markup_stays_a_name_in_each_format(service: str) -> None:
    query = urllib.parse.quote("SELECT TOP 1 '</TD><script>' AS \"<script>&\" FROM demo.ngc").encode()
    for response_format in (b"votable", b"votable/td", b"votable/b"):
        reply = send(service, post(b"LANG=ADQL&QUERY=" + query + b"&RESPONSEFORMAT=" + response_format))
        assert reply.status == 200
        assert b"<script>" not in reply.body


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/tap",
        b"/tap/examples",
        b"/tap/sync",
        b"/tap/nothing",
        b"/tap/capabilities",
        b"/tap/sync?" + QUERY,
        b"/-/style.css",
    ],
)
def test_answers_have_the_headers_that_keep_browsers_safe_and_no_banner(service: str, path: bytes) -> None:
    reply = send(service, get(path))
    assert reply.header(b"x-content-type-options") == b"nosniff"
    is_page = (reply.header(b"content-type") or b"").startswith((b"text/html", b"application/xhtml"))
    assert (b"default-src 'none'" in (reply.header(b"content-security-policy") or b"")) == is_page
    assert reply.header(b"server") == b"Armillary"
    assert not any(word in reply.head.lower() for word in (b"uvicorn", b"starlette", b"python", b"postgres"))


def test_pages_have_no_scripts_but_files_of_our_own(service: str) -> None:
    """The policy forbids what stands in a page; no page is made so that it would need it."""
    for path in (b"/", b"/tap/examples", b"/help", b"/build", b"/crossmatch"):
        body = send(service, get(path)).body
        assert re.findall(rb"<script(?! type=.module. src=./-/static/)", body, re.IGNORECASE) == []
        assert re.findall(rb"\son[a-z]+=", body, re.IGNORECASE) == []


@pytest.mark.parametrize("encoding", [b"gzip;q=0", b"identity, gzip;q=0", b"gzip;q=0.000"])
def test_gzip_that_is_refused_is_not_sent(service: str, encoding: bytes) -> None:
    """RFC 9110 §12.4.2: q=0 means not acceptable."""
    for path in (b"/tap/capabilities", b"/tap/sync?" + QUERY):
        assert (
            send(service, get(path, more=b"Accept-Encoding: " + encoding + b"\r\n")).header(b"content-encoding") is None
        )
