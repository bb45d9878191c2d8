"""Which requests get a page where programs get XML or JSON: those of browsers, which ask for text/html before all else."""

import re

from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.types import Scope


def wants_page(scope: Scope) -> bool:
    """Return whether a browser asks, or a script of a page.

    Programs too say that they take text/html, Java's among them and so TOPCAT, and anything else as well; browsers take
    XHTML, which no program names.
    """
    headers = Headers(scope=scope)
    accept = headers.get("accept", "")
    asks_for_html = accept.startswith("text/html") and ("application/xhtml+xml" in accept or "*/*" not in accept)
    return "hx-request" in headers or asks_for_html


_NAMES_FORMAT = re.compile(rb"(?:^|&)responseformat=", re.IGNORECASE)


class PageRoute(Route):
    """A route that only browsers see, where the URL names no format; other requests to it go to the routes after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or not wants_page(scope) or _NAMES_FORMAT.search(scope.get("query_string", b"")):
            return Match.NONE, {}
        match, child_scope = super().matches(scope)
        # Another method is not refused here: it may be that of a route after this one.
        return (match, child_scope) if match is Match.FULL else (Match.NONE, {})
