"""Tables and views of the operator's own, as they are in the database; and the indexes of tables."""

from collections.abc import Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from schema.description import Description
from schema.load.reader import LoadError
from schema.loaded import Known
from schema.model import Column, Table, adql_names, delimited, quoted_if_needed
from schema.positions import Position
from schema.roles import OWNER, READER
from schema.statements import statement
from schema.types import of_postgres


def read_existing(connection: psycopg.Connection, names: tuple[str, str], published: str, omitted: set[str]) -> Table:
    """Return a table with its columns, by its names in the database.

    Raises: LoadError for a column that cannot be published.
    """
    rows = connection.execute(statement("existing_columns"), names).fetchall()
    if not rows:
        raise LoadError(f"there is no table {published} in the database")
    columns = [_column(name, type_, about) for name, type_, about, *_ in rows if name not in omitted]
    published_columns = (
        replace(c, column_name=n) for c, n in zip(columns, adql_names([c.name for c in columns]), strict=True)
    )
    kind, tuples = rows[0][3], rows[0][4]
    table_type = "view" if kind == "v" else "table"
    return Table(quoted_if_needed(names[0]), published, tuple(published_columns), table_type, nrows=tuples or None)


def _column(name: str, type_: str, about: str | None) -> Column:
    published = of_postgres(type_)
    if published is None:
        raise LoadError(f"column {name}: values of type {type_} cannot be published; leave it out with omit = true")
    return Column(delimited(name), published.datatype, published.arraysize, published.xtype, description=about)


def exists(connection: psycopg.Connection, table: sql.Identifier) -> bool:
    (relation,) = connection.execute(statement("relation"), (table.as_string(connection),)).fetchone() or (None,)
    return relation is not None


def make_readable(connection: psycopg.Connection, table: Table) -> None:
    """Let the reader select from a table.

    Raises: LoadError with the statement that gives the right, where it is not ours to give.
    """
    schema, target = sql.Identifier(table.stored_parts[0]), sql.Identifier(*table.stored_parts)
    reader = sql.Identifier(READER)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader))
            connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(target, reader))
    except psycopg.errors.InsufficientPrivilege as error:
        raise LoadError(
            f"{table.table_name} belongs to somebody else; its owner gives the right with"
            f" GRANT USAGE ON SCHEMA {schema.as_string()} TO {OWNER} WITH GRANT OPTION;"
            f" GRANT SELECT ON {target.as_string()} TO {OWNER} WITH GRANT OPTION;"
        ) from error


def primary_key(connection: psycopg.Connection, table: Table) -> list[str]:
    """Return the names of the columns of a table's primary key; none where it has no such key."""
    target = sql.Identifier(*table.stored_parts).as_string(connection)
    return [str(name) for (name,) in connection.execute(statement("primary_key"), (target,)).fetchall()]


# ---- indexes


def position_index(target: sql.Composable, ra: str, dec: str) -> sql.Composed:
    """Return the command for the index on positions.

    Its expression is spelt as translated queries spell it (adql.functions.constructors).
    """
    command = "CREATE INDEX ON {} USING gist (spoint(radians({}), radians({})))"
    return sql.SQL(command).format(target, sql.Identifier(ra), sql.Identifier(dec))


def index_table(
    connection: psycopg.Connection, target: sql.Identifier, position: Position | None, description: Description
) -> None:
    if position:
        connection.execute(position_index(target, position[0].name, position[1].name))
    for names in description.table.indexes:
        index_columns(connection, target, names)


def index_columns(
    connection: psycopg.Connection, target: sql.Identifier, names: Sequence[str], *, unique: bool = False
) -> None:
    """Index columns of any type, geometries by what they cover. Raises: LoadError where values repeat, or cannot be indexed."""
    columns, shown = sql.SQL(", ").join(map(sql.Identifier, names)), ", ".join(names)
    row = connection.execute(statement("index_method"), (target.as_string(connection), list(names))).fetchone()
    command = sql.SQL("CREATE {}INDEX ON {} USING {} ({})").format(
        sql.SQL("UNIQUE " if unique else ""), target, sql.SQL(row[0] if row else "btree"), columns
    )
    try:
        connection.execute(command)
    except psycopg.errors.UniqueViolation as error:
        raise LoadError(f"column {shown}: its values repeat: {error.diag.message_detail}") from error
    except (psycopg.errors.UndefinedObject, psycopg.errors.FeatureNotSupported) as error:
        raise LoadError(f"column {shown}: values of its type cannot be indexed so") from error
    except psycopg.errors.ProgramLimitExceeded as error:
        raise LoadError(f"column {shown}: its values are too long for an index") from error


def index_command(
    connection: psycopg.Connection, known: Known, position: Position | None
) -> tuple[set[str], str | None]:
    """Return the columns that lead an index, and a note.

    The index on the position is made if it is ours to make; else the note tells the command.
    """
    target = sql.Identifier(*known.table.stored_parts)
    rows = connection.execute(statement("indexes_of"), (target.as_string(),)).fetchall()
    leading = {str(name) for _, name in rows if name}
    if position is None:
        return leading, None
    ra, dec = (column.name for column in position)
    with_position = leading | {ra, dec}
    if known.division:
        # On shards each part has its own.
        return with_position | {column.name for column in known.table.columns if column.indexed}, None
    if any(_serves(definition, ra, dec) for definition, _ in rows):
        return with_position, None
    command = position_index(target, ra, dec)
    if known.loaded:
        connection.execute(command)
        return with_position, None
    if known.table.table_type == "view":
        return with_position, None
    return (
        leading,
        f"there is no index on the position, so cones look through the whole table: {command.as_string(connection)}",
    )


def _serves(definition: str, ra: str, dec: str) -> bool:
    """Return whether an index is one on the position, whatever casts and quotes PostgreSQL shows it with."""
    plain = definition.replace('"', "").replace("::double precision", "").replace("(", "").replace(")", "")
    return f"spointradians{ra}, radians{dec}" in plain


def named_alike(connection: psycopg.Connection, table_name: str) -> str | None:
    """Return a note on a published table whose name differs in case only; None if there is none."""
    row = connection.execute(statement("named_alike"), {"name": table_name}).fetchone()
    return f"{row[0]} differs in case only, so queries must put both names into double quotes" if row else None
