"""Whether the rows of a query can be made on each shard from what lies there, so that all of them together are the result.

They can if every row is made of rows that lie on one shard: of one partitioned table, or of several of one layout that
are joined by their ids (colocated); beside them of tables that are there whole because they are broadcast.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from adql import nodes
from adql.constants import walk
from adql.errors import NOWHERE, Span
from adql.grouping import aggregate_in, children, window_in
from adql.nodes import Comparison, Condition, Field, Node, Query, QueryBody, Relation, Select, TableReference
from adql.trees import conjuncts
from tap.sharding.model import Placement
from tap.sharding.planning.cell_sets import EVERYWHERE, CellSet, Partitionings, both, cells_of, either


class NotPushable(Exception):
    """Why a query, or what stands at `span` in it, cannot be run by the shards."""

    def __init__(self, reason: str, span: Span = NOWHERE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where rows are: divided as a layout is, those of `cells`; or, without a layout, the same on every shard.

    Rows with equal `keys`, in tables of one layout, lie on one shard.
    """

    layout: str | None = None
    keys: frozenset[Field] = frozenset()
    cells: CellSet = EVERYWHERE


@dataclass(frozen=True)
class Tables:
    """What the names in a query's SQL are: tables on shards, tables that are broadcast to them, and the queries of WITH.

    `columns` are the names that columns of tables on shards have in the database.
    """

    placements: dict[tuple[str, ...], Placement]
    broadcastable: frozenset[tuple[str, ...]]
    partitionings: Partitionings
    columns: dict[tuple[str, ...], frozenset[str]]
    common: dict[str, tuple[Distribution, frozenset[str]]] = field(default_factory=dict)

    def knowing(self, query: Query) -> "Tables":
        """Return them with the queries of its WITH. Raises: NotPushable."""
        tables = self
        for common in query.common_tables:
            distribution = distribution_of_body(common.body, tables)
            tables = replace(tables, common={**tables.common, common.sql_name: distribution})
        return tables


def distribution_of_body(
    body: QueryBody, tables: Tables, outer: Distribution | None = None
) -> tuple[Distribution, frozenset[str]]:
    """Return that of a query inside of another, and which of its output columns are keys. Raises: NotPushable."""
    if isinstance(body, nodes.SetOperation):
        return _distribution_of_union(body, tables, outer), frozenset()
    distribution = distribution_of_select(body, tables, outer)
    # Of a table that is on every shard, each could take other rows.
    cut = body.top is not None or body.offset is not None
    if cut:
        raise NotPushable("TOP and OFFSET in a query inside another count the rows of all shards", body.span)
    if distribution.layout is not None and needs_merge_step(body, distribution.keys):
        raise NotPushable("a query inside another puts rows of all shards together", body.span)
    pairs = zip(body.items, body.outputs, strict=True)
    names = {o.sql_name for i, o in pairs if isinstance(i, nodes.SelectItem) and i.value in distribution.keys}
    return distribution, frozenset(names)


def _distribution_of_union(body: nodes.SetOperation, tables: Tables, outer: Distribution | None) -> Distribution:
    found = [distribution_of_body(each, tables, outer)[0] for each in body.operands]
    layouts = {each.layout for each in found}
    if layouts == {None}:
        return Distribution()
    if len(layouts) > 1:
        raise NotPushable("the queries of a set operation read tables that are divided differently", body.span)
    if body.offset is not None or any(not operator.endswith("ALL") for operator in body.operators):
        raise NotPushable("only UNION ALL, without OFFSET, needs no row of another shard", body.span)
    return Distribution(found[0].layout, cells=either([each.cells for each in found]))


def needs_merge_step(select: Select, keys: frozenset[Field]) -> bool:
    """Return whether a row of it is made of rows that have not the same key."""
    values = [item.value for item in select.items if isinstance(item, nodes.SelectItem)]
    if select.distinct and not keys & {each for each in values if isinstance(each, Field)}:
        return True
    if select.group_by:
        return not keys & {each for each in select.group_by if isinstance(each, Field)}
    return select.having is not None or any(aggregate_in(each) for each in values)


