"""Many files into one table of this server, each in a transaction of its own, published when all are there.

A load that was interrupted goes on with the files that are missing when it is started again. The rows of a file that has
changed meanwhile, or is no longer among them, are taken out by the transaction that brought them, which PostgreSQL keeps
with each row (xmin).
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.types.json import Jsonb

from schema.copy_rows import Progress, RowSource, copy_rows, refused_rows, told_to_nobody
from schema.description import Description
from schema.existing import exists
from schema.listing import make_schema
from schema.load.reader import FileColumn, LoadError, Reader
from schema.positions import PositionCheck, Search
from schema.publish import (
    FilledTable,
    Loaded,
    create_table,
    drop_stored,
    full_name,
    planned_source,
    publish_filled,
    split_table_name,
    storage_for,
)
from schema.roles import READER
from schema.statements import statement
from schema.text_sizes import TextSizes

_SUFFIX = "_load"


class FileList(Protocol):
    """Files of one table, all with the same columns."""

    @property
    def columns(self) -> tuple[FileColumn, ...]:
        """Return the columns that all files have, in the order in which the readers give them."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """Return each file with what is another as soon as its content is, in the order of loading."""
        ...

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return the bytes of each file."""
        ...

    def readers(self, labels: Collection[str] | None = None) -> Iterator[tuple[str, Reader]]:
        """Yield each of these files with a reader. Raises: LoadError."""
        ...


class StagedLoadInUse(LoadError):
    """Another process loads the table just now."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file whose rows are in the table: how many, and what was seen of them."""

    version: str
    transaction: str
    rows: int
    nulled: int
    texts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _ColumnsOnly:
    """Stands for a reader where only the columns are asked for."""

    columns: tuple[FileColumn, ...]

    def batches(self) -> Iterator[pa.RecordBatch]:
        return iter(())

    def fraction(self) -> float | None:
        return None


@dataclass(frozen=True, slots=True)
class StagedLoad:
    """A load that has begun: its table is stored under `storage`, and filled with the columns of `source`."""

    connection: psycopg.Connection
    schema_name: str
    name: str
    storage: str
    source: RowSource
    search: Search
    description: Description

    @property
    def table_name(self) -> str:
        return full_name(self.schema_name, self.name)

    @property
    def target(self) -> sql.Identifier:
        return sql.Identifier(self.schema_name, self.storage)

    def files(self) -> dict[str, StagedFile]:
        rows = self.connection.execute(statement("staged_files"), (self.table_name,)).fetchall()
        return {file: StagedFile(*values) for file, *values in rows}


def load_in_stages(
    connection: psycopg.Connection,
    files: FileList,
    table_name: str,
    description: Description,
    progress: Progress = told_to_nobody,
) -> Loaded:
    """Load files as a published table, or go on with it.

    `connection` commits by itself. Raises: LoadError, DescriptionError, with the files that are there kept.
    """
    load = _begun(connection, files, table_name, description)
    notes = _without_stale_rows(load, files)
    _copy_missing(load, files, progress)
    return replace(loaded := _published(load), notes=(*notes, *loaded.notes))


def drop_staged_load(connection: psycopg.Connection, table_name: str) -> bool:
    """Throw away what an interrupted load left; return whether there was anything. Raises: StagedLoadInUse."""
    schema_name, name = split_table_name(table_name)
    with connection.transaction():
        storage = _lock(connection, full_name(schema_name, name))
        connection.execute(statement("forget_staged_load"), (full_name(schema_name, name),))
        if storage:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema_name, storage)))
    return storage is not None


def _lock(connection: psycopg.Connection, table_name: str) -> str | None:
    """Lock an interrupted load until the end of the transaction; return where its rows are. Raises: StagedLoadInUse."""
    try:
        row = connection.execute(statement("lock_staged_load"), (table_name,)).fetchone()
    except psycopg.errors.LockNotAvailable as error:
        raise StagedLoadInUse(f"{table_name} is being loaded by another process") from error
    return row[0] if row else None


@contextmanager
def _step(load: StagedLoad) -> Iterator[None]:
    """Run a transaction of the load while no other process takes one. Raises: StagedLoadInUse."""
    with load.connection.transaction():
        if _lock(load.connection, load.table_name) != load.storage:
            raise StagedLoadInUse(f"{load.table_name}: another process has ended this load, or thrown it away")
        yield


def _begun(connection: psycopg.Connection, files: FileList, table_name: str, description: Description) -> StagedLoad:
    """Return the load that was interrupted, or a new one. Raises: LoadError, DescriptionError."""
    schema_name, name = split_table_name(table_name)
    source, search = planned_source(_ColumnsOnly(files.columns), description)
    columns = _digest(source)
    row = connection.execute(statement("staged_load"), (full_name(schema_name, name),)).fetchone()
    if row and not exists(connection, sql.Identifier(schema_name, row[0])):
        drop_staged_load(connection, table_name)
        row = None
    storage = row[0] if row else _free_name(connection, schema_name, name)
    load = StagedLoad(connection, schema_name, name, storage, source, search, description)
    if row and row[1] != columns:
        raise LoadError(
            f"{load.table_name}: an interrupted load of it has other columns, or other types of them; --restart begins anew"
        )
    if row is None:
        _begin(load, columns)
    return load


def _free_name(connection: psycopg.Connection, schema_name: str, name: str) -> str:
    """Return a name for the table while it is filled: LONGEST_NAME leaves room for it."""
    names = (f"{name}{_SUFFIX}{number or ''}" for number in range(100))
    return next(each for each in names if not exists(connection, sql.Identifier(schema_name, each)))


