"""Own tables in the name of accounts: who may do what, on connections of the role that owns the catalogues."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg_pool import PoolTimeout

from schema.description import Description
from schema.load import open_file
from schema.load.compressed import ANYHOW, Unpacking
from schema.load.reader import LoadError, Reader
from schema.model import Table
from schema.own_tables import changes, leftovers, publication, quota, rows, sharing
from schema.own_tables.changes import OwnTable
from schema.own_tables.names import expected_schema, own_name_of, table_name_of
from schema.own_tables.publication import Offer, Publication
from schema.own_tables.quota import Owner, Quota, Usage
from schema.own_tables.rows import NewTable, NoSuchTable
from schema.publish import Loaded
from schema.readers import forget_grantee, grantee
from schema.statements import statement
from schema.tap_schema import count_change
from tap.auth.accounts import AccountStore
from tap.auth.identity import Account
from tap.auth.rights import grantees_of
from tap.engine.engine import DatabaseAway
from tap.engine.pools import lazy_pool


class NotYours(Exception):
    """The table can be seen, but what was asked is for its owner, or for those who may add rows."""


@dataclass(frozen=True, slots=True)
class MoreRows:
    """A file, and a name that tells its kind; `job` is the one whose result it is."""

    path: Path
    file_name: Path | None = None
    job: str | None = None
    unpacking: Unpacking = ANYHOW


@dataclass(frozen=True, slots=True)
class TableChange:
    """What shall become of a table; None, and what is empty, stays as it is.

    `groups`: the only ones that may read, and that may add rows; an empty name is none. `days` that it is kept.
    """

    description: Description | None = None
    index: tuple[str, ...] = ()
    unique: bool = False
    days: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    groups: tuple[str | None, str | None] = (None, None)

    @property
    def is_owners(self) -> bool:
        """Whether only the owner of a table may do it."""
        return self.days is not None or bool(self.name or self.columns) or self.groups != (None, None)

    def __bool__(self) -> bool:
        return bool(self.description or self.index) or self.is_owners


class TableInUse(Exception):
    """Something that runs keeps a table from being changed."""


_TOO_WIDE = {"54000", "54011"}
_OPTIONS = "-c lock_timeout=8s"
"""No change waits longer for a query that reads its table, while others wait for it."""
LONGEST_DAYS = 36_500
AT_ONCE = 4
"""Loads and changes at once, of one process."""


class OwnTables:
    """Blocks in every method, and may raise DatabaseAway; those that name a table NoSuchTable and NotYours."""

    def __init__(
        self, owner_conninfo: str, accounts: AccountStore, quota_of: Callable[[Account], Quota], wait: float = 10.0
    ) -> None:
        self._accounts = accounts
        self._quota_of = quota_of
        self._pool = lazy_pool(owner_conninfo, "armillary own tables", AT_ONCE, wait, options=_OPTIONS)
        self._loads = lazy_pool(owner_conninfo, "armillary loads", AT_ONCE, wait, options=_OPTIONS)

    def open(self) -> None:
        self._pool.open()
        self._loads.open()

    def close(self) -> None:
        self._pool.close(timeout=2)
        self._loads.close(timeout=2)

    @contextmanager
    def _connection(self, *, takes_long: bool = False) -> Iterator[psycopg.Connection]:
        """What takes long has connections of its own, so that what does not need not wait for it."""
        try:
            with (self._loads if takes_long else self._pool).connection() as connection:
                yield connection
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            raise TableInUse("A query or another change needs this table just now. Please try again soon.") from error
        except (PoolTimeout, psycopg.OperationalError) as error:
            if getattr(error, "sqlstate", None) in _TOO_WIDE:
                raise LoadError("The table is too wide: the database takes 1,600 columns, and rows of 8 kB") from error
            raise DatabaseAway from error

    # ---- what there is

    def schema_of(self, account: Account) -> str:
        """Return the schema that the account's tables are in, or would be."""
        with self._connection() as connection:
            return expected_schema(connection, account.name)

    def quota_of(self, account: Account) -> Quota:
        return self._quota_of(account)

    def usage(self, account: Account, without: str = "") -> Usage:
        """Return what the account's tables use, but for the one called `without`."""
        with self._connection() as connection:
            name = own_name_of(connection, without, account.name) if without else ""
            return quota.usage(connection, account.name, name)

    def has_rows_of(self, account: Account, name: str, job_id: str) -> bool:
        """Return whether the result of a job is in a table."""
        table = self.table(account, name)
        if table is None:
            return False
        with self._connection() as connection:
            row = connection.execute(statement("has_rows_of_job"), (table.table_name, job_id)).fetchone()
            return row is not None

    def table(self, account: Account, name: str) -> OwnTable | None:
        """Return an own table that the account may read, None for any other."""
        with self._connection() as connection:
            try:
                return _readable(connection, account, name)
            except (NoSuchTable, NotYours, LoadError):
                return None

    def columns(self, account: Account, name: str) -> Table:
        """Return a table that the account may add rows to, with its columns."""
        with self._connection() as connection:
            table = _writable(connection, account, name)
            return rows.locked(connection, table.table_name).table

    # ---- rows

    def make(self, account: Account, new: NewTable) -> Loaded:
        """Raises: TableExists, NotOwnSchema, LoadError, DescriptionError."""
        with self._connection(takes_long=True) as connection:
            return rows.create(connection, self._owner(account), new)

    def append(self, account: Account, name: str, more: MoreRows) -> tuple[str, int]:
        """Add a file's rows to a table; return its name and how many they were. Raises: LoadError."""
        known = self.columns(account, name)
        reader = open_for(more, known)
        with self._connection(takes_long=True) as connection:
            table = _writable(connection, account, name)
            return table.table_name, rows.append(connection, self._owner_of(table), table.table_name, reader, more.job)

    # ---- changes

    def change(self, account: Account, name: str, change: TableChange) -> str:
        """Do all of it or nothing; return the table's name afterwards.

        Raises: DescriptionError, LoadError, TableExists, NotOwnSchema.
        """
        with self._connection(takes_long=True) as connection, connection.transaction():
            table = (_owned if change.is_owners else _writable)(connection, account, name)
            if change.index:
                changes.create_index(connection, table.table_name, change.index, unique=change.unique)
            if change.index or change.description:
                description = change.description or Description()
                changes.describe(connection, self._owner_of(table), table.table_name, description)
            if change.columns:
                changes.rename_columns(connection, table.table_name, change.columns)
            if change.groups != (None, None):
                _share_with_groups(connection, table, *change.groups)
            if change.days is not None:
                changes.keep_for(connection, self._owner(account), table.table_name, change.days)
            if change.name is None:
                return table.table_name
            new_name = own_name_of(connection, change.name, account.name)
            changes.rename(connection, table.table_name, new_name)
            self._accounts.rows("rename_shares", {"old": table.table_name, "new": new_name})
            return new_name

    def drop(self, account: Account, name: str, *, waits: bool = True) -> None:
        """Drop a table; where it must not wait for a change of the table, TableInUse is raised."""
        with self._connection() as connection, _patience(connection, waits=waits):
            table = _owned(connection, account, name)
            self._forget_shares(table.table_name)
            changes.drop(connection, table.table_name)

    def share(self, account: Account, name: str, reader: str, *, may_write: bool = False) -> str:
        """Let a grantee read a table, or add rows too; return the table's name in full."""
        with self._connection() as connection:
            table = _owned(connection, account, name)
            sharing.share(connection, table.table_name, reader, may_write=may_write)
            return table.table_name

    def unshare(self, account: Account, name: str, reader: str, *, waits: bool = True) -> None:
        """Take a right; where it must not wait for a change of the table, TableInUse is raised."""
        with self._connection() as connection, _patience(connection, waits=waits):
            sharing.unshare(connection, _owned(connection, account, name).table_name, reader)

    # ---- publication

    def publications(self, account: Account | None) -> list[Publication]:
        """Return those of an account, or of all."""
        with self._connection() as connection:
            return publication.publications(connection, account.name if account else None)

    def offer(self, account: Account, name: str, offer: Offer) -> int:
        """Raises: LoadError."""
        with self._connection() as connection:
            table = _owned(connection, account, name)
            return publication.offer(connection, account.name, table.table_name, offer)

    def withdraw(self, account: Account, number: int) -> None:
        """Raises: NoSuchPublication."""
        with self._connection() as connection:
            publication.withdraw(connection, number, account.name)

    def accept(self, moderator: Account, number: int, name: str) -> str:
        """Return the name of what is published. Raises: NoSuchPublication, LoadError."""
        with self._connection(takes_long=True) as connection:
            return publication.accept(connection, number, moderator.name, name)

    def send_back(self, moderator: Account, number: int, word: str) -> None:
        """Raises: NoSuchPublication."""
        with self._connection() as connection:
            publication.send_back(connection, number, moderator.name, word)

    # ----

    def forget_group(self, group: str) -> None:
        """Take all rights of a group that is about to go, so that another of its name has none of them."""
        with self._connection() as connection, connection.transaction():
            forget_grantee(connection, grantee("group", group))
            connection.execute(statement("forget_writer"), (grantee("group", group),))
            count_change(connection)

    def tidy(self) -> int:
        """Drop what is over or left over; return of how many tables."""
        with self._connection() as connection:
            return leftovers.drop_expired(connection, self._forget_shares) + leftovers.drop_unused(connection)

    def _forget_shares(self, table_name: str) -> None:
        """End the shares of a table before it goes: another of its name must not have them."""
        self._accounts.rows("forget_shares", {"name": table_name})

    # ----

    def _owner(self, account: Account) -> Owner:
        return Owner(account.name, self._quota_of(account))

    def _owner_of(self, table: OwnTable) -> Owner:
        """Return whose quota a table counts in, whoever adds rows to it."""
        record = self._accounts.record(table.account)
        return self._owner(record.account) if record else Owner(table.account)


