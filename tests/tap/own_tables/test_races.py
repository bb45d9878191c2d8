"""Changes of a table that come at the same time, or behind each other: never is it anybody's who may not read it."""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from schema.description import Description, TableDescription
from schema.load import open_file
from schema.load.reader import LoadError
from schema.own_tables import leftovers
from schema.own_tables.names import claim_schema
from schema.own_tables.quota import Quota
from schema.own_tables.rows import NewTable, NoSuchTable, TableExists
from tap.auth.accounts import AccountStore
from tap.auth.identity import Account
from tap.config import Config
from tap.engine.database import owner_conninfo
from tap.own_tables.own_tables import OwnTables, TableChange, TableInUse
from tests.people import MakePerson

GONE = (NoSuchTable, LoadError, TableExists, TableInUse)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "three.csv"
    path.write_text("x,y\n1,2\n3,4\n5,6\n")
    return path


@pytest.fixture
def tables(config: Config, sample: Config, accounts: AccountStore) -> Iterator[OwnTables]:
    tables = OwnTables(owner_conninfo(config), accounts, lambda _: Quota())
    tables.open()
    yield tables
    tables.close()


@pytest.fixture
def ada(person: MakePerson) -> Account:
    return person().account


def open_to_all(reader: psycopg.Connection, account: Account) -> list[str]:
    """The tables of an account that a stranger may read, or knows of."""
    rows = reader.execute(
        "SELECT table_name FROM tap_schema.tables WHERE position(%s IN table_name) > 0", (account.name,)
    )
    known = [str(name) for (name,) in rows.fetchall()]
    rows = reader.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'"
        " AND has_table_privilege(oid, 'SELECT')",
        (f'"{account.name}"',),
    )
    return known + [str(name) for (name,) in rows.fetchall()]


def make(tables: OwnTables, account: Account, name: str, file: Path, *, replacing: bool = False) -> None:
    tables.make(account, NewTable(name, open_file(file), Description(), replacing))


CHANGES: dict[str, Callable[[OwnTables, Account, Path], object]] = {
    "describe": lambda tables, ada, _: tables.change(
        ada, "t", TableChange(Description(TableDescription(description="another")))
    ),
    "index": lambda tables, ada, _: tables.change(ada, "t", TableChange(index=("x",))),
    "replace": lambda tables, ada, file: make(tables, ada, "t", file, replacing=True),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("before", ["drop", "rename"])
def test_a_change_behind_another_opens_a_table_to_nobody(
    tables: OwnTables,
    ada: Account,
    file: Path,
    reader: psycopg.Connection,
    *,
    owner: psycopg.Connection,
    before: str,
    change: str,
) -> None:
    """What is known of the table is locked, as a load does, until both wait for it; a query keeps its rows."""
    make(tables, ada, "t", file)
    with ThreadPoolExecutor(2) as threads, owner.transaction():
        owner.execute("SELECT FROM armillary.loaded WHERE table_name = %s FOR UPDATE", (f'"{ada.name}".t',))
        owner.execute(f'LOCK TABLE "{ada.name}".t IN ACCESS SHARE MODE'.encode())
        first = threads.submit(
            lambda: tables.drop(ada, "t") if before == "drop" else tables.change(ada, "t", TableChange(name="u"))
        )
        time.sleep(0.4)
        second = threads.submit(CHANGES[change], tables, ada, file)
        time.sleep(0.4)
    for task in (first, second):
        try:
            task.result(30)
        except GONE:
            continue
    assert open_to_all(reader, ada) == []


def test_renames_and_descriptions_at_once_open_a_table_to_nobody(
    tables: OwnTables, ada: Account, file: Path, reader: psycopg.Connection
) -> None:
    make(tables, ada, "t", file)
    with ThreadPoolExecutor(3) as threads:
        for turn in range(12):
            old, new = ("t", "u") if turn % 2 == 0 else ("u", "t")
            described = TableChange(Description(TableDescription(description=f"number {turn}")))
            tasks = [threads.submit(tables.change, ada, old, described) for _ in range(2)]
            tables.change(ada, old, TableChange(name=new))
            for task in tasks:
                try:
                    task.result(30)
                except GONE:
                    continue
            assert open_to_all(reader, ada) == []
    table = tables.table(ada, "t")
    assert (table and table.table_name, tables.usage(ada).tables) == (f'"{ada.name}".t', 1)


def test_what_lies_in_a_schema_of_an_account_and_was_not_loaded_here_is_left_alone(
    owner: psycopg.Connection, ada: Account
) -> None:
    schema_name = claim_schema(owner, ada.name)
    owner.execute(f'CREATE SCHEMA "{schema_name}" CREATE TABLE precious (a int)'.encode())
    leftovers.drop_unused(owner)
    assert owner.execute(f'SELECT count(*) FROM "{schema_name}".precious'.encode()).fetchone() == (0,)


def test_a_table_that_is_refused_claims_no_schema(
    tables: OwnTables, ada: Account, file: Path, owner: psycopg.Connection
) -> None:
    with pytest.raises(Exception, match="is not in your schema"):
        make(tables, ada, f"demo.{secrets.token_hex(3)}", file)
    assert owner.execute("SELECT FROM armillary.own_schemas WHERE account = %s", (ada.name,)).fetchone() is None
