"""Tables into the database and into TAP_SCHEMA: loading, publishing what is there, unpublishing.

Everything about one table happens in one transaction: a failed or interrupted load leaves nothing
behind. A table that is loaded again is built beside the old one and takes its place in one instant;
queries that run go on with the old one, which is dropped when the last of them has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql

from schema.analyze import analyze_loaded
from schema.bounds import measured
from schema.copy_rows import Progress, RowSource, copy_rows, told_to_nobody
from schema.description import Description
from schema.division import restore_ranges
from schema.existing import exists, index_command, index_table, make_readable, named_alike, primary_key
from schema.keys import check_keys, keys_of
from schema.linking import described_linking, slow_links
from schema.listing import make_schema, publish_known
from schema.load.reader import LoadError, Reader
from schema.loaded import Known, forget, remember, storage_of, was_loaded
from schema.model import Column, Table, is_name, quoted_if_needed, split_name, stored_name
from schema.obscore.view import check_observations, drop_replaced_views, map_observations, take_out
from schema.plan import PlannedColumn, check_named, leading_columns, plan_columns, rewritten_units
from schema.positions import Position, PositionCheck, Search, find_position, with_ucds
from schema.readers import take_rights
from schema.redescribe import check_divided_by, known_table, redescribed, remember_as_it_is, rewritten_by
from schema.roles import READER
from schema.statements import statement
from schema.statistics.store import drop_statistics
from schema.tap_schema import count_change_of, remove_table
from schema.text_sizes import TextSizes
from schema.versions import as_next_version
from schema.vocabulary import problems

_UNDIVIDED = sql.SQL("")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load or a publication did; `warnings` are about units and UCDs, `notes` are what was done unasked."""

    table: Table
    warnings: tuple[str, ...]
    replaced: bool = False
    notes: tuple[str, ...] = ()


OWN_SCHEMAS = {"armillary", "information_schema", "tap_schema", "tap_upload", "uws"}
LONGEST_NAME = 56
"""PostgreSQL keeps 63 bytes; what takes the place of a table, and parts of it, have a number behind its name."""


def load_table(
    connection: psycopg.Connection,
    reader: Reader,
    table_name: str,
    description: Description,
    progress: Progress = told_to_nobody,
) -> Loaded:
    """Create, fill, index and publish `schema.table`.

    Raises: LoadError, DescriptionError, with nothing left behind.
    """
    with connection.transaction():
        loaded, previous = build_table(connection, reader, table_name, description, progress)
    drop_replaced_views(connection)
    if previous is not None:
        drop_stored(connection, split_table_name(table_name)[0], previous)
    return loaded


def build_table(
    connection: psycopg.Connection,
    reader: Reader,
    table_name: str,
    description: Description,
    progress: Progress = told_to_nobody,
) -> tuple[Loaded, str | None]:
    """Do it in the caller's transaction; return also the name in the database of the table that it took the place of.

    That one is to be dropped afterwards. Raises: LoadError, DescriptionError.
    """
    schema_name, name = split_table_name(table_name)
    source, search = planned_source(reader, description)
    make_schema(connection, schema_name)
    previous, storage = storage_for(connection, schema_name, name)
    target = sql.Identifier(schema_name, storage)
    create_table(connection, target, source.columns, description)
    rows, sizes = copy_rows(connection, target, source, progress)
    filled = FilledTable(schema_name, name, storage, rows, sizes)
    loaded = publish_filled(connection, filled, source, search, description)
    return replace(loaded, replaced=previous is not None), previous


def planned_source(reader: Reader, description: Description) -> tuple[RowSource, Search]:
    """Return which columns of a file its table shall have, and its position. Raises: LoadError, DescriptionError."""
    columns = plan_columns(reader.columns, description, by_content=True)
    search = find_position([c.about for c in columns], description.table.ra, description.table.dec)
    check_named([c.name for c in columns], description)
    check_observations([c.about for c in columns], description)
    return RowSource(reader, columns, position_check(columns, search.position, description)), search


@dataclass(frozen=True, slots=True)
class FilledTable:
    """A table that has its rows, and no index yet: its name, the one under which it is stored, and what its texts are like."""

    schema_name: str
    name: str
    storage: str
    rows: int
    sizes: TextSizes


def publish_filled(
    connection: psycopg.Connection, filled: FilledTable, source: RowSource, search: Search, description: Description
) -> Loaded:
    """Index, analyse and publish a table, in the caller's transaction. Raises: LoadError, DescriptionError."""
    target, columns = sql.Identifier(filled.schema_name, filled.storage), source.columns
    if not filled.rows:
        # What its texts will be is only what the file says.
        columns = plan_columns(source.reader.columns, description, by_content=False)
    index_table(connection, target, search.position, description)
    connection.execute(sql.SQL("ANALYZE {}").format(target))
    said = tuple(c.about for c in columns)
    about = measured(connection, target, filled.sizes.applied(said) if filled.rows else said)
    about = tuple(with_ucds(about, search.position, description))
    indexed = leading_columns(search.position, description)
    table = described_table(filled.schema_name, filled.name, about, description, indexed)
    table = replace(table, nrows=filled.rows, storage=filled.storage if filled.storage != filled.name else None)
    mapped = publish_loaded(connection, table, description, search.position)
    analyze_loaded(connection, table, search.names)
    alike = named_alike(connection, table.table_name)
    slow = slow_links(connection, table.table_name)
    notes = (*load_notes(source, description, search.note), *([alike] if alike else []), *mapped, *slow)
    return Loaded(table, warnings_of(table), notes=notes)


