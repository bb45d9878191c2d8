"""Productions of what is called with arguments: functions, aggregates, CAST, CASE (ADQL 2.1 §2.3, §4, appendix A); and subscripts.

What stands inside them is read by the productions that the Cursor brings along.
"""

from collections.abc import Callable

from adql import nodes, tokens
from adql.cursor import Cursor
from adql.errors import ImpossibleValue, TooComplex, WrongArguments
from adql.nodes import Value
from adql.signatures import fits, usage

MAX_ARGUMENTS = 2001  # a polygon of 1000 vertices, and its coordinate system

MAX_LENGTH = 1_000_000
AGGREGATES = frozenset({"COUNT", "AVG", "MAX", "MIN", "SUM"})
_CAST_TARGETS = frozenset({"SMALLINT", "INTEGER", "BIGINT", "REAL", "TIMESTAMP", "POINT", "CIRCLE", "POLYGON"})


def _arguments(c: Cursor, first: Callable[[Cursor], Value] | None = None) -> tuple[Value, ...]:
    """Read the arguments of a function, and the parenthesis before them; `first` reads one that is no value alone."""
    c.expect_operator("(")
    c.descend()
    arguments: list[Value] = []
    if not c.at_operator(")"):
        arguments.append((first or c.value_expression)(c))
        while c.accept_operator(","):
            arguments.append(c.value_expression(c))
    c.ascend()
    if len(arguments) > MAX_ARGUMENTS:
        raise TooComplex(f"A function takes at most {MAX_ARGUMENTS} arguments", arguments[-1].span)
    return tuple(arguments)


def function(c: Cursor) -> nodes.Call:
    """<math_function>, <trig_function>, <geometry_value_function>, ...: the functions of the language."""
    token = c.advance()
    arguments = _arguments(c)
    c.expect_operator(")")
    span = c.since(token.start)
    if not fits(token.value, arguments):
        raise WrongArguments(f"{token.value} cannot have these arguments", span, f"Write {usage(token.value)}.")
    return nodes.Call(token.value, arguments, span=span)


def _value_or_truth(c: Cursor) -> Value:
    """Read what arr_map calculates: a value, or a condition, which gives 1 or 0 as CONTAINS does, and NULL where it is unknown."""
    node = c.expression(c)
    if isinstance(node, Value):
        return node
    if not isinstance(node, nodes.Condition):
        raise AssertionError(node)
    one, zero = (nodes.Number(text, span=node.span) for text in "10")
    holds = nodes.When(node, one, span=node.span)
    fails = nodes.When(nodes.Not(node, span=node.span), zero, span=node.span)
    return nodes.Case((holds, fails), span=node.span)


def user_defined_function(c: Cursor) -> nodes.Call:
    """<user_defined_function>, with ORDER BY behind the arguments of an aggregate as an extension"""
    token = c.advance()
    arguments = _arguments(c, _value_or_truth if token.value == "ARR_MAP" else None)
    order_by = c.order_by(c) if arguments and c.accept("ORDER") else ()
    c.expect_operator(")")
    return nodes.Call(token.value, arguments, order_by, span=c.since(token.start))


def subscripts(c: Cursor, array: Value) -> Value:
    """Read `[index]` and `[first:last]`, as often as they follow a value."""
    levels = 0
    while c.accept_operator("["):
        c.descend()
        levels += 1
        first = None if c.at_operator(":") else c.value_expression(c)
        is_slice = c.accept_operator(":") is not None
        last = c.value_expression(c) if is_slice and not c.at_operator("]") else None
        c.expect_operator("]")
        array = nodes.Subscript(array, first, last, is_slice, span=c.since(array.span.start))
    c.ascend(levels)
    return array


def set_function_specification(c: Cursor) -> nodes.Aggregate:
    """<set_function_specification>"""
    token = c.advance()
    c.expect_operator("(")
    if token.value == "COUNT" and c.accept_operator("*"):
        c.expect_operator(")")
        return nodes.Aggregate("COUNT", None, span=c.since(token.start))
    distinct = c.accept("DISTINCT", "ALL") == "DISTINCT"
    c.descend()
    argument = c.value_expression(c)
    c.ascend()
    c.expect_operator(")")
    return nodes.Aggregate(token.value, argument, distinct, span=c.since(token.start))


def cast_specification(c: Cursor) -> nodes.Cast:
    """<cast_specification> ::= CAST ( <value_expression> AS <cast_target> )"""
    start = c.advance().start
    c.expect_operator("(")
    c.descend()
    operand = c.value_expression(c)
    c.ascend()
    c.expect("AS")
    target, length = _cast_target(c)
    c.expect_operator(")")
    return nodes.Cast(operand, target, length, span=c.since(start))


def _cast_target(c: Cursor) -> tuple[str, int | None]:
    """<cast_target>"""
    if c.accept("DOUBLE"):
        c.expect("PRECISION")
        return "DOUBLE PRECISION", None
    if word := c.accept("CHAR", "VARCHAR"):
        if not c.accept_operator("("):
            return word, None
        length = c.unsigned_decimal(f"{word}(")
        if not 1 <= length <= MAX_LENGTH:
            raise ImpossibleValue(f"The length of {word} is from 1 to {MAX_LENGTH}", c.previous.span)
        c.expect_operator(")")
        return word, length
    if c.token.kind == tokens.WORD and c.token.value in _CAST_TARGETS:
        return c.advance().value, None
    raise c.expected(
        "a type",
        "Types are SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, CHAR(n), VARCHAR(n), TIMESTAMP, POINT, CIRCLE, POLYGON.",
    )


def case_expression(c: Cursor) -> nodes.Case:
    """CASE, an extension: searched (WHEN condition) or simple (CASE value WHEN value)."""
    start = c.advance().start
    c.descend(2)
    operand = None if c.at("WHEN") else c.value_expression(c)
    whens = []
    while c.at("WHEN"):
        when_start = c.advance().start
        condition = c.search_condition(c) if operand is None else c.value_expression(c)
        c.expect("THEN")
        whens.append(nodes.When(condition, c.value_expression(c), span=c.since(when_start)))
    if not whens:
        raise c.expected("WHEN")
    otherwise = c.value_expression(c) if c.accept("ELSE") else None
    c.expect("END")
    c.ascend(2)
    return nodes.Case(tuple(whens), otherwise, operand, span=c.since(start))
