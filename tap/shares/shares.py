"""Shares: made, ended, listed. A table's are rights in the database, which this keeps in step with what is written down."""

import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import psycopg

from schema.description import Description, TableDescription
from schema.load import open_file
from schema.load.reader import LoadError
from schema.own_tables.changes import OwnTable
from schema.own_tables.rows import NewTable, NoSuchTable
from schema.readers import grantee
from tap.auth.accounts import AccountStore, NoSuchName, digest
from tap.auth.identity import Account
from tap.auth.rights import grantees_of
from tap.engine.engine import DatabaseAway
from tap.observe import Fault, observe
from tap.own_tables.own_tables import LONGEST_DAYS, NotYours, OwnTables, TableInUse
from tap.own_tables.results import result_file
from tap.storage import Storage
from uws.errors import NoSuchJob
from uws.job import Job
from uws.parameters import ParameterError
from uws.store import Store, is_job_id

LINK = "link"
TABLE, JOB = "table", "job"
_NOTHING = "This link leads to nothing, or no longer"
_HURRY = 0.5
"""Seconds that a request waits for another that ends shares."""


class NoSuchShare(Exception):
    """There is no such share, or it is over."""


@dataclass(frozen=True, slots=True)
class Share:
    """What `giver` lets `grantee` read, or whoever has a link; `name` is a table's in full or the id of a job.

    `title` is the table as its owner called it, `mounted` the one that a job's result can be read as.
    """

    share_id: int
    account_id: int
    giver: str
    kind: str
    name: str
    grantee: str | None
    may_write: bool
    title: str | None
    mounted: str | None
    created: datetime
    expires: datetime | None

    @property
    def whom(self) -> str:
        return self.grantee or LINK


@dataclass(frozen=True, slots=True)
class NewShare:
    """`whom` is user:NAME, group:NAME or link, in any case of letters; `days` None for ever.

    `mount` is the name of a table that the result of a job shall be readable as.
    """

    kind: str
    name: str
    whom: str
    may_write: bool = False
    days: int | None = None
    mount: str | None = None


