"""`armillary users`, `groups` and `tokens`, as an operator types them."""

import re
import secrets

import pytest
from click.testing import CliRunner

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.auth.passwords import Passwords, WrongPassword
from tap.cli import main
from tap.config import ENVIRONMENT, Config


@pytest.fixture(autouse=True)
def _here(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)


@pytest.fixture
def name() -> str:
    return f"bo.{secrets.token_hex(4)}"


def armillary(*arguments: str, stdin: str = "", fails: bool = False) -> str:
    done = CliRunner().invoke(main, list(arguments), input=stdin)
    assert done.exit_code == int(fails), (done.output, done.exception)
    return done.output


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
