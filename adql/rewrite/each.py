"""Applies a rewrite of conditions everywhere in a resolved query, or where rows are searched."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from adql.nodes import And, Condition, Join, Node, Or, Select
from adql.trees import mapped

Rewrite = Callable[[Condition], Condition]
N = TypeVar("N", bound=Node)


def rewrite_conditions(node: N, rewrite: Rewrite) -> N:
    """The tree with every condition replaced, innermost first."""
    return mapped(node, lambda each: rewrite(each) if isinstance(each, Condition) else each)


def rewrite_searches(node: N, rewrite: Rewrite) -> N:
    """The tree with every condition replaced that a row must meet, alone or as one of several: there unknown is as good as false."""

    def change(each: Node) -> Node:
        if isinstance(each, Select) and each.where is not None:
            return replace(each, where=_searched(each.where, rewrite))
        if isinstance(each, Join) and each.condition is not None:
            return replace(each, condition=_searched(each.condition, rewrite))
        return each

    return mapped(node, change)


def _searched(condition: Condition, rewrite: Rewrite) -> Condition:
    if isinstance(condition, And | Or):
        return replace(condition, operands=tuple(_searched(each, rewrite) for each in condition.operands))
    return rewrite(condition)
