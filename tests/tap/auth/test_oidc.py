"""Login by an OpenID provider, by a real one over HTTP: who comes in, as which account, with which groups."""

import base64
import hashlib
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tap.auth.accounts import AccountStore
from tap.config import Config
from tests.browser import Browser
from tests.conftest import free_port
from tests.contract.client import Reply, get, post, request
from tests.oidc_provider import OidcProvider
from tests.oidc_site import OidcSite, begins_session, oidc_site
from tests.people import MakePerson, basic


@pytest.fixture
def group(accounts: AccountStore) -> str:
    name = f"survey.{secrets.token_hex(4)}"
    accounts.add_group(name)
    return name


def everything(replies: list[Reply]) -> str:
    """Return all that was said, headers included."""
    return "\n".join(f"{reply.headers}\n{reply.body.decode('utf-8', 'replace')}" for reply in replies)


# ---- the way to the provider and back


def test_without_a_provider_there_is_no_such_login(service: str) -> None:
    for path in ("/login/oidc", "/login/oidc/callback?code=x&state=y", "/login/oidc?next=/tap/tables"):
        assert request("GET", service + path).status == 404


def test_who_logs_in_at_the_provider_is_an_account_here(site: OidcSite) -> None:
    user, browser = site.user(email="ada@example.org"), Browser()
    assert site.whoami(browser)["account"] is None
    reply = site.answer(browser, user)
    assert reply.status == 303
    assert browser.target(reply) == site.url
    answer = site.whoami(browser)
    assert (answer["account"], answer["groups"], answer["admin"]) == (user.name, [], False)
    assert answer["scopes"] == ["admin", "jobs", "read", "tables"]


def test_the_request_to_the_provider_is_a_code_flow_with_pkce_state_and_nonce(site: OidcSite) -> None:
    for _ in range(2):
        site.begin(Browser())
    first, second = site.provider.asked[-2:]
    assert first["response_type"] == "code"
    assert first["redirect_uri"] == site.callback
    assert first["scope"].split() == ["openid", "profile", "email"]
    assert (first["code_challenge_method"], len(first["code_challenge"])) == ("S256", 43)
    for once in ("state", "nonce", "code_challenge"):
        assert len(first[once]) >= 22
        assert first[once] != second[once]
    assert first["nonce"] != first["state"]
    assert site.provider.client_secret not in str(first)


def test_the_state_is_in_a_cookie_that_ends_soon_and_that_no_script_reads(site: OidcSite) -> None:
    reply = Browser().ask(f"{site.url}/login/oidc")
    assert reply.status == 302
    (cookie,) = reply.headers.get_all("Set-Cookie") or []
    attributes = {name.strip().lower(): value for name, _, value in (part.partition("=") for part in cookie.split(";"))}
    assert "httponly" in attributes
    # Strict would keep it from the way back, which begins on the provider's site.
    assert attributes["samesite"].lower() == "lax"
    assert 0 < int(attributes["max-age"]) <= 3600
    assert "secure" not in attributes
    assert reply.headers["Cache-Control"] == "no-store"


def test_the_state_is_forgotten_when_it_was_used(site: OidcSite) -> None:
    browser = site.logged_in(site.user())
    assert [cookie.name for cookie in browser.jar] == ["SESSION"]


def test_the_session_is_kept_as_well_as_that_of_a_password(site: OidcSite) -> None:
    reply = site.answer(Browser(), site.user())
    (cookie,) = [text for text in reply.headers.get_all("Set-Cookie") or [] if text.startswith("SESSION=")]
    words = {word.strip().lower() for word in cookie.split(";")}
    assert {"httponly", "samesite=lax", "path=/"} <= words
    assert reply.headers["Cache-Control"] == "no-store"