def _begin(load: StagedLoad, columns: str) -> None:
    """Make the table, empty and hidden from queries. Raises: LoadError where its name is taken."""
    connection = load.connection
    with connection.transaction():
        make_schema(connection, load.schema_name)
        storage_for(connection, load.schema_name, load.name)
        create_table(connection, load.target, load.source.columns, _without_key(load.description))
        connection.execute(sql.SQL("REVOKE SELECT ON {} FROM {}").format(load.target, sql.Identifier(READER)))
        connection.execute(statement("add_staged_load"), (load.table_name, load.storage, columns))


def _without_key(description: Description) -> Description:
    """Return the description without its primary key, which is made when all rows are there."""
    return replace(description, table=replace(description.table, primary_key=()))


def _digest(source: RowSource) -> str:
    columns = [(c.name, c.type.name, source.reader.columns[c.index].name) for c in source.columns]
    return hashlib.sha256(repr(columns).encode()).hexdigest()


def _without_stale_rows(load: StagedLoad, files: FileList) -> tuple[str, ...]:
    """Take out the rows of files that have changed or are no longer meant; return notes on them."""
    versions, staged = files.versions, load.files()
    stale = {file: about for file, about in staged.items() if versions.get(file) != about.version}
    if not stale:
        return ()
    transactions = [about.transaction for about in stale.values()]
    with load.connection.transaction():
        load.connection.execute(
            sql.SQL("DELETE FROM {} WHERE xmin = ANY(%s::xid[])").format(load.target), (transactions,)
        )
        load.connection.execute(statement("drop_staged_files"), (load.table_name, list(stale)))
    return tuple(
        f"{file} has changed since its rows were loaded; they were replaced"
        if file in versions
        else f"{file}, whose rows were loaded, is no longer among the files; they were taken out"
        for file in stale
    )


def _copy_missing(load: StagedLoad, files: FileList, progress: Progress) -> None:
    """Copy the files that are not there yet, each in a transaction of its own. Raises: LoadError naming the file."""
    staged = load.files()
    sizes, rows = files.sizes, sum(about.rows for about in staged.values())
    total, done = max(1, sum(sizes.values())), sum(sizes.get(file, 0) for file in staged)
    progress(rows, done / total)
    missing = [file for file in files.versions if file not in staged]
    for file, reader in files.readers(missing) if missing else ():
        copied = _copy_file(
            load, file, files.versions[file], _Progress(reader, progress, rows, done, sizes[file], total)
        )
        rows, done = rows + copied, done + sizes[file]
    progress(rows, 1.0)


@dataclass(frozen=True, slots=True)
class _Progress:
    """Reads a file, and tells how far the whole load is: rows and bytes before it, its own bytes, and those of all."""

    reader: Reader
    tell: Progress
    rows: int
    done: int
    size: int
    total: int

    def __call__(self, rows: int, fraction: float | None) -> None:
        # All is there when the last file is: until then the bar is not full.
        self.tell(self.rows + rows, min(0.999, (self.done + self.size * (fraction or 0.0)) / self.total))


def _copy_file(load: StagedLoad, file: str, version: str, progress: _Progress) -> int:
    check = PositionCheck(load.source.check.places, load.source.check.as_null)
    source = RowSource(progress.reader, load.source.columns, check)
    try:
        with _step(load):
            if file in load.files():
                raise StagedLoadInUse(f"{load.table_name} is being loaded by another process")
            rows, sizes = copy_rows(load.connection, load.target, source, progress, freeze=False)
            values = (load.table_name, file, version, rows, check.nulled, Jsonb(_as_json(sizes)))
            load.connection.execute(statement("add_staged_file"), values)
    except StagedLoadInUse:
        raise
    except LoadError as error:
        text = str(error) if str(error).startswith(file) else f"{file}: {error}"
        raise LoadError(f"{text}. The files before it are kept: the same command goes on") from error
    return rows


def _as_json(sizes: TextSizes) -> dict[str, list[Any]]:
    return {str(place): [length, place in sizes.wide] for place, length in sizes.longest.items()}


def _sizes(staged: Collection[StagedFile]) -> TextSizes:
    sizes = TextSizes()
    for about in staged:
        for place, (length, is_wide) in about.texts.items():
            sizes.longest[int(place)] = max(sizes.longest.get(int(place), 1), length)
            if is_wide:
                sizes.wide.add(int(place))
    return sizes


def _published(load: StagedLoad) -> Loaded:
    """Check that all rows are there, and publish the table in the place of the one before it. Raises: LoadError."""
    connection, staged = load.connection, load.files()
    rows = sum(about.rows for about in staged.values())
    load.source.check.nulled = sum(about.nulled for about in staged.values())
    connection.execute(sql.SQL("VACUUM (FREEZE) {}").format(load.target))
    with _step(load), refused_rows():
        (found,) = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(load.target)).fetchone() or (0,)
        if found != rows:
            raise LoadError(f"{load.table_name}: {found:,} rows are there of {rows:,}; --restart begins anew")
        previous, storage = storage_for(connection, load.schema_name, load.name)
        connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(load.target, sql.Identifier(storage)))
        connection.execute(statement("forget_staged_load"), (load.table_name,))
        filled = FilledTable(load.schema_name, load.name, storage, rows, _sizes(staged.values()))
        _add_key(load, sql.Identifier(load.schema_name, storage))
        loaded = publish_filled(connection, filled, load.source, load.search, load.description)
    if previous is not None:
        drop_stored(connection, load.schema_name, previous)
    return replace(loaded, replaced=previous is not None)


def _add_key(load: StagedLoad, target: sql.Identifier) -> None:
    load.connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(target, sql.Identifier(READER)))
    if key := load.description.table.primary_key:
        names = sql.SQL(", ").join(map(sql.Identifier, key))
        load.connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(target, names))
