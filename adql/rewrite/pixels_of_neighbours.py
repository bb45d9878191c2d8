"""What is near a star that is near a place is near that place too: so pixels for the neighbours in a sharded table."""

from collections.abc import Iterator
from dataclasses import replace

from adql.constants import number_of
from adql.info import Info
from adql.nodes import And, Condition, Join, Near, Node, Query, Select, TableReference, Value
from adql.rewrite.pixels_of_the_sky import Cone, cone_of, in_pixels, pixel_of
from adql.trees import conjuncts, mapped
from schema import types


def pixels_of_neighbours(query: Query) -> Query:
    return mapped(query, _with_pixels)


def _with_pixels(node: Node) -> Node:
    if not isinstance(node, Select):
        return node
    nears = [each for each in _conditions(node) if isinstance(each, Near)]
    cones = {point: cone for each in nears for point, cone in _cones(each)}
    found = tuple(pixels for each in nears for pixels in _pixels(each, cones))
    if not found:
        return node
    return replace(node, where=And((*conjuncts(node.where), *found), info=Info(types.BOOLEAN)))


def _conditions(select: Select) -> Iterator[Condition]:
    """Those that every row of the result meets."""
    yield from conjuncts(select.where)
    for reference in select.tables:
        yield from _of_inner_joins(reference)


def _of_inner_joins(reference: TableReference) -> Iterator[Condition]:
    if isinstance(reference, Join) and reference.kind == "INNER":
        yield from conjuncts(reference.condition)
        yield from _of_inner_joins(reference.left)
        yield from _of_inner_joins(reference.right)


def _cones(near: Near) -> Iterator[tuple[Value, Cone]]:
    """A point, and the constant cone that it must be in."""
    for point, centre in ((near.left, near.right), (near.right, near.left)):
        if cone := cone_of(centre, near.radius):
            yield point, cone


def _pixels(near: Near, cones: dict[Value, Cone]) -> Iterator[Condition]:
    radius = number_of(near.radius)
    for point, other in ((near.left, near.right), (near.right, near.left)):
        pixel, cone = pixel_of(other), cones.get(point)
        if pixel and cone and radius is not None and radius >= 0:
            pixels = in_pixels(*pixel, (cone[0], cone[1], cone[2] + radius))
            yield from (pixels,) if pixels else ()