def distribution_of_select(select: Select, tables: Tables, outer: Distribution | None = None) -> Distribution:
    """Return where the rows are that its FROM and WHERE make. Raises: NotPushable."""
    for window in (window_in(node) for node in (*select.items, *select.order_by)):
        if window is not None:
            raise NotPushable("a window function looks at the rows of all shards", window.span)
    conditions = list(conjuncts(select.where))
    items = [item for each in select.tables for item in _items(each, conditions, select, tables)]
    distribution = _together(items, _equalities(conditions), select.span)
    if outer is not None and distribution.layout is not None:
        _check_correlated(distribution, outer, conditions, select.span)
    computed = (*select.items, *select.group_by, select.having, *select.order_by)
    for node in (select.where, *computed, *_ons(select.tables)):
        _check_subqueries(node, distribution, tables)
    return distribution


def _items(
    reference: TableReference, conditions: list[Condition], select: Select, tables: Tables
) -> Iterator[Distribution]:
    """Yield the distributions of what is joined, all with all, under `conditions`, to which those of inner joins come."""
    if isinstance(reference, nodes.Join) and reference.kind == "INNER":
        conditions += conjuncts(reference.condition)
        yield from _items(reference.left, conditions, select, tables)
        yield from _items(reference.right, conditions, select, tables)
    elif isinstance(reference, nodes.Join):
        yield _outer_join(reference, select, tables)
    else:
        yield _distribution_of_table(reference, select, tables)


def _outer_join(join: nodes.Join, select: Select, tables: Tables) -> Distribution:
    sides = []
    for side in (join.left, join.right):
        conditions: list[Condition] = []
        items = list(_items(side, conditions, select, tables))
        sides.append(_together(items, _equalities(conditions), side.span))
    left, right = sides
    keeps_left, keeps_right = join.kind in {"LEFT", "FULL"}, join.kind in {"RIGHT", "FULL"}
    if left.layout is None or right.layout is None:
        # A row that is everywhere would be made up on every shard.
        if left.layout != right.layout and (keeps_left if left.layout is None else keeps_right):
            raise NotPushable("an outer join keeps rows of a table that every shard would have", join.span)
        return left if left.layout is not None else right
    _together(sides, _equalities(list(conjuncts(join.condition))), join.span)
    # The keys of the other side are NULL where it has no row.
    return Distribution(left.layout) if keeps_left and keeps_right else left if keeps_left else right


def _distribution_of_table(reference: TableReference, select: Select, tables: Tables) -> Distribution:
    if isinstance(reference, nodes.DerivedTable):
        inner = tables.knowing(reference.query)
        distribution, names = distribution_of_body(reference.query.body, inner)
        return _renamed(distribution, names, reference.sql_alias)
    if isinstance(reference, nodes.Unnest):
        # The elements are where the row is that has them.
        return Distribution()
    if not isinstance(reference, Relation):
        raise AssertionError(reference)
    alias = reference.sql_alias
    if reference.parts[0] in tables.common and len(reference.parts) == 1:
        return _renamed(*tables.common[reference.parts[0]], alias)
    if reference.parts in tables.placements:
        partitioning = tables.placements[reference.parts].partitioning
        keys = frozenset([Field(alias, partitioning.key)]) if partitioning.key else frozenset[Field]()
        return Distribution(partitioning.layout, keys, cells_of_relation(alias, select, tables.partitionings))
    if reference.parts in tables.broadcastable:
        return Distribution()
    raise NotPushable("a table of the coordinator's is too large to be broadcast", reference.span)


def _renamed(distribution: Distribution, names: frozenset[str], alias: str) -> Distribution:
    return replace(distribution, keys=frozenset(Field(alias, name) for name in names))


def cells_of_relation(alias: str, select: Select, partitionings: Partitionings) -> CellSet:
    """Return a superset by WHERE, and by ON where all rows that do not meet it are left out."""
    cells = cells_of(select.where, alias, partitionings)
    for reference in select.tables:
        for join in joins_on(reference, alias):
            cells = both(cells, cells_of(join.condition, alias, partitionings))
    return cells


def joins_on(reference: TableReference, alias: str) -> Iterator[nodes.Join]:
    """Yield the joins whose ON a row of that table must meet, or it is as good as not there."""
    if not isinstance(reference, nodes.Join) or reference.condition is None:
        return
    for side, kept in ((reference.left, {"LEFT", "FULL"}), (reference.right, {"RIGHT", "FULL"})):
        if alias in aliases_in(side):
            if reference.kind not in kept:
                yield reference
            yield from joins_on(side, alias)


