"""A browser as far as a login needs one: it keeps cookies, follows redirects one by one, and forgets no answer."""

import re
import urllib.error
import urllib.request
from email.message import Message
from html import unescape
from http.client import HTTPResponse
from http.cookiejar import Cookie, CookieJar
from typing import IO
from urllib.parse import urlencode, urljoin
from urllib.request import Request

from tests.contract.client import Reply

_MOVED = {301, 302, 303, 307, 308}


class _Stay(urllib.request.HTTPRedirectHandler):
    def http_error_302(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message) -> None:
        return None

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class Browser:
    """The browser of one person. `url` is where it is, `replies` are all that it got."""

    def __init__(self) -> None:
        self.jar = CookieJar()
        self.url = ""
        self.replies: list[Reply] = []
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), _Stay())

    def ask(self, url: str, form: dict[str, str] | None = None, /, **headers: str) -> Reply:
        """Make one request, and follow nothing."""
        body = None if form is None else urlencode(form).encode()
        spelt = {name.replace("_", "-"): value for name, value in headers.items()}
        answer: HTTPResponse | urllib.error.HTTPError
        try:
            answer = self._opener.open(Request(url, body, spelt), timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            reply = Reply(answer.status or 0, answer.headers, answer.read())
        self.url = url
        self.replies.append(reply)
        return reply

    def go(self, url: str, form: dict[str, str] | None = None) -> Reply:
        """Make a request, and follow where it leads."""
        reply = self.ask(url, form)
        for _ in range(10):
            if reply.status not in _MOVED:
                return reply
            reply = self.ask(self.target(reply))
        raise AssertionError(f"{url} leads in circles")

    def target(self, reply: Reply) -> str:
        """Return where a redirect leads, as browsers read it: a backslash is a slash, blanks and tabs are nothing."""
        assert reply.status in _MOVED, (reply.status, reply.text)
        location = re.sub(r"[\t\r\n]", "", str(reply.headers["Location"]).strip()).replace("\\", "/")
        return urljoin(self.url, location)

    def form_action(self) -> str:
        """Return where the form of the page leads."""
        found = re.search(r'action="([^"]*)"', self.replies[-1].text)
        assert found, self.replies[-1].text
        return urljoin(self.url, unescape(found[1]))

    def cookie(self, name: str) -> Cookie | None:
        return next((cookie for cookie in self.jar if cookie.name == name), None)
