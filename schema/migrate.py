"""The numbered SQL files of the house, each applied once, in order, in one transaction."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg
from psycopg import sql

_JOURNAL = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.migrations (
    name    text PRIMARY KEY,
    digest  text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
);
LOCK TABLE {schema}.migrations IN EXCLUSIVE MODE;
"""


class NotMigrated(Exception):
    """A migration that this code needs was not applied to the database."""


class ChangedMigration(Exception):
    """A file that was applied has changed since, or is gone: this code does not fit the database."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Traversable | None = None) -> list[Migration]:
    folder = folder or files("schema") / "sql"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql") and file.name[0].isdigit())
    return [Migration(name, (folder / name).read_text("utf-8")) for name in names]


def migrate(connection: psycopg.Connection, all_migrations: list[Migration], schema: str = "armillary") -> list[str]:
    """Apply the migrations that are pending, and return their names; `schema` keeps the journal.

    Two that migrate at once wait for each other. Raises: ChangedMigration.
    """
    journal = sql.Identifier(schema)
    insert = sql.SQL("INSERT INTO {}.migrations (name, digest) VALUES (%s, %s)").format(journal)
    with connection.transaction():
        connection.execute(sql.SQL(_JOURNAL).format(schema=journal))
        missing = _not_applied(all_migrations, _applied(connection, schema))
        for migration in missing:
            connection.execute(migration.text.encode())
            connection.execute(insert, (migration.name, migration.digest))
    return [migration.name for migration in missing]


def pending(connection: psycopg.Connection, all_migrations: list[Migration], schema: str = "armillary") -> list[str]:
    """Return the names of the migrations that `migrate` would apply, and change nothing. Raises: ChangedMigration."""
    (journal,) = connection.execute("SELECT to_regclass(%s)", (f"{schema}.migrations",)).fetchone() or (None,)
    applied = _applied(connection, schema) if journal else {}
    return [migration.name for migration in _not_applied(all_migrations, applied)]


def _applied(connection: psycopg.Connection, schema: str) -> dict[str, str]:
    select = sql.SQL("SELECT name, digest FROM {}.migrations").format(sql.Identifier(schema))
    return dict(connection.execute(select).fetchall())


def _not_applied(all_migrations: list[Migration], applied: dict[str, str]) -> list[Migration]:
    digests = {migration.name: migration.digest for migration in all_migrations}
    for name, digest in applied.items():
        if digests.get(name) != digest:
            raise ChangedMigration(f"{name} was applied to this database, but is not the file that we have now")
    return [migration for migration in all_migrations if migration.name not in applied]
