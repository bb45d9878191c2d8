"""Publishing what is known of a table: TAP_SCHEMA, what it has no columns for, and who may read it."""

from collections.abc import Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from schema.division import UNDIVIDED
from schema.keys import kept_keys
from schema.linking import checked_linking
from schema.load.reader import LoadError
from schema.loaded import Known
from schema.model import Table
from schema.readers import enforce, set_readers
from schema.roles import READER
from schema.statements import statement
from schema.tap_schema import count_change_of, write_keys, write_more, write_table


def make_schema(connection: psycopg.Connection, schema_name: str) -> None:
    """Make the schema, and let it be read, as far as it is not so: Citus asks all workers even for what is there."""
    name = sql.Identifier(schema_name)
    row = connection.execute(statement("usable_schema"), (READER, name.as_string(connection))).fetchone()
    is_there, is_usable = row or (False, False)
    if not is_there:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
    if not is_usable:
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, sql.Identifier(READER)))


def publish_known(connection: psycopg.Connection, known: Known, readers: Sequence[str] | None = None) -> None:
    """Write TAP_SCHEMA, and what it has no columns for; `readers` as set_readers takes them. Raises: DescriptionError, LoadError."""
    table = known.table
    connection.execute(statement("not_withdrawn"), (table.table_name,))
    count_change_of(connection, table.table_name)
    shown = replace(table, columns=tuple(c for c in table.columns if c.name not in known.omitted))
    shown = replace(shown, linking=checked_linking(connection, shown))
    write_table(connection, shown, schema_description=known.schema_description)
    ra, dec = known.position or (None, None)
    omitted = [] if known.loaded else sorted(known.omitted)
    of_known = {"ra": ra, "dec": dec, "loaded": known.loaded, "omitted": omitted}
    write_more(connection, shown, of_known | UNDIVIDED | known.division)
    write_keys(connection, kept_keys(connection, shown, known.keys))
    if readers is None:
        _check_ruled(connection, table)
        enforce(connection, table.table_name)
    else:
        set_readers(connection, table.table_name, readers)
    count_change_of(connection, table.table_name)


def _check_ruled(connection: psycopg.Connection, table: Table) -> None:
    """Raise LoadError for a table of an account of which nothing says who may read it: never is it everybody."""
    values = {"name": table.table_name, "schema": table.parts[0]}
    if connection.execute(statement("is_unruled"), values).fetchone() is not None:
        raise LoadError(f"{table.table_name} was dropped or renamed meanwhile")
