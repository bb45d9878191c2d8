"""Trees of queries: what stands in them, and copies with some nodes changed."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from adql.nodes import And, Condition, Node

Change = Callable[[Node], Node]
N = TypeVar("N", bound=Node)


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """The conditions that must all hold."""
    if condition is None:
        return ()
    if isinstance(condition, And):
        return tuple(each for operand in condition.operands for each in conjuncts(operand))
    return (condition,)


def mapped(node: N, change: Change) -> N:
    """The tree with every node changed, innermost first."""
    changes: dict[str, Any] = {}
    for each in fields(node):
        before = getattr(node, each.name)
        after = _mapped(before, change)
        if after is not before:
            changes[each.name] = after
    return change(replace(node, **changes) if changes else node)  # type: ignore[return-value]


def _mapped(value: object, change: Change) -> object:
    if isinstance(value, Node):
        return mapped(value, change)
    if isinstance(value, tuple) and any(isinstance(each, Node) for each in value):
        after = tuple(_mapped(each, change) for each in value)
        return value if all(a is b for a, b in zip(after, value, strict=True)) else after
    return value
