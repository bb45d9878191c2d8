"""Resolved tree → SQL of PostgreSQL with pgSphere.

Every operation stands in its own parentheses, every name is ours or quoted, every literal is
written anew from its value. Casts make the types those that `infer` announced.
"""

from collections.abc import Sequence

from adql import array_sql, nodes
from adql.arrays import is_array
from adql.comparable import as_geometries, as_numbers, compares, has_geometry, numbers_of_geometry
from adql.cone_sql import cone_sql
from adql.constants import sources_of
from adql.functions import function_of
from adql.functions.function import Function, Kind
from adql.functions.geometry import inside_sql, overlap_sql
from adql.inlining import may_be_inlined
from adql.nodes import Condition, Expression, Output, Query, QueryBody, Value
from adql.separation import near_of, separation
from adql.sql_names import TableSql, name, printed_by, quote, sql_of_table, stored_table
from schema import types
from schema.types import Type

# ---- queries


def query(node: Query, table_sql: TableSql = stored_table) -> str:
    """Print a query; `table_sql` says what stands for each table, if that is not the table itself."""
    with printed_by(table_sql):
        return _query(node)


def _query(node: Query) -> str:
    body = _body(node.body)
    if not node.common_tables:
        return body
    return f"WITH {', '.join(_common_tables(node))} {body}"


def _common_tables(node: Query) -> list[str]:
    """Print WITH queries, inlined so that indexes are used through them, unless that would blow up the query."""
    materialization = "AS NOT MATERIALIZED" if may_be_inlined(node) else "AS"
    return [f"{common.sql_name} {materialization} ({_body(common.body)})" for common in node.common_tables]


def _body(body: QueryBody, outputs: tuple[Output, ...] | None = None) -> str:
    """Print a query; `outputs` is what an operand of a set operation must give, if not its own columns."""
    outputs = outputs or body.outputs
    if compares(body) and has_geometry(outputs):
        return as_geometries(_body(body, as_numbers(outputs)), outputs)
    if isinstance(body, nodes.SetOperation):
        return _set_operation(body, outputs)
    if body.fenced:
        return _fenced(body)
    return _select(body, outputs) + _order_by(body.order_by) + _limit(body)


def _select(select: nodes.Select, outputs: tuple[Output, ...]) -> str:
    items = ", ".join(_items(select, outputs))
    return " ".join(["SELECT DISTINCT" if select.distinct else "SELECT", items, *_clauses(select)])


def _items(select: nodes.Select, outputs: tuple[Output, ...]) -> list[str]:
    return [
        f"{_as_output(item.value, output)} AS {output.sql_name}"
        for item, output in zip(select.items, outputs, strict=True)
        if isinstance(item, nodes.SelectItem)
    ]


def _clauses(select: nodes.Select) -> list[str]:
    clauses = ["FROM " + ", ".join(map(_table, select.tables))]
    if select.where is not None:
        clauses.append("WHERE " + condition(select.where))
    grouped = [value(term) for term in select.group_by if sources_of(term)]
    if select.group_by:
        clauses.append("GROUP BY " + (", ".join(grouped) or "()"))
    if select.having is not None:
        clauses.append("HAVING " + condition(select.having))
    return clauses


def _as_output(item: Value, output: Output) -> str:
    type_ = output.info.type or types.TEXT
    text = value(item)
    if item.type is not None and item.type.is_geometry and not type_.is_geometry:
        return numbers_of_geometry(text, item.type)
    is_field = isinstance(item, nodes.Field) and item.type is not None and item.type.name == type_.name
    if is_field or type_.is_geometry or text.endswith(f"::{type_.name}"):
        return text
    return f"{text}::{type_.name}"


