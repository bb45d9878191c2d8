"""The type, unit, UCD and description of every value and condition (ADQL 2.1 §3, §4.7).

Takes nodes whose operands are resolved, returns them with `info`; refuses what types forbid, and
gives literals the type of what they are compared with.
"""

from dataclasses import replace

from adql import arrays, nodes
from adql.constants import number_of
from adql.errors import TooComplex, TypeMismatch, WrongAggregation, WrongColumns
from adql.functions import function_of, overloads
from adql.functions.conditional import common_arraysize, common_type, common_ucd, common_unit
from adql.functions.function import Function, Kind
from adql.functions.region import call_of
from adql.grouping import check_beside_arrays
from adql.info import Info, statistic_of
from adql.literals import COMPARED_BY_ELEMENTS, compatible, number, timestamp, with_article
from adql.nodes import Value
from adql.units import combine, same_unit
from schema import types
from schema.types import Type

MAX_TEXT = 1_000_000
_SHORT = 100


def signed(node: nodes.Signed) -> nodes.Signed:
    operand = _numbers_or_null(node.operand)
    info = operand.info
    return replace(node, operand=operand, info=Info(info.type, info.unit, info.ucd, arraysize=info.arraysize))


def _need_number(value: Value, hint: str | None = None) -> None:
    if value.type is not None and not value.type.is_numeric:
        if isinstance(value, nodes.String):
            hint = hint or "Write the number without quotes."
        raise TypeMismatch(f"A number is needed here, not {with_article(value.type)}", value.span, hint)


def _number_or_null(value: Value, hint: str | None = None) -> Value:
    """Return the value, a NULL as a number. Raises: TypeMismatch for anything that is no number."""
    if isinstance(value, nodes.Null):
        return replace(value, info=Info(types.DOUBLE))
    _need_number(value, hint)
    return value


def _numbers_or_null(value: Value, hint: str | None = None) -> Value:
    """Return the value, a NULL as a number. Raises: TypeMismatch for anything that is neither a number nor an array of them."""
    if value.type is not None and types.element_type(value.type).is_numeric:
        return value
    return _number_or_null(value, hint)


def arithmetic(node: nodes.Arithmetic) -> nodes.Arithmetic:
    texts = [operand for operand in node.operands if operand.type is not None and operand.type.is_text]
    joins_texts = "+" in node.operators and any(not isinstance(text, nodes.String) for text in texts)
    hint = "Write x || y to join texts." if joins_texts else None
    operands = tuple(_numbers_or_null(operand, hint) for operand in node.operands)
    info = arrays.element(operands[0].info)
    for operator, operand in zip(node.operators, operands[1:], strict=True):
        info = _operation(operator, info, operand)
    if any(_may_convert(operand) for operand in operands) and not set(node.operators) & set("+-"):
        info = replace(info, unit=None)
    # SMALLINTs are calculated with as integers: they would overflow at once.
    info = replace(info, type=types.INTEGER) if info.type is types.SMALLINT else info
    if any(map(arrays.is_array, operands)):
        info = _of_arrays(operands, info)
    return replace(node, operands=operands, info=info)


def _of_arrays(operands: tuple[Value, ...], element: Info) -> Info:
    """Return what is known of arithmetic element by element. Raises: AdqlError."""
    for operand in operands:
        check_beside_arrays(operand)
    type_ = types.array_of(element.type or types.DOUBLE)
    return replace(element, type=type_, arraysize=arrays.shape_of_all(operands))


def _may_convert(value: Value) -> bool:
    """Return whether a factor is likely to change the unit: `* 3600` makes arcseconds of degrees, `2 *` is twice as much."""
    factor = number_of(value)
    return bool(factor) and not 0.1 < abs(factor or 1) < 10


def _operation(operator: str, left: Info, operand: Value) -> Info:
    right = arrays.element(operand.info)
    type_ = types.wider(left.type, right.type) if left.type and right.type else left.type or right.type
    if operator in "+-":
        return Info(type_, left.unit if same_unit(left.unit, right.unit) else None)
    scaled = number_of(operand) is not None
    return Info(type_, combine(left.unit, operator, right.unit), left.ucd if scaled else None)


