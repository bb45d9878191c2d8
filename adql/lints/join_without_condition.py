"""Tables that neither an equality nor a position ties to each other: every row meets every row."""

from collections.abc import Iterator, Sequence

from adql.constants import sources_of, walk
from adql.lints.lint import Lint, written
from adql.nodes import (
    Call,
    Comparison,
    Condition,
    DerivedTable,
    InQuery,
    Join,
    Node,
    Relation,
    Select,
    TableReference,
    Unnest,
)
from adql.trees import conjuncts

_GEOMETRIES = {"CONTAINS", "INTERSECTS", "DISTANCE"}
_Source = Relation | DerivedTable


def join_without_condition(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for select in nodes:
        if isinstance(select, Select):
            yield from _in_select(select, text)


def _in_select(select: Select, text: str) -> Iterator[Lint]:
    conditions = list(conjuncts(select.where))
    sources = [source for table in select.tables for source in _sources(table, conditions)]
    ties = [sources_of(condition) for condition in conditions if _ties(condition)]
    elements = (node for table in select.tables for node in walk(table) if isinstance(node, Unnest))
    ties += [sources_of(unnest) | {unnest.sql_alias} for unnest in elements]
    tied = {sources[0].sql_alias} if sources else set()
    for source in sources[1:]:
        tied = _closure(tied, ties)
        if source.sql_alias not in tied:
            name = written(source.span, text)[:40]
            message = f"Nothing ties {name} to the tables before it, so that each of its rows meets each of theirs"
            yield Lint(message, source.span, when_costly=True)
        tied.add(source.sql_alias)


def _sources(table: TableReference, conditions: list[Condition]) -> Iterator[_Source]:
    """Yield the tables of FROM; the conditions of its joins are appended to `conditions`."""
    if isinstance(table, Join):
        conditions += conjuncts(table.condition)
        yield from _sources(table.left, conditions)
        yield from _sources(table.right, conditions)
    elif isinstance(table, _Source):
        yield table


def _ties(condition: Condition) -> bool:
    if isinstance(condition, Comparison) and condition.operator == "=":
        return True
    if isinstance(condition, InQuery):
        return True
    return any(isinstance(node, Call) and node.name in _GEOMETRIES for node in walk(condition))


def _closure(tied: set[str], ties: list[frozenset[str]]) -> set[str]:
    """Return all tables that a chain of ties leads to."""
    size = -1
    while size != len(tied):
        size = len(tied)
        tied = tied.union(*(tie for tie in ties if tie & tied))
    return tied
