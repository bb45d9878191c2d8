"""A translated query on tables of shards → what each shard is asked, and what is made of the answers.

The strategies in the order in which they are tried (README.md has their words): the router, where all cells lie on one
shard; push-down, where every row can be made on one shard, in two phases if the query looks at all rows; semi-join
reduction, where the rows that can matter come to the coordinator, one table after the other. What none of them can do is
left to PostgreSQL's own way between servers.
"""

from dataclasses import replace

from adql import postgres
from adql.nodes import And, Node, Query, Relation, Select
from adql.translate import Translation
from adql.trees import mapped
from schema.model import Table
from tap.sharding.model import CellRange, Placement, Placements
from tap.sharding.planning.broadcast import UPLOADED, broadcasts_of
from tap.sharding.planning.cell_sets import EVERYWHERE, CellSet, without_cell_conditions
from tap.sharding.planning.citus import plan_on_citus
from tap.sharding.planning.colocation import (
    Distribution,
    NotPushable,
    Tables,
    cells_of_relation,
    distribution_of_body,
    distribution_of_select,
    needs_merge_step,
    relations_of,
)
from tap.sharding.planning.plans import DistributedPlan, PartitionedTable, QueryPlan, ShardQuery
from tap.sharding.planning.prune import partitionings_of, pruned
from tap.sharding.planning.required_conditions import as_inner
from tap.sharding.planning.semijoin import MOST, RowNames, SemijoinStep, semijoin_steps
from tap.sharding.planning.two_phase import split_aggregation

MOST_BROADCAST_ROWS = 50_000
"""Of a table of the coordinator's that is sent to the shards for a query."""


def plan_query(translation: Translation, placements: Placements) -> QueryPlan:
    """Return the translation as it is where it reads no table on shards."""
    known: dict[tuple[str, ...], Placement] = {
        t.stored_parts: placements[t.stored_parts] for t in translation.tables if t.stored_parts in placements
    }
    if not known or translation.query is None:
        return QueryPlan(translation)
    query = pruned(translation.query, known)
    translation = replace(translation, sql=postgres.query(query), query=query)
    query = as_inner(query)
    tables = Tables(
        known,
        frozenset(t.stored_parts for t in translation.tables if t.stored_parts not in known and _may_be_broadcast(t)),
        partitionings_of(query, known),
        {t.stored_parts: frozenset(column.stored for column in t.columns) for t in translation.tables},
    )
    if any(placement.partitioning.hashed for placement in known.values()):
        plan, why_not = plan_on_citus(query, tables)
        return QueryPlan(translation, plan, tuple(why_not))
    refusals: list[tuple[str, NotPushable]] = []
    for name, strategy in (("router", _routed), ("push-down", _pushed_down), ("semi-join reduction", _in_steps)):
        try:
            return QueryPlan(translation, strategy(query, tables), tuple(refusals))
        except NotPushable as refusal:
            refusals.append((name, refusal))
    return QueryPlan(translation, None, tuple(refusals))


def _may_be_broadcast(table: Table) -> bool:
    """Uploads may, being loaded on shards; of other tables those that are small and have no geometries."""
    if table.storage_schema == UPLOADED:
        return True
    if any(column.type.is_geometry for column in table.columns):
        return False
    return table.nrows is not None and table.nrows <= MOST_BROADCAST_ROWS


# ---- the router


def _routed(query: Query, tables: Tables) -> DistributedPlan:
    """Send the query as it is to the one shard that has all it reads of tables there. Raises: NotPushable."""
    owners: set[str] = set()
    for select, relation in relations_of(query):
        placement = tables.placements.get(relation.parts)
        if placement is not None:
            cells = cells_of_relation(relation.sql_alias, select, tables.partitionings)
            owners |= set(_shards_of(placement.ranges, cells))
        elif len(relation.parts) > 1 and relation.parts not in tables.broadcastable:
            raise NotPushable("a table of the coordinator's is too large to be broadcast", relation.span)
    if len(owners) > 1:
        raise NotPushable(f"its cells lie on {len(owners)} shards", query.body.span)
    return DistributedPlan("router", (_shard_query(query, tables, tuple(owners)),))


