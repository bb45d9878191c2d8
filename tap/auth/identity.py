"""Who asks, as values: an account with its groups, and how much of its rights the credential carries."""

from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import HTTPConnection
from starlette.types import Scope

Limits = tuple[tuple[str, float], ...]
"""Settings of the configuration by name, with other values."""


class TokenScope(StrEnum):
    """What a token may be used for."""

    READ = "read"
    JOBS = "jobs"
    TABLES = "tables"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """One who can log in; `groups` are the names of the groups that it is a member of, `limits` what they say of limits.

    `shares_are_over`: the end of somebody's shares has come, which is to be enforced before anything is read.
    """

    account_id: int
    name: str
    groups: tuple[str, ...] = ()
    is_admin: bool = False
    email: str | None = None
    limits: Limits = ()
    shares_are_over: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """An account that has shown who it is, with `scopes` of its rights: all of them for a password.

    `is_token`: by a token, which is for scripts."""

    account: Account
    scopes: frozenset[TokenScope] = frozenset(TokenScope)
    is_token: bool = False

    @property
    def is_admin(self) -> bool:
        return self.account.is_admin and TokenScope.ADMIN in self.scopes


def identity_of(request: HTTPConnection) -> Identity | None:
    """Return who asks; None for a stranger."""
    return in_scope(request.scope)


def account_in(request: HTTPConnection) -> Account | None:
    """Return the account that asks; None for a stranger."""
    identity = identity_of(request)
    return identity.account if identity else None


def in_scope(scope: Scope) -> Identity | None:
    identity = scope.get("state", {}).get("identity")
    return identity if isinstance(identity, Identity) else None
