"""Migrations are applied once, in order, whole or not at all."""

from collections.abc import Iterator

import psycopg
import pytest

from schema.migrate import ChangedMigration, Migration, migrate, migrations


@pytest.fixture
def scratch(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield owner
    owner.execute("DROP SCHEMA IF EXISTS m CASCADE")
    owner.execute("DELETE FROM armillary.migrations WHERE name LIKE '9%'")


FIRST = Migration("9001_first.sql", "CREATE SCHEMA m; CREATE TABLE m.a (x integer);")
SECOND = Migration("9002_second.sql", "ALTER TABLE m.a ADD y integer;")


def test_the_database_of_these_tests_is_up_to_date(owner: psycopg.Connection) -> None:
    assert migrate(owner, migrations()) == []


def test_each_is_applied_once_and_later_ones_are_added(scratch: psycopg.Connection) -> None:
    ours = migrations()
    assert migrate(scratch, [*ours, FIRST]) == ["9001_first.sql"]
    assert migrate(scratch, [*ours, FIRST]) == []
    assert migrate(scratch, [*ours, FIRST, SECOND]) == ["9002_second.sql"]
    assert scratch.execute("SELECT x, y FROM m.a").fetchall() == []


def test_one_that_fails_takes_the_others_back(scratch: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error):
        migrate(scratch, [*migrations(), FIRST, Migration("9002_second.sql", "ALTER TABLE m.nothing ADD y integer")])
    assert scratch.execute("SELECT to_regnamespace('m')").fetchone() == (None,)
    assert migrate(scratch, migrations()) == []


def test_a_changed_file_is_refused(scratch: psycopg.Connection) -> None:
    migrate(scratch, [*migrations(), FIRST])
    with pytest.raises(ChangedMigration, match="9001_first"):
        migrate(scratch, [*migrations(), Migration("9001_first.sql", "CREATE SCHEMA other")])


def test_a_database_of_newer_code_is_refused(scratch: psycopg.Connection) -> None:
    migrate(scratch, [*migrations(), FIRST])
    with pytest.raises(ChangedMigration, match="9001_first"):
        migrate(scratch, migrations())
