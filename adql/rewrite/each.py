"""Applies a rewrite of conditions everywhere in a resolved query, or where rows are searched."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from adql.nodes import And, Condition, Join, Node, Or, Select
from adql.trees import mapped

Rewrite = Callable[[Condition], Condition]
N = TypeVar("N", bound=Node)


def rewrite_conditions(node: N, rewrite: Rewrite) -> N:
    """Return the tree with every condition replaced, innermost first."""
    return mapped(node, lambda subtree: rewrite(subtree) if isinstance(subtree, Condition) else subtree)


def rewrite_searches(node: N, rewrite: Rewrite) -> N:
    """Return the tree with the conditions replaced that a row must meet, alone or as one of several.

    Unknown counts as false in these places.
    """

    def change(subtree: Node) -> Node:
        if isinstance(subtree, Select) and subtree.where is not None:
            return replace(subtree, where=_searched(subtree.where, rewrite))
        if isinstance(subtree, Join) and subtree.condition is not None:
            return replace(subtree, condition=_searched(subtree.condition, rewrite))
        return subtree

    return mapped(node, change)


def _searched(condition: Condition, rewrite: Rewrite) -> Condition:
    if isinstance(condition, And | Or):
        return replace(condition, operands=tuple(_searched(operand, rewrite) for operand in condition.operands))
    return rewrite(condition)
