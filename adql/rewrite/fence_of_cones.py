"""Cone + ORDER BY + TOP: the cone first, then the order.

pgSphere before 1.3 says of every cone that it holds a thousandth of the table, so the planner would
rather walk an index of the sort column through the whole table. `postgres` prints a fence there.
"""

from dataclasses import replace

from adql import nodes
from adql.constants import number_of
from adql.literal_mocs import literal_moc
from adql.moc_cones import cones_round
from adql.nodes import Condition, Near, Query, Select, Value
from adql.trees import conjuncts
from schema import types

_SMALL = 30.0


def fence_of_cones(query: Query) -> Query:
    """Fence the outermost SELECT, where it needs one."""
    body = query.body
    if isinstance(body, Select) and _needs_fence(body):
        return replace(query, body=replace(body, fenced=True))
    return query


def _needs_fence(select: Select) -> bool:
    if select.top is None or not select.order_by or select.where is None:
        return False
    if (
        select.distinct
        or select.group_by
        or any(isinstance(item.value, nodes.Aggregate) for item in select.items if isinstance(item, nodes.SelectItem))
    ):
        return False
    return any(_is_small_cone(condition) for condition in conjuncts(select.where))


def _is_small_cone(condition: Condition) -> bool:
    if isinstance(condition, Near):
        radius = number_of(condition.radius)
        return radius is not None and radius <= _SMALL
    return isinstance(condition, nodes.Inside) and _has_index(condition.region)


def _has_index(region: Value) -> bool:
    """Return whether an index finds what is in a region: of MOCs only what is in small ones that are known."""
    if region.type is not types.MOC:
        return True
    moc = literal_moc(region)
    return moc is not None and cones_round(moc) is not None
