from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from tap.auth.accounts import AccountStore
from tap.auth.passwords import AT_ONCE, Passwords, TooManyAttempts, WeakPassword, WrongPassword, hashed
from tests.people import MakePerson


@pytest.fixture
def passwords(accounts: AccountStore) -> Passwords:
    return Passwords(accounts)


def test_the_right_password_is_an_account_and_every_other_is_not(passwords: Passwords, person: MakePerson) -> None:
    ada = person()
    assert passwords.account(ada.name, ada.password, "192.0.2.1") == ada.account
    for wrong in ("", ada.password + " ", ada.password.swapcase(), ada.password[:-1]):
        with pytest.raises(WrongPassword):
            passwords.account(ada.name, wrong, "192.0.2.1")
    with pytest.raises(WrongPassword):
        passwords.account("nobody", ada.password, "192.0.2.1")


def test_who_is_disabled_has_no_right_password_even_if_it_was_known(
    accounts: AccountStore, passwords: Passwords, person: MakePerson
) -> None:
    ada = person()
    passwords.account(ada.name, ada.password, "192.0.2.2")
    accounts.set_disabled(ada.name, disabled=True)
    with pytest.raises(WrongPassword):
        passwords.account(ada.name, ada.password, "192.0.2.2")


def test_an_old_password_is_wrong_at_once(accounts: AccountStore, passwords: Passwords, person: MakePerson) -> None:
    ada = person()
    passwords.account(ada.name, ada.password, "192.0.2.3")
    accounts.set_password(ada.name, hashed("a new password"))
    with pytest.raises(WrongPassword):
        passwords.account(ada.name, ada.password, "192.0.2.3")
    assert passwords.account(ada.name, "a new password", "192.0.2.3") == ada.account


def test_an_account_without_a_password_takes_none(accounts: AccountStore, passwords: Passwords) -> None:
    accounts.add_account("only-tokens", None)
    for guess in ("", "None", "password12"):
        with pytest.raises(WrongPassword):
            passwords.account("only-tokens", guess, "192.0.2.4")


def test_after_some_wrong_passwords_the_next_must_wait_longer_and_longer(
    accounts: AccountStore, passwords: Passwords, person: MakePerson
) -> None:
    ada, address = person(), "192.0.2.5"
    waits = []
    for _ in range(12):
        try:
            passwords.account(ada.name, "wrong password", address)
        except WrongPassword:
            continue
        except TooManyAttempts as error:
            waits.append(error.seconds)
            accounts.count_failure([f"{ada.name.lower()} from {address}"])
    assert len(waits) == 7
    assert waits == sorted(waits)
    assert waits[-1] >= 50


def test_the_wait_is_the_same_for_an_account_that_does_not_exist(passwords: Passwords) -> None:
    for _ in range(5):
        with pytest.raises(WrongPassword):
            passwords.account("never-was", "wrong password", "192.0.2.6")
    with pytest.raises(TooManyAttempts):
        passwords.account("never-was", "wrong password", "192.0.2.6")


def test_who_guesses_elsewhere_does_not_keep_an_account_out(passwords: Passwords, person: MakePerson) -> None:
    ada = person()
    for _ in range(5):
        with pytest.raises(WrongPassword):
            passwords.account(ada.name, "wrong password", "198.51.100.1")
    assert passwords.account(ada.name, ada.password, "192.0.2.7") == ada.account


def test_one_who_is_known_is_let_in_whatever_others_guess(
    accounts: AccountStore, passwords: Passwords, person: MakePerson
) -> None:
    ada = person()
    passwords.account(ada.name, ada.password, "192.0.2.8")
    for _ in range(120):
        accounts.count_failure([f"of {ada.name.lower()}"])
    assert passwords.known(ada.name, ada.password, "192.0.2.8") == ada.account
    assert passwords.known(ada.name, "wrong password", "192.0.2.8") is None
    # Elsewhere it must not tell that this guess is right.
    assert passwords.known(ada.name, ada.password, "192.0.2.99") is None
    with pytest.raises(TooManyAttempts):
        passwords.account(ada.name, ada.password, "192.0.2.99")


def test_guesses_that_come_at_once_are_counted_as_if_they_came_one_by_one(
    passwords: Passwords, person: MakePerson
) -> None:
    ada = person()

    def guess(_: int) -> bool:
        try:
            passwords.account(ada.name, "wrong password", "192.0.2.20")
        except WrongPassword:
            return True
        except TooManyAttempts:
            return False
        raise AssertionError

    with ThreadPoolExecutor(20) as threads:
        compared = sum(threads.map(guess, range(40)))
    assert 5 <= compared <= 5 + AT_ONCE


def test_a_name_spelt_otherwise_is_counted_as_the_account_that_it_means(
    accounts: AccountStore, passwords: Passwords, person: MakePerson
) -> None:
    ada = person()
    for name in (ada.name.upper(), ada.name.title(), ada.name, ada.name.swapcase(), ada.name.capitalize()):
        with pytest.raises(WrongPassword):
            passwords.account(name, "wrong password", "192.0.2.21")
    with pytest.raises(TooManyAttempts):
        passwords.account(ada.name.upper(), "wrong password", "192.0.2.21")


@pytest.mark.long
def test_many_names_tried_from_one_address_are_counted_together(passwords: Passwords) -> None:
    for number in range(30):
        with pytest.raises(WrongPassword):
            passwords.account(f"guess{number}", "wrong password", "192.0.2.9")
    with pytest.raises(TooManyAttempts):
        passwords.account("guess99", "wrong password", "192.0.2.9")


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_a_password_that_is_none_cannot_be_set(password: str) -> None:
    with pytest.raises(WeakPassword):
        hashed(password)


@pytest.mark.parametrize("exists", [True, False])
def test_a_wrong_password_costs_one_hash_whether_the_account_exists_or_not(
    passwords: Passwords, person: MakePerson, monkeypatch: pytest.MonkeyPatch, *, exists: bool
) -> None:
    """So that time does not tell it."""
    name = person().name if exists else "not-there"
    hashes: list[str] = []
    verify = PasswordHasher.verify

    def counted(hasher: PasswordHasher, stored: str, password: str) -> bool:
        hashes.append(stored)
        return bool(verify(hasher, stored, password))

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    with pytest.raises(WrongPassword):
        passwords.account(name, "wrong password", "203.0.113.1")
    assert len(hashes) == 1
