"""The part of a table that lies on one shard: a partitioned table of the same name, with the ranges that are there."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from schema.load.reader import LoadError
from schema.model import Range
from schema.publish import create_table, index_table
from schema.sharding.plan import Plan
from schema.sharding.shards import Shard


@contextmanager
def connected(shard: Shard) -> Iterator[psycopg.Connection]:
    """In a transaction that is rolled back unless it was committed. Raises: LoadError."""
    try:
        connection = psycopg.connect(shard.database)
    except psycopg.OperationalError as error:
        raise LoadError(f"shard {shard.name} cannot be reached: {str(error).strip()}") from error
    try:
        yield connection
    finally:
        connection.close()


def create_part(connection: psycopg.Connection, plan: Plan, of: Range) -> None:
    """Empty, without indexes; its CHECK lets it be attached without being read."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(plan.part(of)))
    create_table(connection, plan.part(of), plan.all_columns, plan.description)
    pixel = sql.Identifier(plan.pixel.column)
    check = "ALTER TABLE {} ALTER {} SET NOT NULL, ADD CHECK ({} >= {} AND {} < {})"
    connection.execute(sql.SQL(check).format(plan.part(of), pixel, pixel, of.first, pixel, of.beyond))


def index_part(connection: psycopg.Connection, plan: Plan, of: Range) -> None:
    index_table(connection, plan.part(of), plan.position, plan.description)


def create_parent(connection: psycopg.Connection, plan: Plan) -> None:
    """What queries name there."""
    create_table(connection, plan.parent, plan.all_columns, plan.without_key, plan.division)


def attach_part(connection: psycopg.Connection, plan: Plan, of: Range) -> None:
    command = "ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
    connection.execute(sql.SQL(command).format(plan.parent, plan.part(of), of.first, of.beyond))


def drop_parts(shards: list[Shard], schema_name: str, storage: str, ranges: tuple[Range, ...]) -> None:
    """The tables of that name on all shards, and parts that were not attached yet. A shard that is away keeps its own."""
    for shard in shards:
        names = [storage, *(each.partition for each in ranges if each.shard == shard.name)]
        with psycopg.connect(shard.database, autocommit=True) as connection:
            for name in names:
                connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema_name, name)))
