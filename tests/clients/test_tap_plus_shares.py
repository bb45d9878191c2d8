"""astroquery's TapPlus, logged in: groups of one's own, and the tables that are shared with them."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from astropy.utils.exceptions import AstropyWarning
from astroquery.utils.tap.core import TapPlus
from requests.exceptions import HTTPError

from tap.auth.accounts import AccountStore
from tests.clients.seats import QUALIFIED, Seat, Spell, check, fresh, stars

pytestmark = [pytest.mark.filterwarnings(f"ignore::{AstropyWarning.__module__}.AstropyWarning"), pytest.mark.long]
ABOUT = "who maps the sky"


def group_of(seat: Seat, *members: Seat) -> str:
    """Make a group with members, by the client alone."""
    name = f"survey-{secrets.token_hex(4)}"
    seat.tap.share_group_create(group_name=name, description=ABOUT)
    for member in members:
        seat.tap.share_group_add_user(group_name=name, user_id=member.name)
    return name


def members(seat: Seat, group: str) -> set[str]:
    return {user.id for user in seat.tap.load_group(group_name=group).users}


def sees(seat: Seat, name: str) -> bool:
    """Whether the table is there, which queries and metadata must agree on."""
    there = seat.tap.load_table(name) is not None
    listed = name in {table.name for table in seat.tap.load_tables(only_names=True, include_shared_tables=True)}
    assert listed == there
    if there:
        check(seat.rows(name), stars())
    else:
        with pytest.raises(HTTPError, match=r"40[04]"):
            seat.rows(name)
    return there


def items(seat: Seat, title: str) -> list[Any]:
    return [item for item in seat.tap.load_shared_items() if item.title == title]


# ---- groups


def test_a_group_is_made_and_listed(ada: Seat, bo: Seat) -> None:
    name = group_of(ada)
    group = ada.tap.load_group(group_name=name)
    assert (group.title, group.description, group.owner) == (name, ABOUT, ada.name)
    assert group.id
    assert name in {each.title for each in ada.tap.load_groups()}
    assert bo.tap.load_groups() == []


def test_accounts_are_added_to_a_group_and_taken_out(ada: Seat, bo: Seat, gaia: Seat) -> None:
    name = group_of(ada, bo, gaia)
    assert members(ada, name) >= {bo.name, gaia.name}
    assert bo.tap.load_group(group_name=name).owner == ada.name
    ada.tap.share_group_delete_user(group_name=name, user_id=bo.name)
    assert bo.name not in members(ada, name)
    assert gaia.name in members(ada, name)
    assert bo.tap.load_group(group_name=name) is None
    ada.tap.share_group_delete_user(group_name=name, user_id=gaia.name)
    group = ada.tap.load_group(group_name=name)
    assert (group.owner, group.description) == (ada.name, ABOUT)


def test_a_group_without_a_description_has_none_when_it_has_members(ada: Seat, bo: Seat) -> None:
    name = f"plain-{secrets.token_hex(4)}"
    ada.tap.share_group_create(group_name=name)
    ada.tap.share_group_add_user(group_name=name, user_id=bo.name)
    assert ada.tap.load_group(group_name=name).description == ""


def test_who_is_no_account_is_added_to_no_group(ada: Seat) -> None:
    name = group_of(ada)
    with pytest.raises(ValueError, match="not found"):
        ada.tap.share_group_add_user(group_name=name, user_id="nobody.at.all")
    assert members(ada, name) <= {ada.name}


def test_a_group_is_deleted(ada: Seat, bo: Seat) -> None:
    name = group_of(ada, bo)
    ada.tap.share_group_delete(group_name=name)
    for seat in (ada, bo):
        assert seat.tap.load_group(group_name=name) is None


def test_members_change_nothing_of_a_group(ada: Seat, bo: Seat, gaia: Seat) -> None:
    name = group_of(ada, bo)
    with pytest.raises(HTTPError, match="403"):
        bo.tap.share_group_delete(group_name=name)
    with pytest.raises(HTTPError, match="403"):
        bo.tap.share_group_add_user(group_name=name, user_id=gaia.name)
    assert members(ada, name) - {ada.name} == {bo.name}


@pytest.fixture
def operators(accounts: AccountStore) -> Iterator[str]:
    """A group that the operator has made."""
    name = f"institute-{secrets.token_hex(4)}"
    accounts.add_group(name)
    yield name
    accounts.delete_group(name)


def test_a_group_of_the_operator_is_listed_for_its_members_only(
    ada: Seat, bo: Seat, accounts: AccountStore, operators: str
) -> None:
    accounts.add_member(operators, ada.name, is_owner=False)
    assert ada.name in members(ada, operators)
    assert bo.tap.load_group(group_name=operators) is None
    with pytest.raises(HTTPError, match="403"):
        ada.tap.share_group_add_user(group_name=operators, user_id=bo.name)


def test_a_name_of_somebody_elses_group_makes_no_member_of_it(
    ada: Seat, bo: Seat, accounts: AccountStore, operators: str
) -> None:
    for name in (group_of(ada), operators):
        with pytest.raises(HTTPError, match=r"40[09]"):
            bo.tap.share_group_create(group_name=name, description="mine")
    record = accounts.record(bo.name)
    assert record
    assert record.account.groups == ()


def test_accounts_are_known_by_their_names(ada: Seat, bo: Seat) -> None:
    assert ada.tap.is_valid_user(user_id=ada.name)
    assert ada.tap.is_valid_user(user_id=bo.name)
    assert not ada.tap.is_valid_user(user_id=bo.name[:-1])
    assert not ada.tap.is_valid_user(user_id="nobody.at.all")


def test_who_has_not_logged_in_has_no_groups_and_no_shares(stranger: TapPlus) -> None:
    for ask in (stranger.load_groups, stranger.load_shared_items):
        with pytest.raises(HTTPError, match="401"):
            ask()


# ---- tables


@pytest.mark.parametrize("spell", QUALIFIED)
def test_a_shared_table_is_seen_until_it_is_no_longer_shared(ada: Seat, bo: Seat, spell: Spell) -> None:
    table, group = ada.upload(stars()), group_of(ada, bo)
    assert not sees(bo, ada.shown(table))
    ada.tap.share_table(group_name=group, table_name=spell(ada, table), description=ABOUT)
    assert sees(bo, ada.shown(table))
    ada.tap.share_table_stop(group_name=group, table_name=spell(ada, table))
    assert not sees(bo, ada.shown(table))
    assert sees(ada, ada.shown(table))


def test_a_shared_table_is_listed_with_its_group(ada: Seat, bo: Seat) -> None:
    name, group = ada.shown(ada.upload(stars())), group_of(ada, bo)
    assert items(ada, name) == []
    ada.tap.share_table(group_name=group, table_name=name, description=ABOUT)
    (item,) = items(ada, name)
    (with_whom,) = item.shared_to_items
    assert with_whom.id == ada.tap.load_group(group_name=group).id
    assert (with_whom.type, with_whom.mode) == ("Group", "Read")
    ada.tap.share_table_stop(group_name=group, table_name=name)
    assert items(ada, name) == []


def test_of_two_groups_one_still_sees_what_the_other_no_longer_does(ada: Seat, bo: Seat, gaia: Seat) -> None:
    name, of_bo, of_gaia = ada.shown(ada.upload(stars())), group_of(ada, bo), group_of(ada, gaia)
    for group in (of_bo, of_gaia):
        ada.tap.share_table(group_name=group, table_name=name)
    assert sees(bo, name)
    ada.tap.share_table_stop(group_name=of_bo, table_name=name)
    assert not sees(bo, name)
    assert sees(gaia, name)


def test_who_leaves_a_group_sees_its_tables_no_longer(ada: Seat, bo: Seat, gaia: Seat) -> None:
    name, group = ada.shown(ada.upload(stars())), group_of(ada, bo)
    ada.tap.share_table(group_name=group, table_name=name)
    ada.tap.share_group_add_user(group_name=group, user_id=gaia.name)
    assert sees(bo, name)
    assert sees(gaia, name)
    ada.tap.share_group_delete_user(group_name=group, user_id=bo.name)
    assert not sees(bo, name)
    ada.tap.share_group_delete(group_name=group)
    assert not sees(gaia, name)
    assert items(ada, name) == []


def test_a_group_of_the_same_name_does_not_inherit_its_tables(ada: Seat, bo: Seat) -> None:
    name, group = ada.shown(ada.upload(stars())), group_of(ada)
    ada.tap.share_table(group_name=group, table_name=name)
    ada.tap.share_group_delete(group_name=group)
    bo.tap.share_group_create(group_name=group, description="mine")
    assert not sees(bo, name)


def test_who_reads_a_shared_table_changes_nothing_of_it(ada: Seat, bo: Seat) -> None:
    name, group = ada.shown(ada.upload(stars())), group_of(ada, bo)
    ada.tap.share_table(group_name=group, table_name=name)
    with pytest.raises(HTTPError, match="403"):
        bo.tap.rename_table(table_name=name, new_table_name=fresh("taken"))
    with pytest.raises(HTTPError, match="403"):
        bo.tap.rename_table(table_name=name, new_column_names_dict={"mag": "vmag"})
    with pytest.raises(HTTPError, match="403"):
        bo.tap.update_user_table(table_name=name, list_of_changes=[["mag", "ucd", "phot.mag"]])
    with pytest.raises(HTTPError, match="403"):
        bo.tap.set_ra_dec_columns(table_name=name, ra_column_name="ra", dec_column_name="dec")
    with pytest.raises(HTTPError, match="403"):
        bo.tap.delete_user_table(table_name=name)
    assert sees(ada, name)
    assert ada.columns(name)["mag"].ucd != "phot.mag"


def test_nobody_shares_what_is_not_hers(ada: Seat, bo: Seat, gaia: Seat) -> None:
    name, group, onward = ada.shown(ada.upload(stars())), group_of(ada, bo), group_of(bo, gaia)
    ada.tap.share_table(group_name=group, table_name=name)
    with pytest.raises(HTTPError, match=r"40[34]"):
        bo.tap.share_table(group_name=onward, table_name=name)
    assert not sees(gaia, name)
    # The client asks for the group and the item by name; somebody else's item is known by its number only.
    (item,) = items(ada, name)
    answer = bo.tap._TapPlus__getconnhandler().execute_share(f"action=RemoveItem&resource_type=0&resource_id={item.id}")
    assert answer.status in {403, 404}
    assert sees(bo, name)
