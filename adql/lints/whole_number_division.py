"""`5/60` is 0: SQL divides whole numbers without a remainder."""

from collections.abc import Iterator

from adql.constants import Numeric, number_of, walk
from adql.errors import Span
from adql.lints.lint import Lint
from adql.nodes import Arithmetic, Number, Query, Value


def whole_number_division(query: Query, text: str) -> Iterator[Lint]:
    for node in walk(query):
        if isinstance(node, Arithmetic):
            yield from _in_chain(node, text)


def _in_chain(chain: Arithmetic, text: str) -> Iterator[Lint]:
    """Each division of the chain whose left side is made of whole numbers only."""
    left = number_of(chain.operands[0])
    for index, operator in enumerate(chain.operators):
        divisor = chain.operands[index + 1]
        right = number_of(divisor)
        if not isinstance(left, int) or not isinstance(right, int):
            return
        if operator == "/" and right and left % right:
            yield _lint(Span(chain.operands[0].span.start, divisor.span.end), divisor, left, right, text)
            return
        left = _next(operator, left, right)


def _next(operator: str, left: int, right: int) -> Numeric | None:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return left // right if right else None


def _lint(span: Span, divisor: Value, left: int, right: int, text: str) -> Lint:
    written = " ".join(text[span.start : span.end].split())
    quotient = int(left / right)
    message = f"{written} is {quotient}: a division of whole numbers gives a whole number"
    return Lint(message, span, f"{written}." if isinstance(divisor, Number) else None)
