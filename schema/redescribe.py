"""What is known of a table that is there already, and what a description makes of it: it changes what it names."""

from dataclasses import replace

import psycopg

from schema.description import Description, DescriptionError
from schema.division import division_of
from schema.existing import read_existing
from schema.keys import keys_of
from schema.loaded import Known, recall, was_loaded
from schema.model import Table, adql_names
from schema.plan import described_column
from schema.statements import statement
from schema.tap_schema import read_catalogue


def known_table(
    connection: psycopg.Connection, published: str, names: tuple[str, str], description: Description
) -> Known:
    """What is known of a table before it is described anew: from its load, from TAP_SCHEMA, from the database itself.

    `names` are those that it would have in the database as a table of the operator's own.
    """
    catalogue = read_catalogue(connection)
    now = next((table for table in catalogue.tables if table.table_name == published), None)
    was_ours = was_loaded(connection, published)
    if loaded := recall(connection, published):
        return replace(loaded, table=_with_columns_of(loaded.table, now)) if now else loaded
    division = division_of(connection, published)
    if now is None or (was_ours and not division):
        # Whoever dropped a loaded table may have made another under its name.
        omitted = _omitted(description, set())
        return Known(read_existing(connection, names, published, omitted), loaded=False)
    row = connection.execute(statement("more_of_table"), (published,))
    is_loaded, left_out, *position = row.fetchone() or (False, [], None, None)
    omitted = _omitted(description, set(left_out))
    if not division:
        existing = read_existing(connection, now.stored_parts, published, omitted)
        nrows = now.nrows if is_loaded else existing.nrows
        now = replace(now, columns=_with_columns_of(existing, now).columns, table_type=existing.table_type, nrows=nrows)
    is_there = set(position) <= {column.name for column in now.columns}
    main = (position[0], position[1]) if is_there else None
    return Known(now, catalogue.keys_from(now), main, frozenset(omitted), loaded=is_loaded, division=division)


def _omitted(description: Description, before: set[str]) -> set[str]:
    """The columns that are left out: those of before, but for what a description says."""
    said = {d.source or name: d.omit for name, d in description.columns.items() if d.omit is not None}
    return {name for name in before | set(said) if said.get(name, True)}


def _with_columns_of(table: Table, now: Table) -> Table:
    """The table's columns, those that are published as they are now."""
    published = {column.name: column for column in now.columns}
    return replace(table, columns=tuple(published.get(column.name, column) for column in table.columns))


def redescribed(known: Known, description: Description) -> Known:
    """With what a description names. Raises: DescriptionError."""
    table, own = known.table, description.table
    names = [column.name for column in table.columns]
    if unknown := {name for name, d in description.columns.items() if not d.omit} - set(names):
        raise DescriptionError(f"the table has no column {min(unknown)}; it has {', '.join(names)}")
    columns = tuple(described_column(column, description.columns.get(column.name)) for column in table.columns)
    written = adql_names(names)
    columns = tuple(replace(c, column_name=n) for c, n in zip(columns, written, strict=True))
    origin = replace(
        table.origin, **{n: v for n in table.origin.__slots__ if (v := getattr(description.origin, n)) is not None}
    )
    omitted = _omitted(description, set(known.omitted))
    if own.only_described:
        omitted |= set(names) - set(description.columns)
    described = own.description if own.description is not None else table.description or description.origin.title
    table = replace(
        table,
        columns=columns,
        origin=origin,
        description=described or None,
        utype=table.utype if own.utype is None else own.utype or None,
        table_index=table.table_index if own.table_index is None else own.table_index,
    )
    keys = keys_of(table, description) if description.keys else known.keys
    return replace(
        known,
        table=table,
        keys=keys,
        omitted=frozenset(omitted),
        schema_description=description.schema_description or known.schema_description,
    )
