"""Trees of queries: what stands in them, and copies with some nodes changed."""

from collections.abc import Callable
from dataclasses import replace
from operator import is_
from typing import Any, TypeVar

from adql.constants import CHILD_FIELDS
from adql.nodes import And, Call, Condition, Field, Node, Value

Change = Callable[[Node], Node]
N = TypeVar("N", bound=Node)
SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""What a comparison says with its sides swapped, where that is another operator."""


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """Return the conditions that must all hold."""
    if condition is None:
        return ()
    if isinstance(condition, And):
        return tuple(conjunct for operand in condition.operands for conjunct in conjuncts(operand))
    return (condition,)


def position_of(point: Value) -> tuple[Field, ...]:
    """Return the columns that a POINT is made of; none if it is made of anything else."""
    if not isinstance(point, Call) or point.name != "POINT":
        return ()
    columns = tuple(coordinate for coordinate in point.coordinates if isinstance(coordinate, Field))
    return columns if len(columns) == len(point.coordinates) else ()


def mapped(node: N, change: Change) -> N:
    """Return the tree with every node changed, innermost first."""
    return change(with_children(node, lambda child: mapped(child, change)))  # type: ignore[return-value]


def with_children(node: N, change: Change) -> N:
    """Return the node with its children changed; the node itself if none is changed."""
    changes: dict[str, Any] = {}
    for name in CHILD_FIELDS[type(node)]:
        before = getattr(node, name)
        if isinstance(before, Node):
            after: object = change(before)
        elif type(before) is tuple and before:
            after = _changed(before, change)
        else:
            continue
        if after is not before:
            changes[name] = after
    return replace(node, **changes) if changes else node


def _changed(values: tuple[object, ...], change: Change) -> tuple[object, ...]:
    after = [change(value) if isinstance(value, Node) else value for value in values]
    return values if all(map(is_, after, values)) else tuple(after)
