"""Strangers: everybody, until there are accounts.

A cookie lets a visitor list their own jobs; it is no right to anything else, as an anonymous job is reached by
whoever knows its id. The store keeps its digest only.
"""

import hashlib
import secrets

from starlette.requests import Request
from starlette.responses import Response

from tap.auth.authentication import address_of
from uws.job import Requester

COOKIE = "armillary_visitor"
_YEAR = 365 * 86_400
_MIN_LENGTH = 22


def identify(request: Request) -> Requester:
    """Return who asks. One who has no cookie yet has a session of which nobody knows, until `welcome` tells."""
    cookie = request.cookies.get(COOKIE, "")
    has_cookie = len(cookie) >= _MIN_LENGTH
    if not has_cookie:
        cookie = request.state.visitor = getattr(request.state, "visitor", None) or secrets.token_urlsafe(16)
    return Requester(None, hashlib.sha256(cookie.encode()).hexdigest(), address_of(request))


def welcome(request: Request, response: Response) -> None:
    """Give a cookie to a visitor who came without."""
    cookie = getattr(request.state, "visitor", None)
    if cookie:
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, cookie, max_age=_YEAR, httponly=True, samesite="lax", secure=secure)
