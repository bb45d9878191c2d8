"""`x = NULL` is true for no row: NULL is equal to nothing, not even to itself."""

from collections.abc import Iterator, Sequence

from adql.lints.lint import Lint, written
from adql.nodes import Comparison, Node, Null


def compared_with_null(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Comparison) and isinstance(node.right, Null):
            value = written(node.left.span, text)
            test = "IS NOT NULL" if node.operator in {"<>", "!="} else "IS NULL"
            message = "A comparison with NULL is true for no row"
            yield Lint(message, node.span, f"{value} {test}" if len(value) < 100 else None)
