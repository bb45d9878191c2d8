"""What an OpenID provider or a browser does wrong is refused, told, and never a login (Core 1.0 §3.1.3.7, RFC 9700)."""

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.browser import Browser
from tests.contract.client import Reply
from tests.oidc_provider import Claims, Forge, OidcProvider, SigningKey, encoded
from tests.oidc_site import OidcSite

# ---- tokens that are not right


def with_claims(**changes: Any) -> Forge:
    """Sign other claims; None leaves one out."""

    def forge(provider: OidcProvider, claims: Claims) -> str:
        return provider.key.signed({name: value for name, value in (claims | changes).items() if value is not None})

    return forge


def unsigned(provider: OidcProvider, claims: Claims) -> str:
    return f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def unsigned_with_a_signature(provider: OidcProvider, claims: Claims) -> str:
    return provider.key.signed(claims, alg="none")


def by_another_key_of_the_same_name(provider: OidcProvider, claims: Claims) -> str:
    return SigningKey(kid=provider.key.kid).signed(claims)


def by_a_key_that_is_not_shown(provider: OidcProvider, claims: Claims) -> str:
    return SigningKey().signed(claims)


def by_a_key_that_it_brings_itself(provider: OidcProvider, claims: Claims) -> str:
    key = SigningKey()
    head = {"alg": "RS256", "jwk": key.public(), "kid": provider.key.kid}
    signature = key.signed(claims).rpartition(".")[2]
    return f"{encoded(head)}.{encoded(claims)}.{signature}"


def _by_hmac(secret: bytes, claims: Claims, kid: str) -> str:
    content = f"{encoded({'alg': 'HS256', 'kid': kid})}.{encoded(claims)}"
    return f"{content}.{encoded(hmac.digest(secret, content.encode(), 'sha256'))}"


def by_hmac_of_the_public_key(provider: OidcProvider, claims: Claims) -> str:
    public = provider.key.private.public_key()
    return _by_hmac(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), claims, provider.key.kid)


def by_hmac_of_the_secret(provider: OidcProvider, claims: Claims) -> str:
    return _by_hmac(provider.client_secret.encode(), claims, provider.key.kid)


def changed_after_it_was_signed(provider: OidcProvider, claims: Claims) -> str:
    head, _, signature = provider.key.signed(claims).split(".")
    return f"{head}.{encoded(claims | {'sub': 'somebody else'})}.{signature}"


def of_another_login(provider: OidcProvider, claims: Claims) -> str:
    return provider.key.signed(claims | {"nonce": secrets.token_urlsafe(16)})


_AGO = int(time.time()) - 86_400
_FORGERIES: dict[str, Forge] = {
    "another audience": with_claims(aud="another client"),
    "no audience": with_claims(aud=None),
    "an empty audience": with_claims(aud=[]),
    "audiences without us": with_claims(aud=["a", "b"]),
    "an audience that contains ours": with_claims(aud="armillary-tests-2"),
    "given to another party": with_claims(aud=["armillary-tests", "b"], azp="b"),
    "given to another party, for us alone": with_claims(azp="b"),
    "expired": with_claims(exp=_AGO + 300, iat=_AGO, auth_time=_AGO),
    "without an end": with_claims(exp=None),
    "an end that is no time": with_claims(exp="tomorrow"),
    "made in the future": with_claims(iat=_AGO + 3 * 86_400, exp=_AGO + 4 * 86_400),
    "another issuer": with_claims(iss="https://evil.example"),
    "the issuer with a slash": lambda provider, claims: provider.key.signed(claims | {"iss": provider.issuer + "/"}),
    "without an issuer": with_claims(iss=None),
    "another nonce": of_another_login,
    "without a nonce": with_claims(nonce=None),
    "an empty nonce": with_claims(nonce=""),
    "a list with the nonce": lambda provider, claims: provider.key.signed(claims | {"nonce": [claims["nonce"]]}),
    "without a subject": with_claims(sub=None),
    "an empty subject": with_claims(sub=""),
    "a subject that is no text": with_claims(sub=7),
    "unsigned": unsigned,
    "unsigned with a signature": unsigned_with_a_signature,
    "by another key of the same name": by_another_key_of_the_same_name,
    "by a key that is not shown": by_a_key_that_is_not_shown,
    "by a key that it brings itself": by_a_key_that_it_brings_itself,
    "by HMAC of the public key": by_hmac_of_the_public_key,
    "by HMAC of the secret": by_hmac_of_the_secret,
    "changed after it was signed": changed_after_it_was_signed,
    "no token": lambda provider, claims: "no.token",
    "an empty token": lambda provider, claims: "",
    "letters that are no base64": lambda provider, claims: "é.é.é",
    "no object": lambda provider, claims: f"{encoded({'alg': 'RS256'})}.{encoded(b'[]')}.eA",
    "a token of a megabyte": with_claims(filler="x" * 1_000_000),
}