def _shards_of(ranges: tuple[CellRange, ...], cells: CellSet) -> tuple[str, ...]:
    """Return those that have some of the cells, in the order of the sky; one even if there are no such cells."""
    shards = dict.fromkeys(each.shard for each in ranges if each.meets(cells))
    return tuple(shards) or (ranges[0].shard,)


# ---- push-down


def _pushed_down(query: Query, tables: Tables) -> DistributedPlan:
    """Ask each shard for the rows that it can make. Raises: NotPushable."""
    known = tables.knowing(query)
    if isinstance(query.body, Select):
        return _pushed_select(query, query.body, known)
    distribution, _ = distribution_of_body(query.body, known)
    if query.body.order_by:
        raise NotPushable("a set operation is put into an order", query.body.span)
    return DistributedPlan("push-down", (_query_of_layout(query, known, distribution),))


def _pushed_select(query: Query, select: Select, tables: Tables) -> DistributedPlan:
    distribution = distribution_of_select(select, tables)
    rows_are_whole = not needs_merge_step(select, distribution.keys)
    if rows_are_whole and not select.order_by and select.offset is None:
        return DistributedPlan("push-down", (_query_of_layout(query, tables, distribution),), top=select.top)
    phases = split_aggregation(select, Relation(("pg_temp", "g1"), "g1"), rows_are_whole=rows_are_whole)
    shard_query = _query_of_layout(replace(query, body=phases.shard), tables, distribution)
    return DistributedPlan(
        "push-down in two phases",
        (replace(shard_query, table="g1"),),
        phases.coordinator_sql(),
        sorts=rows_are_whole and select.top is None,
    )


def _query_of_layout(query: Query, tables: Tables, distribution: Distribution) -> ShardQuery:
    """Raises: NotPushable where nothing of it lies on shards."""
    ranges = [p.ranges for p in tables.placements.values() if p.partitioning.layout == distribution.layout]
    if not ranges:
        raise NotPushable("its rows are the same on every shard", query.body.span)
    shard_query = _shard_query(query, tables, _shards_of(ranges[0], distribution.cells))
    return replace(shard_query, range_by_range=len(shard_query.partitioned) > 1)


# ---- semi-join reduction


def _in_steps(query: Query, tables: Tables) -> DistributedPlan:
    """Bring the rows that can matter to the coordinator, one table after the other. Raises: NotPushable."""
    steps, final = semijoin_steps(query, tables)
    temporary = frozenset(("pg_temp", step.table) for step in steps)
    known = replace(tables, broadcastable=tables.broadcastable | temporary)
    shard_queries = tuple(_step(step, known) for step in steps)
    return DistributedPlan("semi-join reduction", shard_queries, postgres.query(final), in_steps=True)


def _step(step: SemijoinStep, tables: Tables) -> ShardQuery:
    placement, cells = tables.placements[step.of.parts], _cells_by_alias(step.query, tables)[step.of.sql_alias]
    shard_query = _shard_query(step.query, tables, _shards_of(placement.ranges, cells), rows=step.rows)
    return replace(shard_query, table=step.table, position=step.position, most=MOST)


# ---- of all strategies


def _shard_query(query: Query, tables: Tables, shards: tuple[str, ...], rows: RowNames | None = None) -> ShardQuery:
    """The query with the names of broadcast tables on shards; partitions are named when it is printed."""
    broadcasts = broadcasts_of(query, tables)
    there = {each.parts: ("pg_temp", each.there) for each in broadcasts}
    cells = _cells_by_alias(query, tables)
    partitioned: list[PartitionedTable] = []

    def on_shards(node: Node) -> Node:
        if isinstance(node, And):
            return without_cell_conditions(node, tables.partitionings)
        if not isinstance(node, Relation):
            return node
        if node.parts not in tables.placements:
            return replace(node, parts=there.get(node.parts, node.parts))
        placement, own = tables.placements[node.parts], cells.get(node.sql_alias, EVERYWHERE)
        table = PartitionedTable(node.sql_alias, node.parts[0], placement.partitioning, placement.ranges, own, rows)
        partitioned.append(table)
        return node

    asked = mapped(query, on_shards)
    return ShardQuery(asked, query.outputs, shards, tuple(partitioned), broadcasts)


def _cells_by_alias(query: Query, tables: Tables) -> dict[str, CellSet]:
    return {r.sql_alias: cells_of_relation(r.sql_alias, s, tables.partitionings) for s, r in relations_of(query)}
