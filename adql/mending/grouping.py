"""Aggregates and columns that are in the wrong clause, or not grouped by."""

from collections.abc import Iterator

from adql import nodes
from adql.constants import walk
from adql.errors import AdqlError, Span, WrongAggregation
from adql.grouping import is_aggregate
from adql.mending.clauses import Clauses, clauses_of
from adql.mending.mistake import Mistake, Repair
from adql.parse import parse
from adql.trees import conjuncts

_OF_ONE_ROW = ("MIN", "MAX")


def _select(m: Mistake) -> nodes.Select | None:
    """Return the innermost query that the error stands in."""
    try:
        found = [node for node in walk(parse(m.text)) if isinstance(node, nodes.Select)]
    except AdqlError:
        return None
    around = [s for s in found if s.span.start <= m.error.span.start < max(s.span.end, m.error.span.end)]
    return max(around, key=lambda select: select.span.start, default=None)


def aggregate_in_where(m: Mistake) -> Iterator[Repair]:
    """Mend WHERE COUNT(*) > 5: conditions on aggregates stand in HAVING."""
    select = _select(m) if m.error.message.endswith("stand in WHERE") else None
    clauses = {word: (first, last) for word, first, last in clauses_of(m, m.index)}
    if select is None or "GROUP" not in clauses or "HAVING" in clauses:
        return
    conditions = list(conjuncts(select.where))
    aggregated = [c for c in conditions if any(is_aggregate(node) for node in walk(c))]
    plain = [c for c in conditions if c not in aggregated]
    group = m.written(*clauses["GROUP"])
    where = f"WHERE {_joined(m, plain)} " if plain else ""
    start, end = m.at(clauses["WHERE"][0]).start, m.at(clauses["GROUP"][1]).end
    yield Repair(Span(start, end), f"{where}{group} HAVING {_joined(m, aggregated)}")


def _joined(m: Mistake, conditions: list[nodes.Condition]) -> str:
    return " AND ".join(_operand(c, m.text[c.span.start : c.span.end]) for c in conditions)


def _operand(condition: nodes.Condition, written: str) -> str:
    return f"({written})" if isinstance(condition, nodes.Or) else written


def having_without_groups(m: Mistake) -> Iterator[Repair]:
    """Mend HAVING of a query that makes no groups: it means WHERE."""
    select = _select(m) if isinstance(m.error, WrongAggregation) else None
    if select is None or select.group_by or select.where or any(is_aggregate(node) for node in walk(select)):
        return
    for word, first, _ in clauses_of(m, m.index):
        if word == "HAVING":
            yield m.replaced(first, first, "WHERE")


def not_grouped(m: Mistake) -> Iterator[Repair]:
    """Mend columns beside COUNT, SUM and AVG. Beside MIN and MAX the row that has it may be meant."""
    select = _select(m) if "neither grouped by" in m.error.message else None
    if select is None or not m.index:
        return
    items = [item.value for item in select.items if isinstance(item, nodes.SelectItem)]
    plain = [item for item in items if isinstance(item, nodes.ColumnReference)]
    others = [item for item in items if not isinstance(item, nodes.ColumnReference)]
    if not others or len(items) < len(select.items) or any(_may_mean_row(item) for item in others):
        return
    written = {m.text[item.span.start : item.span.end] for item in plain}
    is_grouped = all(m.text[term.span.start : term.span.end] in written for term in select.group_by)
    if is_grouped and all(any(is_aggregate(node) for node in walk(item)) for item in others):
        yield from _grouped_by(m, clauses_of(m, m.index), [m.text[item.span.start : item.span.end] for item in plain])


def _may_mean_row(item: nodes.Value) -> bool:
    return any(isinstance(node, nodes.Aggregate) and node.name in _OF_ONE_ROW for node in walk(item))


def _grouped_by(m: Mistake, clauses: Clauses, columns: list[str]) -> Iterator[Repair]:
    grouped = next((last for word, _, last in clauses if word == "GROUP"), None)
    before = [last for word, _, last in clauses if word in ("SELECT", "FROM", "WHERE")]
    if grouped is not None:
        yield m.behind(grouped, f", {m.text[m.error.span.start : m.error.span.end]}")
    elif before:
        yield m.behind(before[-1], f" GROUP BY {', '.join(columns)}")
