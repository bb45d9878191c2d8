"""Who beside its owner may read an own table, or add rows to it."""

import psycopg

from schema.own_tables.changes import locked_table
from schema.readers import add_readers, grantee, remove_readers
from schema.statements import statement
from schema.tap_schema import count_change_of


def share(
    connection: psycopg.Connection, table_name: str, reader: str, *, may_write: bool = False, reads: bool = True
) -> None:
    """Let a grantee read a table, and add rows to it or no longer; `reads`: also when it may not add rows any more."""
    with connection.transaction():
        locked_table(connection, table_name)
        add_readers(connection, table_name, [reader])
        values = {"name": table_name, "grantee": reader, "reads": reads}
        connection.execute(statement("add_writer" if may_write else "remove_writer"), values)
        count_change_of(connection, table_name)


def unshare(connection: psycopg.Connection, table_name: str, reader: str) -> None:
    """Take it again; nothing happens where the grantee may not read it. The owner always may."""
    with connection.transaction():
        owned = locked_table(connection, table_name)
        if reader == grantee("user", owned.account) or reader not in owned.readers:
            return
        count_change_of(connection, table_name)
        connection.execute(statement("remove_writer"), {"name": table_name, "grantee": reader})
        remove_readers(connection, table_name, [reader])
