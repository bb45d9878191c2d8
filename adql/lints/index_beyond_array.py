"""`flux[0]`: the first element of an array is flux[1], and what lies outside of it is NULL."""

from collections.abc import Iterator, Sequence

from adql.constants import number_of
from adql.lints.lint import Lint, written
from adql.nodes import Node, Subscript
from schema import types


def index_beyond_array(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Subscript) and node.first is not None and not node.is_slice:
            yield from _in_element(node, number_of(node.first), text)


def _in_element(node: Subscript, index: float | None, text: str) -> Iterator[Lint]:
    count = _count(node.array.info.arraysize)
    array = written(node.array.span, text)
    if index is not None and index < 1:
        yield Lint(f"{array}[{index:g}] is NULL: the first element is the one with index 1", node.span, f"{array}[1]")
    elif index is not None and count is not None and index > count:
        yield Lint(f"{array}[{index:g}] is NULL: the last element is {array}[{count}]", node.span)


def _count(arraysize: str | None) -> int | None:
    """Return how many elements an array has, or rows a matrix; None where that varies."""
    return types.element_count((arraysize or "*").rpartition("x")[2])
