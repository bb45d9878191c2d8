"""Parsed tree → ADQL: for messages, and to prove in tests that nothing is lost in parsing.

Of every tree that `parse` makes, `parse(text_of(tree))` makes an equal one.
"""

from adql import nodes
from adql.nodes import Condition, Expression, Query, QueryBody, Value
from adql.signatures import SHAPES
from schema.model import delimited, string_literal


def text_of(query: Query) -> str:
    common = [f"{_name(table.name)} AS ({_body(table.body)})" for table in query.common_tables]
    return f"WITH {', '.join(common)} {_body(query.body)}" if common else _body(query.body)


def _name(identifier: nodes.Identifier) -> str:
    if identifier.delimited:
        return delimited(identifier.name)
    return identifier.name


def _names(parts: tuple[nodes.Identifier, ...]) -> str:
    return ".".join(map(_name, parts))


# ---- queries


def _body(body: QueryBody) -> str:
    text = _set_operation(body) if isinstance(body, nodes.SetOperation) else _select(body)
    if body.order_by:
        text += " ORDER BY " + ", ".join(map(_order_term, body.order_by))
    return text if body.offset is None else f"{text} OFFSET {body.offset}"


def _set_operation(operation: nodes.SetOperation) -> str:
    parts = [f"({_body(operation.operands[0])})"]
    for operator, operand in zip(operation.operators, operation.operands[1:], strict=True):
        parts += [operator, f"({_body(operand)})"]
    return " ".join(parts)


def _select(select: nodes.Select) -> str:
    parts = ["SELECT DISTINCT" if select.distinct else "SELECT"]
    if select.top is not None:
        parts.append(f"TOP {select.top}")
    parts.append(", ".join(map(_item, select.items)))
    parts.append("FROM " + ", ".join(map(_table, select.tables)))
    if select.where is not None:
        parts.append(f"WHERE {text_of_expression(select.where)}")
    if select.group_by:
        parts.append("GROUP BY " + ", ".join(map(text_of_expression, select.group_by)))
    if select.having is not None:
        parts.append(f"HAVING {text_of_expression(select.having)}")
    return " ".join(parts)


def _item(item: nodes.SelectItem | nodes.AllColumns) -> str:
    if isinstance(item, nodes.AllColumns):
        return f"{_names(item.qualifier)}.*" if item.qualifier else "*"
    return text_of_expression(item.value) + (f" AS {_name(item.alias)}" if item.alias else "")


def _order_term(term: nodes.OrderTerm) -> str:
    text = str(term.value) if isinstance(term.value, int) else text_of_expression(term.value)
    return f"{text} DESC" if term.descending else text


def _table(reference: nodes.TableReference) -> str:
    match reference:
        case nodes.TableName(parts=parts, alias=alias):
            return _names(parts) + (f" AS {_name(alias)}" if alias else "")
        case nodes.DerivedTable(query=query, alias=alias):
            return f"({text_of(query)}) AS {_name(alias)}"
        case nodes.Join():
            return f"({_join(reference)})"
        case nodes.Unnest():
            return _unnest(reference)
    raise AssertionError(reference)


def _unnest(unnest: nodes.Unnest) -> str:
    ordinality = " WITH ORDINALITY" if unnest.with_ordinality else ""
    names = f" ({', '.join(map(_name, unnest.names))})" if unnest.names else ""
    return f"UNNEST({_list(unnest.arrays)}){ordinality} AS {_name(unnest.alias)}{names}"


def _join(join: nodes.Join) -> str:
    natural = "NATURAL " if join.natural else ""
    text = f"{_table(join.left)} {natural}{join.kind} JOIN {_table(join.right)}"
    if join.condition is not None:
        return f"{text} ON {text_of_expression(join.condition)}"
    return f"{text} USING ({', '.join(map(_name, join.using))})" if join.using else text


# ---- values and conditions


def text_of_expression(node: Expression) -> str:
    if isinstance(node, Condition):
        return _condition(node)
    if isinstance(node, Value):
        return _value(node)
    raise AssertionError(node)


def _list(values: tuple[Value, ...]) -> str:
    return ", ".join(map(_value, values))


def _primary(node: Value) -> str:
    """Print a value, in parentheses where it is more than one word."""
    chain = nodes.Arithmetic | nodes.Concatenation | nodes.Signed
    return f"({_value(node)})" if isinstance(node, chain) else _value(node)


