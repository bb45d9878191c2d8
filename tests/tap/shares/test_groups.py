"""Groups that accounts make, and who may change them."""

import json
import secrets

import pytest

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tests.people import bearer
from tests.tap.shares.askers import Asker, Shared, reads


@pytest.fixture
def name(ada: Asker) -> str:
    """A group that ada has made."""
    name = f"maps-{secrets.token_hex(4)}"
    assert ada.post("groups", NAME=name, DESCRIPTION="who maps").status == 201
    return name


def groups(who: Asker) -> dict[str, list[str]]:
    return {group["name"]: group["members"] for group in json.loads(who.get("groups").body)}


def test_who_makes_a_group_is_its_first_member_and_owner(ada: Asker, bo: Asker, name: str) -> None:
    (group,) = json.loads(ada.get("groups").body)
    assert group == {"name": name, "description": "who maps", "members": [ada.name], "owners": [ada.name]}
    assert groups(bo) == {}


def test_an_owner_adds_and_removes_members_who_read_what_is_shared_meanwhile(
    ada: Asker, bo: Asker, name: str, table: Shared
) -> None:
    ada.share(KIND="table", NAME=table.name, WITH=f"group:{name}")
    assert not reads(bo, table)
    assert ada.post(f"groups/{name}", ADD=bo.name.upper()).status == 204
    assert groups(bo) == {name: sorted([ada.name, bo.name])}
    assert reads(bo, table)
    assert ada.post(f"groups/{name}", REMOVE=bo.name).status == 204
    assert not reads(bo, table)


def test_members_and_others_change_nothing(ada: Asker, bo: Asker, cy: Asker, stranger: Asker, *, name: str) -> None:
    ada.post(f"groups/{name}", ADD=bo.name)
    for who, status in ((bo, 403), (cy, 404), (stranger, 401)):
        assert who.post(f"groups/{name}", ADD=cy.name).status == status
        assert who.send("DELETE", f"groups/{name}").status == status
    assert groups(ada) == {name: sorted([ada.name, bo.name])}


def test_a_deleted_group_reads_nothing_any_more_nor_does_another_of_its_name(
    ada: Asker, bo: Asker, name: str, table: Shared
) -> None:
    ada.post(f"groups/{name}", ADD=bo.name)
    ada.share(KIND="table", NAME=table.name, WITH=f"group:{name}", MODE="write")
    assert reads(bo, table)
    assert ada.send("DELETE", f"groups/{name}").status == 204
    assert not reads(bo, table)
    assert bo.post("groups", NAME=name).status == 201
    assert not reads(bo, table)
    assert ada.shares("given") == []


@pytest.mark.parametrize("form", [{}, {"ADD": "nobody.at.all"}, {"REMOVE": "nobody.at.all"}])
def test_a_change_that_cannot_be_is_refused(ada: Asker, name: str, form: dict[str, str]) -> None:
    assert ada.post(f"groups/{name}", **form).status == 400
    assert groups(ada) == {name: [ada.name]}


@pytest.mark.parametrize("taken", ["", "two words", "x" * 65])
def test_a_name_that_cannot_be_is_refused(ada: Asker, taken: str) -> None:
    assert ada.post("groups", NAME=taken).status == 400


def test_a_name_that_is_taken_is_refused_in_any_case(bo: Asker, name: str) -> None:
    assert bo.post("groups", NAME=name.upper()).status == 400
    assert groups(bo) == {}


def test_a_token_that_may_only_read_changes_no_group(ada: Asker, accounts: AccountStore, name: str) -> None:
    record = accounts.record(ada.name)
    assert record
    token = accounts.add_token(record.account, "reader", (TokenScope.READ,), None)
    assert ada.send("DELETE", f"groups/{name}", None, bearer(token)).status == 403
    assert name in groups(ada)
