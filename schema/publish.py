"""Tables into the database and into TAP_SCHEMA: loading, publishing what is there, unpublishing.

Everything about one table happens in one transaction: a failed or interrupted load leaves nothing
behind. A table that is loaded again is built beside the old one and takes its place in one instant;
queries that run go on with the old one, which is dropped when the last of them has ended.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
import pyarrow as pa
from psycopg import sql

from schema import types
from schema.bounds import measured
from schema.description import Description
from schema.load.copy_binary import HEADER, TRAILER, encode, is_ascii
from schema.load.reader import FileColumn, LoadError, Reader
from schema.model import Column, Key, Pixel, Table, quoted_if_needed
from schema.plan import PlannedColumn, check_named, leading_columns, main_position, plan_columns
from schema.roles import READER
from schema.tap_schema import count_change, remove_table, write_keys, write_table
from schema.types import of_postgres
from schema.vocabulary import problems

_UNDIVIDED = sql.SQL("")

Progress = Callable[[int, float | None], None]
"""Is told the rows so far, and the fraction of the file."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load or a publication did; `warnings` are about units and UCDs."""

    table: Table
    warnings: tuple[str, ...]
    replaced: str | None = None


def load_table(
    connection: psycopg.Connection,
    reader: Reader,
    table_name: str,
    description: Description,
    progress: Progress = lambda rows, fraction: None,
) -> Loaded:
    """Creates, fills, indexes and publishes `schema.table`.

    Raises: LoadError, DescriptionError, with nothing left behind.
    """
    schema_name, name = split_table_name(table_name)
    columns = plan_columns(reader.columns, description, by_content=True)
    position = main_position([c.about for c in columns], description)
    check_named([c.name for c in columns], description)
    with connection.transaction():
        make_schema(connection, schema_name)
        previous, storage = storage_for(connection, schema_name, name)
        target = sql.Identifier(schema_name, storage)
        create_table(connection, target, columns, description)
        rows, wide = _copy(connection, target, reader, columns, progress)
        index_table(connection, target, position, description)
        connection.execute(sql.SQL("ANALYZE {}").format(target))
        about = measured(connection, target, tuple(with_text_type(c, wide) for c in columns))
        table = described_table(schema_name, name, about, description, leading_columns(position, description))
        table = replace(table, nrows=rows, storage=storage if storage != name else None)
        publish_described(connection, table, description, position, loaded=True)
    if previous is not None:
        with connection.transaction():
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema_name, previous)))
    return Loaded(table, warnings_of(table), previous)


def split_table_name(table_name: str) -> tuple[str, str]:
    schema_name, dot, name = table_name.partition(".")
    if not dot or not schema_name or not name or "." in name:
        raise LoadError(f"{table_name}: write the table's name as schema.table")
    return schema_name, name


def described_table(
    schema_name: str, name: str, columns: tuple[Column, ...], description: Description, indexed: set[str]
) -> Table:
    numbered = tuple(replace(c, column_index=i, indexed=c.name in indexed) for i, c in enumerate(columns, 1))
    table = description.table
    full_name = f"{quoted_if_needed(schema_name)}.{quoted_if_needed(name)}"
    return Table(
        quoted_if_needed(schema_name),
        full_name,
        numbered,
        "table",
        table.description or description.origin.title,
        table.utype,
        table.table_index,
        origin=description.origin,
    )


def warnings_of(table: Table) -> tuple[str, ...]:
    return tuple(each for column in table.columns for each in problems(column))


# ---- in the database


def make_schema(connection: psycopg.Connection, schema_name: str) -> None:
    name = sql.Identifier(schema_name)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(name, sql.Identifier(READER)))


