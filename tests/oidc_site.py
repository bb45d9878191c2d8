"""A service with an OpenID provider beside it, and what people do there."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tap.config import Config
from tests.browser import Browser
from tests.conftest import alone, serving
from tests.contract.client import Reply
from tests.oidc_provider import OidcProvider, OidcUser


@dataclass(frozen=True)
class OidcSite:
    """`url` is that of the service, `log` what it wrote."""

    url: str
    provider: OidcProvider
    log: Path

    @property
    def server(self) -> str:
        return self.url.removesuffix("/tap")

    @property
    def callback(self) -> str:
        return f"{self.url}/login/oidc/callback"

    def user(self, **claims: object) -> OidcUser:
        """Make somebody at the provider of whom the service knows nothing yet."""
        return self.provider.add_user(f"oi.{secrets.token_hex(4)}", **claims)

    def begin(self, browser: Browser, **parameters: str) -> Reply:
        """Go from the service to the form of the provider."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        reply = browser.go(f"{self.url}/login/oidc{query}")
        assert reply.status == 200, reply.text
        assert browser.url.startswith(self.provider.issuer), browser.url
        return reply

    def sent_back(self, browser: Browser, user: OidcUser, **parameters: str) -> str:
        """Log in at the provider, and return the URL that it sends the browser to, which has not been asked for yet."""
        self.begin(browser, **parameters)
        form = {"username": user.name, "password": user.password}
        target = browser.target(browser.ask(browser.form_action(), form))
        assert target.startswith(self.callback + "?"), target
        return target

    def answer(self, browser: Browser, user: OidcUser, **parameters: str) -> Reply:
        """Log in, and return what the service says to it."""
        return browser.ask(self.sent_back(browser, user, **parameters))

    def logged_in(self, user: OidcUser) -> Browser:
        """Return the browser of somebody who has logged in."""
        browser = Browser()
        reply = self.answer(browser, user)
        assert reply.status == 303, reply.text
        return browser

    def whoami(self, browser: Browser) -> Any:
        reply = browser.ask(f"{self.url}/whoami")
        assert reply.status == 200, reply.text
        return json.loads(reply.body)

    def groups(self, user: OidcUser) -> list[str]:
        """Log in anew, and return the groups that one has then."""
        return list(self.whoami(self.logged_in(user))["groups"])

    def refused(self, browser: Browser, reply: Reply, *statuses: int) -> str:
        """See to it that an answer is a refusal: no login, no fault, nothing secret. Return its message."""
        assert reply.status in statuses or (not statuses and (400 <= reply.status < 500 or reply.status == 502)), (
            reply.status,
            reply.text,
        )
        assert not begins_session(reply)
        assert self.provider.client_secret not in reply.text
        assert "Traceback" not in reply.text
        message = reply.votable().message
        assert len(message) > 10, reply.text
        assert browser.cookie("SESSION") is None
        return message


def begins_session(reply: Reply) -> bool:
    return any(cookie.startswith("SESSION=") for cookie in reply.headers.get_all("Set-Cookie") or [])


@contextmanager
def oidc_site(sample: Config, provider: OidcProvider, **changes: Any) -> Iterator[OidcSite]:
    """Start a service that sends people to a provider, which may be away."""
    own = alone(
        sample,
        oidc_issuer=provider.issuer,
        oidc_client_id=provider.client_id,
        oidc_client_secret=provider.client_secret,
        **changes,
    )
    provider.redirect_uris.add(f"{own.web.base_url}/login/oidc/callback")
    server = serving(own)
    with server as url:
        yield OidcSite(url, provider, server.log)
