"""The store of accounts, groups and tokens in PostgreSQL, as the role that owns it and nothing else."""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from schema.statements import read_statements
from tap.auth.identity import Account, Identity, TokenScope
from tap.auth.limits import merged
from tap.engine.pools import lazy_pool

Row = dict[str, Any]

_TOKEN_NAME = re.compile(r"[\w. -]{1,64}")
_PREFIX = "arm_"
"""So that a token is recognised where it must not be: in a public repository, in a log."""


class AccountsAway(Exception):
    """The store of accounts cannot be reached now."""


class NoSuchName(Exception):
    """There is no account, group or token of that name."""


class NameTaken(Exception):
    """There is one of that name already, or one that differs in case only."""


class BadName(Exception):
    """A name has characters that it cannot have, or too many."""


@dataclass(frozen=True, slots=True)
class Record:
    """An account as it is stored; `password` is its argon2id hash."""

    account: Account
    password: str | None
    disabled: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token without its secret, of which the digest alone is kept."""

    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class Group:
    """A group with the names of its members, of whom some are owners; `limits` that its members have, by setting.

    `of_account`: an account made it, not the operator.
    """

    name: str
    members: tuple[str, ...]
    owners: tuple[str, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    description: str | None = None
    group_id: int = 0
    of_account: bool = False


class AccountStore:
    """The accounts that `conninfo` leads to. Every method may raise AccountsAway."""

    def __init__(self, conninfo: str, connections: int = 4, wait: float = 5.0) -> None:
        self._pool = lazy_pool(conninfo, "armillary accounts", connections, wait, row_factory=dict_row)

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close(timeout=2)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Row]]:
        try:
            with self._pool.connection() as connection:
                yield connection  # type: ignore[misc]
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise AccountsAway from error

    def rows(self, name: str, values: Mapping[str, Any]) -> list[Row]:
        with self._connection() as connection:
            cursor = connection.execute(_statements()[name], values)
            return cursor.fetchall() if cursor.description else []

    # ---- accounts

    def record(self, name: str) -> Record | None:
        rows = self.rows("account", {"name": name})
        return _record(rows[0]) if rows else None

    def records(self) -> list[Record]:
        return [_record(row) for row in self.rows("accounts", {})]

    def add_account(
        self, name: str, password: str | None, *, email: str | None = None, is_admin: bool = False
    ) -> Account:
        """`password` is a hash. Raises: NameTaken, BadName."""
        values = {"name": name, "password": password, "email": email, "is_admin": is_admin}
        rows = self._named("add_account", values)
        if not rows:
            raise NameTaken(f"There is an account {name} already")
        return Account(rows[0]["account_id"], name, (), is_admin, email)

    def set_password(self, name: str, password: str) -> None:
        """Raises: NoSuchName."""
        self._of_account(name, "set_password", password=password)

    def record_of_subject(self, issuer: str, subject: str) -> Record | None:
        """Return the account that an OpenID provider knows by this subject."""
        rows = self.rows("account_of_subject", {"issuer": issuer, "subject": subject})
        return _record(rows[0]) if rows else None

    def add_account_of_subject(self, name: str, email: str | None, *, issuer: str, subject: str) -> Record | None:
        """Make an account of somebody at a provider; return None where the name is taken. Raises: BadName."""
        values = {"name": name, "email": email, "issuer": issuer, "subject": subject}
        self._named("add_account_of_subject", values)
        return self.record_of_subject(issuer, subject)

    def set_groups_of_claims(self, account: Account, groups: Sequence[str]) -> None:
        """Let an account be in these groups as far as they exist, beside those that an operator put it into."""
        self.rows("groups_of_claims", {"account_id": account.account_id, "groups": list(groups)})

    def rehash(self, record: Record, password: str) -> None:
        """Put a better hash of the same password in place of the one that was verified."""
        values = {"account_id": record.account.account_id, "password": password, "before": record.password}
        self.rows("rehash", values)

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        """Raises: NoSuchName."""
        self._of_account(name, "set_disabled", disabled=disabled)

    def set_admin(self, name: str, *, is_admin: bool) -> None:
        """Raises: NoSuchName."""
        self._of_account(name, "set_admin", is_admin=is_admin)

    def _of_account(self, name: str, statement: str, **values: object) -> None:
        if not self.rows(statement, {"name": name, **values}):
            raise NoSuchName(f"There is no account {name}")

    def _named(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        try:
            return self.rows(statement, values)
        except (psycopg.errors.CheckViolation, psycopg.DataError) as error:
            raise BadName(
                "A name has 1 to 64 characters: letters, digits, . - _ @ and the like, no blanks, colons, slashes or quotes"
            ) from error

    # ---- groups

    def groups(self) -> list[Group]:
        rows = self.rows("groups", {})
        return [Group(**(row | {"members": tuple(row["members"]), "owners": tuple(row["owners"])})) for row in rows]

    def group_name(self, name: str) -> str:
        """Return the name of a group as it is spelt there. Raises: NoSuchName."""
        for group in self.groups():
            if group.name.lower() == name.lower():
                return group.name
        raise NoSuchName(f"There is no group {name}")

    def make_group(self, account: Account, name: str, description: str | None) -> None:
        """Make a group that an account owns. Raises: NameTaken, BadName."""
        values = {"name": name, "description": description, "account_id": account.account_id}
        if not self._named("make_group", values):
            raise NameTaken(f"There is a group {name} already")

    def describe_group(self, group: Group, description: str | None) -> None:
        self.rows("describe_group", {"group_id": group.group_id, "description": description})

    def add_group(self, name: str) -> None:
        """Raises: NameTaken, BadName."""
        if not self._named("add_group", {"name": name}):
            raise NameTaken(f"There is a group {name} already")

    def delete_group(self, name: str) -> None:
        """Raises: NoSuchName."""
        if not self.rows("delete_group", {"name": name}):
            raise NoSuchName(f"There is no group {name}")

    def set_limits(self, group: str, limits: Mapping[str, float]) -> None:
        """Let the members of a group have these limits and no others. Raises: NoSuchName."""
        if not self.rows("set_limits", {"group": group, "limits": Jsonb(dict(limits))}):
            raise NoSuchName(f"There is no group {group}")

    def add_member(self, group: str, name: str, *, is_owner: bool) -> None:
        """Raises: NoSuchName."""
        if not self.rows("add_member", {"group": group, "name": name, "is_owner": is_owner}):
            raise NoSuchName(f"There is no group {group}, or no account {name}")

    def remove_member(self, group: str, name: str) -> None:
        """Raises: NoSuchName."""
        if not self.rows("remove_member", {"group": group, "name": name}):
            raise NoSuchName(f"{name} is no member of {group}")

    # ---- tokens and sessions

    def add_token(self, account: Account, name: str, scopes: Sequence[TokenScope], seconds: float | None) -> str:
        """Make a token that ends in so many seconds, None for never, and return its secret. Raises: NameTaken, BadName."""
        if not _TOKEN_NAME.fullmatch(name):
            raise BadName("The name of a token has 1 to 64 characters: letters, digits, blanks and . _ -")
        secret = _PREFIX + secrets.token_urlsafe(32)
        if not self._add(account, name, secret, scopes, seconds):
            raise NameTaken(f"{account.name} has a token {name} already")
        return secret

    def begin_session(self, account: Account, seconds: float) -> str:
        """Return the secret of a session with all rights of an account."""
        secret = secrets.token_urlsafe(32)
        self.rows("end_expired", {})
        self._add(account, None, secret, tuple(TokenScope), seconds)
        return secret

    def _add(
        self, account: Account, name: str | None, secret: str, scopes: Sequence[TokenScope], seconds: float | None
    ) -> list[Row]:
        values = {"account_id": account.account_id, "name": name, "digest": digest(secret), "seconds": seconds}
        return self.rows("add_token", values | {"scopes": [str(scope) for scope in scopes]})

    def tokens(self, account: Account) -> list[AccessToken]:
        rows = self.rows("tokens", {"account_id": account.account_id})
        return [AccessToken(**(row | {"scopes": tuple(row["scopes"])})) for row in rows]

    def revoke_token(self, account: Account, name: str) -> None:
        """Raises: NoSuchName."""
        # PostgreSQL takes no NUL in a text.
        if "\0" in name or not self.rows("revoke_token", {"account_id": account.account_id, "name": name}):
            raise NoSuchName(f"{account.name} has no token {name}")

    def end_session(self, secret: str) -> None:
        self.rows("end_session", {"digest": digest(secret)})

    def identity(self, secret: str, *, session: bool) -> Identity | None:
        """Return whose token or session it is; None if it is none, no longer, or its account is disabled."""
        rows = self.rows("account_of_token", {"digest": digest(secret)})
        if not rows or (rows[0]["token_name"] is None) is not session:
            return None
        if rows[0]["unseen"]:
            self.rows("token_used", {"token_id": rows[0]["token_id"]})
        scopes = frozenset(TokenScope(scope) for scope in rows[0]["scopes"])
        return Identity(_record(rows[0]).account, scopes, is_token=not session)

    # ---- wrong passwords

    def failures(self, keys: Sequence[str]) -> dict[str, tuple[int, float]]:
        """Return how many there were for each key, and how many seconds ago the latest was."""
        return {row["key"]: (row["count"], row["seconds"]) for row in self.rows("failures", {"keys": list(keys)})}

    def count_failure(self, keys: Sequence[str]) -> None:
        self.rows("failed", {"keys": sorted(keys)})

    def forget_failures(self, key: str) -> None:
        """Forget those of a key."""
        self.rows("forget_failures", {"key": key})


def digest(secret: str) -> bytes:
    """Return what is kept of a secret: it has 256 bits, so that no slow hash is needed."""
    return hashlib.sha256(secret.encode()).digest()


def _record(row: Row) -> Record:
    account = Account(
        row["account_id"],
        row["name"],
        tuple(row["groups"]),
        row["is_admin"],
        row["email"],
        merged(row["limits"]),
        row["shares_are_over"],
    )
    return Record(account, row["password"], row["disabled"], row["created"])


@cache
def _statements() -> dict[str, bytes]:
    return read_statements(files("tap") / "auth" / "sql" / "statements.sql")
