"""`armillary users`, `groups` and `tokens`, as an operator types them."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.description import Description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.auth.passwords import Passwords, WrongPassword
from tests.command import armillary

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def name() -> str:
    return f"bo.{secrets.token_hex(4)}"


def test_an_account_is_made_with_the_password_that_standard_input_gives(accounts: AccountStore, name: str) -> None:
    assert armillary("users", "add", name, stdin="correct horse battery\n") == f"{name} can log in\n"
    assert Passwords(accounts).account(name, "correct horse battery", "::1").name == name


def test_a_generated_password_is_shown_once_and_works(accounts: AccountStore, name: str) -> None:
    shown = armillary("users", "add", name, "--admin", "--generate")
    password = re.search(r"password: (\S+)", shown)
    assert password
    assert Passwords(accounts).account(name, password[1], "::1").is_admin


@pytest.mark.parametrize("wrong", ["a:b", "a b", "", "x" * 65])
def test_a_name_that_cannot_be_is_refused_before_a_password_is_shown(wrong: str) -> None:
    said = armillary("users", "add", wrong, "--generate", fails=True)
    assert "A name has 1 to 64 characters" in said
    assert "password" not in said


def test_a_weak_password_and_a_name_that_is_taken_are_refused(name: str) -> None:
    assert "10 to 1024 characters" in armillary("users", "add", name, stdin="short\n", fails=True)
    armillary("users", "add", name, "--generate")
    assert "already" in armillary("users", "add", name.upper(), "--generate", fails=True)


def test_another_password_replaces_the_old_one(accounts: AccountStore, name: str) -> None:
    armillary("users", "add", name, stdin="the first password\n")
    armillary("users", "passwd", name, stdin="the second password\n")
    assert Passwords(accounts).account(name, "the second password", "::1")
    with pytest.raises(WrongPassword):
        Passwords(accounts).account(name, "the first password", "::1")


def test_accounts_are_listed_with_what_is_special_about_them(name: str) -> None:
    armillary("users", "add", name, "--generate")
    armillary("groups", "add", f"g-{name}", name, "--owner")
    armillary("users", "admin", name)
    assert re.search(rf"{name} +\S+  admin +g-{name}\n", armillary("users", "list"))
    armillary("users", "admin", name, "--revoke")
    armillary("users", "disable", name)
    assert re.search(rf"{name} +\S+  disabled +g-{name}\n", armillary("users", "list"))
    armillary("users", "enable", name)
    assert re.search(rf"{name} +\S+ +g-{name}\n", armillary("users", "list"))


def test_groups_come_and_go_with_their_members(name: str) -> None:
    armillary("users", "add", name, "--generate")
    assert armillary("groups", "add", f"g-{name}") == f"g-{name} is a group\n"
    armillary("groups", "add", f"g-{name}", name, "--owner")
    assert re.search(rf"g-{name} +{name}\*\n", armillary("groups", "list"))
    armillary("groups", "remove", f"g-{name}", name)
    assert re.search(rf"g-{name}\n", armillary("groups", "list"))
    armillary("groups", "remove", f"g-{name}")
    assert f"g-{name}" not in armillary("groups", "list")


def test_a_token_is_shown_once_listed_and_revoked(accounts: AccountStore, name: str) -> None:
    armillary("users", "add", name, "--generate")
    secret = armillary("tokens", "add", name, "laptop", "--scope", "read", "--scope", "jobs", "--days", "2").strip()
    identity = accounts.identity(secret, session=False)
    assert identity
    assert identity.scopes == {TokenScope.READ, TokenScope.JOBS}
    listed = armillary("tokens", "list", name)
    assert re.match(r"laptop +read,jobs +ends \d{4}-\d\d-\d\d +used \d{4}", listed)
    assert secret not in listed
    armillary("tokens", "revoke", name, "laptop")
    assert accounts.identity(secret, session=False) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["users", "passwd", "nobody-here", "--generate"],
        ["users", "disable", "nobody-here"],
        ["users", "admin", "nobody-here"],
        ["groups", "add", "g-nobody", "nobody-here"],
        ["groups", "remove", "no-such-group"],
        ["groups", "remove", "g-nobody", "nobody-here"],
        ["tokens", "add", "nobody-here", "a"],
        ["tokens", "list", "nobody-here"],
        ["tokens", "revoke", "nobody-here", "a"],
    ],
)
def test_what_is_not_there_is_named(arguments: list[str]) -> None:
    said = armillary(*arguments, fails=True)
    assert re.match(r"Error: .*(nobody-here|no-such-group)", said)
    assert "Traceback" not in said


@pytest.fixture
def table(owner: psycopg.Connection, tmp_path: Path) -> Iterator[str]:
    name = f"rights_{secrets.token_hex(3)}.t"
    pq.write_table(pa.table({"ra": [1.0], "dec": [2.0]}), tmp_path / "t.parquet")
    load_table(owner, open_file(tmp_path / "t.parquet"), name, Description())
    yield name
    unpublish_table(owner, name, drop=True)
    owner.execute(f"DROP SCHEMA {name.partition('.')[0]} CASCADE".encode())


def test_rights_are_given_listed_and_taken(table: str, name: str) -> None:
    armillary("users", "add", name, "--generate")
    armillary("groups", "add", f"g-{name}", name)
    assert armillary("grant", table) == f"{table} is closed to all but its readers\n"
    assert re.search(rf"{table} +nobody\n", armillary("readers"))
    armillary("grant", table, "--group", f"G-{name.upper()}", "--user", name)
    assert re.search(rf"{table} +group:g-{name}, user:{name}\n", armillary("readers"))
    assert armillary("revoke", table, "--user", name) == f"{name} can no longer read {table}\n"
    assert re.search(rf"{table} +group:g-{name}\n", armillary("readers"))
    assert armillary("grant", table, "--public") == f"{table} is public\n"
    assert re.search(rf"{table} +public\n", armillary("readers"))


def test_check_lists_closed_tables_and_finds_those_that_are_gone(table: str, owner: psycopg.Connection) -> None:
    armillary("grant", table)
    assert re.search(rf"{table} +1 rows, closed to all but its readers\n", armillary("check"))
    owner.execute(f"DROP TABLE {table}".encode())
    assert re.search(rf"{table} +cannot be read: it was dropped", armillary("check", fails=True))
    armillary("grant", table, "--public")


def test_a_group_that_is_removed_leaves_no_right_to_the_next_of_its_name(table: str, name: str) -> None:
    armillary("groups", "add", f"g-{name}")
    armillary("grant", table, "--group", f"g-{name}")
    armillary("groups", "remove", f"g-{name}")
    armillary("groups", "add", f"g-{name}")
    assert re.search(rf"{table} +nobody\n", armillary("readers"))


def test_rights_for_what_is_not_there_are_refused(table: str, name: str) -> None:
    assert "no published table or schema nowhere.t" in armillary("grant", "nowhere.t", fails=True)
    assert f"There is no group g-{name}" in armillary("grant", table, "--group", f"g-{name}", fails=True)
    assert f"There is no account {name}" in armillary("grant", table, "--user", name, fails=True)
    armillary("users", "add", name, "--generate")
    assert f"user:{name} is no reader of {table}" in armillary("revoke", table, "--user", name, fails=True)
    assert "nowhere" not in armillary("readers")
