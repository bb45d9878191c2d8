"""Trees of queries: what stands in them, and copies with some nodes changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from adql.constants import child_fields
from adql.nodes import And, Call, Condition, Field, Node, Value

Change = Callable[[Node], Node]
N = TypeVar("N", bound=Node)


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """The conditions that must all hold."""
    if condition is None:
        return ()
    if isinstance(condition, And):
        return tuple(each for operand in condition.operands for each in conjuncts(operand))
    return (condition,)


def position_of(point: Value) -> tuple[Field, ...]:
    """The columns that a POINT is made of, where it is made of nothing else."""
    if not isinstance(point, Call) or point.name != "POINT":
        return ()
    columns = tuple(each for each in point.coordinates if isinstance(each, Field))
    return columns if len(columns) == len(point.coordinates) else ()


def mapped(node: N, change: Change) -> N:
    """The tree with every node changed, innermost first."""
    return change(with_children(node, lambda child: mapped(child, change)))  # type: ignore[return-value]


def with_children(node: N, change: Change) -> N:
    """The node itself if none of those right below it is changed."""
    changes: dict[str, Any] = {}
    for name in child_fields(node):
        before = getattr(node, name)
        after = _changed(before, change)
        if after is not before:
            changes[name] = after
    return replace(node, **changes) if changes else node


def _changed(value: object, change: Change) -> object:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple) and any(isinstance(each, Node) for each in value):
        after = tuple(_changed(each, change) for each in value)
        return value if all(a is b for a, b in zip(after, value, strict=True)) else after
    return value