def open_for(more: MoreRows, table: Table) -> Reader:
    """Open a file whose rows shall go into a table: texts of its columns stay texts, whatever they look like.

    Raises: LoadError, OSError.
    """
    reader = open_file(more.path, name=more.file_name, unpacking=more.unpacking)
    types = {column.name.lower(): column.type for column in table.columns}
    wanted = {
        column.name: type_.adql
        for column in reader.columns
        if (type_ := types.get(column.name.lower())) and not (type_.is_array or type_.is_geometry)
    }
    return open_file(more.path, wanted, more.file_name, more.unpacking)


def _share_with_groups(
    connection: psycopg.Connection, table: OwnTable, readers: str | None, writers: str | None
) -> None:
    groups = {reader for reader in table.readers if reader.startswith("group:")}
    reading, writing = groups - set(table.by_writing), groups & set(table.writers)
    if readers is not None:
        reading = {grantee("group", readers)} if readers else set()
    if writers is not None:
        writing = {grantee("group", writers)} if writers else set()
    for group in groups - reading - writing:
        sharing.unshare(connection, table.table_name, group)
    for group in reading | writing:
        sharing.share(connection, table.table_name, group, may_write=group in writing, reads=group in reading)


@contextmanager
def _patience(connection: psycopg.Connection, *, waits: bool) -> Iterator[None]:
    """Let what happens inside be one transaction that hardly waits, unless it may."""
    if waits:
        yield
        return
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '200ms'")
        yield


# ---- who may


def _readable(connection: psycopg.Connection, account: Account, name: str) -> OwnTable:
    """Return an own table that the account may read. Raises: NoSuchTable; NotYours for one that is public."""
    table_name = table_name_of(connection, name, account.name)
    table = changes.own_table(connection, table_name)
    if table and set(table.readers) & set(grantees_of(account)):
        return table
    if connection.execute(statement("is_public"), {"name": table_name}).fetchone() is not None:
        raise NotYours(f"{table_name} belongs to this service; your own tables can be changed only")
    raise NoSuchTable(f"There is no table {table_name[:120]}")


def _writable(connection: psycopg.Connection, account: Account, name: str) -> OwnTable:
    table = _readable(connection, account, name)
    if table.account != account.name and not set(table.writers) & set(grantees_of(account)):
        raise NotYours(f"You may read {table.table_name}, but not change it")
    return table


def _owned(connection: psycopg.Connection, account: Account, name: str) -> OwnTable:
    table = _readable(connection, account, name)
    if table.account != account.name:
        raise NotYours(f"{table.table_name} belongs to {table.account}, who alone can do that")
    return table
