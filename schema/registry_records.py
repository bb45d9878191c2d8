"""When the records of the service's registry came, changed and went: kept for ever, since harvesters ask for what is new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from schema.statements import statement


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """What is known of a record beside what it says: instants in UTC, to the second."""

    identifier: str
    created: datetime
    changed: datetime
    is_deleted: bool


def registry_records(connection: psycopg.Connection, authority: str) -> list[RegistryRecord]:
    """Return all records there ever were of an authority (`ivo://org.example`), by the time of their last change."""
    rows = connection.execute(statement("registry_records"), {"authority": authority}).fetchall()
    records = [
        RegistryRecord(str(identifier), created.astimezone(UTC), changed.astimezone(UTC), bool(is_deleted))
        for identifier, created, changed, is_deleted in rows
    ]
    return sorted(records, key=lambda record: (record.changed, record.identifier))


def lock_records(connection: psycopg.Connection) -> None:
    """Let nobody else change records until the end of the transaction."""
    connection.execute(statement("lock_registry_records"))


def keep_records(connection: psycopg.Connection, authority: str, digests: Mapping[str, str]) -> None:
    """Keep which records there are now, by digests of what they say, in the caller's transaction.

    Those that are new or different are changed at this second; those that are missing are deleted.
    """
    identifiers = list(digests)
    values = {"authority": authority, "identifiers": identifiers, "digests": list(digests.values())}
    connection.execute(statement("put_registry_records"), values)
    connection.execute(statement("end_registry_records"), values)
