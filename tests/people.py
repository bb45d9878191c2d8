"""Accounts that tests make, and how they show who they are."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from tap.auth.identity import Account

WRONG = "wrong password"
TOKEN = "of tests"  # noqa: S105
"""The name of the token that each account has."""


@dataclass(frozen=True)
class Person:
    """An account with its password, and a token with all of its rights, which is read much faster than that."""

    account: Account
    password: str
    token: str = ""

    @property
    def name(self) -> str:
        return self.account.name


MakePerson = Callable[..., Person]


def basic(name: str, password: str, encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode(encoding)).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
