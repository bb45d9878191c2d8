"""Whether the rows of a query can be made on each shard from what lies there, so that all of them together are the result.

They can if every row is made of rows that lie on one shard: of one sharded table, or of several of one layout that
are joined by their ids; beside them of tables that are there whole because they travel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from adql import nodes
from adql.constants import walk
from adql.grouping import aggregate_in, children, window_in
from adql.nodes import Comparison, Condition, Field, Node, Query, QueryBody, Relation, Select, TableReference
from adql.spread.cells import EVERYWHERE, Cells, both, cells_of, either
from adql.trees import conjuncts
from schema.model import Table


class Apart(Exception):
    """Rows that belong together may lie on different shards."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where rows are: divided as a layout is, those of `cells`; or, without a layout, the same on every shard.

    Rows with equal `keys`, in tables of one layout, lie on one shard.
    """

    layout: str | None = None
    keys: frozenset[Field] = frozenset()
    cells: Cells = EVERYWHERE


@dataclass(frozen=True)
class Tables:
    """What the names in a query's SQL are: tables on shards, tables that travel, and the queries of WITH."""

    sharded: dict[tuple[str, ...], Table]
    travelling: frozenset[tuple[str, ...]]
    common: dict[str, tuple[Placed, frozenset[str]]] = field(default_factory=dict)

    def knowing(self, query: Query) -> "Tables":
        """With the queries of its WITH. Raises: Apart."""
        found = self
        for each in query.common_tables:
            placed = place_body(each.body, found)
            found = replace(found, common={**found.common, each.sql_name: placed})
        return found


def place_body(body: QueryBody, tables: Tables, outer: Placed | None = None) -> tuple[Placed, frozenset[str]]:
    """Of a query inside of another, and which of its output columns are keys. Raises: Apart."""
    if isinstance(body, nodes.SetOperation):
        return _place_union(body, tables, outer), frozenset()
    placed = place_select(body, tables, outer)
    # Of a table that is on every shard, each could take other rows.
    cut = body.top is not None or body.offset is not None
    if cut or (placed.layout is not None and looks_at_all_rows(body, placed.keys)):
        raise Apart
    pairs = zip(body.items, body.outputs, strict=True)
    names = {o.sql_name for i, o in pairs if isinstance(i, nodes.SelectItem) and i.value in placed.keys}
    return placed, frozenset(names)


def _place_union(body: nodes.SetOperation, tables: Tables, outer: Placed | None) -> Placed:
    found = [place_body(each, tables, outer)[0] for each in body.operands]
    layouts = {each.layout for each in found}
    if layouts == {None}:
        return Placed()
    if len(layouts) > 1 or body.offset is not None or any(not each.endswith("ALL") for each in body.operators):
        raise Apart
    return Placed(found[0].layout, cells=either([each.cells for each in found]))


def looks_at_all_rows(select: Select, keys: frozenset[Field]) -> bool:
    """Whether a row of it is made of rows that have not the same key."""
    values = [item.value for item in select.items if isinstance(item, nodes.SelectItem)]
    if select.distinct and not keys & {each for each in values if isinstance(each, Field)}:
        return True
    if select.group_by:
        return not keys & {each for each in select.group_by if isinstance(each, Field)}
    return select.having is not None or any(aggregate_in(each) for each in values)


def place_select(select: Select, tables: Tables, outer: Placed | None = None) -> Placed:
    """Where the rows are that its FROM and WHERE make. Raises: Apart."""
    if any(window_in(each) for each in (*select.items, *select.order_by)):
        # A window looks at the rows of all shards.
        raise Apart
    conditions = list(conjuncts(select.where))
    items = [item for each in select.tables for item in _items(each, conditions, select, tables)]
    placed = _together(items, _equalities(conditions))
    if outer is not None and placed.layout is not None:
        _check_correlated(placed, outer, conditions)
    computed = (*select.items, *select.group_by, select.having, *select.order_by)
    for node in (select.where, *computed, *_ons(select.tables)):
        _check_subqueries(node, placed, tables)
    return placed


def _items(reference: TableReference, conditions: list[Condition], select: Select, tables: Tables) -> Iterator[Placed]:
    """What is joined, all with all, under `conditions`, to which those of inner joins come."""
    if isinstance(reference, nodes.Join) and reference.kind == "INNER":
        conditions += conjuncts(reference.condition)
        yield from _items(reference.left, conditions, select, tables)
        yield from _items(reference.right, conditions, select, tables)
    elif isinstance(reference, nodes.Join):
        yield _outer_join(reference, select, tables)
    else:
        yield _place_table(reference, select, tables)


