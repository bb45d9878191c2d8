"""Who asks, over HTTP: every way to say it, and what each answer says back."""

import json
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from tap.auth.accounts import AccountStore
from tap.auth.authentication import address_of
from tap.auth.identity import TokenScope
from tap.auth.passwords import hashed
from tests.contract.client import Reply, get, post, request, sync
from tests.contract.own_tables import Asker
from tests.people import MakePerson, Person, basic, bearer


def login(service: str, person: Person, **headers: str) -> Reply:
    return post(f"{service}/login", {"username": person.name, "password": person.password}, **headers)


def cookie_of(reply: Reply) -> dict[str, str]:
    (morsel,) = SimpleCookie(reply.headers["Set-Cookie"]).values()
    return {"Cookie": f"{morsel.key}={morsel.value}"}


def whoami(service: str, headers: Mapping[str, str]) -> Any:
    reply = request("GET", f"{service}/whoami", headers=headers)
    assert reply.status == 200, reply.text
    return json.loads(reply.body)


def test_a_stranger_is_nobody(service: str) -> None:
    nobody = {"account": None, "groups": [], "admin": False, "scopes": []}
    assert nobody.items() <= whoami(service, {}).items()


def test_a_password_a_token_and_a_cookie_are_the_same_account(
    service: str, accounts: AccountStore, person: MakePerson
) -> None:
    ada = person()
    token = accounts.add_token(ada.account, "a", list(TokenScope), 60)
    for headers in (basic(ada.name, ada.password), bearer(token), cookie_of(login(service, ada))):
        answer = whoami(service, headers)
        assert (answer["account"], answer["scopes"]) == (ada.name, ["admin", "jobs", "read", "tables"])


def test_every_answer_to_an_account_says_whose_it_is_and_no_other_does(service: str, person: MakePerson) -> None:
    ada = person()
    headers = basic(ada.name, ada.password)
    for path in ("/whoami", "/capabilities", "/tables", "/async", "/nothing", "/sync"):
        assert request("GET", service + path, headers=headers).headers["X-VO-Authenticated"] == ada.name
        assert get(service + path).headers["X-VO-Authenticated"] is None
    assert login(service, ada).headers["X-VO-Authenticated"] == ada.name


def test_a_password_of_all_scripts_is_right_in_utf_8_and_in_latin_1(
    service: str, accounts: AccountStore, person: MakePerson
) -> None:
    ada = person()
    accounts.set_password(ada.name, hashed("schön:größer"))
    for encoding in ("utf-8", "latin-1"):
        assert whoami(service, basic(ada.name, "schön:größer", encoding))["account"] == ada.name


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !!",
        "Basic YQ==",
        "Basic YTpi",
        "Bearer",
        "Bearer x",
        "Bearer \xe9",
        "Digest x",
        "x",
        "basic YTpi",
    ],
)
@pytest.mark.parametrize(
    "path", ["/capabilities", "/sync?LANG=ADQL&QUERY=SELECT+1+AS+a+FROM+tap_schema.tables", "/tables"]
)
def test_what_is_shown_and_not_right_is_never_answered_as_a_stranger(
    service: str, authorization: str, path: str
) -> None:
    reply = request("GET", service + path, headers={"Authorization": authorization})
    assert reply.status == 401
    assert reply.headers.get_all("WWW-Authenticate")
    assert reply.votable().message


def test_a_cookie_that_has_ended_makes_a_stranger(service: str, person: MakePerson) -> None:
    cookie = cookie_of(login(service, person()))
    assert whoami(service, cookie)["account"]
    assert request("POST", f"{service}/logout", b"", cookie).status == 200
    assert whoami(service, cookie)["account"] is None
    assert whoami(service, {"Cookie": "SESSION=nonsense"})["account"] is None


def test_a_wrong_password_does_not_log_in(service: str, person: MakePerson) -> None:
    ada = person()
    reply = post(f"{service}/login", {"username": ada.name, "password": "wrong password"})
    assert reply.status == 401
    assert reply.headers["Set-Cookie"] is None
    assert reply.votable().message == "There is no such account, or its password is another."


def test_too_many_wrong_passwords_are_told_when_to_come_again(service: str, person: MakePerson) -> None:
    ada = person()
    for _ in range(5):
        assert request("GET", f"{service}/whoami", headers=basic(ada.name, "wrong password")).status == 401
    reply = request("GET", f"{service}/whoami", headers=basic(ada.name, "wrong password"))
    assert reply.status == 429
    assert int(reply.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("form", [{}, {"username": "ada"}, {"password": "x"}, {"username": "", "password": ""}])
def test_a_login_without_a_name_or_a_password_is_told_what_is_missing(service: str, form: dict[str, str]) -> None:
    reply = post(f"{service}/login", form)
    assert reply.status == 400
    assert "is missing" in reply.votable().message


def test_a_password_in_a_url_is_refused(service: str, person: MakePerson) -> None:
    ada = person()
    reply = post(f"{service}/login?username={ada.name}&password={ada.password}")
    assert reply.status == 400
    assert "belongs into the body" in reply.votable().message


def test_a_page_of_another_site_can_do_nothing_with_somebodys_cookie(service: str, person: MakePerson) -> None:
    ada = person()
    cookie = cookie_of(login(service, ada))
    for site in ("cross-site", "same-site"):
        foreign = cookie | {"Sec-Fetch-Site": site}
        assert request("POST", f"{service}/async", b"LANG=ADQL&QUERY=x", foreign).status == 403
        assert request("DELETE", f"{service}/async/{'0' * 32}", None, foreign).status == 403
        assert request("POST", f"{service}/logout", b"", foreign).status == 403
        assert login(service, ada, Sec_Fetch_Site=site).status == 403
    assert (
        request("POST", f"{service}/async", b"LANG=ADQL&QUERY=x", cookie | {"Sec-Fetch-Site": "same-origin"}).status
        == 200
    )


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [
        (TokenScope.READ, "/whoami", 200),
        (TokenScope.READ, "/tables", 200),
        (TokenScope.READ, "/async", 403),
        (TokenScope.READ, "/jobs/async", 403),
        (TokenScope.JOBS, "/async", 200),
        (TokenScope.JOBS, "/tables", 403),
        (TokenScope.JOBS, "/sync", 403),
        (TokenScope.TABLES, "/async", 403),
        (TokenScope.ADMIN, "/tables", 403),
        (TokenScope.ADMIN, "/capabilities", 200),
    ],
)
def test_a_token_does_what_its_scope_says_and_nothing_else(
    service: str, accounts: AccountStore, person: MakePerson, *, scope: TokenScope, path: str, status: int
) -> None:
    token = accounts.add_token(person().account, "a", [scope], 60)
    assert request("GET", service + path, headers=bearer(token)).status == status