def test_one_comes_back_from_another_site_as_browsers_say(site: OidcSite) -> None:
    user, browser = site.user(), Browser()
    target = site.sent_back(browser, user)
    reply = browser.ask(target, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")
    assert reply.status == 303
    assert site.whoami(browser)["account"] == user.name


def test_logout_ends_it(site: OidcSite) -> None:
    browser = site.logged_in(site.user())
    assert browser.ask(f"{site.url}/logout", {}).status == 200
    assert site.whoami(browser)["account"] is None


def test_a_new_key_of_the_provider_is_fetched_when_a_token_names_it(site: OidcSite) -> None:
    user = site.user()
    site.logged_in(user)
    site.provider.rotate()
    assert site.whoami(site.logged_in(user))["account"] == user.name


# ---- next


def test_one_lands_where_one_wanted_to_go(site: OidcSite) -> None:
    for path in ("/tap/tables", "/tap/whoami?a=1&b=%2F%2Fx"):
        browser = Browser()
        assert browser.target(site.answer(browser, site.user(), next=path)) == site.server + path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "///evil.example",
        "https://evil.example/tap",
        "https:evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\n/evil.example",
        "/tap\r\nSet-Cookie: SESSION=x",
        "/tap\r\nLocation: https://evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        ".evil.example",
        "@evil.example",
        ":80@evil.example/",
        "",
        "/" + "x" * 20_000,
    ],
)
def test_next_leads_to_no_other_site(site: OidcSite, elsewhere: str) -> None:
    browser = Browser()
    first = browser.ask(f"{site.url}/login/oidc?{urlencode({'next': elsewhere})}")
    if first.status in {400, 414}:
        site.refused(browser, first)
        return
    reply = site.answer(browser, site.user(), next=elsewhere)
    assert reply.status == 303, reply.text
    assert len(reply.headers.get_all("Location") or []) == 1
    target = urlsplit(browser.target(reply))
    assert f"{target.scheme}://{target.netloc}" == site.server
    session = browser.cookie("SESSION")
    assert session
    assert session.value != "x"


# ---- which account it is


def test_the_second_login_finds_the_same_account(site: OidcSite, accounts: AccountStore) -> None:
    user = site.user()
    site.logged_in(user)
    first = accounts.record(user.name)
    assert site.whoami(site.logged_in(user))["account"] == user.name
    second = accounts.record(user.name)
    assert first
    assert second
    assert first.account.account_id == second.account.account_id


def test_who_is_called_otherwise_at_the_provider_now_is_the_same_account(site: OidcSite) -> None:
    user = site.user()
    site.logged_in(user)
    user.claims["preferred_username"] = f"new.{secrets.token_hex(4)}"
    assert site.whoami(site.logged_in(user))["account"] == user.name


def test_a_local_account_of_that_name_is_not_taken_over(
    site: OidcSite, accounts: AccountStore, person: MakePerson
) -> None:
    ada = person()
    for spelling in (ada.name, ada.name.upper()):
        browser = Browser()
        reply = site.answer(browser, site.user(preferred_username=spelling))
        assert ada.name in site.refused(browser, reply, 403).lower()
    record = accounts.record(ada.name)
    assert record
    assert record.account == ada.account
    assert request("GET", f"{site.url}/whoami", headers=basic(ada.name, ada.password)).status == 200


def test_somebody_else_of_the_same_name_at_the_provider_is_not_let_in(site: OidcSite) -> None:
    user = site.user()
    site.logged_in(user)
    browser = Browser()
    site.refused(browser, site.answer(browser, site.user(preferred_username=user.name)), 403)
    assert site.whoami(site.logged_in(user))["account"] == user.name


def test_an_account_that_came_from_the_provider_has_no_password_here(site: OidcSite) -> None:
    user = site.user()
    site.logged_in(user)
    for password in (user.password, "None"):
        assert request("GET", f"{site.url}/whoami", headers=basic(user.name, password)).status == 401
        assert post(f"{site.url}/login", {"username": user.name, "password": password}).status == 401


def test_who_is_disabled_cannot_come_in(site: OidcSite, accounts: AccountStore) -> None:
    user = site.user()
    before = site.logged_in(user)
    accounts.set_disabled(user.name, disabled=True)
    assert site.whoami(before)["account"] is None
    browser = Browser()
    site.refused(browser, site.answer(browser, user), 401, 403)
    accounts.set_disabled(user.name, disabled=False)
    assert site.whoami(site.logged_in(user))["account"] == user.name


@pytest.mark.parametrize(
    "name", [None, "", " ", "a b", "a:b", "../x", "a/b", "a'b", "a\0b", "x" * 65, 7, True, ["a"], {"a": "b"}]
)
def test_who_has_no_name_that_an_account_can_have_is_told(site: OidcSite, name: object) -> None:
    user, browser = site.user(), Browser()
    user.claims["preferred_username"] = name
    if name is None:
        del user.claims["preferred_username"]
    site.refused(browser, site.answer(browser, user))


# ---- groups


def test_groups_of_the_claim_are_taken_over_and_given_back(site: OidcSite, group: str) -> None:
    user = site.user(groups=[group])
    assert site.groups(user) == [group]
    assert site.groups(user) == [group]
    user.claims["groups"] = []
    assert site.groups(user) == []
    user.claims["groups"] = [group]
    assert site.groups(user) == [group]


def test_groups_that_do_not_exist_here_are_ignored_and_not_made(
    site: OidcSite, group: str, accounts: AccountStore
) -> None:
    stranger = f"none.{secrets.token_hex(4)}"
    assert site.groups(site.user(groups=[stranger, group, "a b", "", "admin", "x" * 500])) == [group]
    assert stranger not in [known.name for known in accounts.groups()]


