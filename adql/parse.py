"""ADQL 2.1 text → tree: hand-written recursive descent (ADQL 2.1 appendix A; why so: docs/adr/0002).

This file has the productions of queries, one function each, named after them; `expressions` has
those of values and conditions. Extensions, all announced: `SELECT *, x`, CASE, NULLIF, COUNT(DISTINCT x), comments
in `/* */`, queries as values, window functions, subscripts of arrays, UNNEST.
"""

from collections.abc import Callable
from dataclasses import replace

from adql import nodes, tokens
from adql.cursor import MAX_TOKENS, Cursor, Productions
from adql.errors import UPLOAD_IT, AdqlError, TooComplex
from adql.expressions import MAX_TERMS, expression, search_condition, value_expression
from adql.nodes import Query, QueryBody, TableReference
from schema.words import RESERVED

MAX_SET_OPERATIONS = 256
MAX_COMMON_TABLES = 32

_JOIN_WORDS = ("JOIN", "NATURAL", "INNER", "LEFT", "RIGHT", "FULL")


def parse(text: str) -> Query:
    """Return the tree of a query.

    Raises: AdqlError with the place of the first thing that is wrong.
    """
    try:
        return query_specification(Cursor(text, _PRODUCTIONS))
    except AdqlError as error:
        raise error.within(text) from None
    except RecursionError:
        raise TooComplex("The query is nested too deeply") from None


def query_specification(c: Cursor) -> Query:
    """<query_specification> ::= [ <with_clause> ] <select_expression>"""
    start = c.token.start
    common_tables = with_clause(c) if c.accept("WITH") else ()
    body = select_expression(c)
    c.accept_operator(";")
    if c.token.kind != tokens.END:
        raise c.expected("the end of the query")
    if len(c.tokens) - c.list_tokens > MAX_TOKENS:
        raise TooComplex(f"The query has {len(c.tokens)} words; {MAX_TOKENS} are allowed", hint=UPLOAD_IT)
    return Query(body, common_tables, span=c.since(start))


def with_clause(c: Cursor) -> tuple[nodes.CommonTable, ...]:
    """<with_clause> ::= WITH <with_query> {, <with_query>} ..."""
    queries = [with_query(c)]
    while c.accept_operator(","):
        queries.append(with_query(c))
    if len(queries) > MAX_COMMON_TABLES:
        raise TooComplex(f"WITH takes at most {MAX_COMMON_TABLES} queries", queries[-1].span)
    return tuple(queries)


def with_query(c: Cursor) -> nodes.CommonTable:
    """<with_query> ::= <query_name> AS ( <select_expression> )"""
    name = c.identifier("a name for the query after WITH")
    if c.at_operator("("):
        raise c.expected("AS", "Name the columns inside the query: SELECT x AS name.")
    c.expect("AS")
    c.expect_operator("(")
    c.descend()
    body = select_expression(c)
    c.ascend()
    c.expect_operator(")")
    return nodes.CommonTable(name, body, span=c.since(name.span.start))


def select_expression(c: Cursor) -> QueryBody:
    """<select_expression> ::= <query_set_expression> [ <order_by_clause> ] [ <offset_clause> ]"""
    in_parentheses = c.at_operator("(")
    body = query_set_expression(c)
    order_by = order_by_clause(c) if c.accept("ORDER") else ()
    offset = c.unsigned_decimal("OFFSET") if c.accept("OFFSET") else None
    if not order_by and offset is None:
        return body
    if _is_complete(body, in_parentheses):
        body = _select_all_of(body)
    return replace(body, order_by=order_by, offset=offset)


def _is_complete(body: QueryBody, in_parentheses: bool) -> bool:
    """Return whether ORDER BY and OFFSET after the body can no longer be its own."""
    if body.order_by or body.offset is not None:
        return True
    return in_parentheses and isinstance(body, nodes.Select) and body.top is not None


def _select_all_of(body: QueryBody) -> nodes.Select:
    table = nodes.DerivedTable(Query(body), nodes.Identifier("q"), span=body.span)
    return nodes.Select((nodes.AllColumns(),), (table,), span=body.span)


def query_set_expression(c: Cursor) -> QueryBody:
    """<query_set_expression> ::= <query_set_term> { (UNION | EXCEPT) [ ALL ] <query_set_term> }"""
    return _set_chain(c, ("UNION", "EXCEPT"), query_set_term)


def query_set_term(c: Cursor) -> QueryBody:
    """<query_set_term> ::= <query_set_primary> { INTERSECT [ ALL ] <query_set_primary> }"""
    return _set_chain(c, ("INTERSECT",), query_set_primary)