def test_a_token_that_is_revoked_is_refused_with_the_next_request(
    service: str, accounts: AccountStore, person: MakePerson
) -> None:
    ada = person()
    token = accounts.add_token(ada.account, "a", [TokenScope.READ], 60)
    assert whoami(service, bearer(token))["account"] == ada.name
    accounts.revoke_token(ada.account, "a")
    assert request("GET", f"{service}/whoami", headers=bearer(token)).status == 401


def test_who_is_disabled_is_kept_out_with_the_next_request(
    service: str, accounts: AccountStore, person: MakePerson
) -> None:
    ada = person()
    token, cookie = accounts.add_token(ada.account, "a", [TokenScope.READ], 60), cookie_of(login(service, ada))
    assert whoami(service, basic(ada.name, ada.password))["account"]
    accounts.set_disabled(ada.name, disabled=True)
    assert request("GET", f"{service}/whoami", headers=basic(ada.name, ada.password)).status == 401
    assert request("GET", f"{service}/whoami", headers=bearer(token)).status == 401
    assert whoami(service, cookie)["account"] is None


@pytest.mark.parametrize("scope", list(TokenScope))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_token_is_not_exchanged_for_a_session_that_may_do_more(
    service: str, accounts: AccountStore, person: MakePerson, scope: TokenScope, method: str
) -> None:
    token = accounts.add_token(person(is_admin=True).account, "a", [scope], 60)
    reply = request(method, f"{service}/login", headers=bearer(token))
    assert reply.status == 401
    assert reply.headers["Set-Cookie"] is None


def test_a_password_that_a_browser_remembers_begins_a_session(service: str, person: MakePerson) -> None:
    ada = person()
    reply = request("GET", f"{service}/login", headers=basic(ada.name, ada.password))
    assert whoami(service, cookie_of(reply))["account"] == ada.name


def test_a_page_of_another_site_cannot_use_a_password_that_a_browser_remembers(
    service: str, accounts: AccountStore, person: MakePerson
) -> None:
    ada = person()
    foreign = {"Sec-Fetch-Site": "cross-site"}
    form = b"LANG=ADQL&QUERY=x"
    assert request("POST", f"{service}/async", form, basic(ada.name, ada.password) | foreign).status == 403
    token = accounts.add_token(ada.account, "a", [TokenScope.JOBS], 60)
    assert request("POST", f"{service}/async", form, bearer(token) | foreign).status != 403


def test_clients_that_come_by_ipv4_in_the_clothes_of_ipv6_are_told_apart() -> None:
    def address(host: str) -> str:
        return address_of(HTTPConnection({"type": "http", "headers": [], "client": (host, 1)}))

    assert address("::ffff:203.0.113.1") == address("203.0.113.1") == "203.0.113.1"
    assert address("2001:db8::1") == address("2001:db8::2") == "2001:db8::/64"
    assert address("x" * 3000) == "x" * 64
    assert address("") == "unknown"


def test_a_job_whose_name_xml_cannot_hold_is_listed(service: str, person: MakePerson) -> None:
    ada = Asker(service, person())
    ada.post_form("async", LANG="ADQL", QUERY="SELECT 1 AS one", RUNID="a\x01b")
    reply = ada.call("GET", "jobs/async")
    assert (reply.status, "a\ufffdb" in reply.text) == (200, True)


@pytest.mark.parametrize("id_", ["\0", "a\0b", "x", "' OR 1=1"])
def test_ids_that_are_none_are_no_jobs(service: str, id_: str) -> None:
    holds_nul = "\0" in id_
    assert get(f"{service}/jobs/async", {"JOBID": id_}).status == (400 if holds_nul else 200)
    assert post(f"{service}/deletejobs", {"JOB_IDS": id_}).status == (400 if holds_nul else 404)


def test_an_administrator_without_the_scope_is_none(service: str, accounts: AccountStore, person: MakePerson) -> None:
    root = person(is_admin=True)
    token = accounts.add_token(root.account, "a", [TokenScope.READ, TokenScope.JOBS], 60)
    assert whoami(service, bearer(token))["admin"] is False
    assert whoami(service, basic(root.name, root.password))["admin"] is True


def test_a_query_of_an_account_is_answered_as_one_of_a_stranger(service: str, person: MakePerson) -> None:
    ada = person()
    query = {"LANG": "ADQL", "QUERY": "SELECT TOP 5 name FROM demo.ngc ORDER BY name", "FORMAT": "csv"}
    assert get(f"{service}/sync", query, **basic(ada.name, ada.password)).body == sync(service, **_as_sync(query)).body


def _as_sync(query: dict[str, str]) -> dict[str, str]:
    return {"query": query["QUERY"], "FORMAT": query["FORMAT"]}
