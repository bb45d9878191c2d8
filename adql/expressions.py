"""Productions of values and conditions (ADQL 2.1 appendix A, from <search_condition> down).

One function a production, each reading from a Cursor. A parenthesis may hold a value or a
condition, so both are read by the same functions and told apart afterwards.
"""

from collections.abc import Callable, Sequence

from adql import calls, nodes, tokens
from adql.called_elsewhere import CALLED_ELSEWHERE
from adql.cursor import Cursor
from adql.errors import UPLOAD_IT, AdqlError, TooComplex
from adql.literals import is_literal
from adql.nodes import Condition, Expression, Value
from adql.signatures import SHAPES, is_geometry, usage
from schema.words import RESERVED

MAX_TERMS = 1000
MAX_CONDITIONS = 5000
MAX_ITEMS = 500_000

_MOMENTS = ("TIMESTAMP", "DATE", "TIME")
_COMPARISONS = ("=", "<", ">", "<=", ">=", "<>", "!=")


def search_condition(c: Cursor) -> Condition:
    """<search_condition> ::= <boolean_term> | <search_condition> OR <boolean_term>"""
    node = expression(c)
    if isinstance(node, Condition):
        return node
    raise _not_a_condition(c, node)


def value_expression(c: Cursor) -> Value:
    """<value_expression>"""
    node = _predicate(c)
    if isinstance(node, Value):
        return node
    raise _not_a_value(node)


def expression(c: Cursor) -> Expression:
    """Read a value, or conditions joined by OR."""
    terms = [_boolean_term(c)]
    while c.accept("OR"):
        terms.append(_boolean_term(c))
    if len(terms) == 1:
        return terms[0]
    return nodes.Or(_conditions(c, terms), span=terms[0].span.to(terms[-1].span))


def _boolean_term(c: Cursor) -> Expression:
    """<boolean_term> ::= <boolean_factor> | <boolean_term> AND <boolean_factor>"""
    factors = [_boolean_factor(c)]
    while c.accept("AND"):
        factors.append(_boolean_factor(c))
    if len(factors) == 1:
        return factors[0]
    return nodes.And(_conditions(c, factors), span=factors[0].span.to(factors[-1].span))


def _conditions(c: Cursor, operands: list[Expression]) -> tuple[Condition, ...]:
    if len(operands) > MAX_CONDITIONS:
        raise TooComplex(f"More than {MAX_CONDITIONS} conditions in a row", operands[-1].span, UPLOAD_IT)
    for operand in operands:
        if not isinstance(operand, Condition):
            raise _not_a_condition(c, operand)
    return tuple(operand for operand in operands if isinstance(operand, Condition))


def _boolean_factor(c: Cursor) -> Expression:
    """<boolean_factor> ::= [ NOT ] <boolean_primary>"""
    if not c.at("NOT"):
        return _predicate(c)
    start = c.advance().start
    if c.at("NOT"):
        raise c.expected("a condition after NOT")
    operand = _predicate(c)
    if not isinstance(operand, Condition):
        raise _not_a_condition(c, operand)
    return nodes.Not(operand, span=c.since(start))


def _predicate(c: Cursor) -> Expression:
    """<predicate>, or a value alone."""
    if c.at("EXISTS"):
        start = c.advance().start
        return nodes.Exists(_table_subquery(c), span=c.since(start))
    left = _value(c)
    if not isinstance(left, Value):
        return left
    if c.at_operator(*_COMPARISONS):
        return _comparison_predicate(c, left)
    if c.at("NOT", "BETWEEN", "IN", "LIKE", "ILIKE", "IS"):
        return _word_predicate(c, left)
    return left


def _comparison_predicate(c: Cursor, left: Value) -> Condition:
    """<comparison_predicate> ::= <value_expression> <comp_op> <value_expression>"""
    operator = c.advance().value
    right = _operand(c)
    operator = "<>" if operator == "!=" else operator
    return nodes.Comparison(operator, left, right, span=left.span.to(right.span))


def _word_predicate(c: Cursor, left: Value) -> Condition:
    if c.accept("IS"):
        negated = c.accept("NOT") is not None
        c.expect("NULL")
        return nodes.IsNull(left, negated, span=c.since(left.span.start))
    negated = c.accept("NOT") is not None
    if c.accept("BETWEEN"):
        return _between_predicate(c, left, negated)
    if c.accept("IN"):
        return _in_predicate(c, left, negated)
    if word := c.accept("LIKE", "ILIKE"):
        pattern = _operand(c)
        return nodes.Like(left, pattern, negated, word == "ILIKE", span=c.since(left.span.start))
    raise c.expected("BETWEEN, IN, LIKE or ILIKE after NOT")