def _set_chain(c: Cursor, words: tuple[str, ...], operand: Callable[[Cursor], QueryBody]) -> QueryBody:
    operands = [operand(c)]
    operators = []
    while word := c.accept(*words):
        operators.append(f"{word} ALL" if c.accept("ALL") else word)
        operands.append(operand(c))
    if not operators:
        return operands[0]
    if len(operators) > MAX_SET_OPERATIONS:
        raise TooComplex(f"More than {MAX_SET_OPERATIONS} set operations", operands[-1].span)
    span = operands[0].span.to(operands[-1].span)
    return nodes.SetOperation(tuple(operators), tuple(operands), span=span)


def query_set_primary(c: Cursor) -> QueryBody:
    """<query_set_primary> ::= <select_query> | ( <select_expression> )"""
    if not c.accept_operator("("):
        return select_query(c)
    c.descend()
    body = select_expression(c)
    c.ascend()
    c.expect_operator(")")
    return body


def select_query(c: Cursor) -> nodes.Select:
    """<select_query>"""
    if c.at("WITH"):
        raise c.expected("SELECT", "WITH stands once, at the very beginning of the query.")
    start = c.expect("SELECT").start
    distinct = c.accept("DISTINCT", "ALL") == "DISTINCT"
    top = c.unsigned_decimal("TOP") if c.accept("TOP") else None
    items = select_list(c)
    tables = from_clause(c)
    where = search_condition(c) if c.accept("WHERE") else None
    group_by = group_by_clause(c) if c.accept("GROUP") else ()
    having = search_condition(c) if c.accept("HAVING") else None
    return nodes.Select(items, tables, distinct, top, where, group_by, having, span=c.since(start))


def select_list(c: Cursor) -> tuple[nodes.SelectItem | nodes.AllColumns, ...]:
    """<select_list>, with `*` among other items as an extension"""
    items = [select_sublist(c)]
    while c.accept_operator(","):
        items.append(select_sublist(c))
        if len(items) > MAX_TERMS:
            raise TooComplex(f"SELECT takes at most {MAX_TERMS} columns", items[-1].span)
    return tuple(items)


def select_sublist(c: Cursor) -> nodes.SelectItem | nodes.AllColumns:
    """<select_sublist> ::= <derived_column> | <qualifier> . *"""
    start = c.token.start
    if c.accept_operator("*"):
        return nodes.AllColumns(span=c.since(start))
    if qualifier := _qualifier_of_asterisk(c):
        return nodes.AllColumns(qualifier, span=c.since(start))
    value = value_expression(c)
    alias = correlation_name(c, "a column name")
    return nodes.SelectItem(value, alias, span=c.since(start))


def _qualifier_of_asterisk(c: Cursor) -> tuple[nodes.Identifier, ...]:
    """Read `t.` of `t.*`, up to and including the asterisk; read nothing where there is none."""
    count = 0
    while c.ahead(count).kind in (tokens.WORD, tokens.DELIMITED) and c.ahead(count + 1).value == ".":
        count += 2
    if not count or c.ahead(count).value != "*" or c.ahead(count).kind != tokens.OPERATOR:
        return ()
    parts = []
    while not c.accept_operator("*"):
        parts.append(c.identifier("a table name"))
        c.expect_operator(".")
    return tuple(parts)


def correlation_name(c: Cursor, expected: str) -> nodes.Identifier | None:
    """<as_clause> and <correlation_specification>: [ AS ] <identifier>"""
    if c.accept("AS"):
        return c.identifier(expected)
    if c.token.kind == tokens.DELIMITED or (c.token.kind == tokens.WORD and c.token.value not in RESERVED):
        return c.identifier(expected)
    return None


def from_clause(c: Cursor) -> tuple[TableReference, ...]:
    """<from_clause> ::= FROM <table_reference> [ { , <table_reference> }... ]"""
    c.expect("FROM")
    outer, c.tables = c.tables, 0
    tables = [table_reference(c)]
    while c.accept_operator(","):
        tables.append(table_reference(c))
    c.tables = outer
    return tuple(tables)


def table_reference(c: Cursor) -> TableReference:
    """<table_reference>, joins included"""
    left = table_primary(c)
    while c.at(*_JOIN_WORDS):
        left = qualified_join(c, left)
    return left


def table_primary(c: Cursor) -> TableReference:
    """Read a table, a derived table or a join in parentheses."""
    start = c.token.start
    c.count_table()
    if c.at("UNNEST") and c.ahead().value == "(":
        return unnest(c)
    if not c.at_operator("("):
        return table_name(c)
    if c.holds_query():
        query = table_subquery(c)
        alias = correlation_name(c, "a name for the query in FROM")
        if alias is None:
            raise c.expected("a name for the query in FROM", "Write (SELECT ...) AS name.")
        return nodes.DerivedTable(query, alias, span=c.since(start))
    c.expect_operator("(")
    c.descend()
    inner = table_reference(c)
    c.ascend()
    c.expect_operator(")")
    if not isinstance(inner, nodes.Join):
        raise AdqlError("Only a join or a query can stand in parentheses here", c.since(start))
    return inner


