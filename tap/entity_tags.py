"""Documents that a client has already are not sent again (RFC 9110 §8.8.3, §13.1.2)."""

import hashlib
import re

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from tap.auth.identity import identity_of
from tap.coding import packed

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_VARY = "Accept, Accept-Encoding, Authorization, Cookie"


def tagged(request: Request, response: Response) -> Response:
    """Return the response with an ETag, packed if the client asks for it; status 304 without a body if the client has it.

    The tag is a digest of what this client may read, so that it changes with that and with nothing else. It is weak, as it
    is the same for all codings.
    """
    tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    is_known = request.method in {"GET", "HEAD"} and _names(request, tag)
    answer = Response(None, 304, _without_content(response)) if is_known else packed(request, response)
    answer.headers["etag"] = f"W/{tag}"
    answer.headers["cache-control"] = _keeping(request)
    answer.headers["vary"] = _VARY
    return answer


def _names(request: Request, tag: str) -> bool:
    """Return whether If-None-Match names a tag, as the weak comparison has it, or any."""
    header = ",".join(request.headers.getlist("if-none-match")).strip()
    return header == "*" or tag in _TAG.findall(header)


def _without_content(response: Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if not name.startswith("content-")}


def _keeping(request: HTTPConnection) -> str:
    """Return who may keep an answer: nobody without asking again, and what an account gets only itself."""
    return "private, no-cache" if identity_of(request) else "no-cache"