def _between_predicate(c: Cursor, left: Value, negated: bool) -> Condition:
    """<between_predicate>"""
    low = _operand(c)
    c.expect("AND")
    high = _operand(c)
    return nodes.Between(left, low, high, negated, span=c.since(left.span.start))


def _in_predicate(c: Cursor, left: Value, negated: bool) -> Condition:
    """<in_predicate>"""
    if c.at_operator("(") and c.holds_query():
        return nodes.InQuery(left, _table_subquery(c), negated, span=c.since(left.span.start))
    c.expect_operator("(")
    start = c.index
    items = [value_expression(c)]
    while c.accept_operator(","):
        items.append(value_expression(c))
    if all(is_literal(item) or isinstance(item, nodes.Null) for item in items):
        c.list_tokens += c.index - start
    if len(items) > MAX_ITEMS:
        raise TooComplex(
            f"IN takes {MAX_ITEMS} values; this has {len(items)}",
            left.span,
            UPLOAD_IT,
        )
    c.expect_operator(")")
    return nodes.InValues(left, tuple(items), negated, span=c.since(left.span.start))


def _table_subquery(c: Cursor) -> nodes.Query:
    """<table_subquery>"""
    c.expect_operator("(")
    c.count_subquery()
    c.descend(2)
    query = c.subquery(c)
    c.ascend(2)
    c.expect_operator(")")
    return query


# ---- values


def _operand(c: Cursor) -> Value:
    node = _value(c)
    if isinstance(node, Value):
        return node
    raise _not_a_value(node)


def _value(c: Cursor) -> Expression:
    """<numeric_value_expression> or <concatenation>"""
    first = _sum(c)
    if not c.at_operator("||"):
        return first
    parts = [_string_part(c, first)]
    while c.accept_operator("||"):
        parts.append(_string_part(c, _factor(c)))
    if c.at_operator("+", "-", "*", "/"):
        raise c.expected("|| or the end of the string", "Put parentheses around the arithmetic.")
    return nodes.Concatenation(_limited(parts), span=parts[0].span.to(parts[-1].span))


def _string_part(c: Cursor, operand: Expression) -> Value:
    """<character_primary>"""
    if not isinstance(operand, Value):
        raise _not_a_value(operand)
    if not c.is_primary or is_geometry(operand):
        raise AdqlError("|| joins strings only", operand.span, "Put parentheses around arithmetic.")
    return operand


def _sum(c: Cursor) -> Expression:
    """<numeric_value_expression> ::= <term> { (+|-) <term> }"""
    return _chain(c, ("+", "-"), _term)


def _term(c: Cursor) -> Expression:
    """<term> ::= <factor> { (*|/) <factor> }"""
    return _chain(c, ("*", "/"), _factor)


def _chain(c: Cursor, signs: tuple[str, str], operand: Callable[[Cursor], Expression]) -> Expression:
    first = operand(c)
    if not c.at_operator(*signs):
        return first
    operators: list[str] = []
    operands = [first]
    while operator := c.accept_operator(*signs):
        operators.append(operator)
        operands.append(operand(c))
    values = _limited(operands)
    c.is_primary = False
    return nodes.Arithmetic(tuple(operators), values, span=values[0].span.to(values[-1].span))


def _limited(operands: Sequence[Expression]) -> tuple[Value, ...]:
    if len(operands) > MAX_TERMS:
        raise TooComplex(f"More than {MAX_TERMS} terms in a row", operands[-1].span)
    for operand in operands:
        if not isinstance(operand, Value):
            raise _not_a_value(operand)
    return tuple(operand for operand in operands if isinstance(operand, Value))


def _factor(c: Cursor) -> Expression:
    """<factor> ::= [ <sign> ] <numeric_primary>"""
    if not c.at_operator("+", "-"):
        return _primary(c)
    token = c.advance()
    operand = _primary(c)
    if not isinstance(operand, Value):
        raise _not_a_value(operand)
    c.is_primary = False
    return nodes.Signed(token.value, operand, span=c.since(token.start))


def _primary(c: Cursor) -> Expression:
    """<value_expression_primary>, or a condition in parentheses."""
    token = c.token
    if token.kind == tokens.WORD:
        node = _word(c)
    elif token.kind == tokens.NUMBER:
        node = nodes.Number(c.advance().value, span=token.span)
    elif token.kind == tokens.STRING:
        node = nodes.String(c.advance().value, span=token.span)
    elif token.kind == tokens.DELIMITED:
        node = column_reference(c)
    elif c.at_operator("("):
        node = _parenthesised(c)
    else:
        raise c.expected("a value")
    if isinstance(node, Value):
        node = calls.subscripts(c, node)
    c.is_primary = True
    return node


