"""An OpenID provider as this service sees it: what it says of itself, a code for a token, and whether the token is right.

Authorization code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636). Blocks.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from tap.config_sections import OidcConfig

_REGISTRY = JWSRegistry(algorithms=["RS256", "PS256", "ES256"], strict_check_header=False)
"""Never what the provider, or a token, says of algorithms."""
_TIMEOUT = 5.0
_MOST_BYTES = 1_000_000
_FRESH = 3600.0
_LEEWAY = 60
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class ProviderAway(Exception):
    """The provider does not answer, or not as a provider does."""


class NotVouchedFor(Exception):
    """The provider, or what came in its name, does not vouch for who asks."""


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One login that has begun; what it began with must come back."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        return _base64(hashlib.sha256(self.verifier.encode()).digest())


def new_attempt() -> LoginAttempt:
    return LoginAttempt(*(secrets.token_urlsafe(32) for _ in range(3)))


class OidcProvider:
    """What it said of itself is kept for an hour; what went wrong is not."""

    def __init__(self, config: OidcConfig, callback: str) -> None:
        self._config = config
        self._callback = callback
        self._lock = threading.Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def login_url(self, attempt: LoginAttempt) -> str:
        """Return where to send a browser. Raises: ProviderAway."""
        query = {
            "response_type": "code",
            "client_id": self._config.oidc_client_id,
            "redirect_uri": self._callback,
            "scope": self._config.oidc_scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        endpoint = str(self._read_metadata()["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def claims(self, attempt: LoginAttempt, answer: dict[str, str]) -> dict[str, Any]:
        """Return what the provider says of who came back with this answer. Raises: NotVouchedFor, ProviderAway."""
        metadata = self._read_metadata()
        if not _equal(answer.get("state"), attempt.state):
            raise NotVouchedFor("This login was not begun here, or is over. Please begin again.")
        told = answer.get("iss")
        if told != metadata["issuer"] and (told or metadata.get("authorization_response_iss_parameter_supported")):
            raise NotVouchedFor("The answer is from another provider")
        if error := answer.get("error"):
            words = "denied" if error == "access_denied" else "refused"
            raise NotVouchedFor(f"The login was {words} by the provider: {error[:100]}")
        if not answer.get("code"):
            raise NotVouchedFor("The provider's answer has no code")
        token = self._token(metadata, answer["code"], attempt)
        return self._checked(token, attempt, metadata)

    # ---- what it says of itself

    def _read_metadata(self) -> dict[str, Any]:
        """Return the discovery document (OpenID Connect Discovery 1.0 §4). Raises: ProviderAway."""
        with self._lock:
            now = time.monotonic()
            if self._metadata is None or self._metadata[0] < now - _FRESH:
                self._metadata = now, self._discovered()
            return self._metadata[1]

    def _discovered(self) -> dict[str, Any]:
        issuer = self._config.oidc_issuer
        document = _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise ProviderAway("The provider calls itself by another name than its configuration here")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _check_url(document.get(name))
        return document

    def _key_set(self, metadata: dict[str, Any], *, again: bool = False) -> KeySet:
        """Return its keys; `again` anew, as they may have been changed. Raises: ProviderAway."""
        with self._lock:
            now = time.monotonic()
            if self._keys is None or again or now >= self._keys[0] + _FRESH:
                document: Any = _get(metadata["jwks_uri"])
                try:
                    keys = KeySet.import_key_set(document)
                except (JoseError, KeyError, TypeError, ValueError) as error:
                    raise ProviderAway("The keys of the provider cannot be read") from error
                self._keys = now, keys
            return self._keys[1]

    # ---- the token

    def _token(self, metadata: dict[str, Any], code: str, attempt: LoginAttempt) -> str:
        """Return the ID token for a code. Raises: NotVouchedFor, ProviderAway."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": attempt.verifier,
        }
        client, secret = self._config.oidc_client_id, self._config.oidc_client_secret
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in methods:
            pair = f"{quote_plus(client)}:{quote_plus(secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": client, "client_secret": secret}
        answer = _get(metadata["token_endpoint"], urlencode(form).encode(), headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderAway("The provider's answer has no ID token")
        return token

    def _checked(self, token: str, attempt: LoginAttempt, metadata: dict[str, Any]) -> dict[str, Any]:
        """Return the claims of a token that is right (Core §3.1.3.7). Raises: NotVouchedFor, ProviderAway."""
        try:
            try:
                claims = jwt.decode(token, self._key_set(metadata), registry=_REGISTRY).claims
            except InvalidKeyIdError:
                claims = jwt.decode(token, self._key_set(metadata, again=True), registry=_REGISTRY).claims
            client = self._config.oidc_client_id
            jwt.JWTClaimsRegistry(
                leeway=_LEEWAY,
                iss={"essential": True, "value": metadata["issuer"]},
                aud={"essential": True, "value": client},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise NotVouchedFor("The provider's ID token is not right") from error
        _check_party(claims, client)
        if not _equal(claims.get("nonce"), attempt.nonce):
            raise NotVouchedFor("The provider's ID token is for another login")
        return dict(claims)


def _check_party(claims: dict[str, Any], client: str) -> None:
    """Raise NotVouchedFor for a token that was given to another client, too."""
    audience, party = claims.get("aud"), claims.get("azp")
    is_several = isinstance(audience, list) and len(audience) > 1
    if (party is not None or is_several) and party != client:
        raise NotVouchedFor("The provider's ID token is for another service")
    if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
        raise NotVouchedFor("The provider's ID token does not say who it is for")


def _equal(value: object, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode(), expected.encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _check_url(url: object) -> None:
    """Raise ProviderAway unless a URL is https, or stays on this machine."""
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        raise ProviderAway("The provider's URLs must be https")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What a provider says is said by itself."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)
_REFUSED = {400, 401, 403}


def _get(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a JSON object. Raises: ProviderAway; NotVouchedFor where a form was refused."""
    _check_url(url)
    request = urllib.request.Request(url, body, headers or {})  # noqa: S310
    try:
        with _OPENER.open(request, timeout=_TIMEOUT) as answer:
            text = answer.read(_MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:
            if body is not None and error.code in _REFUSED:
                raise NotVouchedFor("The provider does not accept this login. Please begin again.") from error
        raise ProviderAway("The provider of logins cannot be reached just now") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ProviderAway("The provider of logins cannot be reached just now") from error
    return _json_object(text)


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text) if len(text) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProviderAway("The provider of logins does not answer as one")
    return document
