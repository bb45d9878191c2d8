"""Groups as accounts see to them: those that they own they change, those that they are in they see."""

from collections.abc import Iterable
from dataclasses import dataclass

from tap.auth.accounts import AccountStore, BadName, Group, NameTaken, NoSuchName
from tap.auth.identity import Account
from tap.own_tables.own_tables import NotYours, OwnTables
from uws.parameters import ParameterError

_MOST = 100
_LONGEST = 1000
"""Characters of a description: all groups are read whenever one is looked for."""


class NoSuchGroup(Exception):
    """There is no such group, or none that one may know of."""


@dataclass(frozen=True)
class Groups:
    """Blocks in every method."""

    accounts: AccountStore
    tables: OwnTables

    def of(self, account: Account) -> list[Group]:
        """Return the groups that an account is in."""
        return [group for group in self.accounts.groups() if account.name in group.members]

    def make(self, account: Account, name: str, description: str | None) -> None:
        """Make a group, which the account owns. Raises: ParameterError."""
        if sum(account.name in group.owners for group in self.of(account)) >= _MOST:
            raise ParameterError(f"You own {_MOST} groups, which is as many as one may")
        _check(description)
        try:
            self.accounts.make_group(account, name, description)
        except (NameTaken, BadName) as error:
            raise ParameterError(str(error)) from error

    def owned(self, account: Account, *, name: str = "", number: str = "") -> Group:
        """Return a group by its name, or else its number, to an owner of it. Raises: NoSuchGroup, NotYours."""
        groups = self.of(account)
        if name:
            group = next((group for group in groups if group.name.lower() == name.lower()), None)
        else:
            group = next((group for group in groups if str(group.group_id) == number.strip()), None)
        if group is None:
            raise NoSuchGroup(f"You are in no group {(name or number)[:60]}")
        if account.name not in group.owners:
            raise NotYours(f"Only owners of the group {group.name} change it")
        return group

    def describe(self, group: Group, description: str | None) -> None:
        """Raises: ParameterError."""
        _check(description)
        self.accounts.describe_group(group, description)

    def change(self, group: Group, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Take accounts into a group, and out of it: all or none of those that are added. Raises: ParameterError."""
        names = [self._spelt(name) for name in add]
        for name in names:
            if name not in group.members:
                self.accounts.add_member(group.name, name, is_owner=False)
        for name in remove:
            try:
                self.accounts.remove_member(group.name, name)
            except NoSuchName as error:
                raise ParameterError(str(error)) from error

    def _spelt(self, name: str) -> str:
        record = self.accounts.record(name)
        if record is None:
            raise ParameterError(f"There is no account {name[:60]}")
        return record.account.name

    def delete(self, group: Group) -> None:
        """Delete a group, after all rights that it has."""
        self.tables.forget_group(group.name)
        self.accounts.delete_group(group.name)


def _check(description: str | None) -> None:
    if description and len(description) > _LONGEST:
        raise ParameterError(f"The description of a group has at most {_LONGEST:,} characters")
