"""The part of a table that lies on one shard: a partitioned table of the same name, with the ranges that are there.

Each shard keeps a list of the partitions that were made on it (armillary.parts), so that none is forgotten, and none
that is somebody else's is dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from schema.existing import exists, index_table
from schema.load.reader import LoadError
from schema.publish import create_table
from tap.sharding.loading.table_plan import ShardedTablePlan
from tap.sharding.model import CellRange
from tap.sharding.shards import Shard


class ShardUnreachable(LoadError):
    """A shard cannot be reached; what it holds stays there."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as its shard's list has it."""

    schema_name: str
    partition: str
    storage: str
    table_name: str
    load_id: str

    @property
    def name(self) -> sql.Identifier:
        return sql.Identifier(self.schema_name, self.partition)

    @property
    def parent(self) -> sql.Identifier:
        return sql.Identifier(self.schema_name, self.storage)


@contextmanager
def connected(shard: Shard) -> Iterator[psycopg.Connection]:
    """Yield a connection whose transaction is rolled back unless it was committed. Raises: ShardUnreachable."""
    try:
        connection = psycopg.connect(shard.database)
    except psycopg.OperationalError as error:
        raise ShardUnreachable(f"shard {shard.name} cannot be reached: {str(error).strip()}") from error
    try:
        yield connection
    finally:
        connection.close()


def listed_partitions(connection: psycopg.Connection) -> list[Partition]:
    rows = connection.execute(
        "SELECT schema_name, partition, storage, table_name, load_id FROM armillary.parts ORDER BY 1, 3, 2"
    )
    return [Partition(*row) for row in rows]


def list_partition(connection: psycopg.Connection, partition: Partition, *, ready: bool = False) -> None:
    connection.execute(
        "INSERT INTO armillary.parts (schema_name, partition, storage, table_name, load_id, ready)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (schema_name, partition) DO UPDATE"
        " SET storage = excluded.storage, table_name = excluded.table_name, load_id = excluded.load_id,"
        " ready = excluded.ready, taken = 0",
        (partition.schema_name, partition.partition, partition.storage, partition.table_name, partition.load_id, ready),
    )


def note_partition(connection: psycopg.Connection, partition: Partition) -> None:
    """Add a partition to its shard's list, unless it is there: partitions are older than the list."""
    connection.execute(
        "INSERT INTO armillary.parts (schema_name, partition, storage, table_name, load_id, ready)"
        " VALUES (%s, %s, %s, %s, %s, true) ON CONFLICT DO NOTHING",
        (partition.schema_name, partition.partition, partition.storage, partition.table_name, partition.load_id),
    )


def drop_partition(connection: psycopg.Connection, partition: Partition) -> None:
    """Drop a partition; nothing if it is not in the list.

    The table that it was attached to goes too, if it was the last there.
    """
    names = (partition.schema_name, partition.partition)
    deleted = connection.execute("DELETE FROM armillary.parts WHERE schema_name = %s AND partition = %s", names)
    if deleted.rowcount:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(partition.name))
    row = connection.execute(
        "SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relkind = 'p'"
        " AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = pg_class.oid)",
        (partition.parent.as_string(connection),),
    ).fetchone()
    if row is not None:
        connection.execute(sql.SQL("DROP TABLE {}").format(partition.parent))


def create_partition(connection: psycopg.Connection, plan: ShardedTablePlan, cell_range: CellRange) -> None:
    """Create a partition, empty and without indexes; its CHECK lets it be attached without being read."""
    name, column = plan.partition(cell_range), sql.Identifier(plan.partitioning.column)
    create_table(connection, name, plan.all_columns, plan.description)
    check = "ALTER TABLE {} ALTER {} SET NOT NULL, ADD CHECK ({} >= {} AND {} < {})"
    connection.execute(sql.SQL(check).format(name, column, column, cell_range.first, column, cell_range.stop))


def index_partition(connection: psycopg.Connection, plan: ShardedTablePlan, cell_range: CellRange) -> None:
    index_table(connection, plan.partition(cell_range), plan.position, plan.description)


def ensure_parent(connection: psycopg.Connection, plan: ShardedTablePlan) -> None:
    """Create the table that queries name on a shard, unless it is there."""
    if not exists(connection, plan.parent):
        create_table(connection, plan.parent, plan.all_columns, plan.without_key, plan.division)


def is_attached(connection: psycopg.Connection, partition: sql.Identifier) -> bool:
    name = partition.as_string(connection)
    row = connection.execute("SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relispartition", (name,)).fetchone()
    return row is not None


def attach_partition(
    connection: psycopg.Connection, parent: sql.Identifier, partition: sql.Identifier, cell_range: CellRange
) -> None:
    command = "ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
    connection.execute(sql.SQL(command).format(parent, partition, cell_range.first, cell_range.stop))
