"""The HTTP edge: whatever fails inside gets its answer here, as DALI wants it (DALI 1.1 §4.4)."""

import zlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tap.errors import Answer, describe
from tap.formats.votable_document import error_document
from tap.observe import Fault, observe

VOTABLE = "application/x-votable+xml"
_HEADERS = [(b"server", b"Armillary"), (b"x-content-type-options", b"nosniff")]
_POLICY = (b"content-security-policy", b"default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'")
_HTTP_ERRORS = {404: "There is nothing at this URL", 405: "This URL does not take that method"}


class Edge:
    """The outermost layer. An error before the first byte becomes a document, a later one breaks the answer off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS, _POLICY]}
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            answer = _answer(error)
            if not answer.expected:
                observe(Fault(scope["path"]), error)
            if started:
                raise
            await error_response(answer)(scope, receive, watched)


def _answer(error: Exception) -> Answer:
    if isinstance(error, HTTPException):
        return Answer(error.status_code, _HTTP_ERRORS.get(error.status_code, "This request cannot be answered"))
    return describe(error)


def error_response(answer: Answer) -> Response:
    """A VOTable whatever format was asked for: clients read the message from there."""
    headers = {"retry-after": str(answer.retry_after)} if answer.retry_after else {}
    return Response(error_document(answer.message), answer.status, headers, media_type=VOTABLE)


def xml(document: bytes) -> Response:
    return Response(document, media_type="text/xml")


def packed(request: Request, response: Response) -> Response:
    """The response, compressed if the client asks for it."""
    response.headers["vary"] = "Accept-Encoding"
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return response
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    response.body = packer.compress(bytes(response.body)) + packer.flush()
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))
    return response
