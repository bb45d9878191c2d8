"""Whether a query can be run for one part of a table's rows after another, and give the same rows in the end.

So a list of any length can be matched part by part, each part close together on the sky.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from adql.constants import walk
from adql.grouping import is_aggregate
from adql.nodes import Join, Near, Node, Query, Relation, Select, TableReference, Window
from adql.trees import position_of


@dataclass(frozen=True, slots=True)
class SplittableTable:
    """A table whose rows can come one after the other: every row of the result is made of at most one of them.

    `stored` are its schema and name in the database, `position` the columns there by which it is searched.
    """

    stored: tuple[str, ...]
    position: tuple[str, str] | None


def tables_apart(query: Query) -> tuple[SplittableTable, ...]:
    """Return the tables of a rewritten query whose rows may come in parts."""
    body = query.body
    if not isinstance(body, Select) or query.common_tables or _looks_at_all_rows(body):
        return ()
    nodes = tuple(walk(body))
    mentioned = Counter(node.parts for node in nodes if isinstance(node, Relation))
    relations = [relation for reference in body.tables for relation in _kept(reference)]
    return tuple(
        SplittableTable(relation.parts, _position(nodes, relation.sql_alias))
        for relation in relations
        if mentioned[relation.parts] == 1
    )


def _looks_at_all_rows(select: Select) -> bool:
    cut = select.top is not None or select.offset is not None
    ordered = select.distinct or select.group_by or select.having or select.order_by
    return bool(cut or ordered or any(_needs_all_rows(node) for item in select.items for node in walk(item)))


def _needs_all_rows(node: Node) -> bool:
    return is_aggregate(node) or isinstance(node, Window)


def _kept(reference: TableReference) -> Iterator[Relation]:
    """Yield the tables of which no row is left out, or made up, because of another row of the same table."""
    match reference:
        case Relation():
            yield reference
        case Join(kind=kind, left=left, right=right):
            if kind in {"INNER", "LEFT"}:
                yield from _kept(left)
            if kind in {"INNER", "RIGHT"}:
                yield from _kept(right)


def _position(nodes: tuple[Node, ...], alias: str) -> tuple[str, str] | None:
    """Return the columns by which a table is searched near a position."""
    for node in nodes:
        for point in (node.left, node.right) if isinstance(node, Near) else ():
            columns = position_of(point)
            if len(columns) == 2 and all(column.source == alias for column in columns):
                return columns[0].name, columns[1].name
    return None
