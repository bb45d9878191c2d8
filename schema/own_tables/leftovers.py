"""The end of own tables whose time is over, and of what an interrupted change left."""

from collections.abc import Callable
from contextlib import suppress

import psycopg

from schema.loaded import MARK
from schema.own_tables.changes import drop
from schema.own_tables.rows import NoSuchTable, drop_rows
from schema.statements import statement


def drop_expired(connection: psycopg.Connection, before: Callable[[str], None]) -> int:
    """Drop the tables whose time is over, and return how many there were; `before` is called with the name of each."""
    names = [str(name) for (name,) in connection.execute(statement("expired_own_tables")).fetchall()]
    for name in names:
        with suppress(NoSuchTable):  # its owner was faster
            before(name)
            drop(connection, name)
    return len(names)


def drop_unused(connection: psycopg.Connection) -> int:
    """Drop rows that no table leads to any more, unless a query still reads them; return of how many tables."""
    rows = connection.execute(statement("unused_own_storage"), {"mark": MARK}).fetchall()
    return sum(drop_rows(connection, schema_name, storage) for schema_name, storage in rows)
