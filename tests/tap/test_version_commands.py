"""Versions of tables: kept, switched between, withdrawn; what their rows and their readers are."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adql.errors import WithdrawnTable
from adql.translate import translate
from schema.tap_schema import count_change, read_catalogue, remove_table
from schema.versions import next_version
from tap.query.remarks import identifiers_of
from tests import command
from tests.contract.client import get

Load = Callable[..., str]
"""Loads depot.stars with so many rows, and options."""


@pytest.fixture
def depot(environment: None, owner: psycopg.Connection, tmp_path: Path) -> Iterator[psycopg.Connection]:
    """The database of the commands, with a schema `depot` for tables of this test."""
    yield owner
    for table in read_catalogue(owner).tables:
        if table.schema_name == "depot":
            remove_table(owner, table.table_name)
    owner.execute("DELETE FROM armillary.withdrawn")
    owner.execute("DELETE FROM armillary.access WHERE name LIKE 'depot%'")
    count_change(owner)
    owner.execute("DROP SCHEMA IF EXISTS depot CASCADE")


@pytest.fixture
def load(depot: psycopg.Connection, tmp_path: Path) -> Load:
    def load(rows: int, *options: str, fails: bool = False) -> str:
        path = tmp_path / "stars.parquet"
        positions = [float(row) for row in range(rows)]
        pq.write_table(pa.table({"id": list(range(rows)), "ra": positions, "dec": positions}), path)
        return armillary("load", str(path), "--table", "depot.stars", *options, fails=fails)

    return load


def armillary(*arguments: str, fails: bool = False) -> str:
    """What the command says, on one line."""
    return " ".join(command.armillary(*arguments, fails=fails).split())


def grant_to_survey(table_name: str) -> None:
    """Let only a group read a table; another test may have made the group."""
    with suppress(AssertionError):
        command.armillary("groups", "add", "survey")
    armillary("grant", table_name, "--group", "survey")


def count(connection: psycopg.Connection, name: str) -> int:
    """Return the number of rows, by a query in ADQL."""
    translation = translate(f"SELECT COUNT(*) AS n FROM {name}", read_catalogue(connection))
    row = connection.execute(translation.sql.encode()).fetchone()
    return int(row[0]) if row else -1


@pytest.mark.parametrize(
    ("version", "following"),
    [("1", "2"), ("9", "10"), ("DR2.9", "DR2.10"), ("beta", "beta.2"), ("2026-11", "2026-12")],
)
def test_the_next_version_counts_on(version: str, following: str) -> None:
    assert next_version(version) == following


def test_a_version_that_is_kept_stays_readable_under_its_name(depot: psycopg.Connection, load: Load) -> None:
    load(3)
    load(5, "--keep")
    load(7, "--keep", "--version", "DR2")
    assert count(depot, "depot.stars") == 7
    assert count(depot, 'depot."stars@1"') == 3
    assert count(depot, 'depot."stars@2"') == 5
    tables = {table.table_name: table for table in read_catalogue(depot).tables}
    assert tables["depot.stars"].origin.version == "DR2"
    assert tables['depot."stars@1"'].origin.version == "1"
    assert tables['depot."stars@1"'].nrows == 3
    assert [column.column_name for column in tables['depot."stars@1"'].columns] == ["id", "ra", "dec"]
    said = armillary("versions", "list", "depot.stars")
    assert said.index("DR2 depot.stars") < said.index("2 depot.") < said.index("1 depot.")


def test_without_keep_the_one_before_is_gone_and_those_that_were_kept_are_there(
    depot: psycopg.Connection, load: Load
) -> None:
    load(3)
    load(5, "--keep")
    load(6)
    stored = depot.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'depot'").fetchone()
    assert stored == (2,)
    assert count(depot, 'depot."stars@1"') == 3
    assert "3 depot.stars" in armillary("versions", "list", "depot.stars")


def test_a_version_that_was_kept_can_be_the_default_again(depot: psycopg.Connection, load: Load) -> None:
    load(3)
    load(5, "--keep")
    assert "is version 1 now" in armillary("versions", "default", "depot.stars", "1")
    assert (count(depot, "depot.stars"), count(depot, 'depot."stars@2"')) == (3, 5)
    assert "1 depot.stars" in armillary("versions", "list", "depot.stars")
    assert 'There is no depot."stars@1"' in armillary("versions", "default", "depot.stars", "1", fails=True)
    load(9, "--keep", "--version", "3")
    assert (count(depot, "depot.stars"), count(depot, 'depot."stars@1"')) == (9, 3)
    assert armillary("unpublish", 'depot."stars@1"', "--drop")
    assert count(depot, 'depot."stars@2"') == 5


def test_the_same_version_twice_is_refused_and_nothing_is_changed(depot: psycopg.Connection, load: Load) -> None:
    load(3, "--version", "DR1")
    assert "needs another one" in load(5, "--keep", "--version", "DR1", fails=True)
    assert count(depot, "depot.stars") == 3
    assert "letters, digits" in load(5, "--version", 'a"b', fails=True)
    load(5, "--keep", "--version", "DR2")
    load(6, "--version", "DR1")
    assert "has a version DR1 already" in load(7, "--keep", fails=True)


def test_whoever_asks_for_what_is_withdrawn_is_told_why(depot: psycopg.Connection, load: Load) -> None:
    load(3)
    load(5, "--keep")
    armillary("versions", "withdraw", "depot.stars", "1", "--reason", "its parallaxes have the wrong sign")
    with pytest.raises(WithdrawnTable, match="its parallaxes have the wrong sign"):
        count(depot, 'depot."stars@1"')
    assert "withdrawn: its parallaxes" in armillary("versions", "list", "depot.stars")
    armillary("publish", 'depot."stars@1"')
    assert count(depot, 'depot."stars@1"') == 3
    assert "withdrawn" not in armillary("versions", "list", "depot.stars")


def test_what_is_withdrawn_stays_so_when_its_name_means_another_version(depot: psycopg.Connection, load: Load) -> None:
    load(3, "--version", "DR1")
    load(5, "--keep", "--version", "DR2")
    armillary("versions", "withdraw", "depot.stars", "--reason", "its parallaxes have the wrong sign")
    armillary("versions", "default", "depot.stars", "DR1")
    assert count(depot, "depot.stars") == 3
    with pytest.raises(WithdrawnTable, match="its parallaxes have the wrong sign"):
        count(depot, 'depot."stars@DR2"')
    assert 'DR2 depot."stars@DR2"' in armillary("versions", "list", "depot.stars")
    armillary("publish", 'depot."stars@DR2"')
    assert count(depot, 'depot."stars@DR2"') == 5


def test_a_version_has_the_identifier_of_its_table_in_the_registry(depot: psycopg.Connection, load: Load) -> None:
    load(3)
    load(5, "--keep")
    query = 'SELECT a.id FROM depot.stars AS a JOIN depot."stars@1" AS b ON a.id = b.id'
    translation = translate(query, read_catalogue(depot))
    assert identifiers_of(translation, "org.example") == ("ivo://org.example/depot/stars",)


def test_no_version_comes_twice(depot: psycopg.Connection, load: Load) -> None:
    load(3)
    load(4, "--keep")
    armillary("versions", "default", "depot.stars", "1")
    load(5, "--keep")
    assert "3 depot.stars" in armillary("versions", "list", "depot.stars")
    armillary("versions", "withdraw", "depot.stars", "--reason", "wrong")
    load(6)
    assert "4 depot.stars" in armillary("versions", "list", "depot.stars")


def test_a_version_has_the_readers_of_its_table(
    depot: psycopg.Connection, reader: psycopg.Connection, load: Load
) -> None:
    load(3)
    grant_to_survey("depot.stars")
    load(5, "--keep")
    row = depot.execute("SELECT is_public FROM armillary.table_rules WHERE table_name = 'depot.\"stars@1\"'").fetchone()
    assert row == (False,)
    assert [table for table in read_catalogue(reader).tables if table.schema_name == "depot"] == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT * FROM depot.stars")


def test_statistics_go_with_their_version(depot: psycopg.Connection, load: Load) -> None:
    load(3)
    load(5, "--keep")
    largest = dict(
        depot.execute(
            "SELECT table_name, largest FROM tap_schema.column_statistics WHERE column_name = 'id' AND table_name LIKE 'depot%'"
        ).fetchall()
    )
    assert largest == {"depot.stars": "4", 'depot."stars@1"': "2"}
    armillary("versions", "default", "depot.stars", "1")
    row = depot.execute(
        "SELECT largest FROM tap_schema.column_statistics WHERE column_name = 'id' AND table_name = 'depot.stars'"
    ).fetchone()
    assert row == ("2",)


def test_pages_and_vosi_tell_of_versions_and_of_what_is_withdrawn(
    depot: psycopg.Connection, load: Load, service: str
) -> None:
    load(3, "--version", "DR1")
    load(5, "--keep", "--version", "DR2")
    page = get(f"{service}/tables/depot.stars", {}, Accept="text/html").text
    assert "version DR2" in page
    assert "/tables/depot.%22stars%40DR1%22" in page
    document = get(f'{service}/tables/depot."stars@DR1"', {}).text
    assert "<name>id</name>" in document
    armillary("versions", "withdraw", "depot.stars", "DR1", "--reason", "wrong parallaxes")
    for accept in ("text/html", "*/*"):
        reply = get(f'{service}/tables/depot."stars@DR1"', {}, Accept=accept)
        assert (reply.status, "wrong parallaxes" in reply.text) == (404, True)
    reply = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": 'SELECT * FROM depot."stars@DR1"'})
    assert (reply.status, "wrong parallaxes" in reply.text) == (400, True)


def test_of_a_withdrawn_table_that_only_some_could_read_nobody_hears(
    depot: psycopg.Connection, reader: psycopg.Connection, load: Load
) -> None:
    load(3)
    grant_to_survey("depot.stars")
    armillary("versions", "withdraw", "depot.stars", "--reason", "secret")
    assert read_catalogue(reader).withdrawn == {}
    assert read_catalogue(depot).withdrawn == {"depot.stars": "secret"}
