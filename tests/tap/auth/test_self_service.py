"""What accounts do for themselves over HTTP."""

import json
from typing import Any

import pytest

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.config import Config
from tests.contract.client import Reply, get, post, request
from tests.people import WRONG, MakePerson, Person, basic, bearer


def make(service: str, person: Person, **form: str) -> Reply:
    return post(f"{service}/tokens", form, **basic(person.name, person.password))


def tokens(service: str, person: Person) -> Any:
    return json.loads(get(f"{service}/tokens", **basic(person.name, person.password)).body)


def test_a_token_is_made_shown_once_used_listed_and_revoked(service: str, person: MakePerson) -> None:
    ada = person()
    reply = make(service, ada, NAME="my laptop", SCOPE="read,jobs", DAYS="2")
    assert reply.status == 201
    assert reply.headers["Cache-Control"] == "no-store"
    secret = json.loads(reply.body)["token"]
    answer = json.loads(get(f"{service}/whoami", **bearer(secret)).body)
    assert (answer["account"], answer["scopes"]) == (ada.name, ["jobs", "read"])
    (token,) = tokens(service, ada)
    assert (token["name"], token["scopes"]) == ("my laptop", ["read", "jobs"])
    assert token["expires"]
    assert secret not in json.dumps(token)
    headers = basic(ada.name, ada.password)
    assert request("DELETE", f"{service}/tokens/my%20laptop", headers=headers).status == 204
    assert request("DELETE", f"{service}/tokens/my%20laptop", headers=headers).status == 404
    assert get(f"{service}/whoami", **bearer(secret)).status == 401
    assert tokens(service, ada) == []


def test_no_token_is_valid_for_longer_than_one_may_be(service: str, person: MakePerson, config: Config) -> None:
    ada = person()
    for name, days in (("a", "99999"), ("b", "")):
        assert make(service, ada, NAME=name, DAYS=days).status == 201
    created, expires = tokens(service, ada)[0]["created"], tokens(service, ada)[0]["expires"]
    assert int(expires[:4]) - int(created[:4]) == round(config.accounts.token_seconds / (365 * 86_400))


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"NAME": ""},
        {"NAME": "a/b"},
        {"NAME": "x" * 65},
        {"NAME": "a\0"},
        {"NAME": "a", "SCOPE": "all"},
        {"NAME": "a", "SCOPE": "admin"},
        {"NAME": "a", "DAYS": "0"},
        {"NAME": "a", "DAYS": "-1"},
        {"NAME": "a", "DAYS": "soon"},
        {"NAME": "a", "DAYS": "9" * 30},
    ],
)
def test_a_token_that_cannot_be_is_refused_in_our_words(service: str, person: MakePerson, form: dict[str, str]) -> None:
    ada = person()
    reply = make(service, ada, **form)
    assert reply.status == 400
    assert reply.votable().message
    assert tokens(service, ada) == []


def test_one_account_has_no_two_tokens_of_one_name_and_sees_no_others(service: str, person: MakePerson) -> None:
    ada, bo = person(), person()
    assert make(service, ada, NAME="a").status == 201
    assert make(service, ada, NAME="a").status == 400
    assert tokens(service, bo) == []
    assert request("DELETE", f"{service}/tokens/a", headers=basic(bo.name, bo.password)).status == 404
    assert len(tokens(service, ada)) == 1


def test_a_token_makes_no_tokens_and_no_password(service: str, accounts: AccountStore, person: MakePerson) -> None:
    ada = person(is_admin=True)
    headers = bearer(accounts.add_token(ada.account, "a", list(TokenScope), 60))
    assert get(f"{service}/tokens", **headers).status == 403
    assert post(f"{service}/tokens", {"NAME": "b"}, **headers).status == 403
    assert request("DELETE", f"{service}/tokens/a", headers=headers).status == 403
    assert post(f"{service}/password", {"OLD": ada.password, "NEW": "another password"}, **headers).status == 403
    assert get(f"{service}/tokens").status == post(f"{service}/tokens", {"NAME": "b"}).status == 401


def test_another_password_needs_the_old_one_and_is_none_that_is_weak(service: str, person: MakePerson) -> None:
    ada = person()
    headers = basic(ada.name, ada.password)
    assert post(f"{service}/password", {"OLD": WRONG, "NEW": "another password"}, **headers).status == 401
    assert post(f"{service}/password", {"OLD": ada.password, "NEW": "short"}, **headers).status == 400
    assert post(f"{service}/password", {"OLD": ada.password, "NEW": "another password"}, **headers).status == 204
    assert get(f"{service}/whoami", **headers).status == 401
    assert get(f"{service}/whoami", **basic(ada.name, "another password")).status == 200