def _fenced(select: nodes.Select) -> str:
    """Print SELECT ... FROM (SELECT ... OFFSET 0) ORDER BY ... LIMIT n: see rewrite.fence_of_cones."""
    keys = [term.value for term in select.order_by]
    extra = [f"{value(key)} AS k{i}" for i, key in enumerate(keys) if isinstance(key, Value)]
    items = ", ".join([*_items(select, select.outputs), *extra])
    inner = " ".join(["SELECT", items, *_clauses(select)])
    order = ", ".join(
        _direction(f"c{key}" if isinstance(key, int) else f"k{i}", term)
        for i, (key, term) in enumerate(zip(keys, select.order_by, strict=True))
    )
    columns = ", ".join(output.sql_name for output in select.outputs)
    return f"SELECT {columns} FROM ({inner} OFFSET 0) q ORDER BY {order}{_limit(select)}"


def _set_operation(operation: nodes.SetOperation, outputs: tuple[Output, ...]) -> str:
    parts = [f"({_body(operation.operands[0], outputs)})"]
    for operator, operand in zip(operation.operators, operation.operands[1:], strict=True):
        parts += [operator, f"({_body(operand, outputs)})"]
    text = " ".join(parts)
    if any(isinstance(t.value, Value) and not isinstance(t.value, nodes.Field) for t in operation.order_by):
        text = f"SELECT * FROM ({text}) q"
    return text + _order_by(operation.order_by) + _limit(operation)


def _order_by(terms: tuple[nodes.OrderTerm, ...]) -> str:
    keys = [
        _direction(str(t.value) if isinstance(t.value, int) else value(t.value), t)
        for t in terms
        if isinstance(t.value, int) or sources_of(t.value)
    ]
    return f" ORDER BY {', '.join(keys)}" if keys else ""


def _direction(key: str, term: nodes.OrderTerm) -> str:
    """Print a key with its direction. NULLs come last both ways: the brightest star is not one without a magnitude."""
    return f"{key} DESC NULLS LAST" if term.descending else key


def _limit(body: QueryBody) -> str:
    limit = f" LIMIT {body.top}" if isinstance(body, nodes.Select) and body.top is not None else ""
    return limit + (f" OFFSET {body.offset}" if body.offset is not None else "")


def _table(reference: nodes.TableReference) -> str:
    match reference:
        case nodes.Relation(sql_alias=alias):
            return f"{sql_of_table(reference)} AS {alias}"
        case nodes.DerivedTable(query=inner, sql_alias=alias):
            return f"({_query(inner)}) AS {alias}"
        case nodes.Join():
            join_condition = condition(reference.condition) if reference.condition else "true"
            return f"({_table(reference.left)} {reference.kind} JOIN {_table(reference.right)} ON {join_condition})"
        case nodes.Unnest(arrays=arrays, sql_alias=alias):
            columns = ", ".join(f"c{n}" for n in range(1, len(arrays) + 1 + reference.with_ordinality))
            ordinality = " WITH ORDINALITY" if reference.with_ordinality else ""
            elements = ", ".join(array_sql.elements(array, value(array)) for array in arrays)
            return f"unnest({elements}){ordinality} AS {alias} ({columns})"
    raise AssertionError(reference)


# ---- values


def value(node: Value) -> str:
    match node:
        case nodes.Field(source=source, name=column):
            return f"{source}.{name(column)}" if source else name(column)
        case nodes.Number(text=text):
            return f"{text}::double precision" if node.type is types.DOUBLE else str(int(text))
        case nodes.String(value=text):
            return _string(text, node.type)
        case nodes.Null():
            return f"NULL::{node.type.name}" if node.type else "NULL"
        case nodes.Signed() | nodes.Arithmetic() if is_array(node):
            return array_sql.elementwise(node, value)
        case nodes.Signed(sign=sign, operand=operand):
            return f"({sign}{_operand(operand)})" if sign == "-" else value(operand)
        case nodes.Arithmetic():
            return _arithmetic(node)
        case nodes.Concatenation(operands=operands):
            return _joined([as_text(operand) for operand in operands])
        case nodes.Call():
            return _call(node)
        case nodes.Aggregate():
            return _aggregate(node)
    return _compound(node)


