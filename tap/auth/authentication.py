"""Finds out who asks, before anything else looks at a request: by HTTP Basic, a token (Bearer), or the cookie of a login.

What is shown and is not right gets 401, never the answer that a stranger would get; but a cookie that has ended makes a
stranger, since clients go on sending it after a logout.
"""

import base64
import binascii
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from tap.auth.accounts import AccountStore
from tap.auth.identity import Account, Identity, TokenScope
from tap.auth.passwords import AT_ONCE, Passwords

COOKIE = "SESSION"
"""TapPlus knows no cookie by another name."""

_SHOWING = frozenset({b"authorization", b"cookie"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset(
    {
        "/livez",
        "/readyz",
        "/tap/capabilities",
        "/tap/availability",
        "/tap/login",
        "/tap/logout",
        "/login",
        "/logout",
        "/tap/login/oidc",
        "/tap/login/oidc/callback",
    }
)
"""What strangers may see even of a service that is for accounts only: TAP 1.1 §2 wants the VOSI resources to be."""
_OPEN_BELOW = ("/tap/shared/", "/-/static/")
"""Of links, their secrets are all that is needed."""
_LONGEST_HOST = 64
_OF_JOBS = ("/tap/async", "/tap/jobs", "/tap/deletejobs", "/-/columns", "/-/kit", "/-/results", "/-/events", "/-/jobs")


class Unauthorized(Exception):
    """Who asks must log in, or did so wrongly; the message says which."""


class Insecure(Exception):
    """A secret came on a connection that anybody on the way can read."""


class OutOfScope(Exception):
    """The token does not carry the right that this needs."""


class ForeignPage(Exception):
    """A page of another site asks with the cookie of somebody who is logged in."""


@dataclass(frozen=True)
class Authenticator:
    """Tells who asks by what a request shows; `anonymous`: strangers may use the service.

    `end_shares` ends those that are over.
    """

    store: AccountStore
    passwords: Passwords
    anonymous: bool
    end_shares: Callable[[], None]
    base_url: str
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    async def identity(self, request: HTTPConnection) -> Identity | None:
        """Return who asks; None for a stranger. Raises: Unauthorized, Insecure, TooManyAttempts, AccountsAway."""
        credential = request.headers.get("authorization", "").partition(" ")[2]
        if scheme := _scheme(request):
            return await self._shown(request, scheme, credential.strip())
        cookie = request.cookies.get(COOKIE)
        return await run_in_threadpool(self.store.identity, cookie, session=True) if cookie else None

    async def _shown(self, request: HTTPConnection, scheme: str, credential: str) -> Identity:
        check_secure(request)
        if scheme == "bearer":
            identity = await run_in_threadpool(self.store.identity, credential, session=False)
            if identity is None:
                raise Unauthorized("The token is unknown, has expired, or was revoked")
            return identity
        if scheme != "basic":
            raise Unauthorized("The Authorization header can be Basic or Bearer")
        return Identity(await self.account(request, *_name_and_password(credential)))

    async def account(self, request: HTTPConnection, name: str, password: str) -> Account:
        """Return the account whose name and password these are. Raises: WrongPassword, TooManyAttempts, AccountsAway."""
        known = await run_in_threadpool(self.passwords.known, name, password, address_of(request))
        if known:
            return known
        # Those that wait for a hash must not keep the threads that all others need.
        return await to_thread.run_sync(
            self.passwords.account, name, password, address_of(request), limiter=self.limiter
        )


class AuthenticationMiddleware:
    """Puts who asks into the request, and stops what they may not do at all."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            identity = await self._identity(scope)
            if identity is None and not self._authenticator.anonymous and not _is_open(scope["path"]):
                raise Unauthorized("This service is for accounts only; please log in")
        await self._app(scope, receive, send)

    async def _identity(self, scope: Scope) -> Identity | None:
        """Return who asks, which the request will tell too."""
        if not any(name in _SHOWING for name, _ in scope["headers"]):
            return None
        request = HTTPConnection(scope)
        identity = await self._authenticator.identity(request)
        if identity:
            scope["state"]["identity"] = identity
            _check_scope(request, identity, self._authenticator.base_url)
            if identity.account.shares_are_over:
                await run_in_threadpool(self._authenticator.end_shares)
        return identity


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _check_scope(request: HTTPConnection, identity: Identity, base_url: str) -> None:
    path, method = request.scope["path"], request.scope["method"]
    needed = TokenScope.JOBS if path.startswith(_OF_JOBS) else TokenScope.READ
    if needed not in identity.scopes and path not in _OPEN:
        raise OutOfScope(f"This token does not have the scope {needed}")
    if method not in _SAFE and _scheme(request) != "bearer":
        check_own_page(request, base_url)


def check_own_page(request: HTTPConnection, base_url: str) -> None:
    """Raise ForeignPage for a form of another site's page, which a browser sends with the cookie or password of this one."""
    if is_of_other_page(request, base_url):
        raise ForeignPage("A page of another site cannot do this with your login")


def is_of_other_page(request: HTTPConnection, base_url: str) -> bool:
    """Return whether a page of another site asks.

    Browsers that know no Sec-Fetch-Site, and all of them without TLS, say of which origin their page is.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site in {"cross-site", "same-site"}
    origin = request.headers.get("origin")
    if origin is None:
        return False
    own = {urlsplit(base_url).netloc, request.headers.get("host", "")}
    try:
        return urlsplit(origin).netloc not in own
    except ValueError:
        return True


def check_secure(request: HTTPConnection) -> None:
    """Raise Insecure unless the connection is encrypted, or does not leave this machine."""
    if request.scope["scheme"] == "https" or _is_loopback(request):
        return
    raise Insecure("Passwords and tokens are taken over https only; one that was sent like this should be changed")


def is_basic(request: HTTPConnection) -> bool:
    return _scheme(request) == "basic"


def _scheme(request: HTTPConnection) -> str:
    return request.headers.get("authorization", "").partition(" ")[0].lower()


def _is_loopback(request: HTTPConnection) -> bool:
    address = _address(request)
    return address is not None and address.is_loopback


def address_of(request: HTTPConnection) -> str:
    """Return the client's address; of IPv6 the network, as one client may use all of it."""
    address = _address(request)
    if address is None:
        return (request.client.host[:_LONGEST_HOST] if request.client else "") or "unknown"
    return str(address if address.version == 4 else ipaddress.ip_network((address, 64), strict=False))


def _address(request: HTTPConnection) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address; of IPv4 in IPv6's clothes the IPv4 one."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _name_and_password(credential: str) -> tuple[str, str]:
    """Read Basic's user-id and password (RFC 7617): UTF-8, or Latin-1 of older clients. Raises: Unauthorized."""
    try:
        decoded = base64.b64decode(credential, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unauthorized("The Basic credential is not Base64") from error
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    name, colon, password = text.partition(":")
    if not colon:
        raise Unauthorized("The Basic credential has no colon between name and password")
    return name, password


def challenges(base_url: str, realm: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell clients how to log in (AuthVO §2, §3; RFC 7617, RFC 6750)."""
    login = f'ivoa_cookie standard_id="ivo://ivoa.net/sso#tls-with-password", access_url="{base_url}/login"'
    title = quote(realm, safe=" !#$%&'()*+,-./:;<=>?@[]^_`{|}~")
    return [(b"www-authenticate", challenge.encode()) for challenge in (login, f'Basic realm="{title}"', "Bearer")]


def named(identity: Identity) -> tuple[bytes, bytes]:
    """Return the header that tells clients that they are logged in (AuthVO §4.3)."""
    return b"x-vo-authenticated", quote(identity.account.name, safe="!#$&'()*+,-.:;<=>?@[]^_`{|}~").encode()