def _value(node: Value) -> str:
    match node:
        case nodes.Number(text=text):
            return text
        case nodes.String(value=value):
            return string_literal(value)
        case nodes.Null():
            return "NULL"
        case nodes.ColumnReference(parts=parts):
            return _names(parts)
        case nodes.Signed(sign=sign, operand=operand):
            return sign + _primary(operand)
        case nodes.Arithmetic(operators=operators, operands=operands):
            rest = (
                f" {operator} {_primary(operand)}" for operator, operand in zip(operators, operands[1:], strict=True)
            )
            return _primary(operands[0]) + "".join(rest)
        case nodes.Concatenation(operands=operands):
            return " || ".join(map(_primary, operands))
        case nodes.Call():
            return _call(node)
        case nodes.Subscript():
            return _subscript(node)
    return _aggregate_cast_or_case(node)


def _call(call: nodes.Call) -> str:
    order_by = f" ORDER BY {', '.join(map(_order_term, call.order_by))}" if call.order_by else ""
    return f"{call.name if call.name in SHAPES else call.name.lower()}({_list(call.arguments)}{order_by})"


def _subscript(node: nodes.Subscript) -> str:
    first, last = (_value(bound) if bound else "" for bound in (node.first, node.last))
    return f"{_primary(node.array)}[{first}{':' if node.is_slice else ''}{last}]"


def _aggregate_cast_or_case(node: Value) -> str:
    match node:
        case nodes.Aggregate(name=name, argument=None):
            return f"{name}(*)"
        case nodes.Aggregate(name=name, argument=Value() as argument, distinct=distinct):
            return f"{name}({'DISTINCT ' if distinct else ''}{_value(argument)})"
        case nodes.Window():
            return _window(node)
        case nodes.Subquery(query=query):
            return f"({text_of(query)})"
        case nodes.Cast(operand=operand, target=target, length=length):
            return f"CAST({_value(operand)} AS {target}{f'({length})' if length is not None else ''})"
        case nodes.Case():
            return _case(node)
    raise AssertionError(node)


def _window(node: nodes.Window) -> str:
    parts = [f"PARTITION BY {_list(node.partition_by)}"] if node.partition_by else []
    if node.order_by:
        parts.append("ORDER BY " + ", ".join(map(_order_term, node.order_by)))
    return f"{_value(node.function)} OVER ({' '.join(parts)})"


def _case(node: nodes.Case) -> str:
    parts = ["CASE"] if node.operand is None else ["CASE", _value(node.operand)]
    for when in node.whens:
        parts.append(f"WHEN {text_of_expression(when.condition)} THEN {_value(when.result)}")
    if node.otherwise is not None:
        parts.append(f"ELSE {_value(node.otherwise)}")
    return " ".join([*parts, "END"])


def _condition(node: Condition) -> str:
    match node:
        case nodes.And(operands=operands):
            return " AND ".join(map(_factor, operands))
        case nodes.Or(operands=operands):
            return " OR ".join(map(_factor, operands))
        case nodes.Not(operand=operand):
            return f"NOT {_factor(operand)}"
        case nodes.Exists(query=query):
            return f"EXISTS ({text_of(query)})"
        case nodes.Comparison(operator=operator, left=left, right=right):
            return f"{_value(left)} {operator} {_value(right)}"
        case nodes.IsNull(operand=operand, negated=negated):
            return f"{_value(operand)} IS {'NOT ' if negated else ''}NULL"
    return _predicate(node)


def _factor(node: Condition) -> str:
    compound = isinstance(node, nodes.And | nodes.Or | nodes.Not)
    return f"({_condition(node)})" if compound else _condition(node)


def _predicate(node: Condition) -> str:
    match node:
        case nodes.Between(operand=operand, low=low, high=high, negated=negated):
            return f"{_value(operand)} {_not(negated)}BETWEEN {_value(low)} AND {_value(high)}"
        case nodes.InValues(operand=operand, items=items, negated=negated):
            return f"{_value(operand)} {_not(negated)}IN ({_list(items)})"
        case nodes.InQuery(operand=operand, query=query, negated=negated):
            return f"{_value(operand)} {_not(negated)}IN ({text_of(query)})"
        case nodes.Like(operand=operand, pattern=pattern, negated=negated, ignore_case=ignore_case):
            return f"{_value(operand)} {_not(negated)}{'ILIKE' if ignore_case else 'LIKE'} {_value(pattern)}"
    raise AssertionError(node)


def _not(negated: bool) -> str:
    return "NOT " if negated else ""
