"""GROUP BY, DISTINCT and aggregates: what may be selected and sorted by (SQL-92 §7.9, §13.1)."""

from collections.abc import Callable, Iterator

from adql import nodes
from adql.constants import CHILD_FIELDS, sources_of
from adql.errors import WrongAggregation
from adql.functions import overloads
from adql.nodes import Field, Node, Select, Value


def is_aggregate(node: Node) -> bool:
    """Return whether a node makes one value of many rows; over a window the same functions do not."""
    if isinstance(node, nodes.Call):
        return any(function.is_aggregate for function in overloads(node.name))
    return isinstance(node, nodes.Aggregate)


def aggregate_in(node: Node) -> Node | None:
    """Return the first aggregate in an expression; those of queries inside it do not count."""
    return _first(node, is_aggregate)


def window_in(node: Node) -> nodes.Window | None:
    """Return the first window function in an expression; those of queries inside it do not count."""
    window = _first(node, lambda node: isinstance(node, nodes.Window))
    return window if isinstance(window, nodes.Window) else None


def check_beside_arrays(value: Value) -> None:
    """Raise AdqlError for what would be counted anew in the query of elements that array arithmetic becomes:

    windows, and aggregates that read no column.
    """
    node = _first(value, lambda node: isinstance(node, nodes.Window) or (is_aggregate(node) and not sources_of(node)))
    if node is not None:
        raise WrongAggregation(
            "This cannot be calculated together with arrays",
            node.span,
            "Compute it in a query in FROM: SELECT q.flux / q.n FROM (SELECT ..., COUNT(*) AS n FROM ...) AS q.",
        )


def _first(node: Node, is_wanted: Callable[[Node], bool]) -> Node | None:
    pending = [node]
    while pending:
        node = pending.pop()
        if is_wanted(node):
            return node
        pending += reversed(children(node))
    return None


def children(node: Node) -> list[Node]:
    """Return what stands right below a node; for a window function its arguments, since it is no aggregate."""
    if isinstance(node, nodes.Window):
        return [*children(node.function), *node.partition_by, *node.order_by]
    below: list[Node] = []
    for name in CHILD_FIELDS[type(node)]:
        child = getattr(node, name)
        below += [element for element in (child if type(child) is tuple else (child,)) if _is_own(element)]
    return below


def _is_own(element: object) -> bool:
    return isinstance(element, Node) and not isinstance(element, nodes.Query)


def check_grouping(select: Select) -> None:
    """Raise AdqlError for a column that is neither grouped by nor inside an aggregate, and the like."""
    values = [item.value for item in select.items if isinstance(item, nodes.SelectItem)]
    orders = [term.value for term in select.order_by if isinstance(term.value, Value)]
    checked: list[Node] = [*values, *orders, *([select.having] if select.having else [])]
    for expression in checked:
        _no_nested(expression)
    if select.group_by or any(aggregate_in(expression) for expression in checked) or select.having:
        sources = _own_sources(select)
        for expression in checked:
            _check(expression, select.group_by, sources, grouped=bool(select.group_by))
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
    outer = node if is_aggregate(node) else None
    if (isinstance(node, nodes.Window) or outer) and any(window_in(child) for child in children(node)):
        raise WrongAggregation(
            "A window function cannot stand inside another or inside an aggregate",
            node.span,
            "Compute it in a query in FROM.",
        )
    for child in children(node):
        inner = aggregate_in(child) if outer else None
        if inner is not None:
            raise WrongAggregation(
                "An aggregate cannot stand inside another",
                inner.span,
                "Aggregate a query in FROM: SELECT MAX(n) FROM (SELECT COUNT(*) AS n ...) AS q.",
            )
        _no_nested(child)


def _check(node: Node, group_by: tuple[Value, ...], sources: frozenset[str], *, grouped: bool) -> None:
    if node in group_by or is_aggregate(node):
        return
    if isinstance(node, Field) and node.source in sources:
        hint = "Add it to GROUP BY, or use MIN, MAX, AVG, ... of it."
        if not grouped:
            hint = "Beside an aggregate, other columns need GROUP BY."
        raise WrongAggregation("This column is neither grouped by nor inside an aggregate", node.span, hint)
    for child in children(node):
        _check(child, group_by, sources, grouped=grouped)


def _check_distinct(values: list[Value], orders: list[Value]) -> None:
    for order in orders:
        if order not in values and sources_of(order):
            raise WrongAggregation(
                "With SELECT DISTINCT, ORDER BY can use selected columns only",
                order.span,
                "Add it to the SELECT list.",
            )
