"""`name LIKE 'HD*'` and `name = 'HD%'`: patterns have %, and are patterns after LIKE only."""

from collections.abc import Iterator, Sequence

from adql.errors import Span
from adql.lints.lint import Lint, written
from adql.nodes import Comparison, Like, Node, String


def asterisk_in_pattern(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Like) and isinstance(node.pattern, String):
            pattern = node.pattern.value
            if "*" in pattern and "%" not in pattern:
                repair = written(node.pattern.span, text).replace("*", "%")
                yield Lint("In a pattern % is any text; a * is itself", node.pattern.span, repair)


def pattern_without_like(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Comparison) and isinstance(node.right, String) and node.operator in {"=", "<>"}:
            value = node.right.value
            if len(value) > 1 and (value.startswith("%") or value.endswith("%")):
                word = "LIKE" if node.operator == "=" else "NOT LIKE"
                span = Span(node.left.span.start, node.right.span.end)
                repair = f"{written(node.left.span, text)} {word} {written(node.right.span, text)}"
                yield Lint("A % is any text after LIKE only", span, repair if len(repair) < 100 else None)
