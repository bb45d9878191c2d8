"""A small OpenID provider for the tests: real HTTP, real signatures, a form to log in with, and ways to misbehave.

It follows OpenID Connect Core 1.0 §3.1 and Discovery 1.0, RFC 6749 and RFC 7636, and is strict: a redirect URI that is
not registered to the letter, a code that is old, used or somebody else's, or a verifier that does not fit are refused.
Tokens are signed with `cryptography` itself, so that no library of the relying party vouches for itself.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

Claims = dict[str, Any]
Form = dict[str, str]
Forge = Callable[["OidcProvider", Claims], str]

CODE_SECONDS = 60.0
TOKEN_SECONDS = 300
_REALM = "/realms/stars"
"""An issuer often has a path, under which its documents lie."""


def encoded(data: bytes | Claims) -> str:
    """Return base64url without padding, of JSON where it is an object."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class SigningKey:
    """A key of RSA with its name in the key set."""

    private: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))
    kid: str = field(default_factory=lambda: secrets.token_hex(8))

    def public(self) -> Claims:
        numbers = self.private.public_key().public_numbers()
        n, e = (encoded(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e))
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": n, "e": e}

    def signed(self, claims: Claims, **header: str) -> str:
        """Return the claims as a JWT by RS256 (RFC 7515 §3.1)."""
        head = {"alg": "RS256", "typ": "JWT", "kid": self.kid} | header
        content = f"{encoded(head)}.{encoded(claims)}"
        return f"{content}.{encoded(self.private.sign(content.encode(), PKCS1v15(), hashes.SHA256()))}"


def honest(provider: "OidcProvider", claims: Claims) -> str:
    return provider.key.signed(claims)


@dataclass
class OidcUser:
    """One who can log in at the provider; `claims` stand in the token beside the subject."""

    name: str
    claims: Claims
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    subject: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(frozen=True)
class _Grant:
    user: OidcUser
    asked: Form
    until: float


