"""The end of own tables whose time is over, and of what an interrupted change left."""

from contextlib import suppress

import psycopg

from schema.own_tables.changes import drop
from schema.own_tables.rows import NoSuchTable, drop_rows
from schema.statements import statement


def drop_expired(connection: psycopg.Connection) -> list[str]:
    """Drop the tables whose time is over, and return their names."""
    names = [str(name) for (name,) in connection.execute(statement("expired_own_tables")).fetchall()]
    for name in names:
        with suppress(NoSuchTable):  # its owner was faster
            drop(connection, name)
    return names


def drop_unused(connection: psycopg.Connection) -> int:
    """Drop rows that no table leads to any more, unless a query still reads them; return of how many tables."""
    rows = connection.execute(statement("unused_own_storage")).fetchall()
    return sum(drop_rows(connection, schema_name, storage) for schema_name, storage in rows)