def _compound(node: Value) -> str:
    match node:
        case nodes.Window():
            return _window(node)
        case nodes.Subquery():
            return f"({_query(node.query)})"
        case nodes.Cast():
            return _cast(node)
        case nodes.Case():
            return _case(node)
        case nodes.Subscript():
            return array_sql.subscript(node, value)
    raise AssertionError(node)


def _string(text: str, type_: Type | None) -> str:
    if type_ is types.BOOLEAN:
        return text
    return f"{quote(text)}::timestamp" if type_ is types.TIMESTAMP else f"{quote(text)}::text"


def _operand(node: Value) -> str:
    text = value(node)
    return text if text.startswith("(") else f"({text})"


def _arithmetic(node: nodes.Arithmetic) -> str:
    """Print left to right, as PostgreSQL reads a chain too. Of a real and a double, both become double."""
    text = _number(node.operands[0])
    for operator, operand in zip(node.operators, node.operands[1:], strict=True):
        text += f" {operator} {_number(operand)}"
    return f"({text})"


def _number(node: Value) -> str:
    return f"{value(node)}::integer" if node.type is types.SMALLINT else value(node)


def _joined(texts: list[str]) -> str:
    """Join texts in halves: one after the other, a chain of n texts would copy the first of them n times."""
    if len(texts) == 1:
        return texts[0]
    middle = len(texts) // 2
    return f"({_joined(texts[:middle])} || {_joined(texts[middle:])})"


def as_text(node: Value) -> str:
    if node.type is types.TIMESTAMP:
        return f"to_char({value(node)}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')"
    return value(node) if isinstance(node, nodes.String) else f"{_operand(node)}::text"


def _double(node: Value) -> str:
    if node.type is types.DOUBLE and not isinstance(node, nodes.Null):
        return value(node)
    if isinstance(node, nodes.Field | nodes.Number):
        return f"{value(node)}::double precision"
    return f"{_operand(node)}::double precision"


def _call(node: nodes.Call) -> str:
    if node.name == "COALESCE" and any(
        isinstance(argument, nodes.Field) and argument.type is None for argument in node.arguments
    ):
        return f"COALESCE({', '.join(map(value, node.arguments))})"
    if node.name in {"CONTAINS", "INTERSECTS"} and (near := near_of(node)):
        return f"{_near(near)}::integer"
    if node.name == "DISTANCE" and len(node.arguments) == 2:
        node = separation(*node.arguments)
    function = function_of(node)
    arguments = [_argument(function, index, argument) for index, argument in enumerate(node.arguments)]
    if node.order_by:
        arguments[-1] += _order_by(node.order_by)
    return function.emit(node.arguments, tuple(arguments))


def _argument(function: Function, index: int, node: Value) -> str:
    kind = function.kind_of(index)
    if kind is Kind.NUMBER and function.name != "MOD":
        return _double(node)
    if kind is Kind.NUMBER:
        return _number(node)
    if kind is Kind.TIMESTAMP:
        return f"{_operand(node)}::timestamp"
    return value(node)


_AGGREGATES = {"AVG": "avg", "SUM": "sum", "MIN": "min", "MAX": "max", "COUNT": "count"}


def _aggregate(node: nodes.Aggregate) -> str:
    text = _plain_aggregate(node)
    casts = node.name in {"AVG", "SUM"} or is_array(node)
    return f"{text}::{node.type.name}" if casts and node.type else text


def _plain_aggregate(node: nodes.Aggregate) -> str:
    """Print an aggregate without a cast, so that OVER may follow it."""
    argument = node.argument
    if argument is None:
        return "count(*)"
    inner = value(argument)
    if is_array(argument) and node.name != "COUNT":
        return array_sql.aggregate(node.name, inner, argument.type or types.DOUBLES)
    if argument.type is types.BOOLEAN and node.name != "COUNT":
        inner = f"{inner}::integer"
    elif argument.type is types.REAL and node.name in {"SUM", "AVG"}:
        inner = f"{inner}::double precision"
    return f"{_AGGREGATES[node.name]}({'DISTINCT ' if node.distinct else ''}{inner})"


