"""A file into a table that lies on several servers, each row where its place in the sky belongs.

The file is read twice: once for how many rows each cell has, so that all ranges hold about as many, and once for
the rows, which go straight to the shards. Each shard has its partitions, with indexes, before the coordinator knows
of them. A load that was interrupted goes on when it is started again.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import uuid4

import psycopg

from schema.copy_rows import Progress, RowSource
from schema.description import Description
from schema.listing import make_schema
from schema.load import open_file
from schema.load.reader import LoadError, Reader
from schema.publish import Loaded, drop_stored, load_notes, position_check, split_table_name, warnings_of
from schema.statistics.store import keep_statistics
from tap.sharding.loading.copy_to_shards import copy_to_shards
from tap.sharding.loading.foreign_partitions import attach
from tap.sharding.loading.load_journal import LoadInUse, forget_load, identity_of, load_id_of, lock_load
from tap.sharding.loading.partitions import ShardUnreachable
from tap.sharding.loading.resume import ShardedLoad, abandon, start_or_resume
from tap.sharding.loading.table_plan import ranges_of_layout
from tap.sharding.rebalancing.orphans import drop_replaced


class LoadInterrupted(LoadError):
    """Nothing is wrong with the file: what is there is kept, for the same load to go on with."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Opens a file as often as it is asked to."""

    path: Path
    wanted_types: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> Reader:
        return open_file(self.path, self.wanted_types)

    @property
    def identity(self) -> str:
        return identity_of(self.path)


@runtime_checkable
class RepeatableSource(Protocol):
    """Gives the same rows whenever it is called, as long as `identity` is the same."""

    @property
    def identity(self) -> str: ...

    def __call__(self) -> Reader: ...


def load_sharded(
    connection: psycopg.Connection,
    open_reader: Callable[[], Reader],
    table_name: str,
    description: Description,
    progress: Progress = lambda rows, fraction: None,
) -> Loaded:
    """Load a table as `load_table` does, on all shards of the coordinator.

    An interrupted load of a `RepeatableSource` goes on. Raises: LoadError, DescriptionError, with nothing left behind;
    LoadInterrupted, LoadInUse, with all of it.
    """
    load = start_or_resume(
        connection, open_reader, table_name, description, _load_id(open_reader, table_name, description)
    )
    with _kept_if_interrupted(connection, load), connection.transaction():
        lock_load(connection, load.table_name, load.load_id)
        _hold_layout(connection, load)
        reader, check = open_reader(), position_check(load.plan.columns, load.plan.position, description)
        contents, columns, measure = copy_to_shards(load, reader, check, progress)
        make_schema(connection, load.plan.schema_name)
        table = attach(connection, load.plan, split_table_name(table_name)[1], columns, contents)
        keep_statistics(connection, table.table_name, measure)
        forget_load(connection, load.table_name)
    if load.previous is not None:
        drop_stored(connection, load.plan.schema_name, load.previous)
    drop_replaced(connection, load.table_name)
    notes = load_notes(RowSource(reader, list(load.plan.columns), check), description, load.plan.position_note)
    return Loaded(table, warnings_of(table), load.previous is not None, notes)


def _load_id(open_reader: Callable[[], Reader], table_name: str, description: Description) -> str:
    if isinstance(open_reader, RepeatableSource):
        return load_id_of(open_reader.identity, table_name, description)
    return uuid4().hex


@contextmanager
def _kept_if_interrupted(connection: psycopg.Connection, load: ShardedLoad) -> Iterator[None]:
    with ExitStack() as undo:
        undo.callback(abandon, connection, load.table_name, load.load_id)
        try:
            yield
        except (LoadInUse, KeyboardInterrupt, SystemExit):
            undo.pop_all()
            raise
        except (psycopg.OperationalError, psycopg.InterfaceError, ShardUnreachable) as error:
            undo.pop_all()
            raise LoadInterrupted(
                f"{load.table_name}: interrupted; the same command goes on with it. {str(error).strip()}"
            ) from error
        undo.pop_all()


def _hold_layout(connection: psycopg.Connection, load: ShardedLoad) -> None:
    """Lock the layout: until the table is loaded no range moves, and nobody else replaces it. Raises: LoadInUse."""
    command = "SELECT FROM armillary.tables WHERE table_name = %s FOR UPDATE"
    connection.execute(command, (load.table_name,))
    connection.execute("SELECT FROM armillary.tables WHERE layout = %s FOR SHARE", (load.plan.partitioning.layout,))
    ranges = [(cell_range.first, cell_range.stop, cell_range.shard) for cell_range in load.plan.ranges]
    if ranges_of_layout(connection, load.plan, load.table_name) not in (None, ranges):
        raise LoadInUse(f"{load.table_name}: ranges of its layout have moved; start it again")