@pytest.mark.parametrize("forge", [pytest.param(forge, id=name) for name, forge in _FORGERIES.items()])
def test_a_token_that_is_not_right_is_no_login(site: OidcSite, forge: Forge) -> None:
    browser = Browser()
    site.provider.forge = forge
    site.refused(browser, site.answer(browser, site.user()))
    assert site.whoami(browser)["account"] is None


def test_a_token_for_us_and_others_that_names_us_is_right(site: OidcSite) -> None:
    user, browser = site.user(), Browser()
    client = site.provider.client_id
    site.provider.forge = with_claims(aud=[client, "another"], azp=client)
    assert site.answer(browser, user).status == 303
    assert site.whoami(browser)["account"] == user.name


_JSON = "application/json"


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        ("/token", (500, "text/plain", b"oh")),
        ("/token", (400, _JSON, b'{"error": "invalid_grant"}')),
        ("/token", (401, _JSON, b'{"error": "invalid_client"}')),
        ("/token", (200, "text/html", b"<p>hello")),
        ("/token", (200, _JSON, b"[]")),
        ("/token", (200, _JSON, b"{}")),
        ("/token", (200, _JSON, b'{"access_token": "x", "token_type": "Bearer"}')),
        ("/token", (200, _JSON, b'{"access_token": "x", "token_type": "Bearer", "id_token": 7}')),
        ("/token", (200, _JSON, b"\xff\xfe")),
        ("/token", (302, "text/plain", b"")),
    ],
)
def test_a_provider_that_gives_no_token_is_told(site: OidcSite, path: str, instead: Any) -> None:
    browser = Browser()
    site.provider.instead[path] = instead
    site.refused(browser, site.answer(browser, site.user()))


@pytest.mark.parametrize(
    "instead",
    [
        (500, "text/plain", b"oh"),
        (200, "text/html", b"<p>"),
        (200, _JSON, b"[]"),
        (200, _JSON, b"{}"),
        (200, _JSON, b'{"keys": []}'),
        (200, _JSON, b'{"keys": [{"kty": "RSA"}, 7]}'),
    ],
)
def test_a_provider_that_shows_no_keys_is_told(site: OidcSite, instead: Any) -> None:
    browser, user = Browser(), site.user()
    site.provider.rotate()
    site.provider.instead["/keys"] = instead
    site.refused(browser, site.answer(browser, user), 400, 401, 403, 502, 503)
    site.provider.behave()
    assert site.whoami(site.logged_in(user))["account"] == user.name


# ---- the way back


def parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2]))


def _without_state(found: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name != "state"}


def _without_code(found: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name != "code"}


