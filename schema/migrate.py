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


class ChangedMigration(Exception):
    """A file that was applied is not what it was then, or is gone: this code is not the database's."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Traversable | None = None) -> list[Migration]:
    folder = folder or files("schema") / "sql"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql") and each.name[0].isdigit())
    return [Migration(name, (folder / name).read_text("utf-8")) for name in names]


def migrate(connection: psycopg.Connection, wanted: list[Migration], schema: str = "armillary") -> list[str]:
    """The names of what was applied now; `schema` keeps the journal. Two that migrate at once wait for each other.

    Raises: ChangedMigration.
    """
    journal = sql.Identifier(schema)
    insert = sql.SQL("INSERT INTO {}.migrations (name, digest) VALUES (%s, %s)").format(journal)
    with connection.transaction():
        connection.execute(sql.SQL(_JOURNAL).format(schema=journal))
        select = sql.SQL("SELECT name, digest FROM {}.migrations").format(journal)
        applied: dict[str, str] = dict(connection.execute(select).fetchall())
        pending = _pending(wanted, applied)
        for migration in pending:
            connection.execute(migration.text.encode())
            connection.execute(insert, (migration.name, migration.digest))
    return [migration.name for migration in pending]


def _pending(wanted: list[Migration], applied: dict[str, str]) -> list[Migration]:
    known = {migration.name: migration.digest for migration in wanted}
    for name, digest in applied.items():
        if known.get(name) != digest:
            raise ChangedMigration(f"{name} was applied to this database, but is not the file that we have now")
    return [migration for migration in wanted if migration.name not in applied]
