"""One line in the log for each request, and a name for it that the client, the log and PostgreSQL know."""

import re
import secrets
import time
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tap.auth.authentication import address_of
from tap.auth.identity import in_scope
from tap.observe import RequestDone, observe
from tap.progress import QueryProgress, Stage

CLIENT_LEFT = 499
"""The status, by nginx's custom, of a request whose client did not wait for the answer."""
_REQUEST_ID = re.compile(r"[\w.:/+=@-]{1,100}", re.ASCII)
_SLASHES = re.compile(r"/+")
_SECRETS = re.compile(r"(/shared/)[^/]+")
"""What in a path is as good as a password."""
_JOB = re.compile(r"/async/([0-9a-f]{32})(?:/|$)")
_LONGEST_PATH = 300


@dataclass(slots=True)
class RequestRecord:
    """What is known of a request so far; whoever answers it fills in what nobody else sees.

    `cause` is what failed, `query` the ADQL that ran and `progress` how far it came. `status` is 0 until the answer begins,
    `location` where that leads to.
    """

    request_id: str
    cause: str = ""
    query: str = ""
    progress: QueryProgress | None = None
    client_left: bool = False
    status: int = 0
    location: str = ""
    sent: int = 0
    received: int = 0
    began: float = field(default_factory=time.perf_counter)


def record_of(scope: Scope) -> RequestRecord:
    """Return the record that RequestLog made for a request."""
    record: RequestRecord = scope["state"]["record"]
    return record


class RequestLog:
    """The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord(_request_id(scope))
        scope = {**scope, "state": {**scope.get("state", {}), "record": record}}
        header = (b"x-request-id", record.request_id.encode())

        async def counted() -> Message:
            message = await receive()
            record.received += len(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                record.location = Headers(raw=message.get("headers", [])).get("location", "")
                message = {**message, "headers": [*message.get("headers", []), header]}
            record.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, counted, watched)
        finally:
            observe(_done(scope, record))


def _request_id(scope: Scope) -> str:
    """Return the id that a proxy or client gave the request, or a new one."""
    text = HTTPConnection(scope).headers.get("x-request-id", "")
    return text if _REQUEST_ID.fullmatch(text) else secrets.token_hex(8)


def plain_path(path: str) -> str:
    """The path without slashes at its end or one behind the other: clients join URLs in many ways."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


def loggable(path: str) -> str:
    """Return a path as the log may have it."""
    return _SECRETS.sub(r"\1…", plain_path(path))[:_LONGEST_PATH]


def _done(scope: Scope, record: RequestRecord) -> RequestDone:
    identity, progress, connection = in_scope(scope), record.progress, HTTPConnection(scope)
    if progress:
        progress.enter(Stage.DONE)
    job = _JOB.search(scope["path"]) or _JOB.search(record.location)
    return RequestDone(
        record.request_id,
        identity.account.name if identity else "",
        address_of(connection),
        connection.headers.get("user-agent", ""),
        scope["method"],
        loggable(scope["path"]),
        CLIENT_LEFT if record.client_left else record.status or 500,
        record.cause,
        progress.rows if progress else None,
        record.sent,
        record.received,
        time.perf_counter() - record.began,
        {str(stage): seconds for stage, seconds in progress.seconds.items()} if progress else {},
        record.query,
        connection.headers.get("traceparent", ""),
        job[1] if job else "",
    )
