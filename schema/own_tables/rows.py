"""Own tables made from files, and rows added to them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
import pyarrow as pa
from psycopg import sql

from schema.analyze import analyze_loaded
from schema.bounds import measured
from schema.copy_rows import RowSource, copy_rows
from schema.description import Description
from schema.geometries import stored_as
from schema.listing import make_schema, publish_known
from schema.load.copy_binary import cast
from schema.load.reader import ARROW_OF, FileColumn, LoadError, Reader
from schema.loaded import Known, recall, remember
from schema.model import Column, Table, unquoted_parts
from schema.own_tables.names import SHARED, checked_name, claim_schema, own_name_of
from schema.own_tables.quota import LimitedReader, Owner, settle, usage
from schema.plan import PlannedColumn
from schema.positions import PositionCheck
from schema.publish import Loaded, build_table, drop_stored, full_name
from schema.readers import grantee
from schema.statements import statement
from schema.statistics.store import drop_statistics

_QUICKLY_ANALYZED = 300_000
"""Rows at which it takes about as long as PostgreSQL's ANALYZE."""


class TableExists(Exception):
    """There is a table of that name already."""


class NoSuchTable(Exception):
    """There is no such table, or none that one may know of."""


def locked(connection: psycopg.Connection, table_name: str) -> Known:
    """Return what is known of a table, which nobody else changes until the transaction ends. Raises: NoSuchTable.

    Whoever changes a table locks this first, so that none waits for another that waits for them.
    """
    known = recall(connection, table_name)
    if known is None:
        raise NoSuchTable(f"There is no table {table_name[:120]}")
    return known


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table to be made of a file; `replacing`: in place of one that has its name already; `job` whose result it is.

    `mounted`: in the schema of what is shared, instead of one's own.
    """

    name: str
    reader: Reader
    description: Description
    replacing: bool = False
    job: str | None = None
    mounted: bool = False


def create(connection: psycopg.Connection, owner: Owner, new: NewTable) -> Loaded:
    """Make an account's table of a file's rows, which only it may read; a table that is replaced keeps its readers.

    Raises: TableExists, NotOwnSchema, LoadError, DescriptionError.
    """
    table_name = _claimed_name(connection, owner, new)
    limited = LimitedReader(new.reader, owner, usage(connection, owner.account, table_name))
    try:
        with connection.transaction():
            readers = _readers(connection, owner, table_name, new)
            description = replace(new.description, table=replace(new.description.table, readers=readers))
            loaded, previous = build_table(connection, limited, table_name, description)
            settle(connection, owner, loaded.table, new.job)
    except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable) as error:
        raise TableExists(f"{table_name} is just being made by another request") from error
    if previous is not None:
        drop_rows(connection, unquoted_parts(table_name)[0], previous)
    return loaded


def _claimed_name(connection: psycopg.Connection, owner: Owner, new: NewTable) -> str:
    """Return the full name of a new table, in a schema that is there. Raises: NotOwnSchema, LoadError."""
    if not new.mounted:
        own_name_of(connection, new.name, owner.account)
    with connection.transaction():
        connection.execute(statement("lock_catalogue"))
        make_schema(connection, claim_schema(connection, owner.account))
    if not new.mounted:
        return own_name_of(connection, new.name, owner.account)
    make_schema(connection, SHARED)
    return full_name(SHARED, checked_name(new.name))


def _readers(connection: psycopg.Connection, owner: Owner, table_name: str, new: NewTable) -> tuple[str, ...]:
    """Return who may read a table that is made or replaced, which nobody else changes until then.

    Raises: TableExists where it must not be there, or differs in case only.
    """
    own = (grantee("user", owner.account),)
    recall(connection, table_name)  # which locks what is known of it
    row = connection.execute(statement("account_and_readers"), {"name": table_name}).fetchone()
    if row is None:
        alike = connection.execute(statement("named_alike"), {"name": table_name}).fetchone()
        taken = connection.execute(statement("is_published"), (table_name,)).fetchone()
        if alike or taken:
            raise TableExists(
                f"{alike[0] if alike else table_name} exists already; take another name than {table_name}"
            )
        return own
    if not new.replacing or row[0] != owner.account:
        raise TableExists(f"{table_name} exists already; drop it first, or give REPLACE=true")
    return tuple(row[1]) or own


def drop_rows(connection: psycopg.Connection, schema_name: str, storage: str) -> bool:
    """Drop a table by its names in the database, unless a query, or a view of the operator's, still needs it.

    Then it is dropped later. Return whether it was dropped.
    """
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '2s'")
            drop_stored(connection, schema_name, storage)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DependentObjectsStillExist):
        return False
    return True


# ---- more rows


def append(
    connection: psycopg.Connection, owner: Owner, table_name: str, reader: Reader, job: str | None = None
) -> int:
    """Add a file's rows to a table, by the names of columns; return how many there were. All or nothing.

    `owner` is whose table it is, `job` whose result the rows are. Columns that the file lacks are NULL. Raises: NoSuchTable, LoadError.
    """
    with connection.transaction():
        known = locked(connection, table_name)
        limited = LimitedReader(reader, owner, usage(connection, owner.account))
        columns = [PlannedColumn(c.name, i, c.type, c) for i, c in enumerate(known.table.columns)]
        source = RowSource(_Matched(limited, known.table), columns, _position_check(known))
        target = sql.Identifier(*known.table.stored_parts)
        rows, sizes = copy_rows(connection, target, source, freeze=False)
        sizes.include(known.table.columns)
        table = _with_rows(connection, known.table, rows, sizes.applied(known.table.columns))
        changed = replace(known, table=table)
        publish_known(connection, changed)
        remember(connection, changed)
        _renew_statistics(connection, changed)
        settle(connection, owner, table, job)
    return rows


def _renew_statistics(connection: psycopg.Connection, known: Known) -> None:
    """Analyze a table again; of a large one, so that little rows do not wait for it, forget what was known."""
    if (known.table.nrows or 0) <= _QUICKLY_ANALYZED:
        analyze_loaded(connection, known.table, known.position)
    else:
        drop_statistics(connection, known.table.table_name)


def _position_check(known: Known) -> PositionCheck:
    names = [column.name for column in known.table.columns]
    places = (names.index(known.position[0]), names.index(known.position[1])) if known.position else None
    return PositionCheck(places)


def _with_rows(connection: psycopg.Connection, table: Table, rows: int, columns: tuple[Column, ...]) -> Table:
    """Return a table as it is with so many rows more."""
    target = sql.Identifier(*table.stored_parts)
    connection.execute(sql.SQL("ANALYZE {}").format(target))
    unmeasured = tuple(replace(column, bounds=None) for column in columns)
    return replace(table, nrows=(table.nrows or 0) + rows, columns=measured(connection, target, unmeasured))


class _Matched:
    """A file's rows with the columns of a table, in its order. Raises: LoadError for a column that the table has not."""

    def __init__(self, reader: Reader, table: Table) -> None:
        self._reader = reader
        self._places = _places([column.name for column in reader.columns], table)
        self._types = [stored_as(column.type) for column in table.columns]
        self.columns = tuple(FileColumn(column.name, column.type) for column in table.columns)
        for place in self._places:
            if place is not None and (problem := reader.columns[place].problem):
                raise LoadError(problem)

    def batches(self) -> Iterator[pa.RecordBatch]:
        names = [column.name for column in self.columns]
        for batch in self._reader.batches():
            arrays = [
                pa.nulls(batch.num_rows, ARROW_OF[type_]) if place is None else cast(batch.column(place), type_, name)
                for place, type_, name in zip(self._places, self._types, names, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=names)

    def fraction(self) -> float | None:
        return self._reader.fraction()


def _places(names: list[str], table: Table) -> list[int | None]:
    """Return for each column of a table where the file has it: under its name, or the same but for case."""
    own = [column.name for column in table.columns]
    lower = [name.lower() for name in own]
    places: list[int | None] = [None] * len(own)
    for place, name in enumerate(names):
        matches = [own.index(name)] if name in own else [i for i, other in enumerate(lower) if other == name.lower()]
        if len(matches) != 1:
            raise LoadError(f"{table.table_name} has no column {name[:60]}; it has {', '.join(own)[:500]}")
        if places[matches[0]] is not None:
            raise LoadError(f"the file has two columns for {own[matches[0]]}")
        places[matches[0]] = place
    return places
