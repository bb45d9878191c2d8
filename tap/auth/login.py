"""Login and logout: a cookie for a name and a password (AuthVO §3.2.1; TapPlus sends the same)."""

import re
import time
from dataclasses import dataclass
from email.utils import formatdate

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap.auth.authentication import COOKIE, Authenticator, Unauthorized, check_own_page, check_secure, is_basic
from tap.auth.identity import Account, Identity, identity_of
from tap.config import Config
from tap.errors import BadRequest
from tap.form import read_parameters

_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,4000}")


def local_path(text: str | None) -> str | None:
    """Return a path of this server to go on at; None for what a browser could take for another one's."""
    return text if text and _LOCAL.fullmatch(text) else None


@dataclass(frozen=True)
class Login:
    """The handlers."""

    authenticator: Authenticator
    config: Config

    async def login(self, request: Request) -> Response:
        """Begin a session, of the account whose name and password the form has, or which the request shows by itself."""
        check_own_page(request, self.config.web.base_url)
        account = await self._account(request)
        response = Response(f"{account.name} is logged in\n", media_type="text/plain")
        await self.begin_session(request, response, account)
        return response

    async def begin_session(self, request: Request, response: Response, account: Account) -> None:
        """Let a response carry the cookie of a new session, which takes the place of the one that the browser had."""
        request.scope["state"]["identity"] = Identity(account)
        if previous := request.cookies.get(COOKIE):
            await run_in_threadpool(self.authenticator.store.end_session, previous)
        seconds = self.config.accounts.session_seconds
        secret = await run_in_threadpool(self.authenticator.store.begin_session, account, seconds)
        # Java's clients write a cookie that has Max-Age alone in a form of their own.
        response.set_cookie(
            COOKIE,
            secret,
            max_age=seconds,
            expires=formatdate(time.time() + seconds, usegmt=True),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        response.headers["cache-control"] = "no-store"

    async def _account(self, request: Request) -> Account:
        if request.method != "POST":
            identity = identity_of(request)
            # A token has less than all rights, and an end; a session would have neither.
            if identity is None or not is_basic(request):
                raise Unauthorized("Please log in with the name of your account and its password")
            return identity.account
        check_secure(request)
        parameters = await read_parameters(request, self.config)
        if any(name.lower() == "password" for name in request.query_params):
            raise BadRequest("A password in a URL is seen by many; it belongs into the body of the form")
        name, password = parameters.required("USERNAME"), parameters.required("PASSWORD")
        return await self.authenticator.account(request, name, password)

    async def logout(self, request: Request) -> Response:
        check_own_page(request, self.config.web.base_url)
        if secret := request.cookies.get(COOKIE):
            await run_in_threadpool(self.authenticator.store.end_session, secret)
        response = Response("logged out\n", media_type="text/plain")
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response
