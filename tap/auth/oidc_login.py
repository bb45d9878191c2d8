"""Login by an OpenID provider: to it, and back with what it vouches for, which begins a session."""

import base64
import binascii
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tap.auth.accounts import BadName
from tap.auth.identity import Account
from tap.auth.login import Login, local_path
from tap.auth.oidc import LoginAttempt, NotVouchedFor, OidcProvider, new_attempt
from tap.config import Config
from tap.errors import NotFound

PATH = "/tap/login/oidc"
_COOKIE = "armillary_oidc"
_SECONDS = 600
_LONGEST = 4000
_AT_ONCE = 4


@dataclass(frozen=True)
class OidcLogin:
    """The handlers; `provider` is None where none is configured. It may be slow, so that few threads wait for it."""

    login: Login
    config: Config
    provider: OidcProvider | None
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_AT_ONCE))

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider."""
        provider, attempt = self._known(), new_attempt()
        url = await to_thread.run_sync(provider.login_url, attempt, limiter=self.limiter)
        response = RedirectResponse(url, 302)
        response.set_cookie(
            _COOKIE,
            _packed(asdict(attempt) | {"next": _safe(request.query_params.get("next"))}),
            max_age=_SECONDS,
            path=PATH,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        response.headers["cache-control"] = "no-store"
        return response

    async def callback(self, request: Request) -> Response:
        """Begin a session of whom the provider vouches for."""
        provider, begun = self._known(), _unpacked(request.cookies.get(_COOKIE, ""))
        attempt = LoginAttempt(begun["state"], begun["nonce"], begun["verifier"])
        answer = {name: value for name, value in request.query_params.items() if value}
        claims = await to_thread.run_sync(provider.claims, attempt, answer, limiter=self.limiter)
        account = await run_in_threadpool(self._account, claims)
        server = self.config.web.base_url.removesuffix("/tap")
        response = RedirectResponse(f"{server}{_safe(begun['next'])}", 303)
        await self.login.begin_session(request, response, account)
        response.delete_cookie(_COOKIE, path=PATH, httponly=True, samesite="lax")
        return response

    def _known(self) -> OidcProvider:
        if self.provider is None:
            raise NotFound("No provider of logins is configured here")
        return self.provider

    def _account(self, claims: dict[str, Any]) -> Account:
        """Return the account of who has these claims, made at their first login. Raises: NotVouchedFor."""
        store, oidc = self.login.authenticator.store, self.config.oidc
        key = {"issuer": oidc.oidc_issuer, "subject": claims["sub"]}
        name, email = claims.get(oidc.oidc_name_claim), claims.get("email")
        if "\0" in claims["sub"] or "\0" in str(email):
            raise NotVouchedFor("The provider's ID token is not right")
        record = store.record_of_subject(**key)
        if record is None:
            if not isinstance(name, str):
                raise NotVouchedFor(
                    f"The provider says no {oidc.oidc_name_claim}, by which the account would be called"
                )
            try:
                record = store.add_account_of_subject(name, email if isinstance(email, str) else None, **key)
            except BadName as error:
                raise NotVouchedFor(f"{name[:64]!r} cannot be the name of an account here. {error}") from error
        if record is None:
            raise NotVouchedFor(
                f"There is an account {name} here, which is not yours by what the provider says; ask whoever runs this service"
            )
        if record.disabled:
            raise NotVouchedFor(f"The account {record.account.name} cannot be used any more")
        groups = claims.get(oidc.oidc_groups_claim)
        names = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
        store.set_groups_of_claims(record.account, [name for name in names if "\0" not in name])
        return record.account


def _safe(path: str | None) -> str:
    """Return a path to go on at: the service itself for what could lead elsewhere."""
    return local_path(path) or "/tap"


def _packed(values: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isascii()


def _unpacked(text: str) -> dict[str, str]:
    """Read the cookie; who writes one can only begin a login of their own. Raises: NotVouchedFor."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text)) if 0 < len(text) <= _LONGEST else None
    except (binascii.Error, ValueError, RecursionError):
        values = None
    names = ("state", "nonce", "verifier", "next")
    if not isinstance(values, dict) or not all(_is_plain(values.get(name)) for name in names):
        raise NotVouchedFor("This login was not begun in this browser, or took too long. Please begin again.")
    return {name: values[name] for name in names}
