"""One line in the log for each request, and a name for it that the client, the log and PostgreSQL know."""

import re
import secrets
import time
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tap.auth.authentication import address_of
from tap.auth.identity import in_scope
from tap.observe import RequestDone, observe
from tap.progress import QueryProgress, Stage

CLIENT_LEFT = 499
"""The status, by nginx's custom, of a request whose client did not wait for the answer."""
_REQUEST_ID = re.compile(r"[\w.:/+=@-]{1,100}", re.ASCII)
_SECRETS = re.compile(r"(/shared/)[^/]+")
"""What in a path is as good as a password."""
_LONGEST_PATH = 300


@dataclass(slots=True)
class RequestRecord:
    """What a request's line in the log will say beside what everybody sees; whoever answers the request fills it in.

    `cause` is what failed, `query` the ADQL that ran and `progress` how far it came.
    """

    request_id: str
    cause: str = ""
    query: str = ""
    progress: QueryProgress | None = None
    client_left: bool = False


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
        began, status, size = time.perf_counter(), 0, 0
        header = (b"x-request-id", record.request_id.encode())

        async def watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", []), header]}
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            status = CLIENT_LEFT if record.client_left else status or 500
            observe(_done(scope, record, status, size, time.perf_counter() - began))


def _request_id(scope: Scope) -> str:
    """Return the id that a proxy or client gave the request, or a new one."""
    text = HTTPConnection(scope).headers.get("x-request-id", "")
    return text if _REQUEST_ID.fullmatch(text) else secrets.token_hex(8)


def _done(scope: Scope, record: RequestRecord, status: int, size: int, seconds: float) -> RequestDone:
    identity, progress = in_scope(scope), record.progress
    if progress:
        progress.enter(Stage.DONE)
    connection = HTTPConnection(scope)
    return RequestDone(
        record.request_id,
        identity.account.name if identity else "",
        address_of(connection),
        connection.headers.get("user-agent", ""),
        scope["method"],
        _SECRETS.sub(r"\1…", scope["path"])[:_LONGEST_PATH],
        status,
        record.cause,
        progress.rows if progress else None,
        size,
        seconds,
        {str(stage): seconds for stage, seconds in progress.seconds.items()} if progress else {},
        record.query,
    )
