"""What is known of a table that is there already, and what a description makes of it: it changes what it names."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg

from schema.description import Description, DescriptionError
from schema.division import division_of, ranges_of
from schema.existing import read_existing
from schema.keys import keys_of
from schema.linking import described_linking
from schema.load.reader import LoadError
from schema.loaded import Known, recall, remember, was_loaded
from schema.model import Column, Table, adql_names
from schema.plan import described_column
from schema.statements import statement
from schema.tap_schema import read_catalogue


def known_table(
    connection: psycopg.Connection, published: str, names: tuple[str, str], description: Description
) -> Known:
    """Return what is known of a table before it is described anew: from its load, TAP_SCHEMA, or the database itself.

    `names` are those that it would have in the database as a table of the operator's own.
    """
    catalogue = read_catalogue(connection, published)
    listed = next((table for table in catalogue.tables if table.table_name == published), None)
    was_ours = was_loaded(connection, published)
    if loaded := recall(connection, published):
        return replace(loaded, table=_with_columns_of(loaded.table, listed)) if listed else loaded
    division = division_of(connection, published)
    if listed is None or (was_ours and not division):
        # Whoever dropped a loaded table may have made another under its name.
        omitted = _omitted(description, set())
        return Known(read_existing(connection, names, published, omitted), loaded=False)
    cursor = connection.execute(statement("more_of_table"), (published,))
    is_loaded, left_out, *position = cursor.fetchone() or (False, [], None, None)
    omitted = _omitted(description, set(left_out))
    if not division:
        existing = read_existing(connection, listed.stored_parts, published, omitted)
        nrows = listed.nrows if is_loaded else existing.nrows
        listed = replace(
            listed, columns=_with_columns_of(existing, listed).columns, table_type=existing.table_type, nrows=nrows
        )
    is_there = set(position) <= {column.name for column in listed.columns}
    position_names = (position[0], position[1]) if is_there else None
    return Known(
        listed, catalogue.keys_from(listed), position_names, frozenset(omitted), loaded=is_loaded, division=division
    )


def _omitted(description: Description, omitted_before: set[str]) -> set[str]:
    """Return the columns that are left out: those that were before, but for what a description says."""
    omits = {d.source or name: d.omit for name, d in description.columns.items() if d.omit is not None}
    return {name for name in omitted_before | set(omits) if omits.get(name, True)}


def _with_columns_of(table: Table, listed: Table) -> Table:
    """Return the table with its columns, those that are published as they are now."""
    published = {column.name: column for column in listed.columns}
    return replace(table, columns=tuple(published.get(column.name, column) for column in table.columns))


def redescribed(known: Known, description: Description) -> Known:
    """Return what is known, with what a description names changed. Raises: DescriptionError."""
    table, changes = known.table, description.table
    names = [column.name for column in table.columns]
    if unknown := {name for name, d in description.columns.items() if not d.omit} - set(names):
        raise DescriptionError(f"the table has no column {min(unknown)}; it has {', '.join(names)}")
    columns = tuple(described_column(column, description.columns.get(column.name)) for column in table.columns)
    published_names = adql_names(names)
    columns = tuple(replace(c, column_name=n) for c, n in zip(columns, published_names, strict=True))
    origin = replace(
        table.origin, **{n: v for n in table.origin.__slots__ if (v := getattr(description.origin, n)) is not None}
    )
    omitted = _omitted(description, set(known.omitted))
    if changes.only_described:
        omitted |= set(names) - set(description.columns)
    text = changes.description if changes.description is not None else table.description or description.origin.title
    table = replace(
        table,
        columns=columns,
        origin=origin,
        description=text or None,
        utype=table.utype if changes.utype is None else changes.utype or None,
        table_index=table.table_index if changes.table_index is None else changes.table_index,
        linking=described_linking(table.linking, description),
    )
    keys = keys_of(table, description) if description.keys else known.keys
    return replace(
        known,
        table=table,
        keys=keys,
        omitted=frozenset(omitted),
        schema_description=description.schema_description or known.schema_description,
    )


def check_divided_by(known: Known, position: tuple[str, str] | None) -> None:
    """Raise LoadError for another position than that by whose cells the rows lie on shards: searches by it would miss some."""
    if known.division and not known.division["pixel_key"] and known.position and position != known.position:
        raise LoadError(
            f"{known.table.table_name} is divided among servers by {' and '.join(known.position)}; load it again for another position"
        )


def rewritten_by(columns: tuple[Column, ...], description: Description) -> Iterator[str]:
    """Yield notes on the units that are published in another spelling than a description gives them."""
    for column in columns:
        given = description.columns.get(column.name)
        unit = given.unit if given and given.unit is not None else column.unit
        published = described_column(column, given).unit
        if unit and unit != published:
            yield f"column {column.name}: the unit {unit!r} is published as {published!r} (VOUnits)"


def remember_as_it_is(connection: psycopg.Connection, published: str, names: tuple[str, str]) -> None:
    """Remember a table that was loaded when nothing was kept of that yet, or that lies on shards, whose ranges may have moved."""
    known = known_table(connection, published, names, Description())
    remember(connection, replace(known, ranges=ranges_of(connection, published)))
