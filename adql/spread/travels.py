"""Tables that a query on shards needs beside those that lie there: uploads, and small tables of the coordinator's."""

from collections.abc import Iterator
from dataclasses import dataclass

from adql import postgres
from adql.comparable import numbers_of_geometry
from adql.constants import number_of, sources_of, walk
from adql.nodes import And, Condition, Field, Near, Query, Relation
from adql.spread.conditions import conditions_of
from adql.spread.placed import Tables, relations_of
from adql.trees import position_of
from schema.types import Type

UPLOADED = "pg_temp"
"""The schema of uploads in the database."""


@dataclass(frozen=True, slots=True)
class Travels:
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


def travelling(query: Query, tables: Tables) -> tuple[Travels, ...]:
    relations = [node for node in walk(query) if isinstance(node, Relation)]
    wanted = dict.fromkeys(r.parts for r in relations if r.parts in tables.travelling)
    return tuple(
        _travels(parts, f"x{number}", [r.sql_alias for r in relations if r.parts == parts], query)
        for number, parts in enumerate(wanted)
    )


def _travels(parts: tuple[str, ...], name: str, aliases: list[str], query: Query) -> Travels:
    read = (node for node in walk(query) if isinstance(node, Field) and node.source in aliases)
    columns = {field.name: field.info.type for field in read if field.info.type is not None}
    filters = filters_of(query, aliases[0]) if len(aliases) == 1 else ()
    near = next(_near(query, aliases[0]), None) if len(aliases) == 1 else None
    there = parts[-1] if parts[0] == UPLOADED else name
    names = ", ".join(_sent(f"{aliases[0]}.{postgres.name(column)}", type_) for column, type_ in columns.items())
    where = " WHERE " + postgres.condition(And(filters)) if filters else ""
    sql = f"SELECT {names} FROM {'.'.join(map(postgres.name, parts))} AS {aliases[0]}{where}"
    return Travels(parts, there, tuple(columns.items()), sql, *(near or ()))


def _sent(column: str, type_: Type) -> str:
    return numbers_of_geometry(column, type_) if type_.is_geometry else column


def filters_of(query: Query, alias: str) -> tuple[Condition, ...]:
    """Conditions of its own that all of its rows must meet."""
    return tuple(
        condition
        for select, relation in relations_of(query)
        if relation.sql_alias == alias
        for condition in conditions_of(select, alias)
        if sources_of(condition) == {alias} and not any(isinstance(node, Query) for node in walk(condition))
    )


def _near(query: Query, alias: str) -> Iterator[tuple[tuple[str, str], float]]:
    """By which columns, and within which radius of a sharded table's positions, all of its rows are looked for."""
    for select, relation in relations_of(query):
        if relation.sql_alias == alias:
            nears = (each for each in conditions_of(select, alias) if isinstance(each, Near))
            yield from (found for near in nears for found in _searched(near, alias))


def _searched(near: Near, alias: str) -> Iterator[tuple[tuple[str, str], float]]:
    radius = number_of(near.radius)
    for one, other in ((near.left, near.right), (near.right, near.left)):
        own, theirs = position_of(one), position_of(other)
        if radius is None or len(own) != 2 or len(theirs) != 2 or {each.source for each in own} != {alias}:
            continue
        pixel = theirs[0].info.pixel
        if pixel is not None and (theirs[0].name, theirs[1].name) == (pixel.ra, pixel.dec):
            yield (own[0].name, own[1].name), float(radius) + pixel.margin