def unnest(c: Cursor) -> nodes.Unnest:
    """UNNEST ( <value> {, <value>} ... ) [ WITH ORDINALITY ] AS <identifier> [ ( <identifier> {, <identifier>} ... ) ], an extension"""
    start = c.advance().start
    c.expect_operator("(")
    c.descend()
    arrays = [value_expression(c)]
    while c.accept_operator(","):
        arrays.append(value_expression(c))
    c.ascend()
    c.expect_operator(")")
    with_ordinality = c.accept("WITH") is not None
    if with_ordinality:
        c.expect("ORDINALITY")
    alias = correlation_name(c, "a name for the elements")
    if alias is None:
        raise c.expected("a name for the elements", "Write UNNEST(t.flux) AS e (flux).")
    names = _column_names(c, "a name for a column of the elements") if c.at_operator("(") else ()
    return nodes.Unnest(tuple(arrays), alias, names, with_ordinality, span=c.since(start))


def _column_names(c: Cursor, expected: str) -> tuple[nodes.Identifier, ...]:
    c.expect_operator("(")
    names = [c.identifier(expected)]
    while c.accept_operator(","):
        names.append(c.identifier(expected))
    c.expect_operator(")")
    return tuple(names)


def table_subquery(c: Cursor) -> Query:
    """<table_subquery> ::= ( <query_expression> )"""
    c.expect_operator("(")
    c.descend(2)
    body = select_expression(c)
    c.ascend(2)
    c.expect_operator(")")
    return Query(body)


def table_name(c: Cursor) -> nodes.TableName:
    """<table_name> [ <correlation_specification> ]"""
    parts = [c.identifier("a table name")]
    while c.accept_operator("."):
        parts.append(c.identifier("a table name"))
    span = parts[0].span.to(parts[-1].span)
    if len(parts) > 3:
        raise AdqlError("A table name has at most three parts: catalog.schema.table", span)
    return nodes.TableName(tuple(parts), correlation_name(c, "a name for the table"), span=span)


def qualified_join(c: Cursor, left: TableReference) -> nodes.Join:
    """<qualified_join>; `resolve` checks that a join says what it joins on"""
    start = c.token.start
    natural = c.accept("NATURAL") is not None
    kind = c.accept("INNER", "LEFT", "RIGHT", "FULL") or "INNER"
    if kind != "INNER":
        c.accept("OUTER")
    c.expect("JOIN")
    right = table_primary(c)
    c.descend()
    while not natural and c.at(*_JOIN_WORDS):
        right = qualified_join(c, right)
    c.ascend()
    join = nodes.Join(kind, left, right, natural, span=c.since(start))
    return join if natural else _joined_on(c, join)


def _joined_on(c: Cursor, join: nodes.Join) -> nodes.Join:
    """<join_specification> ::= ON <search_condition> | USING ( <join_column_list> )"""
    if c.accept("ON"):
        return replace(join, condition=search_condition(c))
    if not c.accept("USING"):
        return join
    return replace(join, using=_column_names(c, "a column name"))


def group_by_clause(c: Cursor) -> tuple[nodes.Value, ...]:
    """<group_by_clause> ::= GROUP BY <group_by_term_list>"""
    c.expect("BY")
    terms = [value_expression(c)]
    while c.accept_operator(","):
        terms.append(value_expression(c))
    return tuple(terms)


def order_by_clause(c: Cursor) -> tuple[nodes.OrderTerm, ...]:
    """<order_by_clause> ::= ORDER BY <order_by_term_list>"""
    c.expect("BY")
    terms = [order_by_term(c)]
    while c.accept_operator(","):
        terms.append(order_by_term(c))
    return tuple(terms)


def order_by_term(c: Cursor) -> nodes.OrderTerm:
    """<order_by_term> ::= <order_by_expression> [ ASC | DESC ]"""
    start = c.token.start
    value = value_expression(c)
    is_position = isinstance(value, nodes.Number) and value.text.isdigit()
    descending = c.accept("ASC", "DESC") == "DESC"
    key = int(value.text) if is_position and isinstance(value, nodes.Number) else value
    return nodes.OrderTerm(key, descending, span=c.since(start))


_PRODUCTIONS = Productions(
    lambda c: Query(select_expression(c)), value_expression, expression, search_condition, order_by_clause
)