def concatenation(node: nodes.Concatenation) -> nodes.Concatenation:
    for operand in node.operands:
        if operand.type is not None and (operand.type.is_geometry or operand.type.is_array):
            hint = "CAST(column AS VARCHAR) is the text of a MOC." if operand.type is types.MOC else None
            raise TypeMismatch(f"|| joins strings, not {with_article(operand.type)}", operand.span, hint)
    is_unicode = any(operand.type is types.UNICODE for operand in node.operands)
    length = _length(node.operands)
    if length > MAX_TEXT:
        raise TooComplex(f"This text may have {length} characters; {MAX_TEXT} are allowed", node.span)
    return replace(node, info=Info(types.UNICODE if is_unicode else types.TEXT, length=length))


def _length(values: tuple[Value, ...]) -> int:
    """Return how many characters the values may have together; a column counts as short."""
    return sum(v.info.length or (len(v.value) if isinstance(v, nodes.String) else _SHORT) for v in values)


def call(node: nodes.Call) -> Value:
    if node.name == "REGION":
        return _region(node)
    function = function_of(node)
    arguments = tuple(_argument(value, function.kind_of(i)) for i, value in enumerate(node.arguments))
    function.check(arguments)
    if not function.is_aggregate and any(map(arrays.is_array, arguments)):
        for argument in arguments:
            check_beside_arrays(argument)
    if node.order_by:
        _check_order(node, function)
    if node.name == "NULLIF":
        arguments = compatible(arguments)
        comparable(arguments[0], "NULLIF")
    info = function.infer(arguments)
    if info.type is not None and info.type.is_text:
        info = replace(info, length=_length(arguments))
    return replace(node, arguments=arguments, info=info)


def _check_order(node: nodes.Call, function: Function) -> None:
    """Raise AdqlError for ORDER BY in what is no list of the values of rows, or by what has no order."""
    if not function.takes_order:
        raise WrongAggregation(f"ORDER BY cannot stand in {function.name}", node.order_by[0].span)
    for term in node.order_by:
        if isinstance(term.value, Value):
            comparable(term.value, "ORDER BY")


_NULLS = {
    Kind.NUMBERS: types.DOUBLES,
    Kind.ARRAY: types.DOUBLES,
    Kind.NUMBER: types.DOUBLE,
    Kind.INTEGER: types.BIGINT,
    Kind.TEXT: types.TEXT,
    Kind.TIMESTAMP: types.TIMESTAMP,
    Kind.POINT: types.POINT,
    Kind.REGION: types.CIRCLE,
    Kind.GEOMETRY: types.CIRCLE,
    Kind.MOC: types.MOC,
}


def _argument(value: Value, kind: Kind) -> Value:
    """Return an argument as its function takes it; a NULL gets the type of what it stands for."""
    if isinstance(value, nodes.Null) and kind in _NULLS:
        return replace(value, info=Info(_NULLS[kind]))
    return timestamp(value) if kind is Kind.TIMESTAMP else value


def _region(node: nodes.Call) -> Value:
    geometry = call_of(node)
    arguments = tuple(
        signed(replace(argument, operand=number(argument.operand)))
        if isinstance(argument, nodes.Signed) and isinstance(argument.operand, nodes.Number)
        else number(argument)
        if isinstance(argument, nodes.Number)
        else argument
        for argument in geometry.arguments
    )
    return call(replace(geometry, arguments=arguments))


# ---- aggregates

_STATISTICS = {
    "AVG": ("stat.mean", "Mean"),
    "MAX": ("stat.max", "Maximum"),
    "MIN": ("stat.min", "Minimum"),
    "SUM": (None, "Sum"),
}


def aggregate(node: nodes.Aggregate) -> nodes.Aggregate:
    argument = node.argument
    if argument is None or node.name == "COUNT":
        if argument is not None and node.distinct:
            comparable(argument, "COUNT(DISTINCT ...)")
        return replace(node, info=Info(types.BIGINT, ucd="meta.number", description="Number of rows"))
    if node.name in {"AVG", "SUM"} and argument.type is not types.BOOLEAN:
        argument = _numbers_or_null(argument)
    if arrays.is_array(argument):
        argument = _numbers_or_null(argument)
    if arrays.is_array(argument) and node.distinct:
        raise TypeMismatch(f"DISTINCT cannot stand in {node.name} of arrays", argument.span)
    comparable(argument, node.name)
    info = argument.info
    word, title = _STATISTICS[node.name]
    description = f"{title} of: {info.description}" if info.description else None
    result = Info(_aggregate_type(node.name, info.type), info.unit, statistic_of(info.ucd, word), None, description)
    if node.name in {"MIN", "MAX"} or arrays.is_array(argument):
        result = replace(result, arraysize=info.arraysize, xtype=info.xtype)
    return replace(node, argument=argument, info=result)


