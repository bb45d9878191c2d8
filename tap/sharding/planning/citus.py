"""A translated query on tables that Citus distributes → statements for its coordinator.

Citus prunes, pushes down, aggregates in two phases and puts the answers together. What it refuses, or is slow at, is
made ready for it: tables that are joined by their ids are joined by their cells too, since these are what it
distributes by; uploads and small tables are placed beside the table that they are matched with, each row in all cells
that its circle touches; and what must keep rows without a match is done in steps.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import pi, radians, sqrt

from adql import nodes, postgres, sql_names
from adql.comparable import as_numbers
from adql.constants import number_of, sources_of, walk
from adql.grouping import aggregate_in, window_in
from adql.info import Info
from adql.nodes import And, Comparison, Condition, Field, Near, Node, Output, Query, Relation, Select
from adql.trees import mapped, position_of
from schema import types
from tap.sharding.model import id_shift
from tap.sharding.planning.cells_of_queries import CELL
from tap.sharding.planning.colocation import (
    NotPushable,
    Tables,
    distribution_of_body,
    distribution_of_select,
    relations_of,
)
from tap.sharding.planning.equal_cells import cell_field, equal, joined_by_cells
from tap.sharding.planning.prune import partitionings_of
from tap.sharding.planning.prune_cones import table_of
from tap.sharding.planning.required_conditions import required_conditions
from tap.sharding.planning.semijoin import MOST, SemijoinStep, semijoin_steps, sent_columns

PLACED = "armillary_upload"
"""The schema of tables that are placed beside those of a catalogue for a query; nobody sees them."""
NARROWEST = 0.65
"""From a side of a cell to the one across is more than this, in square roots of its area (0.67 near the poles, where it is least)."""
_BOOLEAN = Info(types.BOOLEAN)

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedTable:
    """A table of the coordinator's whose rows are placed beside those of a distributed one, `beside`.

    A row stands in the cell of its Gaia-like id in `key`, or, without one, in each cell of `order` that the circle of
    `radius` degrees round its `position` touches. `columns` are those that the query reads.
    """

    name: str
    parts: Parts
    columns: tuple[str, ...]
    beside: Parts
    order: int
    position: tuple[str, str] = ("", "")
    radius: float = 0.0
    key: str | None = None

    @property
    def shift(self) -> int:
        """Return by how many bits an id in `key` is larger than its cell."""
        return id_shift(self.order)


@dataclass(frozen=True, slots=True)
class CitusStatement:
    """A query that Citus runs, and what must be placed before it; the answers come into `table`, if they are not the result.

    That has an index on `position`. With more than `most` rows it is not worth while. `sent` are the tables of the
    coordinator's that Citus shall take to the workers, by their aliases, and SQL of the columns that are read.
    """

    query: Query
    outputs: tuple[Output, ...]
    distributed: frozenset[Parts]
    placed: tuple[PlacedTable, ...] = ()
    sent: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    position: tuple[str, str] | None = None
    most: int | None = None

    @property
    def numeric(self) -> "CitusStatement":
        """Return it with numbers in the place of geometries, which would be rounded on their way."""
        body = replace(self.query.body, outputs=as_numbers(self.query.outputs))
        return replace(self, query=replace(self.query, body=body))

    @property
    def is_whole_table(self) -> bool:
        """Return whether it gives a row for each of one table, or for TOP of them, which can be read shard by shard."""
        body = self.query.body
        if not isinstance(body, Select) or len(body.tables) != 1 or self.query.common_tables:
            return False
        table = body.tables[0]
        if not isinstance(table, Relation) or table.parts not in self.distributed:
            return False
        computed = any(aggregate_in(item) or window_in(item) for item in body.items)
        has_queries = any(isinstance(node, Query) for item in body.items for node in walk(item))
        changed = body.distinct or body.group_by or body.where or body.having or body.order_by
        return not (computed or has_queries or changed or body.offset is not None)

    @property
    def top(self) -> int | None:
        return self.query.body.top if isinstance(self.query.body, Select) else None

    def on_shard(self, shard: str) -> str:
        """Print it for one shard of the table, whose name is given as in SQL."""
        return postgres.query(self.query, lambda _: shard)

    def sql(self, stored: Callable[[str], str] = str, cells: Mapping[Parts, str] | None = None) -> str:
        """Print it. `stored` tells the table of a placed one; of distributed tables only rows that meet `cells` are read."""

        def table_sql(relation: Relation) -> str:
            if relation.parts[0] == PLACED:
                return f"{PLACED}.{sql_names.name(stored(relation.parts[1]))}"
            table = sql_names.stored_table(relation)
            if cells and relation.parts in self.distributed:
                return f"(SELECT * FROM {table} WHERE {cells[relation.parts]})"
            if columns := self.sent.get(relation.sql_alias):
                # A query that cannot be merged into that round it is run first, and its rows are taken to all workers.
                return f"(SELECT {columns} FROM {table} OFFSET 0)"
            return table

        return postgres.query(self.query, table_sql)


@dataclass(frozen=True, slots=True)
class CitusPlan:
    """`statement` makes the result. With `steps` these come first, and `final_sql` makes it of what they brought, unless that is too much."""

    strategy: str
    statement: CitusStatement
    steps: tuple[CitusStatement, ...] = ()
    final_sql: str = ""

    @property
    def name(self) -> str:
        """Return the strategy as people are told it."""
        return f"{self.strategy}, by Citus"


def plan_on_citus(query: Query, tables: Tables) -> tuple[CitusPlan, list[tuple[str, NotPushable]]]:
    """Return the first way that can serve, and why those before it could not."""
    refusals: list[tuple[str, NotPushable]] = []
    for name, strategy in (("push-down", _pushed_down), ("table by table", _of_single_tables), ("steps", _in_steps)):
        try:
            return strategy(query, tables), refusals
        except NotPushable as refusal:
            refusals.append((name, refusal))
    return CitusPlan("as it is", _as_it_is(query, tables)), refusals


# ---- the strategies


def _pushed_down(query: Query, tables: Tables) -> CitusPlan:
    """Let each worker make its rows, what is beside them being placed there. Raises: NotPushable."""
    known = tables.knowing(query)
    if isinstance(query.body, Select):
        layout = distribution_of_select(query.body, known).layout
    else:
        layout = distribution_of_body(query.body, known)[0].layout
    if layout is None:
        raise NotPushable("its rows are the same on every worker", query.body.span)
    return CitusPlan("push-down", _statement(query, tables))


def _of_single_tables(query: Query, tables: Tables) -> CitusPlan:
    """Leave to Citus what reads one table at a time, whatever it does with the rows. Raises: NotPushable."""
    for select in (node for node in walk(query) if isinstance(node, Select)):
        if len(select.tables) > 1 or any(isinstance(each, nodes.Join) for each in select.tables):
            raise NotPushable("tables are joined", select.span)
        if not sources_of(select) <= _names_in(select):
            raise NotPushable("a sub-query refers to the query round it", select.span)
        if any(isinstance(node, Query) for item in select.items for node in walk(item)):
            raise NotPushable("a sub-query stands in what is selected", select.span)
    if any(relation.parts not in tables.placements for _, relation in relations_of(query) if len(relation.parts) > 1):
        raise NotPushable("it reads tables of the coordinator's too", query.body.span)
    return CitusPlan("table by table", _as_it_is(query, tables))


def _names_in(select: Select) -> frozenset[str]:
    named = (node for node in walk(select) if isinstance(node, Relation | nodes.DerivedTable | nodes.Unnest))
    return frozenset(node.sql_alias for node in named)


def _as_it_is(query: Query, tables: Tables) -> CitusStatement:
    return CitusStatement(
        _keeping_order(joined_by_cells(query, tables.placements)), query.outputs, frozenset(tables.placements)
    )


def _in_steps(query: Query, tables: Tables) -> CitusPlan:
    """Bring the rows that can matter to the coordinator, one table after the other. Raises: NotPushable."""
    steps, final = semijoin_steps(query, tables)
    brought = frozenset(("pg_temp", step.table) for step in steps)
    known = replace(tables, broadcastable=tables.broadcastable | brought)
    statements = tuple(_step(step, known) for step in steps)
    return CitusPlan("steps", _as_it_is(query, tables), statements, postgres.query(final))


def _step(step: SemijoinStep, tables: Tables) -> CitusStatement:
    """Ask for the rows of a table for which there are rows of the others, each once: its cell, which tells the shard, and its place there tell it from all others."""
    query, alias = step.query, step.of.sql_alias
    if isinstance(query.body, Select) and step.rows:
        cell = cell_field(alias, tables.placements[step.of.parts].partitioning.column)
        identity = (nodes.SelectItem(cell), nodes.SelectItem(Field(alias, "ctid")))
        query = Query(replace(query.body, items=(*query.body.items[:-2], *identity)))
    return replace(_statement(query, tables, f"{step.table}x"), table=step.table, position=step.position, most=MOST)


# ---- what is made ready for Citus


def _statement(query: Query, tables: Tables, prefix: str = "x") -> CitusStatement:
    """Return the query with its ids joined by cells, and tables of the coordinator placed. Raises: NotPushable."""
    tables = replace(tables, partitionings=partitionings_of(query, tables.placements))
    query = joined_by_cells(query, tables.placements)
    placed = list[PlacedTable]()
    for select, relation in relations_of(query):
        if relation.parts in tables.broadcastable and (match := _match(select, relation, tables)):
            place, condition, cell = match
            columns = tuple(field.name for field in sent_columns(query, relation.sql_alias))
            table = replace(place, name=f"{prefix}{len(placed)}", columns=columns)
            placed.append(table)
            query = mapped(query, partial(_placed, relation, (PLACED, table.name), condition, cell))
    distributed = frozenset(tables.placements)
    sent = {relation.sql_alias: _columns_sql(query, relation) for relation in _local(query, distributed)}
    return CitusStatement(_keeping_order(query), query.outputs, distributed, tuple(placed), sent)


def _keeping_order(query: Query) -> Query:
    """Return the query with OFFSET 0 behind its ORDER BY: without it Citus merges it into that round it, and the order is lost."""
    body = query.body
    if not body.order_by or body.offset is not None or (isinstance(body, Select) and body.top is not None):
        return query
    return replace(query, body=replace(body, offset=0))


def _placed(relation: Relation, parts: Parts, condition: Condition, cell: Field, node: Node) -> Node:
    """Put the placed table in the place of the relation, and the equality of cells beside the condition."""
    if isinstance(node, Relation) and node.sql_alias == relation.sql_alias:
        return replace(node, parts=parts)
    if node == condition and isinstance(node, Condition):
        return And((node, equal(cell_field(relation.sql_alias, CELL), cell)), span=node.span, info=_BOOLEAN)
    return node


def _match(select: Select, relation: Relation, tables: Tables) -> tuple[PlacedTable, Condition, Field] | None:
    """Return how a table of the coordinator's can be placed, by which condition, and the cells to which its own must be equal."""
    for condition in required_conditions(select, relation.sql_alias):
        if isinstance(condition, Near):
            match = _near(condition, relation, tables)
        elif isinstance(condition, Comparison) and condition.operator == "=":
            match = _same_id(condition, relation, tables)
        else:
            continue
        if match:
            place, alias = match
            return place, condition, cell_field(alias, tables.partitionings[alias].column)
    return None


