"""`x BETWEEN 5 AND 3` is true for no row: the less of the two comes first."""

from collections.abc import Iterator, Sequence

from adql.constants import number_of
from adql.errors import Span
from adql.lints.lint import Lint, written
from adql.nodes import Between, Node


def reversed_range(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Between) and not node.negated:
            low, high = number_of(node.low), number_of(node.high)
            if low is not None and high is not None and low > high:
                first, second = written(node.high.span, text), written(node.low.span, text)
                span = Span(node.low.span.start, node.high.span.end)
                yield Lint(
                    f"No number is between {low:g} and {high:g}: the less comes first", span, f"{first} AND {second}"
                )
