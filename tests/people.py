"""Accounts that tests make, and how they show who they are."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from tap.auth.identity import Account

WRONG = "wrong password"
TOKEN = "of tests"  # noqa: S105
"""The name of the token that accounts of tests have."""


@dataclass(frozen=True)
class Person:
    """An account with its password."""

    account: Account
    password: str
    make_token: Callable[[], str] = str

    @cached_property
    def token(self) -> str:
        """Return a token with all rights, made now, which costs a service much less than the password; empty for none."""
        return self.make_token()

    @property
    def name(self) -> str:
        return self.account.name


MakePerson = Callable[..., Person]


def basic(name: str, password: str, encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode(encoding)).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