def drop_stored(connection: psycopg.Connection, schema_name: str, storage: str) -> None:
    """Drop a table by its names in the database, when the last query that reads it has ended, unless it is a version that is kept."""
    values = {"schema": quoted_if_needed(schema_name), "storage": storage}
    with connection.transaction():
        if connection.execute(statement("is_stored"), values).fetchone() is None:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema_name, storage)))


def position_check(
    columns: Sequence[PlannedColumn], position: Position | None, description: Description
) -> PositionCheck:
    names = [column.name for column in columns]
    places = (names.index(position[0].name), names.index(position[1].name)) if position else None
    return PositionCheck(places, as_null=description.table.invalid_positions == "null")


def load_notes(source: RowSource, description: Description, position: str) -> tuple[str, ...]:
    notes = (position, source.check.note, *rewritten_units(source.reader.columns, description))
    return tuple(note for note in notes if note)


def split_table_name(table_name: str) -> tuple[str, str]:
    """The names of schema and table in the database of a name as queries write it. Raises: LoadError."""
    parts = split_name(table_name)
    if not is_name(table_name) or len(parts) != 2:
        raise LoadError(f'{table_name}: write the table\'s name as schema.table, with quotes as in schema."my table"')
    schema_name, name = stored_name(parts[0]), stored_name(parts[1])
    if schema_name.lower() in OWN_SCHEMAS or schema_name.lower().startswith("pg_"):
        raise LoadError(f"{table_name}: the schema {schema_name} is the service's own; choose another")
    if max(len(schema_name.encode()), len(name.encode())) > LONGEST_NAME:
        raise LoadError(f"{table_name}: the names of a schema and a table have {LONGEST_NAME} bytes at most")
    return schema_name, name


def full_name(schema_name: str, name: str) -> str:
    """Of a table by its names in the database, as queries write it."""
    return f"{quoted_if_needed(schema_name)}.{quoted_if_needed(name)}"


def described_table(
    schema_name: str, name: str, columns: tuple[Column, ...], description: Description, indexed: set[str]
) -> Table:
    numbered = tuple(replace(c, column_index=i, indexed=c.name in indexed) for i, c in enumerate(columns, 1))
    table = description.table
    return Table(
        quoted_if_needed(schema_name),
        full_name(schema_name, name),
        numbered,
        "table",
        table.description or description.origin.title,
        table.utype,
        table.table_index,
        origin=description.origin,
        linking=described_linking(None, description),
    )


def warnings_of(table: Table) -> tuple[str, ...]:
    return tuple(each for column in table.columns for each in problems(column))


# ---- in the database


def storage_for(connection: psycopg.Connection, schema_name: str, name: str) -> tuple[str | None, str]:
    """The table that is replaced, if any, and a free name for the new one."""
    published = full_name(schema_name, name)
    row = connection.execute(statement("stored_as"), (name, published)).fetchone()
    if row and not row[1]:
        raise LoadError(f"{published} is published from a table that was not loaded here; unpublish it first")
    previous = str(row[0]) if row else storage_of(connection, published)
    found = connection.execute(statement("relations_in"), (sql.Identifier(schema_name).as_string(),))
    taken = {str(each[0]) for each in found}
    # Somebody may have dropped it.
    previous = previous if previous in taken else None
    is_free = name not in taken or previous or _is_stored(connection, schema_name, name)
    if not is_free and not _lies_on_shards(connection, schema_name, name):
        raise LoadError(f"{published} exists in the database but is not published; publish or drop it first")
    choices = [name, *(f"{name}_{number}" for number in range(2, 10_000))]
    return previous, next(each for each in choices if each not in taken)


def _is_stored(connection: psycopg.Connection, schema_name: str, name: str) -> bool:
    """Whether the name is one under which another loaded table is stored."""
    row = connection.execute(statement("stores_another"), (name, quoted_if_needed(schema_name))).fetchone()
    return row is not None


def _lies_on_shards(connection: psycopg.Connection, schema_name: str, name: str) -> bool:
    """Whether it is what an unpublished sharded table left, which may be replaced: its rows are elsewhere."""
    row = connection.execute(
        statement("has_foreign_partitions"), (sql.Identifier(schema_name, name).as_string(connection),)
    ).fetchone()
    return row is not None


def _is_unknown_on_shards(connection: psycopg.Connection, schema_name: str, name: str) -> bool:
    row = connection.execute(statement("is_published"), (full_name(schema_name, name),)).fetchone()
    return row is None and _lies_on_shards(connection, schema_name, name)


