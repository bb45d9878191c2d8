"""Applies a rewrite of conditions everywhere in a resolved query."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from adql.nodes import Condition, Node

Rewrite = Callable[[Condition], Condition]
N = TypeVar("N", bound=Node)


def rewrite_conditions(node: N, rewrite: Rewrite) -> N:
    """The tree with every condition replaced, innermost first."""
    changes: dict[str, Any] = {}
    for each in fields(node):
        before = getattr(node, each.name)
        after = _rewritten(before, rewrite)
        if after is not before:
            changes[each.name] = after
    changed = replace(node, **changes) if changes else node
    return rewrite(changed) if isinstance(changed, Condition) else changed  # type: ignore[return-value]


def _rewritten(value: object, rewrite: Rewrite) -> object:
    if isinstance(value, Node):
        return rewrite_conditions(value, rewrite)
    if isinstance(value, tuple) and any(isinstance(each, Node) for each in value):
        after = tuple(_rewritten(each, rewrite) for each in value)
        return value if all(a is b for a, b in zip(after, value, strict=True)) else after
    return value
