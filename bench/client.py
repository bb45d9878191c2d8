"""HTTP as light as it goes: requests written beforehand, raw sockets, bytes thrown away.

The machine that is measured also runs its clients, so that what they need is missing elsewhere.
"""

import socket
import time
import urllib.parse
from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_BUFFER = 1 << 20
_TAIL = 4096
_PATIENCE = 600


class BadAnswer(Exception):
    """Not a whole result."""


def request(query: str, format_name: str = "votable", *, close: bool = False) -> bytes:
    form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": format_name}
    body = urllib.parse.urlencode(form).encode()
    lines = (
        "POST /tap/sync HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        f"Connection: {'close' if close else 'keep-alive'}",
    )
    return "\r\n".join(lines).encode() + _HEAD_END + body


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Answer:
    """A small answer on a connection that is kept, piece by piece."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._place = 0
        self._length: int | None = None

    @property
    def is_good(self) -> bool:
        return self._data.startswith(b"HTTP/1.1 200") and b'"ERROR"' not in self._data

    def add(self, data: bytes) -> bool:
        """Whether it is whole now."""
        self._data += data
        if not self._place:
            self._place = self._data.find(_HEAD_END) + len(_HEAD_END)
            if self._place < len(_HEAD_END):
                self._place = 0
                return False
            self._length = _length(bytes(self._data[: self._place]))
        return self._chunks_are_whole() if self._length is None else len(self._data) >= self._place + self._length

    def _chunks_are_whole(self) -> bool:
        while (line := self._data.find(b"\r\n", self._place)) >= 0:
            size = int(self._data[self._place : line], 16)
            after = line + 2 + size + 2
            if after > len(self._data):
                return False
            self._place = after
            if not size:
                return True
        return False


def ask(connection: socket.socket, message: bytes) -> float:
    """Seconds until the whole answer was there. Raises: BadAnswer, OSError."""
    begun = time.perf_counter()
    connection.sendall(message)
    answer = Answer()
    while not answer.add(piece := connection.recv(_BUFFER)):
        if not piece:
            raise BadAnswer("broken off")
    took = time.perf_counter() - begun
    if not answer.is_good:
        raise BadAnswer
    return took


@dataclass(frozen=True, slots=True)
class Download:
    """Seconds from the request to the first byte of the body and to the end, and how many bytes came."""

    first: float
    seconds: float
    size: int


def download(port: int, message: bytes) -> Download:
    """The answer to a request that closes its connection. Raises: BadAnswer, OSError."""
    with connect(port) as connection:
        begun = time.perf_counter()
        connection.sendall(message)
        start = _until_body(connection)
        first = time.perf_counter() - begun
        size, tail = _drain(connection, start)
        took = time.perf_counter() - begun
    if not _is_whole(start, tail, size):
        raise BadAnswer((start[:500] + tail[-500:]).decode(errors="replace"))
    return Download(first, took, size)


def _is_whole(start: bytes, tail: bytes, size: int) -> bool:
    """A good answer, to its last chunk or as long as it said, whose document tells no error."""
    head = start.partition(_HEAD_END)[0]
    if not head.startswith(b"HTTP/1.1 200") or b'"ERROR"' in tail:
        return False
    length = _length(head)
    return tail.endswith(_LAST_CHUNK) if length is None else size == len(head) + len(_HEAD_END) + length


def _length(head: bytes) -> int | None:
    told = head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
    return int(told) if told else None


def _until_body(connection: socket.socket) -> bytes:
    """What came when the first byte after the head, and after the length of the first chunk, was there."""
    start = b""
    while not start.partition(_HEAD_END)[2].partition(b"\r\n")[2]:
        piece = connection.recv(_BUFFER)
        if not piece:
            break
        start += piece
    return start


def _drain(connection: socket.socket, start: bytes) -> tuple[int, bytes]:
    """The number of bytes, and the last of them."""
    buffer = memoryview(bytearray(_BUFFER))
    size, tail = len(start), start[-_TAIL:]
    while count := connection.recv_into(buffer):
        size += count
        tail = bytes(buffer[count - _TAIL : count]) if count >= _TAIL else (tail + bytes(buffer[:count]))[-_TAIL:]
    return size, tail
