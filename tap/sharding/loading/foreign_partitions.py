"""How the coordinator knows a sharded table: foreign partitions, and its place in TAP_SCHEMA."""

from dataclasses import replace

import psycopg
from psycopg import sql

from schema.model import Column, Table
from schema.plan import leading_columns
from schema.publish import create_table, described_table, publish_loaded
from schema.statements import statement
from tap.sharding.loading.checksum import PartitionContent
from tap.sharding.loading.table_plan import ShardedTablePlan
from tap.sharding.model import CellRange


def attach(
    connection: psycopg.Connection,
    plan: ShardedTablePlan,
    name: str,
    columns: tuple[Column, ...],
    contents: list[PartitionContent],
) -> Table:
    """Publish the table; `contents` is what each range holds."""
    create_table(connection, plan.parent, plan.all_columns, plan.without_key, plan.division)
    for cell_range in plan.ranges:
        attach_range(connection, plan.schema_name, plan.storage, cell_range)
    if plan.description.table.publish_pixel:
        columns = (*columns, plan.all_columns[-1].about)
    table = described_table(
        plan.schema_name, name, columns, plan.description, leading_columns(plan.position, plan.description)
    )
    storage = plan.storage if plan.storage != name else None
    table = replace(table, nrows=sum(content.rows for content in contents), storage=storage)
    publish_loaded(connection, table, plan.description, plan.position, plan.partitioning.division())
    with connection.cursor() as cursor:
        cursor.executemany(
            statement("add_range"),
            [
                (table.table_name, r.first, r.stop, r.shard, r.partition, content.rows, content.checksum)
                for r, content in zip(plan.ranges, contents, strict=True)
            ],
        )
    return table


def attach_range(connection: psycopg.Connection, schema_name: str, storage: str, cell_range: CellRange) -> None:
    """Attach a range as foreign partition of the coordinator's table."""
    command = (
        "CREATE FOREIGN TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({}) SERVER {}"
        " OPTIONS (schema_name {}, table_name {})"
    )
    partition, parent = sql.Identifier(schema_name, cell_range.partition), sql.Identifier(schema_name, storage)
    server, names = sql.Identifier(cell_range.shard), (schema_name, cell_range.partition)
    connection.execute(sql.SQL(command).format(partition, parent, cell_range.first, cell_range.stop, server, *names))
