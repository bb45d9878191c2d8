import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap.auth.accounts import AccountStore, BadName, NameTaken, NoSuchName
from tap.auth.identity import TokenScope
from tap.auth.passwords import hashed
from tap.config import Config
from tap.engine.database import reader_conninfo
from tests.people import MakePerson


def test_names_that_differ_in_case_only_are_one_account(accounts: AccountStore, person: MakePerson) -> None:
    ada = person()
    record = accounts.record(ada.name.upper())
    assert record
    assert record.account == ada.account
    with pytest.raises(NameTaken):
        accounts.add_account(ada.name.upper(), None)


@pytest.mark.parametrize("name", ["", " ", "a b", "a:b", "a/b", 'a"b', "a'b", "a\n", "a\tb", "\x7f", "x" * 65, "a\0b"])
def test_a_name_that_would_not_survive_a_header_or_a_url_is_refused(accounts: AccountStore, name: str) -> None:
    with pytest.raises(BadName, match="A name has 1 to 64 characters"):
        accounts.add_account(name, None)
    with pytest.raises(BadName, match="A name has 1 to 64 characters"):
        accounts.add_group(name)


@pytest.mark.parametrize("name", ["Ödön", "o.b-e@x.org", "x" * 64, "星"])
def test_names_may_have_letters_of_all_scripts_and_what_addresses_have(accounts: AccountStore, name: str) -> None:
    assert accounts.add_account(name, None).name == name


def test_a_token_is_its_accounts_until_it_is_revoked(accounts: AccountStore, person: MakePerson) -> None:
    ada = person()
    secret = accounts.add_token(ada.account, "laptop", [TokenScope.READ, TokenScope.JOBS], None)
    identity = accounts.identity(secret, session=False)
    assert identity
    assert (identity.account, identity.scopes) == (ada.account, {TokenScope.READ, TokenScope.JOBS})
    assert accounts.identity(secret, session=True) is None
    accounts.revoke_token(ada.account, "laptop")
    assert accounts.identity(secret, session=False) is None
    with pytest.raises(NoSuchName):
        accounts.revoke_token(ada.account, "laptop")


def test_a_token_ends_by_itself(accounts: AccountStore, person: MakePerson) -> None:
    ada = person()
    secret = accounts.add_token(ada.account, "short", [TokenScope.READ], -1)
    assert accounts.identity(secret, session=False) is None


def test_a_token_tells_when_it_was_last_used(accounts: AccountStore, person: MakePerson) -> None:
    ada = person()
    secret = accounts.add_token(ada.account, "a", [TokenScope.READ], 60)
    assert accounts.tokens(ada.account)[0].last_used is None
    accounts.identity(secret, session=False)
    (token,) = accounts.tokens(ada.account)
    assert token.last_used
    assert (token.name, token.scopes) == ("a", ("read",))


def test_one_account_has_no_two_tokens_of_one_name(accounts: AccountStore, person: MakePerson) -> None:
    ada, bo = person(), person()
    accounts.add_token(ada.account, "a", [TokenScope.READ], 60)
    accounts.add_token(bo.account, "a", [TokenScope.READ], 60)
    with pytest.raises(NameTaken):
        accounts.add_token(ada.account, "a", [TokenScope.READ], 60)


def test_who_is_disabled_is_nobody_at_once_by_token_and_by_session(accounts: AccountStore, person: MakePerson) -> None:
    ada = person()
    token, session = (
        accounts.add_token(ada.account, "a", [TokenScope.READ], 60),
        accounts.begin_session(ada.account, 60),
    )
    assert accounts.identity(session, session=True)
    accounts.set_disabled(ada.name, disabled=True)
    assert accounts.identity(token, session=False) is None
    assert accounts.identity(session, session=True) is None
    accounts.set_disabled(ada.name, disabled=False)
    assert accounts.identity(token, session=False)


def test_another_password_ends_sessions_and_leaves_tokens(accounts: AccountStore, person: MakePerson) -> None:
    ada = person()
    token, session = (
        accounts.add_token(ada.account, "a", [TokenScope.READ], 60),
        accounts.begin_session(ada.account, 60),
    )
    accounts.set_password(ada.name, hashed("another password"))
    assert accounts.identity(session, session=True) is None
    assert accounts.identity(token, session=False)


def test_groups_have_members_and_owners(accounts: AccountStore, person: MakePerson) -> None:
    ada, bo = person(), person()
    group = f"group-{ada.name}"
    accounts.add_group(group)
    accounts.add_member(group, ada.name, is_owner=True)
    accounts.add_member(group, bo.name, is_owner=False)
    found = next(each for each in accounts.groups() if each.name == group)
    assert (sorted(found.members), found.owners) == (sorted([ada.name, bo.name]), (ada.name,))
    record = accounts.record(bo.name)
    assert record
    assert record.account.groups == (group,)
    accounts.remove_member(group, bo.name)
    accounts.delete_group(group)
    record = accounts.record(ada.name)
    assert record
    assert record.account.groups == ()


def test_no_secret_is_stored(accounts: AccountStore, person: MakePerson, config: Config) -> None:
    ada = person()
    secrets = [
        ada.password,
        accounts.add_token(ada.account, "a", [TokenScope.READ], 60),
        accounts.begin_session(ada.account, 60),
    ]
    with psycopg.connect(reader_conninfo(config).replace("armillary_reader", "armillary_accounts")) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'accounts' AND tablename <> 'migrations'"
        ).fetchall()
        assert tables
        for (table,) in tables:
            text = str(connection.execute(f"SELECT * FROM accounts.{table}".encode()).fetchall())
            assert not any(secret in text for secret in secrets)


@pytest.mark.parametrize("table", ["accounts", "groups", "members", "tokens", "failures"])
def test_the_role_that_runs_what_strangers_wrote_cannot_read_accounts(
    accounts: AccountStore, reader: psycopg.Connection, table: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(f"SELECT * FROM accounts.{table}".encode())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=80))
def test_any_name_is_taken_and_found_or_refused_in_our_words(accounts: AccountStore, name: str) -> None:
    try:
        accounts.add_account(name, None)
    except NameTaken:
        pass
    except BadName:
        return
    record = accounts.record(name)
    assert record
    assert record.account.name.lower() == name.lower() or record.account.name.upper() == name.upper()
