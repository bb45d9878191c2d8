"""`5/60` is 0: SQL divides whole numbers without a remainder."""

from collections.abc import Iterator, Sequence

from adql.constants import Numeric, apply, number_of
from adql.errors import Span
from adql.lints.lint import Lint, written
from adql.literals import is_literal
from adql.nodes import Aggregate, Arithmetic, Node, Number, Value


def whole_number_division(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Arithmetic):
            yield from _in_chain(node, text)
            yield from _of_counts(node, text)


def _of_counts(chain: Arithmetic, text: str) -> Iterator[Lint]:
    """Yield a lint for a ratio of two counts, whose fraction is lost."""
    counted, *divisors = chain.operands
    if chain.operators[0] == "/" and _is_count(counted) and _is_count(divisors[0]):
        span = Span(counted.span.start, divisors[0].span.end)
        ratio = written(span, text)
        yield Lint(f"{ratio} is a whole number: a division of whole numbers has no fraction", span, f"1.0*{ratio}")


def _is_count(value: Value) -> bool:
    return isinstance(value, Aggregate) and value.name.upper() == "COUNT"


def _in_chain(chain: Arithmetic, text: str) -> Iterator[Lint]:
    """Yield a lint for the first inexact division, as long as everything before it is whole numbers."""
    left = _literal(chain.operands[0])
    for index, operator in enumerate(chain.operators):
        divisor = chain.operands[index + 1]
        right = _literal(divisor)
        if not isinstance(left, int) or not isinstance(right, int):
            return
        if operator == "/" and right and left % right:
            yield _lint(Span(chain.operands[0].span.start, divisor.span.end), divisor, left, right, text)
            return
        left = apply(operator, left, right)


def _literal(value: Value) -> Numeric | None:
    return number_of(value) if is_literal(value) else None


def _lint(span: Span, divisor: Value, left: int, right: int, text: str) -> Lint:
    division = written(span, text)
    # The spans of operands leave out the parentheses round them.
    if division.count("(") != division.count(")") or division.find(")") < division.find("("):
        division = f"{left}/{right}"
    quotient = int(left / right)
    message = f"{division} is {quotient}: a division of whole numbers gives a whole number"
    return Lint(message, span, f"{division}." if isinstance(divisor, Number) else None)
