"""What can be changed of an own table: its name and those of columns, descriptions, indexes, how long it is kept; and its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from schema.description import Description
from schema.existing import index_columns
from schema.listing import publish_known
from schema.load.reader import LoadError
from schema.loaded import Known, forget, remember
from schema.model import Column, adql_names, quoted_if_needed, unquoted_parts
from schema.own_tables.names import NotOwnSchema
from schema.own_tables.quota import Owner, settle
from schema.own_tables.rows import NoSuchTable, TableExists, drop_rows, locked
from schema.plan import can_be_column
from schema.publish import publish_table
from schema.statements import statement
from schema.tap_schema import count_change_of, remove_table


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of an account's own; `readers` and `writers` are grantees, of whom the owner is a reader.

    `by_writing` are those who may read only because they may add rows.
    """

    table_name: str
    account: str
    nrows: int
    bytes: int
    created: datetime
    expires: datetime | None
    readers: tuple[str, ...]
    writers: tuple[str, ...]
    by_writing: tuple[str, ...] = ()


def own_table(connection: psycopg.Connection, table_name: str) -> OwnTable | None:
    """Return an own table by its published name, in whatever case."""
    row = connection.execute(statement("own_table"), {"name": table_name}).fetchone()
    if row is None:
        return None
    values: dict[str, Any] = dict(zip((field.name for field in fields(OwnTable)), row, strict=True))
    return OwnTable(**values | {name: tuple(values[name]) for name in ("readers", "writers", "by_writing")})


def describe(connection: psycopg.Connection, owner: Owner, table_name: str, description: Description) -> None:
    """Change what a description names. Raises: NoSuchTable, DescriptionError, LoadError, OverQuota."""
    with connection.transaction():
        locked(connection, table_name)
        loaded = publish_table(connection, table_name, description)
        settle(connection, owner, loaded.table)


def create_index(
    connection: psycopg.Connection, table_name: str, columns: Sequence[str], *, unique: bool = False
) -> None:
    """Index columns, by their names in any case; `describe` tells of it. Raises: LoadError where values repeat, or cannot be.

    It may take long, so that nothing that others need is locked before.
    """
    known = locked(connection, table_name)
    names = [_column(known, name).name for name in columns]
    target = sql.Identifier(*known.table.stored_parts)
    stored = {"stored": target.as_string(connection), "unique": unique, "columns": names}
    if connection.execute(statement("has_index"), stored).fetchone() is not None:
        return
    index_columns(connection, target, names, unique=unique)


def rename(connection: psycopg.Connection, old: str, new: str) -> None:
    """Give a table another name, in the same schema. Raises: NoSuchTable, TableExists."""
    if unquoted_parts(old)[0] != unquoted_parts(new)[0]:
        raise NotOwnSchema(f"{old} stays in its schema; only the name behind it can be another")
    with connection.transaction():
        known = locked(connection, old)
        other = own_table(connection, new)
        if other is not None and other.table_name != old:
            raise TableExists(f"{other.table_name} exists already")
        if new == old:
            return
        owned = own_table_or_raise(connection, old)
        count_change_of(connection, old)
        stored = known.table.stored_parts[1]
        table = replace(known.table, table_name=new, storage=stored if stored != unquoted_parts(new)[1] else None)
        _move(connection, owned, replace(known, table=table))


def _move(connection: psycopg.Connection, owned: OwnTable, renamed: Known) -> None:
    """Publish a table under its new name, for its readers and nobody else at any moment, and forget the old one."""
    old, new = owned.table_name, renamed.table.table_name
    publish_known(connection, renamed, owned.readers)
    for name in ("move_own_table", "move_jobs_of_table", "move_writers", "copy_statistics"):
        connection.execute(statement(name), {"old": old, "new": new})
    _forget(connection, old)
    remember(connection, renamed)


def _forget(connection: psycopg.Connection, table_name: str) -> None:
    """Take away all that is written down of a table, but not its rows."""
    remove_table(connection, table_name)
    connection.execute(statement("drop_access"), (table_name,))
    forget(connection, table_name)


def rename_columns(connection: psycopg.Connection, table_name: str, names: Mapping[str, str]) -> None:
    """Give columns other names: old ones to new ones. Raises: LoadError."""
    with connection.transaction():
        known = locked(connection, table_name)
        target = sql.Identifier(*known.table.stored_parts)
        renamed = {_column(known, old).name: new for old, new in names.items()}
        for old, new in renamed.items():
            _check_column_name(new)
            try:
                command = sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}")
                connection.execute(command.format(target, sql.Identifier(old), sql.Identifier(new)))
            except psycopg.errors.DuplicateColumn as error:
                raise LoadError(f"{table_name} has a column {new} already") from error
        changed = _with_names(known, renamed)
        publish_known(connection, changed)
        remember(connection, changed)


def _with_names(known: Known, renamed: Mapping[str, str]) -> Known:
    stored = [renamed.get(column.name, column.name) for column in known.table.columns]
    pairs = zip(known.table.columns, adql_names(stored), strict=True)
    columns = tuple(replace(column, column_name=name) for column, name in pairs)
    position = known.position and (
        renamed.get(known.position[0], known.position[0]),
        renamed.get(known.position[1], known.position[1]),
    )
    return replace(known, table=replace(known.table, columns=columns), position=position)


def _check_column_name(name: str) -> None:
    if not name.strip() or not name.isprintable() or not can_be_column(name):
        raise LoadError(f"A column cannot be called {name[:60]!r}")


def keep_for(connection: psycopg.Connection, owner: Owner, table_name: str, days: int) -> None:
    """Let a table be dropped after so many days, as many as one may have; 0 for as long as possible."""
    most = owner.quota.days
    kept = min(days or most, most) if most else days
    connection.execute(statement("keep_until"), {"name": table_name, "days": kept or None})


def drop(connection: psycopg.Connection, table_name: str) -> None:
    """Take a table away at once, and its rows when the last query that reads them has ended. Raises: NoSuchTable."""
    with connection.transaction():
        known = locked(connection, table_name)
        count_change_of(connection, table_name)
        connection.execute(statement("withdraw_offers"), (table_name,))
        _forget(connection, table_name)
    drop_rows(connection, *known.table.stored_parts)


def locked_table(connection: psycopg.Connection, table_name: str) -> OwnTable:
    """Return a table that nobody else changes until the end of the transaction. Raises: NoSuchTable."""
    locked(connection, table_name)
    return own_table_or_raise(connection, table_name)


def own_table_or_raise(connection: psycopg.Connection, table_name: str) -> OwnTable:
    """Raises: NoSuchTable."""
    owned = own_table(connection, table_name)
    if owned is None:
        raise NoSuchTable(f"There is no table {table_name[:120]}")
    return owned


def _column(known: Known, name: str) -> Column:
    """Return a column by its name, quoted or not, in any case if that is clear. Raises: LoadError."""
    columns = known.table.columns
    exact = [column for column in columns if name in {column.name, column.column_name}]
    matches = exact or [column for column in columns if column.name.lower() == name.strip('"').lower()]
    if len(matches) != 1:
        has = ", ".join(quoted_if_needed(column.name) for column in columns)
        raise LoadError(f"column not found: {name[:60]} in {known.table.table_name}; it has {has[:500]}")
    return matches[0]