def _parenthesised(c: Cursor) -> Expression:
    if c.ahead().value == "SELECT" and c.ahead().kind == tokens.WORD:
        start = c.token.start
        return nodes.Subquery(_table_subquery(c), span=c.since(start))
    c.expect_operator("(")
    c.descend()
    node = expression(c)
    c.ascend()
    if c.at_operator(","):
        raise c.expected(")", "A row of values is not a value in ADQL; compare the columns one by one.")
    c.expect_operator(")")
    return node


def _word(c: Cursor) -> Expression:
    """Read what begins with a word: NULL, CASE, CAST, a function, an aggregate or a column."""
    token = c.token
    if token.value == "NULL":
        return nodes.Null(span=c.advance().span)
    if token.value == "CASE":
        return calls.case_expression(c)
    if token.value in _MOMENTS and (c.ahead().kind == tokens.STRING or c.ahead().value == "("):
        text = next((t.value for t in (c.ahead(), c.ahead(2)) if t.kind == tokens.STRING), "2016-01-01T00:00:00")
        raise c.expected("a value", f"Write CAST('{text}' AS TIMESTAMP).")
    if c.ahead().value != "(" or c.ahead().kind != tokens.OPERATOR:
        return column_reference(c)
    if token.value == "CAST":
        return calls.cast_specification(c)
    if token.value in calls.AGGREGATES:
        return window_clause(c, calls.set_function_specification(c))
    if token.value in SHAPES:
        return calls.function(c)
    if token.value in RESERVED:
        hint = CALLED_ELSEWHERE.get(token.value) or c.hint("a value")
        raise c.expected("a value", hint or f"ADQL has no function {token.value}.")
    return window_clause(c, calls.user_defined_function(c))


def window_clause(c: Cursor, function: nodes.Aggregate | nodes.Call) -> Value:
    """OVER ( [ PARTITION BY <value> {, <value>} ... ] [ ORDER BY <order_by_term_list> ] ), where it follows a function"""
    if not c.at("OVER") or c.ahead().value != "(":
        return function
    c.advance()
    c.expect_operator("(")
    c.descend()
    partition_by: list[Value] = []
    if c.accept("PARTITION"):
        c.expect("BY")
        partition_by.append(c.value_expression(c))
        while c.accept_operator(","):
            partition_by.append(c.value_expression(c))
    order_by = c.order_by(c) if c.accept("ORDER") else ()
    c.ascend()
    if c.at("ROWS", "RANGE", "GROUPS"):
        raise c.expected(
            ")", "Frames cannot be given; with ORDER BY a window goes from its first row to the current one."
        )
    c.expect_operator(")")
    return nodes.Window(function, tuple(partition_by), order_by, span=c.since(function.span.start))


def column_reference(c: Cursor) -> nodes.ColumnReference:
    """<column_reference> ::= [ <qualifier> <period> ] <column_name>"""
    parts = [c.identifier("a value")]
    while c.accept_operator("."):
        if c.at_operator("*"):
            raise c.expected("a column name", "t.* stands alone in the SELECT list.")
        parts.append(c.identifier("a column name"))
    if len(parts) > 4:
        raise AdqlError("A column name has at most four parts", c.since(parts[0].span.start))
    return nodes.ColumnReference(tuple(parts), span=parts[0].span.to(parts[-1].span))


# ---- errors


def _not_a_condition(c: Cursor, node: Expression) -> AdqlError:
    if c.token.kind in (tokens.WORD, tokens.STRING, tokens.NUMBER) and c.token.value not in RESERVED:
        return c.expected("a comparison")
    hint = "Compare it with something, as in x = 1."
    if isinstance(node, nodes.String | nodes.Number):
        hint = "A condition is a comparison: write x = 'a' OR x = 'b', or x IN ('a', 'b')."
    elif isinstance(node, nodes.Call) and node.name in CALLED_ELSEWHERE:
        hint = CALLED_ELSEWHERE[node.name]
    elif isinstance(node, nodes.Call) and node.name in {"CONTAINS", "INTERSECTS"}:
        hint = f"Write 1 = {usage(node.name).removeprefix('1 = ')}."
    return AdqlError("Expected a condition, not a value", node.span, hint)


def _not_a_value(node: Expression) -> AdqlError:
    hint = "To get a value from a condition write CASE WHEN condition THEN 1 ELSE 0 END."
    return AdqlError("Expected a value, not a condition", node.span, hint)
