"""What a row of a table must meet, or it is as good as not there.

An outer join makes rows in which a table has NULLs only. A condition that is true of such a row tells nothing about the
rows that the table has: without them there would be more of the others.
"""

from collections.abc import Iterator
from dataclasses import replace

from adql import nodes
from adql.constants import sources_of, walk
from adql.nodes import Condition, Field, Query, Select, TableReference, Value
from adql.trees import conjuncts, mapped
from tap.sharding.planning.colocation import aliases_in, joins_on

_STRICT = {"POINT", "CIRCLE", "DISTANCE", "ABS", "SQRT", "POWER", "ROUND", "FLOOR", "CEILING", "LOWER", "UPPER"}
"""Functions that are NULL if one of their arguments is."""


def required_conditions(select: Select, alias: str) -> Iterator[Condition]:
    """Yield the conditions of WHERE and ON that a row of that table must meet, and a row of each other table that they speak of."""
    yield from _certain(select.where, select.tables)
    for reference in select.tables:
        for join in joins_on(reference, alias):
            yield from _certain(join.condition, (join.left, join.right))


def _certain(condition: Condition | None, references: tuple[TableReference, ...]) -> Iterator[Condition]:
    always = frozenset[str]().union(*map(always_there, references))
    for each in conjuncts(condition):
        if all(source in always or _rejects_nulls(each, source) for source in _sources(each)):
            yield each


def as_inner(query: Query) -> Query:
    """Return the query with outer joins as inner ones where WHERE lets none of the rows through that they would make up."""
    return mapped(query, lambda node: _with_inner_joins(node) if isinstance(node, Select) else node)


def _with_inner_joins(select: Select) -> Select:
    conditions = conjuncts(select.where)
    return replace(select, tables=tuple(_inner(each, conditions) for each in select.tables))


def _inner(reference: TableReference, conditions: tuple[Condition, ...]) -> TableReference:
    if not isinstance(reference, nodes.Join):
        return reference

    def must_be_there(side: TableReference) -> bool:
        return any(_rejects_nulls(each, alias) for alias in aliases_in(side) for each in conditions)

    left, right = must_be_there(reference.left), must_be_there(reference.right)
    match reference.kind:
        case "LEFT" if right:
            kind = "INNER"
        case "RIGHT" if left:
            kind = "INNER"
        case "FULL" if left or right:
            kind = "INNER" if left and right else "LEFT" if left else "RIGHT"
        case kind:
            pass
    sides = _inner(reference.left, conditions), _inner(reference.right, conditions)
    return replace(reference, kind=kind, left=sides[0], right=sides[1])


def _sources(condition: Condition) -> frozenset[str]:
    """Return the sources of a condition without those of the queries inside of it."""
    tables = (node for node in walk(condition) if isinstance(node, nodes.Relation | nodes.DerivedTable | nodes.Unnest))
    return sources_of(condition) - {each.sql_alias for each in tables}


def always_there(reference: TableReference) -> frozenset[str]:
    """Return the tables that no outer join leaves out."""
    if not isinstance(reference, nodes.Join):
        return aliases_in(reference)
    left, right = always_there(reference.left), always_there(reference.right)
    match reference.kind:
        case "INNER":
            return left | right
        case "LEFT":
            return left
        case "RIGHT":
            return right
    return frozenset()


def _rejects_nulls(condition: Condition, alias: str) -> bool:
    """Return whether a condition is never true where all columns of that table are NULL; False where that is not known."""
    match condition:
        case nodes.And(operands=operands):
            return any(_rejects_nulls(each, alias) for each in operands)
        case nodes.Or(operands=operands):
            return all(_rejects_nulls(each, alias) for each in operands)
        case nodes.Comparison() | nodes.Near() | nodes.Overlap():
            return _is_null(condition.left, alias) or _is_null(condition.right, alias)
        case nodes.Inside():
            return _is_null(condition.point, alias) or _is_null(condition.region, alias)
        case nodes.Between() | nodes.InValues() | nodes.Like():
            return _is_null(condition.operand, alias)
        case nodes.IsNull(operand=operand, negated=True) | nodes.InQuery(operand=operand, negated=False):
            return _is_null(operand, alias)
    return False


def _is_null(value: Value, alias: str) -> bool:
    """Return whether a value is NULL where all columns of that table are."""
    match value:
        case Field(source=source):
            return source == alias
        case nodes.Signed(operand=operand) | nodes.Cast(operand=operand):
            return _is_null(operand, alias)
        case nodes.Arithmetic(operands=operands) | nodes.Concatenation(operands=operands):
            return any(_is_null(each, alias) for each in operands)
        case nodes.Call(name=name, arguments=arguments) if name in _STRICT:
            return any(_is_null(each, alias) for each in arguments)
    return False