def _outer_join(join: nodes.Join, select: Select, tables: Tables) -> Placed:
    sides = []
    for side in (join.left, join.right):
        conditions: list[Condition] = []
        items = list(_items(side, conditions, select, tables))
        sides.append(_together(items, _equalities(conditions)))
    left, right = sides
    keeps_left, keeps_right = join.kind in {"LEFT", "FULL"}, join.kind in {"RIGHT", "FULL"}
    if left.layout is None or right.layout is None:
        # A row that is everywhere would be made up on every shard.
        if left.layout != right.layout and (keeps_left if left.layout is None else keeps_right):
            raise Apart
        return left if left.layout is not None else right
    _together(sides, _equalities(list(conjuncts(join.condition))))
    # The keys of the other side are NULL where it has no row.
    return Placed(left.layout) if keeps_left and keeps_right else left if keeps_left else right


def _place_table(reference: TableReference, select: Select, tables: Tables) -> Placed:
    if isinstance(reference, nodes.DerivedTable):
        inner = tables.knowing(reference.query)
        placed, names = place_body(reference.query.body, inner)
        return _renamed(placed, names, reference.sql_alias)
    if not isinstance(reference, Relation):
        raise AssertionError(reference)
    alias = reference.sql_alias
    if reference.parts[0] in tables.common and len(reference.parts) == 1:
        return _renamed(*tables.common[reference.parts[0]], alias)
    table = tables.sharded.get(reference.parts)
    if table is not None and table.pixel is not None:
        pixel = table.pixel
        keys = frozenset([Field(alias, pixel.key)]) if pixel.key else frozenset[Field]()
        return Placed(pixel.layout, keys, cells_of_relation(alias, select))
    if reference.parts in tables.travelling:
        return Placed()
    raise Apart


def _renamed(placed: Placed, names: frozenset[str], alias: str) -> Placed:
    return replace(placed, keys=frozenset(Field(alias, name) for name in names))


def cells_of_relation(alias: str, select: Select) -> Cells:
    """By WHERE, and by ON where all rows that do not meet it are left out."""
    found = cells_of(select.where, alias)
    for reference in select.tables:
        for join in joins_on(reference, alias):
            found = both(found, cells_of(join.condition, alias))
    return found


def joins_on(reference: TableReference, alias: str) -> Iterator[nodes.Join]:
    """Those whose ON a row of that table must meet, or it is as good as not there."""
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
    """All tables that are named in a query, and where."""
    for select in (node for node in walk(query) if isinstance(node, Select)):
        yield from ((select, relation) for relation in relations_in(select.tables))


def relations_in(references: tuple[TableReference, ...]) -> Iterator[Relation]:
    for each in references:
        if isinstance(each, Relation):
            yield each
        elif isinstance(each, nodes.Join):
            yield from relations_in((each.left, each.right))


def _together(items: list[Placed], equalities: list[tuple[Field, Field]]) -> Placed:
    """One after the other, each linked by its keys to those before. Raises: Apart."""
    left = [each for each in items if each.layout is not None]
    if not left:
        return Placed()
    found = left.pop(0)
    while left:
        linked = next((each for each in left if _linked(found, each, equalities)), None)
        if linked is None:
            raise Apart
        left.remove(linked)
        found = Placed(found.layout, found.keys | linked.keys, both(found.cells, linked.cells))
    return found


def _linked(one: Placed, other: Placed, equalities: list[tuple[Field, Field]]) -> bool:
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


def _check_correlated(placed: Placed, outer: Placed, conditions: list[Condition]) -> None:
    """A sub-query sees on each shard what it needs if it is tied by its ids to the row that it is asked for."""
    if not _linked(placed, outer, _equalities(conditions)):
        raise Apart


def _check_subqueries(node: Node | None, placed: Placed, tables: Tables) -> None:
    """Raises: Apart for one in a condition that needs rows of another shard."""
    if isinstance(node, nodes.InQuery):
        _check_in(node, placed, tables)
    elif isinstance(node, nodes.Exists | nodes.Subquery):
        _check_exists(node, placed, tables)
    elif node is not None:
        for child in children(node):
            _check_subqueries(child, placed, tables)


def _check_exists(node: nodes.Exists | nodes.Subquery, placed: Placed, tables: Tables) -> None:
    inner, _ = place_body(_plain(node.query), tables, placed)
    if inner.layout is not None and placed.layout is None:
        raise Apart


def _check_in(node: nodes.InQuery, placed: Placed, tables: Tables) -> None:
    inner, names = place_body(_plain(node.query), tables)
    if inner.layout is None:
        return
    is_key = node.query.outputs[0].sql_name in names and node.operand in placed.keys
    # One NULL in the list makes NOT IN unknown for the rows of all shards.
    if node.negated or not is_key or inner.layout != placed.layout:
        raise Apart


def _plain(query: Query) -> QueryBody:
    if query.common_tables:
        raise Apart
    return query.body
