"""A client that asks again whatever breaks, and watches how long nobody answers."""

import base64
import http.client
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_AWAY = {http.client.SERVICE_UNAVAILABLE, http.client.GATEWAY_TIMEOUT}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `location` is a path."""

    status: int
    location: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `form` is sent as its body."""

    method: str
    path: str
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Patient:
    """Asks until there is an answer other than 503, for two minutes; `login` is a name and a password."""

    def __init__(self, port: int, login: tuple[str, str] | None = None) -> None:
        self._port = port
        self._headers = {}
        if login:
            self._headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
        self.unexpected: dict[int, int] = {}
        """Statuses that no fault of the machine may have, and how often they came."""

    def place(self, form: dict[str, str]) -> str:
        """Make a job that does not run yet, and return its path. Raises: RuntimeError."""
        reply = self._ask("POST", "/tap/async", form)
        if reply.status != http.client.SEE_OTHER:
            raise RuntimeError(f"{reply.status}: {reply.body[:500]!r}")
        return reply.location

    def run(self, job: str) -> None:
        """Put a job into the queue; one that is there already, since the answer was lost, is refused with 403."""
        reply = self._ask("POST", f"{job}/phase", {"PHASE": "RUN"})
        if reply.status not in {http.client.SEE_OTHER, http.client.FORBIDDEN}:
            raise RuntimeError(f"{reply.status}: {reply.body[:500]!r}")

    def get(self, path: str) -> Reply:
        return self._ask("GET", path)

    def ask(self, query: str) -> Reply:
        """Ask /sync, for CSV. Raises: RuntimeError."""
        form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", "MAXREC": "1000000"}
        reply = self._ask("POST", "/tap/sync", form)
        if reply.status != http.client.OK:
            raise RuntimeError(f"{reply.status}: {reply.body[:500]!r}")
        return reply

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> Reply:
        request, end = Request(method, path, form, self._headers), time.monotonic() + 120
        while time.monotonic() < end:
            reply = _once(self._port, request)
            if reply and reply.status not in _AWAY:
                if reply.status >= http.client.INTERNAL_SERVER_ERROR:
                    self.unexpected[reply.status] = self.unexpected.get(reply.status, 0) + 1
                return reply
            time.sleep(0.2)
        raise RuntimeError(f"{method} {path}: no answer")


def _once(port: int, request: Request, patience: float = 30) -> Reply | None:
    """Return one answer; None where it broke."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    body = urllib.parse.urlencode(request.form) if request.form else None
    try:
        client.request(request.method, request.path, body, {**request.headers, **(_FORM if body else {})})
        answer = client.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        client.close()
    location = urllib.parse.urlsplit(answer.getheader("location") or "").path
    return Reply(answer.status, location, content)


@dataclass
class Watch:
    """Asks a small query ten times a second, in a thread; how many were answered how, and the longest time without one."""

    port: int
    statuses: dict[str, int] = field(default_factory=dict)
    longest: float = 0.0
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        form = {"LANG": "ADQL", "QUERY": "SELECT TOP 1 name FROM demo.ngc", "RESPONSEFORMAT": "csv"}
        good = time.monotonic()
        while not self._done.wait(0.1):
            reply = _once(self.port, Request("POST", "/tap/sync", form), 20)
            status = str(reply.status) if reply else "broken"
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == "200":
                self.longest = max(self.longest, time.monotonic() - good)
                good = time.monotonic()
        self.longest = max(self.longest, time.monotonic() - good)
