"""Foreign keys: those of a description, and what of them can be published."""

import psycopg

from schema.description import Description, DescriptionError
from schema.model import Catalogue, Key, Table
from schema.tap_schema import read_catalogue


def keys_of(table: Table, description: Description) -> tuple[Key, ...]:
    name = table.table_name.replace('"', "").replace(".", "_")
    return tuple(
        Key(f"{name}_{number}", table.table_name, key.target, tuple(key.columns.items()), key.description)
        for number, key in enumerate(description.keys, 1)
    )


def check_keys(connection: psycopg.Connection, table: Table, description: Description) -> None:
    """Check a description's keys. Raises: DescriptionError for a table or a column that is not published."""
    catalogue = read_catalogue(connection) if description.keys else Catalogue(())
    for key in keys_of(table, description):
        if wrong := _missing(key, table, catalogue):
            raise DescriptionError(f"[[keys]] of {table.table_name}: {wrong}")


def kept_keys(connection: psycopg.Connection, table: Table, keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """Return the keys whose tables and columns are published; others may have gone since."""
    catalogue = read_catalogue(connection) if keys else Catalogue(())
    return tuple(key for key in keys if _missing(key, table, catalogue) is None)


def _missing(key: Key, table: Table, catalogue: Catalogue) -> str | None:
    """Return what of a key is not published, or None; `table` is the one that the key comes from."""
    tables = {published.table_name: published for published in catalogue.tables} | {table.table_name: table}
    target = tables.get(key.target_table)
    if target is None:
        return f"there is no published table {key.target_table}; publish it first"
    for from_column, target_column in key.columns:
        for owner, name in ((table, from_column), (target, target_column)):
            names = [column.name for column in owner.columns]
            if name not in names:
                return f"{owner.table_name} has no column {name}; it has {', '.join(names)}"
    return None
