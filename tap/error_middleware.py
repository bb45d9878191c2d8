"""The HTTP edge: whatever fails inside gets its answer here, as DALI wants it (DALI 1.1 §4.4)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tap.auth.authentication import named
from tap.auth.identity import Identity, in_scope
from tap.connection import MOST_URL_BYTES
from tap.dal.error_documents import document_at
from tap.errors import LOG_IN, Answer, cause_of, describe
from tap.formats.html import POLICY
from tap.observe import Fault, observe
from tap.pages.negotiation import wants_page
from tap.pages.rendering import Pages
from tap.request_log import loggable, plain_path, record_of
from uws.accept import wants_json

VOTABLE = "application/x-votable+xml"
Headers = list[tuple[bytes, bytes]]
_HEADERS = [(b"server", b"Armillary"), (b"x-content-type-options", b"nosniff")]
_POLICY = (
    b"content-security-policy",
    f"default-src 'none'; {POLICY}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'".encode(),
)
_PAGES = re.compile(rb"text/html|application/xhtml")
_MAX_HEADERS, _MAX_HEADER_BYTES = 200, 64 * 1024
_HTTP_ERRORS = {
    400: "This is no proper HTTP request",
    431: "The request has too many or too long headers",
    404: "There is nothing at this URL",
    405: "This URL does not take that method",
    414: f"A URL has at most {MOST_URL_BYTES:,} bytes here; send the parameters as the body of a POST",
}


_HEADINGS = {401: "Please log in", 403: "Not allowed", 404: "Not found"}


class ErrorMiddleware:
    """An error before the first byte becomes a document, a later one breaks the answer off."""

    def __init__(self, app: ASGIApp, challenges: Headers, pages: Pages) -> None:
        self._app = app
        self._challenges = challenges
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = {**scope, "path": plain_path(scope["path"])}
        record, started = record_of(scope), False

        async def watched(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = self._with_headers(message, in_scope(scope), to_people=wants_page(scope))
            await send(message)

        try:
            _check_headers(scope)
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            record.client_left = True
        except Exception as error:
            answer = _answer(error)
            record.cause = _cause(error, answer)
            if answer.reason == LOG_IN and in_scope(scope) is None:
                # Older clients log in by this status only.
                answer = replace(answer, status=401)
            if not answer.expected:
                observe(Fault(loggable(scope["path"]), error, record.request_id))
            if started and answer.expected:
                # Returning early breaks the answer off too, without a trace of what is no fault of ours.
                return
            if started:
                raise
            headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
            response = error_answer(scope, answer, headers)
            if wants_page(scope):
                response = self._page(Request(scope), answer, response)
            await response(scope, receive, watched)

    def _page(self, request: Request, answer: Answer, document: Response) -> Response:
        """Return an error as people read it, with the headers of what programs get."""
        is_stranger = in_scope(request.scope) is None
        values = {
            "heading": _HEADINGS.get(answer.status, "No result")
            if is_stranger or answer.status != 401
            else "No result",
            "message": answer.message,
            "job": answer.job,
            "log_in": is_stranger and answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN},
        }
        page = self._pages.response(request, "error.html", values, answer.status)
        own = {"content-type", "content-length", "vary"}
        page.headers.update({name: value for name, value in document.headers.items() if name not in own})
        return page

    def _with_headers(self, message: Message, identity: Identity | None, *, to_people: bool) -> Message:
        """Add what every answer has.

        The policy is for pages: under it a browser shows XML as text without a style. Who may not see something is told
        how to log in, unless they have: some clients would begin again. Browsers would ask for a password in a window of
        their own.
        """
        headers = [*message.get("headers", []), *_HEADERS]
        may_be_kept_by_all = any(name == b"cache-control" and b"public" in value for name, value in headers)
        if identity and not may_be_kept_by_all:
            headers.append(named(identity))
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"private, no-store"))
        elif message["status"] in {401, 403} and not to_people:
            headers += self._challenges
        kinds = [value for name, value in headers if name == b"content-type"]
        has_policy = any(name == _POLICY[0] for name, _ in headers)
        needs_policy = not has_policy and any(map(_PAGES.match, kinds))
        return {**message, "headers": [*headers, _POLICY] if needs_policy else headers}


def _cause(error: Exception, answer: Answer) -> str:
    return HTTPStatus(error.status_code).phrase if isinstance(error, HTTPException) else cause_of(error, answer)


def _check_headers(scope: Scope) -> None:
    """Raises: HTTPException for more than a request needs, or for a Host that is not one (RFC 9112 §3.2)."""
    headers = scope["headers"]
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MOST_URL_BYTES:
        raise HTTPException(414)
    if len(headers) > _MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > _MAX_HEADER_BYTES:
        raise HTTPException(431)
    hosts = sum(name == b"host" for name, _ in headers)
    if hosts > 1 or (hosts == 0 and scope["http_version"] != "1.0"):
        raise HTTPException(400)


def _answer(error: Exception) -> Answer:
    if isinstance(error, HTTPException):
        return Answer(error.status_code, _HTTP_ERRORS.get(error.status_code, "This request cannot be answered"))
    return describe(error)


def error_answer(scope: Scope, answer: Answer, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """Return a VOTable whatever format was asked for, as clients read the message from there; JSON where Accept says so.

    Which VOTable it is depends on the protocol at the URL.
    """
    more = {"retry-after": str(answer.retry_after or ""), "x-armillary-reason": answer.reason or ""}
    headers = {**headers, **{name: value for name, value in more.items() if value}, "vary": "Accept"}
    if wants_json(scope):
        return JSONResponse(answer.as_json(), answer.status, headers)
    status, document = document_at(scope["path"], answer)
    return Response(document, status, headers, media_type=VOTABLE)


def xml(document: bytes) -> Response:
    return Response(document, media_type="text/xml")
