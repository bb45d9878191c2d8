"""Tables that a query on shards needs beside those that lie there: uploads, and small tables of the coordinator's."""

from collections.abc import Iterator
from dataclasses import dataclass

from adql import postgres, sql_names
from adql.comparable import numbers_of_geometry
from adql.constants import number_of, sources_of, walk
from adql.nodes import And, Condition, Field, Near, Query, Relation
from adql.trees import position_of
from schema.types import Type
from tap.sharding.planning.cell_sets import Partitionings
from tap.sharding.planning.colocation import Tables, relations_of
from tap.sharding.planning.prune_cones import table_of
from tap.sharding.planning.required_conditions import required_conditions

UPLOADED = "pg_temp"
"""The schema of uploads in the database."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A table that must be on every shard for a query; only its rows within `radius` degrees of a shard's cells, if that is known.

    `parts` are its schema and name on the coordinator; on shards it is a temporary table, `there`. `columns` are those
    that the query reads, `sql` reads them on the coordinator, geometries as their numbers; `position` those of its longitude and latitude.
    """

    parts: tuple[str, ...]
    there: str
    columns: tuple[tuple[str, Type], ...]
    sql: str
    position: tuple[str, str] | None = None
    radius: float = 0.0


def broadcasts_of(query: Query, tables: Tables) -> tuple[Broadcast, ...]:
    """Return those that a query for the shards needs, each once."""
    relations = [node for node in walk(query) if isinstance(node, Relation)]
    wanted = dict.fromkeys(r.parts for r in relations if r.parts in tables.broadcastable)
    return tuple(
        _broadcast(parts, f"x{number}", [r.sql_alias for r in relations if r.parts == parts], query, tables)
        for number, parts in enumerate(wanted)
    )


def _broadcast(parts: tuple[str, ...], name: str, aliases: list[str], query: Query, tables: Tables) -> Broadcast:
    read = (node for node in walk(query) if isinstance(node, Field) and node.source in aliases)
    columns = {field.name: field.info.type for field in read if field.info.type is not None}
    filters = filters_of(query, aliases[0]) if len(aliases) == 1 else ()
    near = next(_near(query, aliases[0], tables.partitionings), None) if len(aliases) == 1 else None
    there = parts[-1] if parts[0] == UPLOADED else name
    names = ", ".join(_sent(f"{aliases[0]}.{sql_names.name(column)}", type_) for column, type_ in columns.items())
    where = " WHERE " + postgres.condition(And(filters)) if filters else ""
    sql = f"SELECT {names} FROM {'.'.join(map(sql_names.name, parts))} AS {aliases[0]}{where}"
    return Broadcast(parts, there, tuple(columns.items()), sql, *(near or ()))


def _sent(column: str, type_: Type) -> str:
    return numbers_of_geometry(column, type_) if type_.is_geometry else column


def filters_of(query: Query, alias: str) -> tuple[Condition, ...]:
    """Return the conditions of a table's own that all of its rows must meet."""
    return tuple(
        condition
        for select, relation in relations_of(query)
        if relation.sql_alias == alias
        for condition in required_conditions(select, alias)
        if sources_of(condition) == {alias} and not any(isinstance(node, Query) for node in walk(condition))
    )


def _near(query: Query, alias: str, partitionings: Partitionings) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the columns by which, and the radius within which, all rows of a table are looked for near those of one on shards."""
    for select, relation in relations_of(query):
        if relation.sql_alias == alias:
            nears = (each for each in required_conditions(select, alias) if isinstance(each, Near))
            yield from (found for near in nears for found in _searched(near, alias, partitionings))


def _searched(near: Near, alias: str, partitionings: Partitionings) -> Iterator[tuple[tuple[str, str], float]]:
    radius = number_of(near.radius)
    for one, other in ((near.left, near.right), (near.right, near.left)):
        own, table = position_of(one), table_of(other, partitionings)
        if radius is None or table is None or len(own) != 2 or {field.source for field in own} != {alias}:
            continue
        yield (own[0].name, own[1].name), float(radius) + table[1].margin