@pytest.mark.parametrize(
    "change",
    [
        _without_state,
        _without_code,
        lambda found: {},
        lambda found: found | {"state": ""},
        lambda found: found | {"state": "x"},
        lambda found: found | {"state": found["state"] + "x"},
        lambda found: found | {"state": found["state"][:-1]},
        lambda found: found | {"state": "\0é"},
        lambda found: found | {"code": ""},
        lambda found: found | {"code": "x"},
        lambda found: found | {"code": "x" * 5000},
        lambda found: found | {"code": "\0é"},
    ],
)
def test_a_way_back_that_is_not_the_one_that_was_begun_is_refused(
    site: OidcSite, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    browser = Browser()
    found = parameters(site.sent_back(browser, site.user()))
    site.refused(browser, browser.ask(f"{site.callback}?{urlencode(change(found))}"))
    assert site.whoami(browser)["account"] is None


def test_without_the_cookie_of_its_state_it_is_refused(site: OidcSite) -> None:
    browser = Browser()
    target = site.sent_back(browser, site.user())
    browser.jar.clear()
    site.refused(browser, browser.ask(target), 400, 401, 403)


@pytest.mark.parametrize("value", ["", "x", "e30", "x" * 3000, "a.b.c", "%00", '"'])
def test_a_cookie_that_is_not_ours_is_refused(site: OidcSite, value: str) -> None:
    browser = Browser()
    target = site.sent_back(browser, site.user())
    (cookie,) = browser.jar
    other = Browser()
    site.refused(other, other.ask(target, Cookie=f"{cookie.name}={value}"), 400, 401, 403)


def test_a_way_back_is_gone_once(site: OidcSite) -> None:
    browser, user = Browser(), site.user()
    target = site.sent_back(browser, user)
    states = [f"{cookie.name}={cookie.value}" for cookie in browser.jar]
    assert browser.ask(target).status == 303
    again = Browser()
    for headers in ({}, {"Cookie": "; ".join(states)}):
        site.refused(again, again.ask(target, **headers))


def test_another_browser_cannot_be_logged_in_by_a_link(site: OidcSite) -> None:
    mallory, victim = Browser(), Browser()
    link = site.sent_back(mallory, site.user())
    site.refused(victim, victim.ask(link), 400, 401, 403)
    site.begin(victim)
    site.refused(victim, victim.ask(link), 400, 401, 403)


def test_a_code_that_was_stolen_is_of_no_use_in_another_browser(site: OidcSite) -> None:
    victim, mallory = Browser(), Browser()
    stolen = parameters(site.sent_back(victim, site.user()))["code"]
    own = parameters(site.sent_back(mallory, site.user()))
    # The verifier of PKCE is another.
    site.refused(mallory, mallory.ask(f"{site.callback}?{urlencode(own | {'code': stolen})}"))


def test_a_wrong_password_at_the_provider_comes_nowhere(site: OidcSite) -> None:
    user, browser = site.user(), Browser()
    site.begin(browser)
    reply = browser.ask(browser.form_action(), {"username": user.name, "password": "wrong"})
    assert (reply.status, "not right" in reply.text) == (200, True)
    assert site.whoami(browser)["account"] is None


def test_a_login_that_is_there_stays_when_another_fails(site: OidcSite) -> None:
    user = site.user()
    browser = site.logged_in(user)
    assert browser.ask(f"{site.callback}?code=x&state=y").status == 403
    assert site.whoami(browser)["account"] == user.name


# ---- what the provider says


def says(site: OidcSite, browser: Browser, **error: str) -> Reply:
    """Come back with an error of the provider and the state that was begun with."""
    site.begin(browser)
    state = site.provider.asked[-1]["state"]
    return browser.ask(f"{site.callback}?{urlencode(error | {'state': state, 'iss': site.provider.issuer})}")


def test_who_says_no_at_the_provider_is_told(site: OidcSite) -> None:
    browser = Browser()
    site.begin(browser)
    target = browser.target(browser.ask(browser.form_action(), {"deny": "1"}))
    assert "error=access_denied" in target
    assert "denied" in site.refused(browser, browser.ask(target), 400, 401, 403).lower()


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable", "login_required", "x" * 3000, "\0é", ""])
def test_other_errors_of_the_provider_are_told(site: OidcSite, error: str) -> None:
    browser = Browser()
    site.refused(browser, says(site, browser, error=error), 400, 401, 403, 502, 503)


def test_what_the_provider_says_is_text_and_no_page(site: OidcSite) -> None:
    script = "<script>alert(1)</script>"
    for accept in ("*/*", "text/html"):
        browser = Browser()
        site.begin(browser)
        state = site.provider.asked[-1]["state"]
        query = urlencode({"error": script, "error_description": script, "state": state})
        headers = {"Accept": accept, "Sec-Fetch-Dest": "document"} if accept == "text/html" else {"Accept": accept}
        reply = browser.ask(f"{site.callback}?{query}", **headers)
        assert 400 <= reply.status < 504
        assert reply.status != 500
        assert script not in reply.text


def test_an_error_that_nobody_began_is_refused(site: OidcSite) -> None:
    browser = Browser()
    reply = browser.ask(f"{site.callback}?{urlencode({'error': 'access_denied', 'state': 'x'})}")
    site.refused(browser, reply, 400, 401, 403)


def test_an_answer_of_another_provider_is_refused(site: OidcSite) -> None:
    browser = Browser()
    found = parameters(site.sent_back(browser, site.user())) | {"iss": "https://evil.example"}
    # RFC 9207: the provider has announced that it tells who it is.
    site.refused(browser, browser.ask(f"{site.callback}?{urlencode(found)}"))
