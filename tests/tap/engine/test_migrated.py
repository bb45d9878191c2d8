"""`armillary serve --no-migrate` on a database that somebody else makes ready."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from schema.migrate import NotMigrated
from tap.config import ENVIRONMENT, Config
from tap.engine.database import admin_conninfo, check_migrated, cluster_of, prepare
from tests.command import armillary

NEWER = "INSERT INTO {}.migrations (name, digest) VALUES ('9999_newer.sql', 'of a version to come')"
OLDER = "DELETE FROM {}.migrations WHERE name = (SELECT max(name) FROM {}.migrations)"


@pytest.fixture
def empty(config: Config) -> Iterator[Config]:
    """The configuration of a service whose database has nothing in it."""
    name = f"empty_{secrets.token_hex(4)}"
    with psycopg.connect(admin_conninfo(config), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        sockets = cluster_of(config.database).sockets
        admin = f"host={sockets} dbname={name} user=armillary_admin"
        yield config.changed(database=f"host={sockets} dbname={name}", admin_database=admin)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def ready(empty: Config) -> Config:
    prepare(empty, print)
    return empty


def test_a_database_that_was_never_made_ready_is_not_served(empty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT}DATABASE", empty.database.database)
    said = armillary("serve", "--no-migrate", fails=True)
    assert said == "Error: The database lacks 0001_jobs.sql: run `armillary migrate` first\n"


@pytest.mark.parametrize("schema", ["uws", "accounts", "armillary"])
def test_one_that_lacks_a_migration_is_told_and_one_that_has_more_is_served(ready: Config, schema: str) -> None:
    check_migrated(ready)
    with psycopg.connect(admin_conninfo(ready), autocommit=True) as connection:
        connection.execute(OLDER.format(schema, schema).encode())
        with pytest.raises(NotMigrated):
            check_migrated(ready)
        connection.execute(NEWER.format(schema).encode())
    check_migrated(ready)


def test_what_one_store_has_more_hides_nothing_that_another_lacks(ready: Config) -> None:
    with psycopg.connect(admin_conninfo(ready), autocommit=True) as connection:
        connection.execute(NEWER.format("uws").encode())
        connection.execute(OLDER.format("accounts", "accounts").encode())
    with pytest.raises(NotMigrated):
        check_migrated(ready)
