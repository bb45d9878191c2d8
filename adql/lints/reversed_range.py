"""`x BETWEEN 5 AND 3` is true for no row: the less of the two comes first, or it goes through longitude 0."""

from collections.abc import Iterator, Sequence

from adql.constants import number_of
from adql.errors import Span
from adql.lints.lint import Lint, written
from adql.nodes import Between, Field, Node

_LONGITUDES = ("pos.eq.ra", "pos.galactic.lon", "pos.ecliptic.lon", "pos.az.azi")
_NAMES = frozenset({"ra", "ra_icrs", "raj2000", "ra_deg", "s_ra", "alpha", "l", "lon", "glon", "elon"})


def reversed_range(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Between) and not node.negated:
            low, high = number_of(node.low), number_of(node.high)
            if low is not None and high is not None and low > high:
                yield _through_zero(node, text) if _is_longitude(node) else _the_less_first(node, text)


def _is_longitude(node: Between) -> bool:
    ucd, unit = node.operand.info.ucd or "", node.operand.info.unit
    return unit == "deg" and (ucd.startswith(_LONGITUDES) or (not ucd and _is_called_so(node)))


def _is_called_so(node: Between) -> bool:
    return isinstance(node.operand, Field) and node.operand.name.lower() in _NAMES


def _through_zero(node: Between, text: str) -> Lint:
    value, low, high = (written(part.span, text) for part in (node.operand, node.low, node.high))
    message = f"No number is between {low} and {high}: a range of longitudes through 0 has two parts"
    return Lint(message, node.span, f"({value} >= {low} OR {value} <= {high})")


def _the_less_first(node: Between, text: str) -> Lint:
    low, high = written(node.low.span, text), written(node.high.span, text)
    span = Span(node.low.span.start, node.high.span.end)
    return Lint(f"No number is between {low} and {high}: the less comes first", span, f"{high} AND {low}")