def _window(node: nodes.Window) -> str:
    parts = []
    if node.partition_by:
        parts.append("PARTITION BY " + _list(node.partition_by))
    if keys := [_direction(value(t.value), t) for t in node.order_by if isinstance(t.value, Value)]:
        parts.append("ORDER BY " + ", ".join(keys))
    window = f"OVER ({' '.join(parts)})"
    if isinstance(node.function, nodes.Aggregate):
        return f"({_plain_aggregate(node.function)} {window})::{node.type.name if node.type else 'text'}"
    return f"({value(node.function)} {window})"


def _cast(node: nodes.Cast) -> str:
    target = node.type or types.TEXT
    if not target.is_text:
        number = (
            _double(node.operand)
            if isinstance(node.operand, nodes.Number) and not target.is_integer
            else _operand(node.operand)
        )
        if node.operand.type is types.BOOLEAN and target is not types.INTEGER:
            number = f"{number}::integer"
        return f"({number}::{target.name})"
    text = as_text(node.operand)
    return f"({text}::varchar({node.length})::text)" if node.length else f"({text})"


def _case(node: nodes.Case) -> str:
    cast = f"::{node.type.name}" if node.type and not node.type.is_geometry else ""
    parts = ["CASE"] if node.operand is None else ["CASE " + value(node.operand)]
    for when in node.whens:
        parts.append(f"WHEN {_either(when.condition)} THEN {_operand(when.result)}{cast}")
    if node.otherwise is not None:
        parts.append(f"ELSE {_operand(node.otherwise)}{cast}")
    return "(" + " ".join([*parts, "END"]) + ")"


def _either(node: Expression) -> str:
    if isinstance(node, Condition):
        return condition(node)
    if isinstance(node, Value):
        return value(node)
    raise AssertionError(node)


# ---- conditions


def condition(node: Condition) -> str:
    match node:
        case nodes.And(operands=operands):
            return "(" + " AND ".join(map(condition, operands)) + ")"
        case nodes.Or(operands=operands):
            return "(" + " OR ".join(map(condition, operands)) + ")"
        case nodes.Not(operand=operand):
            return f"(NOT {condition(operand)})"
        case nodes.Comparison(operator=operator, left=left, right=right):
            return f"({value(left)} {operator} {value(right)})"
        case nodes.Between():
            word = _word("BETWEEN", negated=node.negated)
            return f"({value(node.operand)} {word} {value(node.low)} AND {value(node.high)})"
        case nodes.InValues():
            return f"({value(node.operand)} {_word('IN', negated=node.negated)} ({_list(node.items)}))"
        case nodes.InQuery():
            return f"({value(node.operand)} {_word('IN', negated=node.negated)} ({_query(node.query)}))"
        case nodes.Like():
            word = _word("ILIKE" if node.ignore_case else "LIKE", negated=node.negated)
            return f"({value(node.operand)} {word} {value(node.pattern)} ESCAPE '')"
        case nodes.IsNull():
            return f"({value(node.operand)} {'IS NOT NULL' if node.negated else 'IS NULL'})"
        case nodes.Exists():
            return f"EXISTS ({_query(node.query)})"
    return _sky(node)


def _word(word: str, *, negated: bool) -> str:
    return f"NOT {word}" if negated else word


def _list(items: Sequence[Value]) -> str:
    return ", ".join(map(value, items))


def _sky(node: Condition) -> str:
    match node:
        case nodes.Inside(point=point, region=region):
            return inside_sql(point, region, (value(point), value(region)))
        case nodes.Overlap(left=left, right=right):
            return overlap_sql(left, right, (value(left), value(right)))
        case nodes.Near():
            return _near(node)
    raise AssertionError(node)


def _near(node: nodes.Near) -> str:
    sides = value(node.left), value(node.right)
    return cone_sql(node, sides, _double(node.radius), value(separation(node.left, node.right)))