class OidcRefused(Exception):
    """An error of OAuth (RFC 6749 §5.2) with the status that it has."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.status = error, status


@dataclass
class OidcProvider:
    """The provider, listening for as long as the block lasts. What a test sets counts from the next request on."""

    port: int
    auth_methods: tuple[str, ...] = ("client_secret_basic", "client_secret_post")
    client_id: str = "armillary-tests"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    redirect_uris: set[str] = field(default_factory=set)
    users: dict[str, OidcUser] = field(default_factory=dict)
    asked: list[Form] = field(default_factory=list)
    """Every authorization request that was taken."""
    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey()])
    """Those of the key set; the last signs."""
    forge: Forge = honest
    """How an ID token is made of its claims."""
    instead: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    """What is answered for a path instead: status, type and body."""
    gate: threading.Event = field(default_factory=threading.Event)
    """The token endpoint answers while this is set."""

    def __post_init__(self) -> None:
        self.grants: dict[str, _Grant] = {}
        self.access: dict[str, OidcUser] = {}
        self._server: _Server | None = None
        self.gate.set()

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        return self.site + _REALM

    @property
    def key(self) -> SigningKey:
        return self.keys[-1]

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.provider = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self.gate.set()
            self._server.shutdown()
            self._server.server_close()

    def behave(self) -> None:
        self.forge = honest
        self.instead.clear()
        self.gate.set()

    def rotate(self) -> None:
        """Sign with a new key from now on, and show it alone."""
        self.keys = [SigningKey()]

    def add_user(self, name: str, **claims: object) -> OidcUser:
        self.users[name] = OidcUser(name, {"preferred_username": name} | claims)
        return self.users[name]

    def metadata(self) -> Claims:
        """Return the discovery document (Discovery 1.0 §3)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email"],
            "token_endpoint_auth_methods_supported": list(self.auth_methods),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    # ---- the authorization endpoint (Core 1.0 §3.1.2)

    def check_authorization(self, asked: Form) -> None:
        """Raises: OidcRefused, which is shown to the person and never sent to a redirect URI that is not known."""
        if asked.get("client_id") != self.client_id or asked.get("redirect_uri") not in self.redirect_uris:
            raise OidcRefused("invalid_redirect_uri")
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            raise OidcRefused("invalid_request")
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            raise OidcRefused("invalid_request")

    def authorized(self, asked: Form, form: Form) -> str | None:
        """Return where a browser goes after its form; None for a wrong password."""
        answer = {"state": asked.get("state", ""), "iss": self.issuer}
        if form.get("deny"):
            denied = {"error": "access_denied", "error_description": "The person said no"}
            return f"{asked['redirect_uri']}?{urlencode(denied | answer)}"
        user = self.users.get(form.get("username", ""))
        if user is None or form.get("password") != user.password:
            return None
        code = secrets.token_urlsafe(16)
        self.grants[code] = _Grant(user, asked, time.monotonic() + CODE_SECONDS)
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'session_state': 'x'} | answer)}"

    # ---- the token endpoint (Core 1.0 §3.1.3)

    def tokens(self, authorization: str, form: Form) -> Claims:
        """Return what a code is worth. Raises: OidcRefused."""
        self.gate.wait(60)
        self._check_client(authorization, form)
        if form.get("grant_type") != "authorization_code":
            raise OidcRefused("unsupported_grant_type")
        grant = self.grants.pop(form.get("code", ""), None)
        if grant is None or time.monotonic() > grant.until:
            raise OidcRefused("invalid_grant")
        challenge = encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if form.get("redirect_uri") != grant.asked["redirect_uri"] or challenge != grant.asked["code_challenge"]:
            raise OidcRefused("invalid_grant")
        access = secrets.token_urlsafe(16)
        self.access[access] = grant.user
        token = self.forge(self, self._claims(grant, access))
        return {"access_token": access, "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "id_token": token}

    def _check_client(self, authorization: str, form: Form) -> None:
        shown, method = (form.get("client_id"), form.get("client_secret")), "client_secret_post"
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = base64.b64decode(credential).decode().partition(":")
            shown, method = (unquote_plus(name), unquote_plus(secret)), "client_secret_basic"
        if method not in self.auth_methods or shown != (self.client_id, self.client_secret):
            raise OidcRefused("invalid_client", 401)

    def _claims(self, grant: _Grant, access: str) -> Claims:
        now = int(time.time())
        at_hash = encoded(hashlib.sha256(access.encode()).digest()[:16])
        times = {"iat": now, "auth_time": now, "exp": now + TOKEN_SECONDS}
        own = {"iss": self.issuer, "sub": grant.user.subject, "aud": self.client_id, "at_hash": at_hash, **times}
        nonce = {"nonce": grant.asked["nonce"]} if "nonce" in grant.asked else {}
        return own | nonce | grant.user.claims


_PAGE = """<!DOCTYPE html><title>Log in</title><p>{note}</p><form method="post" action="{action}">
<input name="username"><input name="password" type="password"><button>Log in</button><button name="deny" value="1">No</button></form>"""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: OidcProvider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    @property
    def at(self) -> OidcProvider:
        return self.server.provider

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(dict(parse_qsl(body.decode(), keep_blank_values=True)))

    def _answer(self, form: Form) -> None:
        parts = urlsplit(self.path)
        path, query = parts.path.removeprefix(_REALM), dict(parse_qsl(parts.query, keep_blank_values=True))
        if path in self.at.instead:
            status, kind, body = self.at.instead[path]
            self._send(status, kind, body)
            return
        try:
            self._route(path, query, form)
        except OidcRefused as refused:
            self._json({"error": refused.error}, refused.status)

    def _route(self, path: str, query: Form, form: Form) -> None:
        match self.command, path:
            case "GET", "/.well-known/openid-configuration":
                self._json(self.at.metadata())
            case "GET", "/keys":
                self._json({"keys": [key.public() for key in self.at.keys]})
            case "GET" | "POST", "/authorize":
                self._authorize(query, form)
            case "POST", "/token":
                self._json(self.at.tokens(self.headers.get("Authorization", ""), form))
            case "GET", "/userinfo":
                self._userinfo()
            case _:
                self._send(404, "text/plain", b"nothing here")

    def _authorize(self, query: Form, form: Form) -> None:
        self.at.check_authorization(query)
        target = self.at.authorized(query, form) if self.command == "POST" else None
        if target:
            self._send(302, "text/plain", b"", Location=target)
            return
        if self.command == "GET":
            self.at.asked.append(query)
        note = "That is not right." if form else "Who are you?"
        self._send(200, "text/html", _PAGE.format(note=note, action=escape(self.path)).encode())

    def _userinfo(self) -> None:
        user = self.at.access.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if user is None:
            raise OidcRefused("invalid_token", 401)
        self._json({"sub": user.subject} | user.claims)

    def _json(self, document: Claims, status: int = 200) -> None:
        self._send(status, "application/json", json.dumps(document).encode())

    def _send(self, status: int, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)
