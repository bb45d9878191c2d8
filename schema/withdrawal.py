"""Tables that are taken away from everybody, and what those are told who ask for them."""

import psycopg

from schema.model import split_name
from schema.publish import unpublish_table
from schema.statements import statement
from schema.versions import make_default


def withdraw(connection: psycopg.Connection, table_name: str, reason: str) -> bool:
    """Take a table away, and keep why for whoever asks for it; return whether it was published. Its rows stay."""
    with connection.transaction():
        values = {"name": table_name, "schema": split_name(table_name)[0], "reason": reason}
        connection.execute(statement("note_withdrawn"), values)
        if not unpublish_table(connection, table_name):
            raise psycopg.Rollback
        return True
    return False


def let_name_mean(connection: psycopg.Connection, table_name: str, version: str) -> str:
    """Let a name mean a version that was kept, and return the name of the one that it meant: withdrawn, if it was.

    Raises: LoadError.
    """
    with connection.transaction():
        row = connection.execute(statement("why_withdrawn"), (table_name,)).fetchone()
        previous = make_default(connection, table_name, version)
        if row:
            withdraw(connection, previous, row[0])
    return previous
