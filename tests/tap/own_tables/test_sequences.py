"""Any sequence of what accounts do with their tables and groups lets each read, and change, what a model says."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.description import Description
from schema.load import open_file
from schema.model import split_name, stored_name
from schema.own_tables.quota import Quota
from schema.own_tables.rows import NewTable, NoSuchTable, TableExists
from tap.auth.accounts import AccountStore
from tap.auth.identity import Account
from tap.auth.rights import Rights
from tap.config import Config
from tap.engine.database import jobs_conninfo, member_conninfo, owner_conninfo, reader_conninfo
from tap.engine.engine import Engine
from tap.jobs import limits_of
from tap.own_tables.own_tables import MoreRows, NotYours, OwnTables, TableChange
from tap.shares.groups import Groups
from tap.shares.shares import TABLE, NewShare, NoSuchShare, Shares
from tap.storage import storage_of
from uws.store import Store

_PEOPLE = ("ada", "bo", "cy")
_NAMES = ("t", "u")
_GROUP = "team"
_WHOM = (*(f"user:{name}" for name in _PEOPLE), f"group:{_GROUP}")
_STEP = st.one_of(
    st.tuples(st.just("make"), st.sampled_from(_PEOPLE), st.sampled_from(_NAMES)),
    st.tuples(st.just("replace"), st.sampled_from(_PEOPLE), st.sampled_from(_NAMES)),
    st.tuples(st.just("drop"), st.sampled_from(_PEOPLE), st.sampled_from(_NAMES)),
    st.tuples(st.just("rename"), st.sampled_from(_PEOPLE), st.sampled_from(_NAMES)),
    st.tuples(st.just("read"), st.sampled_from(_PEOPLE), st.sampled_from(_NAMES), st.sampled_from(_WHOM)),
    st.tuples(st.just("write"), st.sampled_from(_PEOPLE), st.sampled_from(_NAMES), st.sampled_from(_WHOM)),
    st.tuples(st.just("revoke"), st.sampled_from(_PEOPLE), st.sampled_from(_NAMES), st.sampled_from(_WHOM)),
    st.tuples(st.just("join"), st.sampled_from(_PEOPLE), st.just("")),
    st.tuples(st.just("leave"), st.sampled_from(_PEOPLE), st.just("")),
    st.tuples(st.just("dissolve"), st.just("ada"), st.just("")),
)

Step = tuple[str, ...]


@dataclass
class Model:
    """Tables by owner and name, each with whom it is shared with, and whether they may add rows; who is in the group."""

    tables: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)
    members: set[str] = field(default_factory=lambda: {"ada"})

    def right(self, person: str, table: tuple[str, str]) -> bool | None:
        """Return whether somebody may add rows; None for who may not even read."""
        owner, shared = table[0], self.tables.get(table)
        if shared is None or person == owner:
            return None if shared is None else True
        keys = [f"user:{person}", *([f"group:{_GROUP}"] if person in self.members else [])]
        rights = [shared[key] for key in keys if key in shared]
        return any(rights) if rights else None


@dataclass
class World:
    """What really is: accounts of names that no other example has."""

    mark: str
    accounts: AccountStore
    tables: OwnTables
    shares: Shares
    groups: Groups
    engine: Engine
    rights: Rights
    file: Path

    def name(self, person: str) -> str:
        return f"{person}.{self.mark}"

    def account(self, person: str) -> Account:
        record = self.accounts.record(self.name(person))
        assert record
        return record.account

    def whom(self, whom: str) -> str:
        kind, _, name = whom.partition(":")
        return f"{kind}:{self.name(name)}"

    def do(self, step: Step, model: Model) -> None:
        what, person, name, *more = step
        account, table = self.account(person), (person, name)
        if what in {"make", "replace"}:
            self._make(account, name, table, model, replacing=what == "replace")
        elif what in {"join", "leave", "dissolve"}:
            self._change_group(what, person, model)
        elif table not in model.tables:
            with pytest.raises(NoSuchTable):
                self.tables.drop(account, name)
        elif what == "drop":
            self.tables.drop(account, name)
            del model.tables[table]
        elif what == "rename":
            self._rename(account, table, model)
        else:
            self._share(what, account, (table, more[0]), model)

    def _make(self, account: Account, name: str, table: tuple[str, str], model: Model, *, replacing: bool) -> None:
        new = NewTable(name, open_file(self.file), Description(), replacing)
        if table in model.tables and not replacing:
            with pytest.raises(TableExists):
                self.tables.make(account, new)
            return
        self.tables.make(account, new)
        model.tables.setdefault(table, {})

    def _rename(self, account: Account, table: tuple[str, str], model: Model) -> None:
        other = (table[0], next(name for name in _NAMES if name != table[1]))
        if other in model.tables:
            with pytest.raises(TableExists):
                self.tables.change(account, table[1], TableChange(name=other[1]))
            return
        self.tables.change(account, table[1], TableChange(name=other[1]))
        model.tables[other] = model.tables.pop(table)

    def _share(self, what: str, account: Account, share: tuple[tuple[str, str], str], model: Model) -> None:
        table, whom = share
        shared = model.tables[table]
        if whom == f"user:{table[0]}" or (whom == f"group:{_GROUP}" and not model.members):
            return
        if what == "revoke":
            given = [s for s in self.shares.given(account) if s.grantee == self.whom(whom) and self._is(s.name, table)]
            assert bool(given) == (whom in shared)
            for one in given:
                self.shares.revoke(one)
            shared.pop(whom, None)
            return
        self.shares.share(account, NewShare(TABLE, table[1], self.whom(whom), what == "write"))
        shared[whom] = what == "write"

    def _is(self, full_name: str, table: tuple[str, str]) -> bool:
        return tuple(map(stored_name, split_name(full_name))) == (self.name(table[0]), table[1])

    def _change_group(self, what: str, person: str, model: Model) -> None:
        ada = self.account("ada")
        if not model.members:
            self.groups.make(ada, self.name(_GROUP), None)
            model.members = {"ada"}
        group = self.groups.owned(ada, name=self.name(_GROUP))
        if what == "dissolve":
            self.groups.delete(group)
            model.members = set()
            for shared in model.tables.values():
                shared.pop(f"group:{_GROUP}", None)
        elif what == "join":
            self.groups.change(group, [self.name(person)])
            model.members.add(person)
        elif person in model.members - {"ada"}:
            self.groups.change(group, (), [self.name(person)])
            model.members.discard(person)

    def check(self, model: Model) -> None:
        for person in _PEOPLE:
            account = self.account(person)
            with self.engine.session(10, role=self.rights.role(account)) as session:
                seen = {table.parts for table in session.catalogue.tables}
            for owner in _PEOPLE:
                for name in _NAMES:
                    self._check_table(account, (owner, name), model.right(person, (owner, name)), seen)
        with self.engine.session(10) as session:
            assert not [table for table in session.catalogue.tables if self.mark in table.table_name]

    def _check_table(
        self, account: Account, table: tuple[str, str], right: bool | None, seen: set[tuple[str, ...]]
    ) -> None:
        full_name = f'"{self.name(table[0])}".{table[1]}'
        assert ((self.name(table[0]), table[1]) in seen) == (right is not None), (account.name, table)
        if right:
            assert self.tables.append(account, full_name, MoreRows(self.file))[1] == 2
        else:
            with pytest.raises(NoSuchTable if right is None else NotYours):
                self.tables.append(account, full_name, MoreRows(self.file))


@pytest.fixture
def parts(config: Config, sample: Config, accounts: AccountStore, tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "two.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    tables = OwnTables(owner_conninfo(config), accounts, lambda _: Quota())
    jobs = Store(jobs_conninfo(config), limits_of(config.jobs))
    engine = Engine(reader_conninfo(config), 3, member_conninfo=member_conninfo(config))
    shares = Shares(accounts, tables, jobs, storage_of(config, jobs.has_results))
    rights = Rights(owner_conninfo(config), accounts, shares.end_what_is_over)
    for part in (tables, engine, rights):
        part.open()
    yield World("", accounts, tables, shares, Groups(accounts, tables), engine, rights, path)
    for part in (tables, engine, rights):
        part.close()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(_STEP, max_size=10))
def test_any_sequence_means_what_a_model_says(parts: World, steps: list[Step]) -> None:
    parts.mark = secrets.token_hex(4)
    for person in _PEOPLE:
        parts.accounts.add_account(parts.name(person), None)
    parts.groups.make(parts.account("ada"), parts.name(_GROUP), None)
    model = Model()
    for step in steps:
        parts.do(step, model)
        parts.check(model)


def test_a_share_is_revoked_once(parts: World) -> None:
    parts.mark = secrets.token_hex(4)
    for person in _PEOPLE:
        parts.accounts.add_account(parts.name(person), None)
    ada = parts.account("ada")
    parts.tables.make(ada, NewTable("t", open_file(parts.file), Description()))
    share, _ = parts.shares.share(ada, NewShare(TABLE, "t", f"user:{parts.name('bo')}"))
    parts.shares.revoke(parts.shares.find(ada, share.share_id))
    with pytest.raises(NoSuchShare):
        parts.shares.find(ada, share.share_id)
