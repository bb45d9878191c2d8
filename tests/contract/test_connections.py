"""What a connection may cost: its head, what follows its bodies, and answers that nobody takes; who is slow is let be."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tap.config import Config
from tap.connection import MOST_HEAD_BYTES
from tests.conftest import alone, serving
from tests.contract.test_threats_faults import eventually, memory

SECONDS = 1.0
STALL = 3.0
HEAD = b"GET /tap/availability HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"


@pytest.fixture(scope="module")
def server(sample: Config) -> Iterator[serving]:
    server = serving(alone(sample, head_seconds=SECONDS, stall_limit=STALL, processes=1))
    with server:
        yield server


@pytest.fixture
def port(server: serving) -> int:
    return server.config.web.port


def open_connection(port: int) -> socket.socket:
    return socket.create_connection(("localhost", port), timeout=10)


def seconds_until_closed(connection: socket.socket, drip: bytes = b"") -> float:
    """Return how long the server keeps a connection, on which something comes again and again."""
    begun = time.monotonic()
    connection.settimeout(0.2)
    while time.monotonic() < begun + 10:
        try:
            if drip:
                connection.sendall(drip)
            if connection.recv(4096) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("begin", "drip"),
    [(b"", b""), (b"GET /tap/ava", b""), (HEAD, b""), (HEAD, b"X: y\r\n")],
    ids=["nothing", "half a line", "half a head", "a head without end"],
)
def test_a_connection_without_a_whole_head_is_closed(port: int, begin: bytes, drip: bytes) -> None:
    with open_connection(port) as connection:
        connection.sendall(begin)
        assert SECONDS / 2 < seconds_until_closed(connection, drip) < SECONDS + 3


def test_the_second_request_of_a_connection_has_the_same_time(port: int) -> None:
    with open_connection(port) as connection:
        connection.sendall(HEAD + b"\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(HEAD)
        assert seconds_until_closed(connection) < SECONDS + 3


def test_a_body_may_take_longer_than_a_head(port: int) -> None:
    body = b"LANG=ADQL&FORMAT=csv&QUERY=SELECT+TOP+1+name+FROM+demo.ngc"
    with open_connection(port) as connection:
        connection.sendall(
            b"POST /tap/sync HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        time.sleep(2 * SECONDS)
        connection.sendall(body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_an_answer_may_take_longer_than_a_head(port: int) -> None:
    with open_connection(port) as connection:
        connection.sendall(b"GET /tap/events?JOB=" + b"0" * 32 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 404")
        connection.sendall(
            b"GET /tap/sync?LANG=ADQL&MAXREC=1000000&QUERY=SELECT+*+FROM+demo.stars HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        size = 0
        for _ in range(4):
            size += len(connection.recv(1 << 16))
            time.sleep(SECONDS / 2)
        while size < 5_000_000:
            piece = connection.recv(1 << 20)
            assert piece
            size += len(piece)


# ---- bytes


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (HEAD, b"X: " + b"y" * 1000 + b"\r\n"),
        (HEAD + b"X: ", b"y" * 1000),
        (b"GET /tap/", b"y" * 1000),
        (b"POST /tap/sync HTTP/1.1\r\nHost: localhost\r\n" + CHUNKED + b"0\r\n", b"X: " + b"y" * 1000 + b"\r\n"),
    ],
    ids=["headers", "one header", "the URL", "trailers"],
)
def test_what_is_no_body_is_read_up_to_a_limit_and_kept_by_nobody(server: serving, begin: bytes, more: bytes) -> None:
    before, sent = memory(server.process.pid, "VmHWM"), 0
    with open_connection(server.config.web.port) as connection, suppress(ConnectionError):
        connection.sendall(begin)
        while sent < 200_000_000:
            connection.sendall(more * 256)
            sent += len(more) * 256
    assert MOST_HEAD_BYTES < sent < 50_000_000
    assert memory(server.process.pid, "VmHWM") < before + 20


def test_a_url_that_is_too_long_says_what_to_send_instead(port: int) -> None:
    with open_connection(port) as connection:
        connection.sendall(
            b"GET /tap/sync?LANG=ADQL&QUERY=" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 414")
    assert b"POST" in answer


def test_a_body_that_the_answer_did_not_wait_for_does_not_go_on_for_ever(port: int) -> None:
    with open_connection(port) as connection:
        connection.sendall(b"POST /tap/nothing HTTP/1.1\r\nHost: localhost\r\n" + CHUNKED)
        assert connection.recv(4096).startswith(b"HTTP/1.1 404")
        assert SECONDS / 2 < seconds_until_closed(connection, b"1\r\nx\r\n") < SECONDS + 3


def test_an_answer_that_nobody_takes_is_given_up(server: serving, port: int) -> None:
    """Of whatever resource: asked for until the kernel takes no more."""

    def connections() -> int:
        return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    before = connections()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("localhost", port))
        connection.sendall((b"GET /tap/capabilities HTTP/1.1\r\nHost: localhost\r\n\r\n") * 500)
        time.sleep(1)
        assert connections() > before
        assert eventually(lambda: connections() <= before, STALL + 5)


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_who_offers_another_protocol_is_answered_in_this_one(port: int, protocol: bytes) -> None:
    offer = b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    with open_connection(port) as connection:
        connection.sendall(HEAD + offer + b"Upgrade: " + protocol + b"\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