def storage_for(connection: psycopg.Connection, schema_name: str, name: str) -> tuple[str | None, str]:
    """The table that is replaced, if any, and a free name for the new one."""
    full_name = f"{quoted_if_needed(schema_name)}.{quoted_if_needed(name)}"
    row = connection.execute(
        "SELECT coalesce(storage, %s), loaded FROM armillary.tables WHERE table_name = %s FOR UPDATE", (name, full_name)
    ).fetchone()
    if row and not row[1]:
        raise LoadError(f"{full_name} is published from a table that was not loaded here; unpublish it first")
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace", (sql.Identifier(schema_name).as_string(),)
    )
    taken = {str(each[0]) for each in found}
    if name in taken and not row and not _lies_on_shards(connection, schema_name, name):
        raise LoadError(f"{full_name} exists in the database but is not published; publish or drop it first")
    choices = [name, *(f"{name}_{number}" for number in range(2, 10_000))]
    return (str(row[0]) if row else None), next(each for each in choices if each not in taken)


def _lies_on_shards(connection: psycopg.Connection, schema_name: str, name: str) -> bool:
    """Whether it is what an unpublished sharded table left, which may be replaced: its rows are elsewhere."""
    row = connection.execute(
        "SELECT FROM pg_inherits JOIN pg_foreign_table ON ftrelid = inhrelid WHERE inhparent = to_regclass(%s)",
        (sql.Identifier(schema_name, name).as_string(connection),),
    ).fetchone()
    return row is not None


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


def _copy(
    connection: psycopg.Connection,
    target: sql.Identifier,
    reader: Reader,
    columns: list[PlannedColumn],
    progress: Progress,
) -> tuple[int, set[str]]:
    """Rows loaded, and the text columns that hold more than ASCII."""
    rows, wide = 0, set()
    types_ = tuple(c.type for c in columns)
    command = sql.SQL("COPY {} FROM STDIN (FORMAT binary, FREEZE)").format(target)
    with refused_rows(), connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(HEADER)
        for batch in reader.batches():
            chosen = batch.select([c.index for c in columns])
            wide |= wide_texts(columns, chosen)
            copy.write(encode(chosen, types_))
            rows += batch.num_rows
            progress(rows, reader.fraction())
        copy.write(TRAILER)
    return rows, wide


