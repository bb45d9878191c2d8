"""Cells beside ids in queries on hashed tables, so that Citus sees which rows lie together, and does not where they do not."""

from collections.abc import Iterator
from dataclasses import replace

from adql import nodes
from adql.info import Info
from adql.nodes import And, Comparison, Condition, Exists, Field, InQuery, Node, Query, Select
from adql.trees import conjuncts, mapped
from schema import types
from tap.sharding.model import Placements
from tap.sharding.planning.cell_sets import Partitionings, is_cell_column
from tap.sharding.planning.cells_of_queries import with_cells_of_queries
from tap.sharding.planning.colocation import aliases_in
from tap.sharding.planning.prune import partitionings_of
from tap.sharding.planning.required_conditions import always_there

_BOOLEAN = Info(types.BOOLEAN)


def joined_by_cells(query: Query, placements: Placements) -> Query:
    """Add equal cells to equal ids, and make joins of IN with ids, so that Citus sees that rows lie together."""
    query, partitionings = with_cells_of_queries(query, partitionings_of(query, placements))

    def change(node: Node) -> Node:
        if isinstance(node, nodes.Join) and node.condition is not None:
            return replace(node, condition=_with_cells(node.condition, partitionings))
        if isinstance(node, Select):
            where = _with_cells(node.where, partitionings) if node.where is not None else None
            return _with_plain_cells(replace(node, where=where), partitionings)
        return node

    return mapped(query, change)


def _with_plain_cells(select: Select, partitionings: Partitionings) -> Select:
    """Hide from Citus that a value is a cell, where an outer join makes NULLs of it: it thinks that equal ones lie on one shard, and of NULLs each shard has its own."""
    always = frozenset[str]().union(*map(always_there, select.tables))

    def change(node: Node) -> Node:
        if isinstance(node, Field) and node.source not in always and is_cell_column(node, partitionings):
            return nodes.Arithmetic(("+",), (node, nodes.Number("0", info=node.info)), info=node.info, span=node.span)
        return node

    if all(alias in always for table in select.tables for alias in aliases_in(table)):
        return select
    items = tuple(mapped(item, change) for item in select.items)
    group_by = tuple(mapped(term, change) for term in select.group_by)
    order_by = tuple(mapped(term, change) for term in select.order_by)
    return replace(select, items=items, group_by=group_by, order_by=order_by)


def _with_cells(condition: Condition, partitionings: Partitionings) -> Condition:
    """Change what must hold in any case only: inside of NOT a cell could make true what is unknown."""
    changed: list[Condition] = []
    for operand in conjuncts(condition):
        if isinstance(operand, InQuery):
            changed.append(_exists_of(operand, partitionings) or operand)
        else:
            changed += (operand, *_equal_cells(operand, partitionings))
    return all_of(tuple(changed)) if len(changed) > 1 or changed[0] is not condition else condition


def _equal_cells(condition: Condition, partitionings: Partitionings) -> Iterator[Condition]:
    match condition:
        case Comparison(operator="=", left=Field() as left, right=Field() as right):
            if _is_key(left, partitionings) and _is_key(right, partitionings):
                one, other = partitionings[left.source], partitionings[right.source]
                alike = (one.layout, one.order) == (other.layout, other.order)
                if alike and left.source != right.source:
                    yield equal(cell_field(left.source, one.column), cell_field(right.source, other.column))


def _exists_of(condition: InQuery, partitionings: Partitionings) -> Condition | None:
    """Return IN a query of ids as EXISTS, which is as true wherever it must hold."""
    body, operand = condition.query.body, condition.operand
    if condition.negated or condition.query.common_tables or not isinstance(body, Select) or len(body.items) != 1:
        return None
    is_plain = not (body.group_by or body.having or body.top is not None or body.offset is not None)
    item = body.items[0]
    if not is_plain or not isinstance(item, nodes.SelectItem) or not isinstance(item.value, Field):
        return None
    equality = Comparison("=", operand, item.value, info=_BOOLEAN)
    cells = tuple(_equal_cells(equality, partitionings))
    if not cells:
        return None
    where = all_of((*conjuncts(body.where), equality, *cells))
    return Exists(Query(replace(body, where=where, distinct=False, order_by=())), span=condition.span, info=_BOOLEAN)


def _is_key(field: Field, partitionings: Partitionings) -> bool:
    partitioning = partitionings.get(field.source)
    return partitioning is not None and partitioning.key == field.name


def cell_field(alias: str, name: str) -> Field:
    return Field(alias, name, info=Info(types.INTEGER))


def equal(one: Field, other: Field) -> Condition:
    return Comparison("=", one, other, info=_BOOLEAN)


def all_of(conditions: tuple[Condition, ...]) -> Condition:
    return conditions[0] if len(conditions) == 1 else And(conditions, info=_BOOLEAN)
