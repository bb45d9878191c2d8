"""GROUP BY, DISTINCT and aggregates: what may be selected and sorted by (SQL-92 §7.9, §13.1)."""

from collections.abc import Iterator
from dataclasses import fields

from adql import nodes
from adql.constants import sources_of
from adql.errors import AdqlError
from adql.functions import function_of
from adql.nodes import Field, Node, Select, Value


def is_aggregate(node: Node) -> bool:
    if isinstance(node, nodes.Call):
        return function_of(node).is_aggregate
    return isinstance(node, nodes.Aggregate)


def aggregate_in(node: Node) -> Node | None:
    """The first aggregate in an expression; those of queries inside it are their own affair."""
    if is_aggregate(node):
        return node
    return next((found for child in children(node) if (found := aggregate_in(child))), None)


def children(node: Node) -> Iterator[Node]:
    for each in fields(node):
        child = getattr(node, each.name)
        for below in child if isinstance(child, tuple) else (child,):
            if isinstance(below, Node) and not isinstance(below, nodes.Query):
                yield below


def check_grouping(select: Select) -> None:
    """Raises: AdqlError for a column that is neither grouped by nor inside an aggregate, and the like."""
    values = [item.value for item in select.items if isinstance(item, nodes.SelectItem)]
    orders = [term.value for term in select.order_by if isinstance(term.value, Value)]
    checked: list[Node] = [*values, *orders, *([select.having] if select.having else [])]
    for each in checked:
        _no_nested(each)
    if select.group_by or any(aggregate_in(each) for each in checked) or select.having:
        own = _own_sources(select)
        for each in checked:
            _check(each, select.group_by, own, grouped=bool(select.group_by))
    if select.distinct:
        _check_distinct(values, orders)


def _own_sources(select: Select) -> frozenset[str]:
    return frozenset(alias for table in select.tables for alias in _aliases(table))


def _aliases(table: nodes.TableReference) -> Iterator[str]:
    if isinstance(table, nodes.Join):
        yield from _aliases(table.left)
        yield from _aliases(table.right)
    elif not isinstance(table, nodes.TableName):
        yield table.sql_alias


def _no_nested(node: Node) -> None:
    inside = node if is_aggregate(node) else None
    for child in children(node):
        found = aggregate_in(child) if inside else None
        if found is not None:
            raise AdqlError(
                "An aggregate cannot stand inside another",
                found.span,
                "Aggregate a query in FROM: SELECT MAX(n) FROM (SELECT COUNT(*) AS n ...) AS q.",
            )
        _no_nested(child)


def _check(node: Node, group_by: tuple[Value, ...], own: frozenset[str], *, grouped: bool) -> None:
    if node in group_by or is_aggregate(node):
        return
    if isinstance(node, Field) and node.source in own:
        hint = "Add it to GROUP BY, or use MIN, MAX, AVG, ... of it."
        if not grouped:
            hint = "Beside an aggregate, other columns need GROUP BY."
        raise AdqlError("This column is neither grouped by nor inside an aggregate", node.span, hint)
    for child in children(node):
        _check(child, group_by, own, grouped=grouped)


def _check_distinct(values: list[Value], orders: list[Value]) -> None:
    for order in orders:
        if order not in values and sources_of(order):
            raise AdqlError(
                "With SELECT DISTINCT, ORDER BY can use selected columns only",
                order.span,
                "Add it to the SELECT list.",
            )
