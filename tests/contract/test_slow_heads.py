"""Clients that connect and do not say what they want are let go; those that are slow with all else are not."""

import socket
import time
from collections.abc import Iterator

import pytest

from tap.config import Config
from tests.conftest import alone, serving

SECONDS = 1.0
HEAD = b"GET /tap/availability HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def port(sample: Config) -> Iterator[int]:
    config = alone(sample, head_seconds=SECONDS, processes=1)
    with serving(config):
        yield config.web.port


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