def create_table(
    connection: psycopg.Connection,
    target: sql.Identifier,
    columns: list[PlannedColumn],
    description: Description,
    division: sql.Composable = _UNDIVIDED,
) -> None:
    """`division`: what a partitioned table is divided by."""
    parts = [sql.SQL("{} " + c.type.name).format(sql.Identifier(c.name)) for c in columns]
    if description.table.primary_key:
        names = sql.SQL(", ").join(map(sql.Identifier, description.table.primary_key))
        parts.append(sql.SQL("PRIMARY KEY ({})").format(names))
    connection.execute(sql.SQL("CREATE TABLE {} ({}){}").format(target, sql.SQL(", ").join(parts), division))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(target, sql.Identifier(READER)))


def publish_loaded(
    connection: psycopg.Connection,
    table: Table,
    description: Description,
    position: Position | None,
    division: dict[str, Any] | None = None,
) -> tuple[str, ...]:
    """Publish a table that was just loaded, and return notes; what is known of it is kept for when it is published again.

    `division`: as Known has it.
    """
    table = as_next_version(connection, table, keep=description.table.keep_previous)
    names, keys = (position[0].name, position[1].name) if position else None, keys_of(table, description)
    known = Known(table, keys, names, schema_description=description.schema_description, division=division or {})
    check_keys(connection, table, description)
    connection.execute(statement("drop_ranges"), (table.table_name,))
    publish_known(connection, known, description.table.readers)
    if not known.division:
        remember(connection, known)
    else:
        forget(connection, table.table_name)
    return map_observations(connection, known, description.obscore or {})


# ---- tables that are there already


def publish_table(connection: psycopg.Connection, table_name: str, description: Description) -> Loaded:
    """Publish a table that was loaded, or a table or view of the operator's own; a description changes what it names.

    Raises: LoadError, DescriptionError.
    """
    names = split_table_name(table_name)
    with connection.transaction():
        if _is_unknown_on_shards(connection, *names) and not was_loaded(connection, full_name(*names)):
            raise LoadError(f"{full_name(*names)} lies on shards and is not published any more; load it again")
        known = known_table(connection, full_name(*names), names, description)
        make_readable(connection, known.table)
        before = known.table.columns
        known = redescribed(known, description)
        shown = [c for c in known.table.columns if c.name not in known.omitted]
        ra, dec = (
            (description.table.ra, description.table.dec) if description.table.ra else known.position or (None, None)
        )
        search = find_position(shown, ra, dec)
        indexed, note = index_command(connection, known, search.position)
        key = primary_key(connection, known.table)
        columns = tuple(
            replace(c, column_index=i, indexed=c.name in indexed)
            for i, c in enumerate(with_ucds(known.table.columns, search.position, description, key), 1)
        )
        check_keys(connection, replace(known.table, columns=tuple(shown)), description)
        check_divided_by(known, search.names)
        if known.position != search.names:
            drop_statistics(connection, known.table.table_name)
        known = replace(known, table=replace(known.table, columns=columns), position=search.names)
        publish_known(connection, known, description.table.readers)
        if known.loaded and not known.division:
            remember(connection, known)
        elif known.ranges:
            forget(connection, known.table.table_name)
            restore_ranges(connection, known.table.table_name, known.ranges)
        mapped = map_observations(connection, known, description.obscore)
        slow = tuple(slow_links(connection, known.table.table_name))
    drop_replaced_views(connection)
    table = replace(known.table, columns=tuple(c for c in columns if c.name not in known.omitted))
    all_notes = chain((search.note, note), rewritten_by(before, description), mapped, slow)
    notes = tuple(each for each in all_notes if each)
    return Loaded(table, warnings_of(table), notes=notes)


def unpublish_table(connection: psycopg.Connection, table_name: str, *, drop: bool = False) -> bool:
    """Take a table out of TAP_SCHEMA; the table itself stays, unless it was loaded and is to be dropped.

    Return whether it was published, or dropped.
    """
    schema_name, name = split_table_name(table_name)
    published = full_name(schema_name, name)
    with connection.transaction():
        row = connection.execute(statement("stored_and_loaded"), (published,)).fetchone()
        storage = (row[0] if row else storage_of(connection, published)) or name
        ours = bool(row[1]) if row else storage_of(connection, published) is not None
        if row and ours and not was_loaded(connection, published):
            remember_as_it_is(connection, published, (schema_name, name))
        count_change_of(connection, published)
        was_published = remove_table(connection, published)
        target = sql.Identifier(schema_name, storage)
        if was_published:
            _revoke(connection, target)
        take_out(connection, published, forget=drop and ours)
        if drop and ours:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(target))
            forget(connection, published)
    drop_replaced_views(connection)
    return was_published or (drop and ours)


def _revoke(connection: psycopg.Connection, target: sql.Identifier) -> None:
    if exists(connection, target):
        take_rights(connection, target)