def _aggregate_type(name: str, type_: Type | None) -> Type | None:
    """Return the type of an aggregate; one of arrays goes element by element."""
    if type_ is not None and type_.is_array:
        of_elements = _aggregate_type(name, types.element_type(type_))
        return types.array_of(of_elements) if of_elements else None
    if type_ is types.BOOLEAN:
        return types.DOUBLE if name == "AVG" else types.BIGINT if name == "SUM" else types.INTEGER
    if name == "AVG" or type_ is types.REAL:
        return types.DOUBLE if name in {"AVG", "SUM"} else type_
    if name == "SUM" and type_ is not None and type_.is_integer:
        return types.BIGINT
    return type_


def comparable(value: Value, operation: str) -> None:
    """Raise TypeMismatch for geometries, which PostgreSQL cannot compare."""
    if value.type is not None and not value.type.has_equality:
        is_moc = value.type is types.MOC
        raise TypeMismatch(
            f"{operation} cannot compare {'MOCs' if is_moc else 'geometries'}",
            value.span,
            "CAST(column AS VARCHAR) is its text, which can be compared."
            if is_moc
            else "Use COORD1(point) and COORD2(point).",
        )


# ---- windows and queries as values


def no_window_function(node: nodes.Call) -> None:
    """Raise AdqlError for a function that needs OVER and has none."""
    if any(function.is_window for function in overloads(node.name)):
        raise WrongAggregation(
            f"{node.name} needs OVER", node.span, f"Write {node.name}(...) OVER (PARTITION BY ... ORDER BY ...)."
        )


def window(node: nodes.Window) -> nodes.Window:
    function = node.function
    if isinstance(function, nodes.Call):
        definition = function_of(function)
        if definition.is_ordered or not (definition.is_window or definition.is_aggregate):
            raise WrongAggregation(f"{definition.name} cannot stand before OVER", node.span)
        if function.order_by:
            message = f"ORDER BY cannot stand in {definition.name} before OVER"
            raise WrongAggregation(message, function.order_by[0].span, "Put it behind OVER: OVER (ORDER BY ...).")
    elif function.distinct:
        raise WrongAggregation("DISTINCT cannot stand in a window function", node.span)
    for value in (*node.partition_by, *(t.value for t in node.order_by if isinstance(t.value, Value))):
        comparable(value, "OVER")
    # The value may be that of another row than the rest.
    return replace(node, info=replace(function.info, source=None))


def subquery(node: nodes.Subquery) -> nodes.Subquery:
    outputs = node.query.outputs
    if len(outputs) != 1:
        raise WrongColumns(f"A query that stands for a value must give one column, not {len(outputs)}", node.span)
    info = outputs[0].info
    return replace(node, info=replace(info, type=info.type or types.TEXT, bounds=None, coordinates=None))


# ---- CASE and CAST


def case(node: nodes.Case) -> nodes.Case:
    results = [w.result for w in node.whens] + ([node.otherwise] if node.otherwise is not None else [])
    common = common_type(tuple(results))
    length = _length(tuple(results)) if common is not None and common.is_text else 0
    size = common_arraysize(tuple(results))
    unit, ucd = common_unit(tuple(results)), common_ucd(tuple(results))
    return replace(node, info=Info(common, unit, ucd, length=length, arraysize=size))


_CASTS = {
    "SMALLINT": types.SMALLINT,
    "INTEGER": types.INTEGER,
    "BIGINT": types.BIGINT,
    "REAL": types.REAL,
    "DOUBLE PRECISION": types.DOUBLE,
    "CHAR": types.TEXT,
    "VARCHAR": types.TEXT,
    "TIMESTAMP": types.TIMESTAMP,
    "POINT": types.POINT,
    "CIRCLE": types.CIRCLE,
    "POLYGON": types.POLYGON,
}