@contextmanager
def refused_rows() -> Iterator[None]:
    """Rows that the database does not take are a LoadError."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise LoadError(f"the primary key repeats: {error.diag.message_detail}") from error
    except psycopg.errors.NotNullViolation as error:
        raise LoadError(f"the primary key column {error.diag.column_name} has a NULL") from error
    except psycopg.DataError as error:
        raise LoadError(f"{error.diag.message_primary} ({error.diag.context})") from error


def wide_texts(columns: Sequence[PlannedColumn], chosen: pa.RecordBatch) -> set[str]:
    """The text columns that hold more than ASCII."""
    return {c.name for i, c in enumerate(columns) if c.type is types.TEXT and not is_ascii(chosen.column(i))}


def with_text_type(column: PlannedColumn, wide: set[str]) -> Column:
    if column.name in wide:
        return replace(column.about, datatype="unicodeChar")
    return column.about


def position_index(target: sql.Composable, ra: str, dec: str) -> sql.Composed:
    """The index on positions, its expression spelt as translated queries spell it (adql.functions.constructors)."""
    command = "CREATE INDEX ON {} USING gist (spoint(radians({}), radians({})))"
    return sql.SQL(command).format(target, sql.Identifier(ra), sql.Identifier(dec))


def index_table(
    connection: psycopg.Connection,
    target: sql.Identifier,
    position: tuple[Column, Column] | None,
    description: Description,
) -> None:
    if position:
        connection.execute(position_index(target, position[0].name, position[1].name))
    for names in description.table.indexes:
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(target, columns))


def publish_described(
    connection: psycopg.Connection,
    table: Table,
    description: Description,
    position: tuple[Column, Column] | None,
    *,
    loaded: bool,
) -> None:
    write_table(connection, table, schema_description=description.schema_description)
    origin = table.origin
    connection.execute(
        "INSERT INTO armillary.tables (table_name, storage, nrows, ra, dec, loaded, title, publisher, creator,"
        " licence, licence_url, citation, reference_url, pixel_column, pixel_order, layout, pixel_key, pixel_margin)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            table.table_name,
            table.storage,
            table.nrows,
            position[0].name if position else None,
            position[1].name if position else None,
            loaded,
            origin.title,
            origin.publisher,
            origin.creator,
            origin.licence,
            origin.licence_url,
            origin.citation,
            origin.reference_url,
            *_divided(table.pixel),
        ),
    )
    write_keys(connection, _keys(table, description))
    count_change(connection)


def _divided(pixel: Pixel | None) -> tuple[object, ...]:
    return (pixel.column, pixel.order, pixel.layout, pixel.key, pixel.margin) if pixel else (None, None, None, None, 0)


def _keys(table: Table, description: Description) -> list[Key]:
    name = table.table_name.replace('"', "").replace(".", "_")
    return [
        Key(f"{name}_{number}", table.table_name, key.target, tuple(key.columns.items()), key.description)
        for number, key in enumerate(description.keys, 1)
    ]


# ---- tables that are there already


def publish_table(connection: psycopg.Connection, table_name: str, description: Description) -> Loaded:
    """Publishes a table or view of the operator's own; its data and indexes are left as they are.

    Raises: LoadError, DescriptionError.
    """
    schema_name, name = split_table_name(table_name)
    omitted = {d.source or n for n, d in description.columns.items() if d.omit}
    found = _existing_columns(connection, schema_name, name, omitted)
    columns = [c.about for c in plan_columns(tuple(c for c, _ in found), description, by_content=False)]
    position = main_position(columns, description)
    indexed = {c.name for c, leads in found if leads}
    with connection.transaction():
        _make_readable(connection, schema_name, name)
        table = described_table(schema_name, name, tuple(columns), description, indexed)
        row = connection.execute(
            "SELECT relkind, greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = %s::regclass",
            (sql.Identifier(schema_name, name).as_string(),),
        ).fetchone()
        kind, rows = row or ("r", 0)
        table = replace(table, table_type="view" if kind in "vm" else "table", nrows=rows or None)
        publish_described(connection, table, description, position, loaded=False)
    return Loaded(table, warnings_of(table))


def _existing_columns(
    connection: psycopg.Connection, schema_name: str, name: str, omitted: set[str]
) -> list[tuple[FileColumn, bool]]:
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, NULL), col_description(attrelid, attnum),"
        " EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indkey[0] = attnum)"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname = %s AND relname = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (schema_name, name),
    ).fetchall()
    if not rows:
        raise LoadError(f"there is no table {schema_name}.{name} in the database")
    kept = [row for row in rows if row[0] not in omitted]
    return [(_existing(column, type_, about), bool(leads)) for column, type_, about, leads in kept]


def _existing(name: str, type_: str, about: str | None) -> FileColumn:
    found = of_postgres(type_)
    if found is None:
        raise LoadError(f"column {name}: values of type {type_} cannot be published; leave it out with omit = true")
    return FileColumn(name, found, description=about)


def _make_readable(connection: psycopg.Connection, schema_name: str, name: str) -> None:
    schema, table, reader = sql.Identifier(schema_name), sql.Identifier(schema_name, name), sql.Identifier(READER)
    try:
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, reader))
        connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, reader))
    except psycopg.errors.InsufficientPrivilege as error:
        raise LoadError(
            f"armillary_owner may not grant SELECT on {schema_name}.{name}: run GRANT SELECT ON {schema_name}.{name} TO armillary_owner WITH GRANT OPTION"
        ) from error


def unpublish_table(connection: psycopg.Connection, table_name: str) -> bool:
    """Takes a table out of TAP_SCHEMA; the table itself stays. False if it was not published."""
    with connection.transaction():
        (storage,) = connection.execute(
            "SELECT max(storage) FROM armillary.tables WHERE table_name = %s", (table_name,)
        ).fetchone() or (None,)
        found = remove_table(connection, table_name)
        if found:
            schema_name, name = split_table_name(table_name)
            _revoke(connection, sql.Identifier(schema_name, storage or name))
            count_change(connection)
    return found


def _revoke(connection: psycopg.Connection, target: sql.Identifier) -> None:
    exists = connection.execute("SELECT to_regclass(%s)", (target.as_string(),)).fetchone()
    if exists and exists[0]:
        connection.execute(sql.SQL("REVOKE SELECT ON {} FROM {}").format(target, sql.Identifier(READER)))