def _near(near: Near, relation: Relation, tables: Tables) -> tuple[PlacedTable, str] | None:
    radius = number_of(near.radius)
    for one, other in ((near.left, near.right), (near.right, near.left)):
        own, match = position_of(one), table_of(other, tables.partitionings)
        if radius is None or match is None or len(own) != 2 or {field.source for field in own} != {relation.sql_alias}:
            continue
        alias, partitioning = match
        wide = max(float(radius), 0.0) + partitioning.margin
        if wide < widest_radius(partitioning.order):
            place = PlacedTable("", relation.parts, (), _beside(partitioning.layout, tables), partitioning.order)
            return replace(place, position=(own[0].name, own[1].name), radius=wide), alias
    return None


def _same_id(equality: Comparison, relation: Relation, tables: Tables) -> tuple[PlacedTable, str] | None:
    for own, other in ((equality.left, equality.right), (equality.right, equality.left)):
        if not isinstance(own, Field) or not isinstance(other, Field) or own.source != relation.sql_alias:
            continue
        partitioning = tables.partitionings.get(other.source)
        is_whole = own.type in (types.SMALLINT, types.INTEGER, types.BIGINT)
        if partitioning and partitioning.key == other.name and is_whole:
            place = PlacedTable("", relation.parts, (), _beside(partitioning.layout, tables), partitioning.order)
            return replace(place, key=own.name), other.source
    return None


def widest_radius(order: int) -> float:
    """Return the degrees within which a circle, wherever its centre is, stays in a cell of that order and its neighbours."""
    return float(NARROWEST * sqrt(4 * pi / 12) / 2**order / radians(1)) * 0.999


def _beside(layout: str, tables: Tables) -> Parts:
    """Return a table of the layout; those of one layout lie alike."""
    return next(parts for parts, placement in tables.placements.items() if placement.partitioning.layout == layout)


def _local(query: Query, distributed: frozenset[Parts]) -> Iterator[Relation]:
    """Yield the tables of the coordinator's that are not placed."""
    for _, relation in relations_of(query):
        if len(relation.parts) > 1 and relation.parts not in distributed and relation.parts[0] != PLACED:
            yield relation


def _columns_sql(query: Query, relation: Relation) -> str:
    """Return SQL of the columns that are read. Raises: NotPushable for geometries, which are rounded on their way."""
    return ", ".join(sql_names.name(field.name) for field in sent_columns(query, relation.sql_alias)) or "1 AS one"