def cast(node: nodes.Cast) -> Value:
    target = _CASTS[node.target]
    if target.is_geometry:
        return _cast_geometry(node, target)
    operand = timestamp(node.operand) if target is types.TIMESTAMP else node.operand
    source = operand.type
    if target is types.TEXT and source is types.UNICODE:
        target = types.UNICODE
    has_text = source is types.MOC and target is types.TEXT
    impossible = (
        source is not None and (source.is_geometry or source.is_array or source is types.BYTES) and not has_text
    )
    if impossible or (target.is_numeric and source is types.TIMESTAMP):
        raise TypeMismatch(f"{source.title if source else ''} values cannot be cast to {node.target}", node.span)
    if target is types.TIMESTAMP and source is not None and not (source is target or source.is_text):
        raise TypeMismatch(f"{source.title} values cannot be cast to TIMESTAMP", node.span)
    size = f"{node.length}*" if node.length and target.is_text else None
    # A whole number as text, and a float as a double, lead where they led before.
    is_same = (source is not None and source.is_integer and target is types.TEXT and not node.length) or (
        source is types.REAL and target is types.DOUBLE
    )
    info = Info(
        target,
        operand.info.unit,
        operand.info.ucd,
        description=operand.info.description,
        source=operand.info.source if is_same else None,
        arraysize=size,
        length=operand.info.length,
    )
    return replace(node, operand=operand, info=info)


def _cast_geometry(node: nodes.Cast, target: Type) -> Value:
    """Resolve CAST('10 20' AS POINT): DALI's text of a constant, as ADQL 2.1 §4.7 allows."""
    if node.operand.type is target:
        return node.operand
    if not isinstance(node.operand, nodes.String):
        raise TypeMismatch(f"Only a string can be cast to {target.adql}", node.operand.span)
    text = nodes.String(f"{target.adql} {node.operand.value}", span=node.operand.span)
    return _region(nodes.Call("REGION", (text,), span=node.span))


def comparison(node: nodes.Comparison) -> nodes.Comparison:
    left, right = compatible((node.left, node.right))
    comparable(left, f"The comparison {node.operator}")
    if node.operator not in {"=", "<>"}:
        _ordered(left)
    return replace(node, left=left, right=right, info=Info(types.BOOLEAN))


def _ordered(value: Value) -> None:
    """Raise TypeMismatch for arrays."""
    if arrays.is_array(value):
        raise TypeMismatch("Arrays have no order; they are equal or not", value.span, COMPARED_BY_ELEMENTS)


def between(node: nodes.Between) -> nodes.Between:
    operand, low, high = compatible((node.operand, node.low, node.high))
    comparable(operand, "BETWEEN")
    _ordered(operand)
    return replace(node, operand=operand, low=low, high=high)


def in_values(node: nodes.InValues) -> nodes.InValues:
    operand, *items = compatible((node.operand, *node.items))
    comparable(operand, "IN")
    return replace(node, operand=operand, items=tuple(items))


def in_query(node: nodes.InQuery) -> nodes.InQuery:
    outputs = node.query.outputs
    if len(outputs) != 1:
        raise WrongColumns(f"The query after IN must give one column, not {len(outputs)}", node.span)
    column_type, operand_type = outputs[0].info.type, node.operand.type
    if column_type and operand_type and types.wider(column_type, operand_type) is None:
        raise TypeMismatch(
            f"{operand_type.title} values cannot be looked for among {column_type.title} values", node.operand.span
        )
    comparable(node.operand, "IN")
    if arrays.is_array(node.operand):
        raise TypeMismatch("Arrays cannot be looked for in a query", node.operand.span, "Use EXISTS and =.")
    if column_type is None and operand_type is not None:
        output = replace(outputs[0], info=replace(outputs[0].info, type=operand_type))
        return replace(node, query=replace(node.query, body=replace(node.query.body, outputs=(output,))))
    return node


def like(node: nodes.Like) -> nodes.Like:
    for value in (node.operand, node.pattern):
        if value.type is not None and not value.type.is_text:
            raise TypeMismatch(
                f"LIKE compares strings, not {with_article(value.type)}",
                value.span,
                "CAST(x AS VARCHAR) makes a string.",
            )
    return node
