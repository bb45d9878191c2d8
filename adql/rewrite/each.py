"""Applies a rewrite of conditions everywhere in a resolved query."""

from collections.abc import Callable
from typing import TypeVar

from adql.nodes import Condition, Node
from adql.trees import mapped

Rewrite = Callable[[Condition], Condition]
N = TypeVar("N", bound=Node)


def rewrite_conditions(node: N, rewrite: Rewrite) -> N:
    """The tree with every condition replaced, innermost first."""
    return mapped(node, lambda each: rewrite(each) if isinstance(each, Condition) else each)