@dataclass(frozen=True)
class Shares:
    """Blocks in every method."""

    accounts: AccountStore
    tables: OwnTables
    jobs: Store
    storage: Storage
    ending: threading.Lock = field(default_factory=threading.Lock)

    def share(self, account: Account, new: NewShare) -> tuple[Share, str | None]:
        """Share what is the account's; return also the secret of a link, which is shown once.

        Raises: ParameterError, NoSuchTable, NoSuchJob.
        """
        if new.days is not None and not 0 < new.days <= LONGEST_DAYS:
            raise ParameterError(f"DAYS must be a number from 1 to {LONGEST_DAYS}")
        name = self._name(account, new)
        whom = self._whom(new.whom)
        if whom == grantee("user", account.name):
            raise ParameterError("It is yours already")
        secret = secrets.token_urlsafe(32) if whom is None else None
        values = {
            "account_id": account.account_id,
            "kind": new.kind,
            "name": name,
            "grantee": whom,
            "digest": digest(secret) if secret else None,
            "may_write": new.may_write,
            "title": new.name if new.kind == TABLE else None,
            "mounted": self._mounted(account, new, whom),
            "days": new.days,
        }
        row = self.accounts.rows("share", values)[0]
        if new.kind == TABLE and whom:
            self.tables.share(account, name, whom, may_write=new.may_write)
        share = _share({**row, "giver": account.name})
        self._tell(share, account.name, "shared")
        return share, secret

    def _mounted(self, account: Account, new: NewShare, whom: str | None) -> str | None:
        """Make a table of a job's result, and let the grantee read it; return its name. Raises: ParameterError, LoadError."""
        if new.mount is None:
            return None
        if new.kind != JOB or whom is None:
            raise ParameterError("AS mounts the result of a job for an account or a group")
        there = next((s for s in self.given(account) if (s.kind, s.name, s.grantee) == (JOB, new.name, whom)), None)
        if there and there.mounted:
            raise ParameterError(f"It is mounted as {there.mounted} already; end share {there.share_id} first")
        about = Description(TableDescription(description=f"Result of a job of {account.name}"))
        with result_file(self.storage, self.jobs.job(new.name)) as path:
            made = self.tables.make(account, NewTable(new.mount, open_file(path), about, job=new.name, mounted=True))
        self.tables.share(account, made.table.table_name, whom)
        return made.table.table_name

    def _name(self, account: Account, new: NewShare) -> str:
        """Return the name in full of what is the account's own. Raises: NoSuchTable, NoSuchJob, ParameterError."""
        if new.may_write and (new.kind == JOB or new.whom == LINK):
            raise ParameterError("MODE=write is for tables that are shared with an account or a group")
        if new.kind == TABLE:
            table = self.tables.table(account, new.name)
            if table is None or table.account != account.name:
                raise NoSuchTable(f"There is no table {new.name[:120]} of yours")
            return table.table_name
        jobs = self.jobs.jobs([new.name]) if is_job_id(new.name) else []
        if not jobs or jobs[0].owner_id != account.name:
            raise NoSuchJob(f"There is no job {new.name[:40]} of yours")
        return new.name

    def _whom(self, text: str) -> str | None:
        """Return the grantee as it is spelt here, None for a link; a bare name is an account's. Raises: ParameterError."""
        kind, _, name = text.partition(":")
        try:
            if text == LINK:
                return None
            if kind == "group" and name:
                return grantee("group", self.accounts.group_name(name))
        except NoSuchName as error:
            raise ParameterError(str(error)) from error
        if kind not in {"user", text} or not text.removeprefix("user:"):
            raise ParameterError(f"WITH is user:NAME, group:NAME or link, not {text[:60]!r}")
        name = name or text
        record = self.accounts.record(name)
        if record is None:
            raise ParameterError(f"There is no account {name[:60]}")
        return grantee("user", record.account.name)

    def find(self, account: Account, share_id: int | None) -> Share:
        """Return a share of the account's by its number. Raises: NoSuchShare."""
        share = next((share for share in self.given(account) if share.share_id == share_id), None)
        if share is None:
            raise NoSuchShare("You have no such share")
        return share

    def revoke(self, share: Share) -> None:
        """End a share at once, at the wish of who gave it."""
        self._end(share)
        self._tell(share, share.giver, "revoked")

    def end_what_is_over(self) -> None:
        """End the shares whose time is over; what cannot be ended now stays for the next time, and disturbs nobody."""
        if not self.ending.acquire(timeout=_HURRY):
            return
        try:
            self._end_all()
        finally:
            self.ending.release()

    def _end_all(self) -> None:
        for row in self.accounts.rows("shares_that_are_over", {}):
            share = _share(row)
            try:
                self._end(share, waits=False)
            except (LoadError, TableInUse, DatabaseAway, psycopg.Error) as error:
                observe(Fault(f"the end of share {share.share_id}", error))

    def _end(self, share: Share, *, waits: bool = True) -> None:
        """Take the right first, so that what is written down leads to it until it is gone."""
        record = self.accounts.record(share.giver)
        with suppress(NoSuchTable, NotYours):
            if record and share.kind == TABLE and share.grantee:
                self.tables.unshare(record.account, share.name, share.grantee, waits=waits)
        with suppress(NoSuchTable, NotYours):
            if record and share.mounted:
                self.tables.drop(record.account, share.mounted, waits=waits)
        self.accounts.rows("end_share", {"share_id": share.share_id})

    # ---- what there is

    def given(self, account: Account) -> list[Share]:
        return [_share(row) for row in self.accounts.rows("shares_given", {"account_id": account.account_id})]

    def received(self, account: Account) -> list[Share]:
        values = {"account_id": account.account_id, "grantees": grantees_of(account)}
        return [_share(row) for row in self.accounts.rows("shares_received", values)]

    def of_link(self, secret: str) -> Share:
        """Raises: NoSuchShare."""
        rows = self.accounts.rows("share_of_link", {"digest": digest(secret)})
        if not rows:
            raise NoSuchShare(_NOTHING)
        return _share(rows[0])

    def linked_table(self, share: Share) -> tuple[Account, OwnTable]:
        """Return the table that a link is to, and whose it is. Raises: NoSuchShare."""
        record = self.accounts.record(share.giver)
        table = self.tables.table(record.account, share.name) if record else None
        # A link is to a table, not to whatever has its name later.
        if record is None or table is None or table.created > share.created:
            raise NoSuchShare(_NOTHING)
        return record.account, table

    def linked_job(self, share: Share) -> Job:
        """Return the job that a link is to. Raises: NoSuchShare."""
        try:
            return self.jobs.job(share.name)
        except NoSuchJob as error:
            raise NoSuchShare(_NOTHING) from error

    def of_job(self, job_id: str, reader: str | None) -> Share | None:
        """Return the share by which an account may read somebody else's job."""
        rows = self.accounts.rows("share_of_job", {"name": job_id, "reader": reader}) if reader else []
        return _share(rows[0]) if rows else None

    def fetched(self, share: Share, who: str) -> None:
        """Write down who fetched what is shared: an account, or an address."""
        self._tell(share, who, "fetched")

    def _tell(self, share: Share, who: str, what: str) -> None:
        values = {"account_id": share.account_id, "who": who, "what": what, "name": share.name, "grantee": share.whom}
        self.accounts.rows("add_event", values)

    def events(self, account: Account) -> list[dict[str, Any]]:
        return self.accounts.rows("events", {"account_id": account.account_id})


def _share(row: Mapping[str, Any]) -> Share:
    return Share(**{field.name: row[field.name] for field in fields(Share)})
