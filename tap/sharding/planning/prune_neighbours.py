"""What is near a star that is near a place is near that place too: so cells for the neighbours in a table on shards."""

from collections.abc import Iterator
from dataclasses import replace

from adql.constants import number_of
from adql.info import Info
from adql.nodes import And, Condition, Join, Near, Node, Query, Select, TableReference, Value
from adql.trees import conjuncts, mapped
from schema import types
from tap.sharding.planning.cell_sets import Partitionings
from tap.sharding.planning.prune_cones import Cone, condition_of_cone, cone_of, table_of


def prune_neighbours(query: Query, partitionings: Partitionings) -> Query:
    def change(node: Node) -> Node:
        return _pruned(node, partitionings) if isinstance(node, Select) else node

    return mapped(query, change)


def _pruned(select: Select, partitionings: Partitionings) -> Select:
    nears = [condition for condition in _conditions(select) if isinstance(condition, Near)]
    cones = {point: cone for near in nears for point, cone in _cones(near)}
    added = tuple(condition for near in nears for condition in _of_neighbours(near, cones, partitionings))
    if not added:
        return select
    return replace(select, where=And((*conjuncts(select.where), *added), info=Info(types.BOOLEAN)))


def _conditions(select: Select) -> Iterator[Condition]:
    """Yield the conditions that every row of the result meets."""
    yield from conjuncts(select.where)
    for reference in select.tables:
        yield from _of_inner_joins(reference)


def _of_inner_joins(reference: TableReference) -> Iterator[Condition]:
    if isinstance(reference, Join) and reference.kind == "INNER":
        yield from conjuncts(reference.condition)
        yield from _of_inner_joins(reference.left)
        yield from _of_inner_joins(reference.right)


def _cones(near: Near) -> Iterator[tuple[Value, Cone]]:
    """Yield a point, and the constant cone that it must be in."""
    for point, centre in ((near.left, near.right), (near.right, near.left)):
        if cone := cone_of(centre, near.radius):
            yield point, cone


def _of_neighbours(near: Near, cones: dict[Value, Cone], partitionings: Partitionings) -> Iterator[Condition]:
    radius = number_of(near.radius)
    for point, other in ((near.left, near.right), (near.right, near.left)):
        table, cone = table_of(other, partitionings), cones.get(point)
        if table and cone and radius is not None and radius >= 0:
            added = condition_of_cone(*table, (cone[0], cone[1], cone[2] + radius))
            yield from (added,) if added else ()