def aliases_in(reference: TableReference) -> frozenset[str]:
    if isinstance(reference, nodes.Join):
        return aliases_in(reference.left) | aliases_in(reference.right)
    return frozenset([reference.sql_alias]) if not isinstance(reference, nodes.TableName) else frozenset()


def relations_of(query: Query) -> Iterator[tuple[Select, Relation]]:
    """Yield all tables that are named in a query, and the SELECT that names each."""
    for select in (node for node in walk(query) if isinstance(node, Select)):
        yield from ((select, relation) for relation in relations_in(select.tables))


def relations_in(references: tuple[TableReference, ...]) -> Iterator[Relation]:
    for each in references:
        if isinstance(each, Relation):
            yield each
        elif isinstance(each, nodes.Join):
            yield from relations_in((each.left, each.right))


def _together(items: list[Distribution], equalities: list[tuple[Field, Field]], span: Span) -> Distribution:
    """Return the distribution of joined rows, each linked by its keys to those before. Raises: NotPushable."""
    remaining = [item for item in items if item.layout is not None]
    if not remaining:
        return Distribution()
    joined = remaining.pop(0)
    while remaining:
        linked = next((item for item in remaining if _linked(joined, item, equalities)), None)
        if linked is None:
            raise NotPushable(
                "tables on shards are joined by something else than the ids that they are divided by", span
            )
        remaining.remove(linked)
        joined = Distribution(joined.layout, joined.keys | linked.keys, both(joined.cells, linked.cells))
    return joined


def _linked(one: Distribution, other: Distribution, equalities: list[tuple[Field, Field]]) -> bool:
    return one.layout == other.layout and any(
        (a in one.keys and b in other.keys) or (b in one.keys and a in other.keys) for a, b in equalities
    )


def _equalities(conditions: list[Condition]) -> list[tuple[Field, Field]]:
    return [
        (each.left, each.right)
        for each in conditions
        if isinstance(each, Comparison)
        and each.operator == "="
        and isinstance(each.left, Field)
        and isinstance(each.right, Field)
    ]


def _ons(references: tuple[TableReference, ...]) -> Iterator[Condition]:
    for each in references:
        if isinstance(each, nodes.Join):
            if each.condition is not None:
                yield each.condition
            yield from _ons((each.left, each.right))


def _check_correlated(distribution: Distribution, outer: Distribution, conditions: list[Condition], span: Span) -> None:
    """Raise NotPushable unless a sub-query is tied by its ids to the row that it is asked for, so that it sees on each shard what it needs."""
    if not _linked(distribution, outer, _equalities(conditions)):
        raise NotPushable("a sub-query is not tied to the outer query by the ids that tables are divided by", span)


def _check_subqueries(node: Node | None, distribution: Distribution, tables: Tables) -> None:
    """Raises: NotPushable for one in a condition that needs rows of another shard."""
    if isinstance(node, nodes.InQuery):
        _check_in(node, distribution, tables)
    elif isinstance(node, nodes.Exists | nodes.Subquery):
        _check_exists(node, distribution, tables)
    elif node is not None:
        for child in children(node):
            _check_subqueries(child, distribution, tables)


def _check_exists(node: nodes.Exists | nodes.Subquery, distribution: Distribution, tables: Tables) -> None:
    inner, _ = distribution_of_body(_plain(node.query), tables, distribution)
    if inner.layout is not None and distribution.layout is None:
        raise NotPushable("a row that every shard has asks for rows of all of them", node.span)


def _check_in(node: nodes.InQuery, distribution: Distribution, tables: Tables) -> None:
    inner, names = distribution_of_body(_plain(node.query), tables)
    if inner.layout is None:
        return
    is_key = node.query.outputs[0].sql_name in names and node.operand in distribution.keys
    # One NULL in the list makes NOT IN unknown for the rows of all shards.
    if node.negated or not is_key or inner.layout != distribution.layout:
        raise NotPushable("IN a query needs the rows of all shards", node.span)


def _plain(query: Query) -> QueryBody:
    if query.common_tables:
        raise NotPushable("WITH stands in a sub-query", query.span)
    return query.body
