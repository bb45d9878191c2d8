"""Which role of the database a query runs as: one that may read what its account and the account's groups may."""

from collections.abc import Callable

import psycopg
from psycopg_pool import PoolTimeout

from schema.readers import grantee
from tap.auth.accounts import AccountStore
from tap.auth.identity import Account
from tap.engine.engine import DatabaseAway
from tap.engine.pools import lazy_pool

SESSION_ROLE = """SELECT armillary.session_role(ARRAY(
    SELECT g FROM unnest(%s::text[]) AS g WHERE EXISTS (SELECT FROM armillary.readers AS r WHERE r.grantee = g)))"""


def grantees_of(account: Account) -> list[str]:
    """Return as what an account is given rights: itself, and its groups."""
    return [grantee("user", account.name), *(grantee("group", group) for group in account.groups)]


class NoLongerAllowed(Exception):
    """The account whose job this is was disabled or is gone."""


class Rights:
    """Finds roles, as the owner of the catalogues; nothing is kept, so that what is revoked is gone with the next query."""

    def __init__(
        self,
        owner_conninfo: str,
        accounts: AccountStore,
        end_shares: Callable[[], None] = lambda: None,
        wait: float = 5.0,
    ) -> None:
        """`end_shares` ends those that are over."""
        self._accounts = accounts
        self._end_shares = end_shares
        self._pool = lazy_pool(owner_conninfo, "armillary rights", 2, wait)

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close(timeout=2)

    def role(self, account: Account | None) -> str | None:
        """Return the role of an account, None where it may read no more than everybody. Raises: DatabaseAway."""
        if account is None:
            return None
        try:
            with self._pool.connection() as connection:
                row = connection.execute(SESSION_ROLE, (grantees_of(account),)).fetchone()
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise DatabaseAway from error
        return row[0] if row else None

    def owner(self, name: str | None) -> Account | None:
        """Return the account that a job belongs to, as it is now. Raises: NoLongerAllowed, AccountsAway."""
        if name is None:
            return None
        record = self._accounts.record(name)
        if record is None or record.disabled:
            raise NoLongerAllowed(f"The account {name} cannot be used any more")
        if record.account.shares_are_over:
            self._end_shares()
        return record.account
