"""Which schema an account has, and which table a name means to it."""

import secrets

import psycopg
import pytest

from schema.load.reader import LoadError
from schema.own_tables.names import (
    NotOwnSchema,
    check_not_own,
    claim_schema,
    expected_schema,
    own_name_of,
    own_schema,
    table_name_of,
)


@pytest.fixture
def account() -> str:
    return f"ada.{secrets.token_hex(4)}-x"


def test_a_schema_is_called_as_its_account_and_stays_so(owner: psycopg.Connection, account: str) -> None:
    assert own_schema(owner, account) is None
    assert expected_schema(owner, account) == account
    assert claim_schema(owner, account) == claim_schema(owner, account) == own_schema(owner, account) == account


@pytest.mark.parametrize(
    "name", ["public", "armillary", "tap_schema", "TAP_UPLOAD", "pg_toast", "pg_mine", "accounts", "uws"]
)
def test_a_name_that_is_the_services_own_becomes_no_schema_of_an_account(owner: psycopg.Connection, name: str) -> None:
    assert expected_schema(owner, name) == f"user_{name}"


def test_a_schema_of_the_operators_becomes_nobodys(owner: psycopg.Connection, account: str) -> None:
    owner.execute(f'CREATE SCHEMA "{account.upper()}"'.encode())
    assert claim_schema(owner, account) == f"user_{account}"
    assert claim_schema(owner, f"USER_{account}") == f"user_USER_{account}"
    owner.execute(f'DROP SCHEMA "{account.upper()}"'.encode())


def test_a_long_name_is_cut_to_what_the_database_can_tell_apart(owner: psycopg.Connection) -> None:
    names = [f"{secrets.token_hex(4)}{'é' * 30}{end}" for end in ("1", "2")]
    names[1] = names[0][:-1] + "2"
    schemas = {claim_schema(owner, name) for name in names}
    assert len(schemas) == 2
    assert max(len(schema.encode()) for schema in schemas) <= 56


def test_an_operator_loads_nothing_into_a_schema_of_an_account(owner: psycopg.Connection, account: str) -> None:
    schema_name = claim_schema(owner, account)
    for spelt in (schema_name, schema_name.upper()):
        with pytest.raises(LoadError, match=f"the account {account}; choose another"):
            check_not_own(owner, spelt)
    check_not_own(owner, f"{schema_name}x")


def test_a_table_is_known_by_each_of_its_names(owner: psycopg.Connection, account: str) -> None:
    claim_schema(owner, account)
    published = f'"{account}".stars'
    names = [published, f"{account}.stars", "stars", f"user_{account}.stars", f'"user_{account}".stars']
    assert {table_name_of(owner, name, account) for name in names} == {published}
    assert table_name_of(owner, "my stars", account) == f'"{account}"."my stars"'
    assert table_name_of(owner, f'{account}."my stars"', account) == f'"{account}"."my stars"'


def test_a_table_of_another_account_is_known_by_its_names_in_full(owner: psycopg.Connection, account: str) -> None:
    claim_schema(owner, account)
    for name in (f'"{account}".stars', f"user_{account}.stars"):
        assert table_name_of(owner, name, "bo") == f'"{account}".stars'


def test_the_longer_of_two_names_is_meant_where_one_begins_as_the_other(owner: psycopg.Connection) -> None:
    short = f"a{secrets.token_hex(4)}"
    claim_schema(owner, short)
    claim_schema(owner, f"{short}.b")
    assert table_name_of(owner, f"user_{short}.b.t", "cy") == f'"{short}.b".t'
    assert table_name_of(owner, f"user_{short}.t", "cy") == f"{short}.t"


@pytest.mark.parametrize("name", ["demo.stars", "tap_schema.tables", '"other".t', "public.t"])
def test_a_table_lies_in_no_schema_but_ones_own(owner: psycopg.Connection, account: str, name: str) -> None:
    with pytest.raises(NotOwnSchema, match="is not in your schema"):
        own_name_of(owner, name, account)


@pytest.mark.parametrize("name", ["", " ", '""', '"', "a\nb", "é" * 29, "x.y.z"])
def test_what_can_be_no_name_is_refused(owner: psycopg.Connection, account: str, name: str) -> None:
    with pytest.raises(LoadError):
        own_name_of(owner, name, account)
