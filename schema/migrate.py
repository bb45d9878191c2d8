"""The numbered SQL files of the house, each applied once, in order, in one transaction."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg

_JOURNAL = """
CREATE SCHEMA IF NOT EXISTS armillary;
CREATE TABLE IF NOT EXISTS armillary.migrations (
    name    text PRIMARY KEY,
    digest  text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
);
LOCK TABLE armillary.migrations IN EXCLUSIVE MODE;
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


def migrate(connection: psycopg.Connection, wanted: list[Migration]) -> list[str]:
    """The names of what was applied now. Two that migrate at once wait for each other.

    Raises: ChangedMigration.
    """
    with connection.transaction():
        connection.execute(_JOURNAL)
        applied: dict[str, str] = dict(connection.execute("SELECT name, digest FROM armillary.migrations").fetchall())
        pending = _pending(wanted, applied)
        for migration in pending:
            connection.execute(migration.text.encode())
            connection.execute(
                "INSERT INTO armillary.migrations (name, digest) VALUES (%s, %s)",
                (migration.name, migration.digest),
            )
    return [migration.name for migration in pending]


def _pending(wanted: list[Migration], applied: dict[str, str]) -> list[Migration]:
    known = {migration.name: migration.digest for migration in wanted}
    for name, digest in applied.items():
        if known.get(name) != digest:
            raise ChangedMigration(f"{name} was applied to this database, but is not the file that we have now")
    return [migration for migration in wanted if migration.name not in applied]
