"""A query whose rows cannot be made on the shards: of each sharded table the rows that can matter come to the coordinator.

What matters is told by the conditions that a row must meet in any case: those of its own columns, and those that tie it
to tables which are there already and are broadcast to the shards: uploads, small tables, and what came before. So a list that
keeps its rows without a match, or the bright stars and their neighbours, need some of the rows and not all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice

from adql import nodes
from adql.constants import sources_of, walk
from adql.functions import function_of
from adql.info import Info
from adql.nodes import And, Call, Condition, Field, Near, Node, Output, Query, Relation, Select, SelectItem
from adql.trees import mapped, position_of
from schema import types
from tap.sharding.planning.broadcast import filters_of
from tap.sharding.planning.colocation import NotPushable, Tables, relations_of
from tap.sharding.planning.required_conditions import required_conditions

MOST = 200_000
"""Rows that come of one table; if there are more the query is left to PostgreSQL's own way."""
RowNames = tuple[str, str]
"""What columns are called that tell a row from all others."""


@dataclass(frozen=True, slots=True)
class SemijoinStep:
    """What is asked of the shards about a table; the answers come into the coordinator's table of that name,

    with an index on `position`. `rows`: the columns that tell its rows apart, where it is tied to other tables.
    """

    table: str
    query: Query
    of: Relation
    position: tuple[str, str] | None
    rows: RowNames | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A sharded table, and what a row of it must meet that can be told from what is there."""

    relation: Relation
    conditions: tuple[Condition, ...]
    beside: tuple[Relation, ...]


def semijoin_steps(query: Query, tables: Tables) -> tuple[list[SemijoinStep], Query]:
    """Return the steps, in their order, and the query of what they bring. Raises: NotPushable."""
    for node in walk(query):
        if isinstance(node, Call) and function_of(node).is_volatile:
            raise NotPushable(f"{node.name.lower()} gives another value each time", node.span)
    steps: list[SemijoinStep] = []
    while any(isinstance(node, Relation) and node.parts in tables.placements for node in walk(query)):
        wanted = next(_wanted(query, tables), None)
        if wanted is None:
            raise NotPushable("nothing tells which rows of a table on shards matter", query.body.span)
        table = f"g{len(steps) + 1}"
        columns = sent_columns(query, wanted.relation.sql_alias)
        rows = _row_names(tables.columns[wanted.relation.parts]) if wanted.beside else None
        asked = _asked(wanted, columns, rows, tables)
        query = _replaced(query, wanted.relation, table, columns)
        tables = replace(tables, broadcastable=tables.broadcastable | {("pg_temp", table)})
        position = _position(query, wanted.relation.sql_alias)
        steps.append(SemijoinStep(table, asked, wanted.relation, position, rows))
    return steps, query


def _wanted(query: Query, tables: Tables) -> Iterator[_Wanted]:
    """Yield the tables on shards of which something is known, those first that have conditions of their own."""
    there = {r.sql_alias: r for r in walk(query) if isinstance(r, Relation) and r.parts in tables.broadcastable}
    found = []
    for select, relation in relations_of(query):
        conditions = tuple(c for c in required_conditions(select, relation.sql_alias) if _usable(c, relation, there))
        if relation.parts in tables.placements and conditions:
            found.append(_with_filters(query, relation, conditions, there))
    yield from sorted(found, key=_is_cheap, reverse=True)


def _is_cheap(wanted: _Wanted) -> bool:
    return bool(wanted.beside) or any(isinstance(c, Near | nodes.Inside | nodes.InQuery) for c in wanted.conditions)


def _usable(condition: Condition, relation: Relation, there: dict[str, Relation]) -> bool:
    """Return whether a condition speaks of nothing but the table and what is there already."""
    if any(isinstance(node, nodes.DerivedTable) for node in walk(condition)):
        return False
    inside = {node.sql_alias for node in walk(condition) if isinstance(node, Relation)}
    sources = sources_of(condition) - _elements(condition)
    return sources | inside <= {relation.sql_alias, *there} and relation.sql_alias in sources


def _elements(condition: Condition) -> frozenset[str]:
    """Return the aliases of what UNNEST makes in the queries of a condition."""
    return frozenset(node.sql_alias for node in walk(condition) if isinstance(node, nodes.Unnest))


def _with_filters(
    query: Query, relation: Relation, conditions: tuple[Condition, ...], there: dict[str, Relation]
) -> _Wanted:
    """Return a table with the tables that the conditions tie it to, and the conditions of these."""
    inside = {node.sql_alias for each in conditions for node in walk(each) if isinstance(node, Relation)}
    sources = frozenset[str]().union(*(sources_of(each) - _elements(each) for each in conditions))
    tied = sources - inside - {relation.sql_alias}
    own = tuple(condition for alias in sorted(tied) for condition in filters_of(query, alias))
    return _Wanted(relation, (*conditions, *own), tuple(there[alias] for alias in sorted(tied)))


def sent_columns(query: Query, alias: str) -> tuple[Field, ...]:
    """Return the columns of a table that a query reads. Raises: NotPushable for geometries, which cannot be sent."""
    columns = tuple(dict.fromkeys(node for node in walk(query) if isinstance(node, Field) and node.source == alias))
    for column in columns:
        if column.type is None or column.type.is_geometry:
            raise NotPushable("a column of geometries would have to be sent", column.span)
    return columns


def _row_names(taken: frozenset[str]) -> RowNames:
    """Pick unused column names for the identity of a row."""
    names = (f"row{number}" for number in count())
    table_name, row_name = islice((name for name in names if name not in taken), 2)
    return table_name, row_name


def _asked(wanted: _Wanted, columns: tuple[Field, ...], rows: RowNames | None, tables: Tables) -> Query:
    alias, partitioning = wanted.relation.sql_alias, tables.placements[wanted.relation.parts].partitioning
    values = columns or (Field(alias, partitioning.column, info=Info(types.INTEGER)),)
    if rows:
        # A row that several others are near to comes once.
        values += Field(alias, rows[0], info=Info(types.BIGINT)), Field(alias, rows[1], info=Info(types.TEXT))
    select = Select(
        tuple(SelectItem(value) for value in values),
        (wanted.relation, *wanted.beside),
        distinct=rows is not None,
        top=MOST + 1,
        where=And(wanted.conditions, info=Info(types.BOOLEAN)),
        outputs=tuple(Output(f"c{n}", f"c{n}", value.info) for n, value in enumerate(values, 1)),
    )
    return Query(select)


def _replaced(query: Query, relation: Relation, table: str, columns: tuple[Field, ...]) -> Query:
    names = {each.name: f"c{number}" for number, each in enumerate(columns, 1)}

    def change(node: Node) -> Node:
        if isinstance(node, Field) and node.source == relation.sql_alias:
            return replace(node, name=names[node.name])
        if isinstance(node, Relation) and node.sql_alias == relation.sql_alias:
            return replace(node, parts=("pg_temp", table))
        return node

    return mapped(query, change)


def _position(query: Query, alias: str) -> tuple[str, str] | None:
    """Return the columns by which a table is searched."""
    for near in (node for node in walk(query) if isinstance(node, Near)):
        for point in (near.left, near.right):
            columns = position_of(point)
            if len(columns) == 2 and {each.source for each in columns} == {alias}:
                return columns[0].name, columns[1].name
    return None


def row_columns(names: RowNames) -> str:
    """Return SQL of the columns of a table, with those that tell its rows apart."""
    return f"*, tableoid::bigint AS {names[0]}, ctid::text AS {names[1]}"
