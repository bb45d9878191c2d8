"""Names → columns in the SELECT list, GROUP BY and ORDER BY, which may also name output columns."""

from dataclasses import replace

from adql import infer, nodes
from adql.errors import TooComplex, WrongColumns
from adql.nodes import Output, Value
from adql.resolve_values import Expressions, no_aggregate

MAX_COLUMNS = 1000


def select_list(
    expressions: Expressions, items: tuple[nodes.SelectItem | nodes.AllColumns, ...]
) -> tuple[nodes.SelectItem, ...]:
    resolved: list[nodes.SelectItem] = []
    for item in items:
        if isinstance(item, nodes.AllColumns):
            resolved += _all_columns(expressions, item)
        else:
            value = expressions.value(item.value)
            resolved.append(replace(item, value=value, alias=item.alias or _label(item.value, value)))
        if len(resolved) > MAX_COLUMNS:
            raise TooComplex(f"A query gives at most {MAX_COLUMNS} columns", item.span)
    return tuple(resolved)


def _all_columns(expressions: Expressions, item: nodes.AllColumns) -> list[nodes.SelectItem]:
    columns = expressions.scope.visible
    if item.qualifier:
        columns = expressions.scope.source(item.qualifier).columns
    return [
        nodes.SelectItem(replace(c.value, span=item.span), nodes.Identifier(c.name, c.delimited), span=item.span)
        for c in columns
    ]


def group_term(expressions: Expressions, term: Value, items: tuple[nodes.SelectItem, ...]) -> Value:
    if isinstance(term, nodes.Number) and term.text.isdigit():
        return items[_position(int(term.text), len(items), term)].value
    value = expressions.value(term)
    infer.comparable(value, "GROUP BY")
    no_aggregate(value, "GROUP BY")
    return value


def order_term(expressions: Expressions, term: nodes.OrderTerm, items: tuple[nodes.SelectItem, ...]) -> nodes.OrderTerm:
    """Resolve a term that is a position, the name of an output column, or an expression."""
    if isinstance(term.value, int):
        index: int | None = _position(term.value, len(items), term)
    else:
        index = _named_output(term.value, items)
    if index is None and isinstance(term.value, Value):
        return _order_by_value(expressions, term, term.value, items)
    return _by_position(term, index or 0, items)


def _order_by_value(
    expressions: Expressions, term: nodes.OrderTerm, written: Value, items: tuple[nodes.SelectItem, ...]
) -> nodes.OrderTerm:
    value = expressions.value(written)
    for index, item in enumerate(items):
        if item.value == value:
            return _by_position(term, index, items)
    infer.comparable(value, "ORDER BY")
    return replace(term, value=value)


def set_order_term(expressions: Expressions, term: nodes.OrderTerm, outputs: tuple[Output, ...]) -> nodes.OrderTerm:
    """Resolve a term of a set operation, which is a position or made of output columns."""
    if isinstance(term.value, int):
        _position(term.value, len(outputs), term)
        return term
    value = expressions.value(term.value)
    infer.comparable(value, "ORDER BY")
    return replace(term, value=value)


def _label(written: Value, value: Value) -> nodes.Identifier | None:
    """Return the name that a column keeps, spelt as it is published; None for anything else."""
    if not isinstance(written, nodes.ColumnReference):
        return None
    name = written.parts[-1]
    return replace(name, name=value.label) if isinstance(value, nodes.Field) else name


def _position(position: int, length: int, node: nodes.Node) -> int:
    if not 1 <= position <= length:
        raise WrongColumns(f"There is no output column {position}; the query has {length}", node.span)
    return position - 1


def _by_position(term: nodes.OrderTerm, index: int, items: tuple[nodes.SelectItem, ...]) -> nodes.OrderTerm:
    infer.comparable(items[index].value, "ORDER BY")
    return replace(term, value=index + 1)


def _named_output(value: Value | int, items: tuple[nodes.SelectItem, ...]) -> int | None:
    """Return the index of the output column that a bare name in ORDER BY means; aliases precede columns of tables."""
    if not isinstance(value, nodes.ColumnReference) or len(value.parts) != 1:
        return None
    name = value.parts[0]
    return next((index for index, item in enumerate(items) if item.alias and name.matches(item.alias.name)), None)
