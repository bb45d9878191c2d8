"""Many clients at once on connections that are kept, all in one thread; and one that downloads all the time."""

import multiprocessing
import os
import selectors
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from client import Answer, connect, download

_PIECE = 1 << 16
_LAST_WAIT = 60
_BEGIN = 1.5


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients saw, and how much of one core they needed and of all cores nobody did."""

    seconds: float
    times: Sequence[float]
    errors: int
    generator: float
    free_cores: float

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    def milliseconds(self, percent: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1000 if ordered else float("nan")


class _Client:
    """Asks, takes the answer, asks again when its time has come."""

    def __init__(self, port: int, due: float) -> None:
        self._port = port
        self.due = due
        self.socket = connect(port)
        self._began = 0.0
        self._answer = Answer()

    def ask(self, message: bytes) -> None:
        self._answer = Answer()
        self._began = time.perf_counter()
        with suppress(OSError):  # what is gone shows when its answer is read
            self.socket.sendall(message)

    def has_answer(self) -> bool:
        """Whether it is whole. Raises: OSError for a connection that broke."""
        piece = self.socket.recv(_PIECE)
        if not piece:
            raise ConnectionResetError
        return self._answer.add(piece)

    def time_of_answer(self) -> float | None:
        """None for one that is none."""
        return time.perf_counter() - self._began if self._answer.is_good else None

    def wait(self, every: float) -> None:
        self.due = max(self.due + every, time.perf_counter())

    def reconnect(self) -> None:
        self.socket.close()
        self.socket = connect(self._port)


class _Crowd:
    """The clients of one load."""

    def __init__(self, port: int, messages: Sequence[bytes], clients: int, every: float) -> None:
        now = time.perf_counter()
        self._messages = cycle(messages)
        self._every = every
        self._selector = selectors.DefaultSelector()
        self._idle = [_Client(port, now + every * n / clients) for n in range(clients)]
        self.times: list[float] = []
        self.errors = 0

    def run(self, seconds: float) -> None:
        """Who has asked when the time is up gets the answer yet."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self._ask()
            self._take(self._until_next(end))
        while self._selector.get_map() and time.perf_counter() < end + _LAST_WAIT:
            self._take(1)
        self.errors += len(self._selector.get_map())

    def close(self) -> None:
        for client in [*self._idle, *(key.data for key in self._selector.get_map().values())]:
            client.socket.close()
        self._selector.close()

    def _ask(self) -> None:
        now = time.perf_counter()
        for client in [each for each in self._idle if each.due <= now]:
            self._idle.remove(client)
            self._selector.register(client.socket, selectors.EVENT_READ, client)
            client.ask(next(self._messages))

    def _until_next(self, end: float) -> float:
        now = time.perf_counter()
        return max(min([end - now, *(client.due - now for client in self._idle)]), 0)

    def _take(self, patience: float) -> None:
        for key, _ in self._selector.select(patience):
            self._take_one(key.data)

    def _take_one(self, client: _Client) -> None:
        try:
            if not client.has_answer():
                return
            took = client.time_of_answer()
        except OSError:
            took = None
        self._selector.unregister(client.socket)
        if took is None:
            self.errors += 1
            client.reconnect()
        else:
            self.times.append(took)
        client.wait(self._every)
        self._idle.append(client)


def load(port: int, messages: Sequence[bytes], clients: int, seconds: float, every: float = 0) -> Load:
    """`every`: each client asks once in so many seconds; 0: as soon as it has its answer."""
    crowd = _Crowd(port, messages, clients, every)
    begun, worked, idle = time.perf_counter(), time.process_time(), _idle_seconds()
    try:
        crowd.run(seconds)
    finally:
        crowd.close()
    took = time.perf_counter() - begun
    free = (_idle_seconds() - idle) / took
    return Load(took, crowd.times, crowd.errors, (time.process_time() - worked) / took, free)


def _idle_seconds() -> float:
    """Of all cores together, since the machine started."""
    numbers = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(numbers[4]) + int(numbers[5])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def downloading(port: int, message: bytes) -> Iterator[int]:
    """A download in a process of its own, which must last as long as the block does. Yields its pid."""
    own = multiprocessing.get_context("spawn")
    process = own.Process(target=download, args=(port, message), daemon=True)
    process.start()
    time.sleep(_BEGIN)
    try:
        yield process.pid or 0
        if not process.is_alive():
            raise RuntimeError("the download beside the small queries failed, or was too short")
    finally:
        process.kill()
        process.join()