def test_a_group_that_an_operator_gave_is_not_taken_away(site: OidcSite, group: str, accounts: AccountStore) -> None:
    user = site.user(groups=[])
    site.logged_in(user)
    accounts.add_member(group, user.name, is_owner=True)
    assert site.groups(user) == [group]
    user.claims["groups"] = [group]
    assert site.groups(user) == [group]
    user.claims["groups"] = []
    assert site.groups(user) == [group]
    assert user.name in next(known.owners for known in accounts.groups() if known.name == group)


@pytest.mark.parametrize("claim", [None, "a", 7, {"a": "b"}, [7, None, ["a"]], "a\0b", ["a\0b"]])
def test_a_claim_of_groups_that_is_no_list_of_names_gives_none(site: OidcSite, claim: object) -> None:
    user, browser = site.user(groups=claim), Browser()
    reply = site.answer(browser, user)
    if reply.status == 303:
        assert site.whoami(browser)["groups"] == []
    else:
        site.refused(browser, reply)


# ---- secrets


def test_the_secret_of_the_client_is_in_no_answer_and_in_no_log(site: OidcSite) -> None:
    browser = Browser()
    site.answer(browser, site.user())
    browser.go(f"{site.url}/login/oidc/callback?error=server_error&state=x")
    for path in ("/login/oidc", "/capabilities", "/availability", "/whoami", "/tables", "/login"):
        browser.ask(site.url + path)
    secret = site.provider.client_secret
    said = everything(browser.replies) + site.log.read_text()
    form = base64.b64encode(f"{site.provider.client_id}:{secret}".encode()).decode()
    assert secret not in said
    assert form not in said
    assert hashlib.sha256(secret.encode()).hexdigest() not in said


# ---- a service for accounts only, whose provider is away when it starts


@pytest.fixture(scope="module")
def lonely(sample: Config) -> Iterator[OidcSite]:
    # Its tests build on each other's order: a service may keep what a provider has said of itself.
    provider = OidcProvider(free_port(), auth_methods=("client_secret_post",))
    with oidc_site(sample, provider, anonymous=False, processes=1) as site:
        yield site


def test_without_its_provider_a_service_goes_on_and_tells_so(lonely: OidcSite) -> None:
    browser = Browser()
    lonely.refused(browser, browser.ask(f"{lonely.url}/login/oidc"), 502, 503)
    assert get(f"{lonely.url}/capabilities").status == 200
    assert get(f"{lonely.url}/whoami").status == 401


@pytest.mark.parametrize(
    "instead",
    [
        (200, "text/html", b"<p>hello"),
        (200, "application/json", b"[]"),
        (200, "application/json", b"{}"),
        (
            200,
            "application/json",
            b'{"issuer": "https://evil.example", "authorization_endpoint": "https://evil.example"}',
        ),
        (404, "text/plain", b""),
        (500, "text/plain", b"oh"),
        (302, "text/plain", b""),
    ],
)
def test_a_discovery_document_that_is_none_is_told_and_looked_up_again(lonely: OidcSite, instead: Any) -> None:
    browser = Browser()
    with lonely.provider as provider:
        provider.instead["/.well-known/openid-configuration"] = instead
        lonely.refused(browser, browser.ask(f"{lonely.url}/login/oidc"), 502, 503)
        provider.behave()


def test_who_logs_in_comes_into_a_service_for_accounts_only(lonely: OidcSite) -> None:
    user = lonely.user()
    with lonely.provider:
        assert lonely.whoami(lonely.logged_in(user))["account"] == user.name


def test_a_provider_that_goes_away_in_the_middle_is_told(lonely: OidcSite) -> None:
    user, browser = lonely.user(), Browser()
    with lonely.provider:
        target = lonely.sent_back(browser, user)
    lonely.refused(browser, browser.ask(target), 502, 503)
    with lonely.provider:
        assert lonely.whoami(lonely.logged_in(user))["account"] == user.name


def test_a_provider_that_does_not_answer_holds_nobody_else_up(lonely: OidcSite) -> None:
    browser = Browser()
    with lonely.provider as provider, ThreadPoolExecutor(1) as pool:
        target = lonely.sent_back(browser, lonely.user())
        provider.gate.clear()
        waiting = pool.submit(browser.ask, target)
        try:
            for _ in range(5):
                assert get(f"{lonely.url}/capabilities").status == 200
            assert not waiting.done()
        finally:
            provider.gate.set()
        assert begins_session(waiting.result())
