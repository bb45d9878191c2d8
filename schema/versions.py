"""Versions of a table: which one it has, older ones that stay readable as "name@version", and such as are withdrawn."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg

from schema.description import Description
from schema.division import ranges_of, restore_ranges
from schema.listing import publish_known
from schema.load.reader import LoadError
from schema.loaded import Known, forget, remember
from schema.model import Table, delimited, quoted_if_needed, split_name, unquoted_parts
from schema.redescribe import known_table
from schema.statements import statement
from schema.statistics.store import copy_statistics, drop_statistics
from schema.tap_schema import count_change_of, remove_table

_LAST_NUMBER = re.compile(r"\d+\Z")
_VERSION = re.compile(r"[\w.+-]{1,20}\Z")
FIRST = "1"


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A version of a table, by the name under which it can be queried now; `withdrawn` is why it cannot."""

    version: str
    table_name: str
    release: str | None
    nrows: int | None
    updated: datetime | None
    is_default: bool
    withdrawn: str | None = None


def versioned_name(table_name: str, version: str) -> str:
    """Return the published name of a version that is kept: demo."stars@1"."""
    schema_name, name = unquoted_parts(table_name)
    return f"{quoted_if_needed(schema_name)}.{delimited(f'{name}@{version}')}"


def next_version(version: str) -> str:
    """Return the version after one, by the number at its end: 3 after 2, DR2.2 after DR2.1, and beta.2 after beta."""
    match = _LAST_NUMBER.search(version)
    return f"{version[: match.start()]}{int(match[0]) + 1}" if match else f"{version}.2"


def check_version(version: str) -> None:
    """Raises: LoadError for what cannot stand in a name."""
    if not _VERSION.match(version):
        raise LoadError(f"version {version[:40]!r}: letters, digits and . + - _ make a version, 20 at most")


def as_next_version(connection: psycopg.Connection, table: Table, *, keep: bool) -> Table:
    """Return a table that is about to be published with its version, and keep the one that has its name, if that is wanted.

    Raises: LoadError for a version that there is already.
    """
    previous = _version_of(connection, table.table_name)
    version = table.origin.version or _next_free(connection, table.table_name)
    check_version(version)
    if keep and previous:
        if version == previous:
            raise LoadError(f"{table.table_name} has version {version} now: what takes its place needs another one")
        keep_version(connection, table.table_name)
    return replace(table, origin=replace(table.origin, version=version))


def _next_free(connection: psycopg.Connection, table_name: str) -> str:
    """Return the version after that which a name means, or meant before it was withdrawn; one that there was not yet."""
    versions = versions_of(connection, table_name)
    version = next((next_version(row.version) for row in versions if row.table_name == table_name), FIRST)
    while version in {row.version for row in versions}:
        version = next_version(version)
    return version


def keep_version(connection: psycopg.Connection, table_name: str) -> str:
    """Publish the table that has a name under that of its version too; return it. Raises: LoadError."""
    known = _known(connection, table_name)
    version = known.table.origin.version or FIRST
    name = versioned_name(table_name, version)
    if _is_published(connection, name):
        raise LoadError(f"{table_name} has a version {version} already, as {name}")
    connection.execute(statement("copy_access"), {"old": table_name, "new": name})
    ranges = ranges_of(connection, table_name)
    _publish_as(connection, known, name, table_name)
    if known.division:
        restore_ranges(connection, name, ranges)
    connection.execute(statement("copy_updated"), {"old": table_name, "new": name})
    return name


def make_default(connection: psycopg.Connection, table_name: str, version: str) -> str:
    """Let a name mean a version that was kept; return the name of the one that it meant. Raises: LoadError."""
    name = versioned_name(table_name, version)
    with connection.transaction():
        connection.execute(statement("lock_catalogue"))
        if not _is_published(connection, name):
            raise LoadError(f"There is no {name}; armillary versions list {table_name} lists what there is")
        previous = keep_version(connection, table_name)
        known, ranges = _known(connection, name), ranges_of(connection, name)
        connection.execute(statement("drop_ranges"), (table_name,))
        drop_statistics(connection, table_name)
        _publish_as(connection, known, table_name, name)
        if known.division:
            connection.execute(statement("drop_ranges"), (name,))
            restore_ranges(connection, table_name, ranges)
        count_change_of(connection, name)
        remove_table(connection, name)
        connection.execute(statement("drop_access"), (name,))
        forget(connection, name)
    return previous


def _publish_as(connection: psycopg.Connection, known: Known, new: str, old: str) -> None:
    """Publish what is stored already under another name, to the readers that this name has; what is known of its rows goes along."""
    stored = known.table.stored_parts[1]
    storage = stored if stored != unquoted_parts(new)[1] else None
    renamed = replace(known, table=replace(known.table, table_name=new, storage=storage), keys=())
    publish_known(connection, renamed)
    copy_statistics(connection, old, new)
    if known.loaded and not known.division:
        remember(connection, renamed)


def versions_of(connection: psycopg.Connection, table_name: str) -> list[TableVersion]:
    """Return the versions of a table, the one that has its name first, then those that were kept, the newest first."""
    stem = versioned_name(table_name, "").removesuffix('"')
    rows = connection.execute(statement("versions_of"), {"name": table_name, "stem": stem})
    return [
        TableVersion(
            version or name.removeprefix(stem).removesuffix('"'),
            name,
            release,
            nrows,
            updated,
            is_default=name == table_name and reason is None,
            withdrawn=reason,
        )
        for name, version, release, nrows, updated, reason in rows
    ]


def _known(connection: psycopg.Connection, table_name: str) -> Known:
    schema_name, name = unquoted_parts(table_name)
    return known_table(connection, table_name, (schema_name, name), Description())


def _version_of(connection: psycopg.Connection, table_name: str) -> str | None:
    """Return the version of a published table, None where there is no such table."""
    row = connection.execute(statement("version_of"), (table_name,)).fetchone()
    return None if row is None else str(row[0] or FIRST)


def _is_published(connection: psycopg.Connection, table_name: str) -> bool:
    return connection.execute(statement("is_published"), (table_name,)).fetchone() is not None


def is_kept(table_name: str) -> bool:
    """Return whether a published name is that of a version that was kept."""
    return "@" in split_name(table_name)[-1]
