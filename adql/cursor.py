"""A place in the tokens of a query, and the errors that speak of it."""

from collections.abc import Callable
from dataclasses import dataclass

from adql import nodes, tokens
from adql.errors import AdqlError, Span, TooComplex
from adql.syntax_hints import Place, reserved, syntax_hint
from adql.tokens import Token, tokenize
from schema.words import RESERVED

MAX_DEPTH = 64
MAX_TOKENS = 20_000
MAX_TABLES = 32
MAX_SUBQUERIES = 32


@dataclass(frozen=True, slots=True)
class Productions:
    """Productions that others need but cannot import, because each contains the other."""

    subquery: Callable[["Cursor"], nodes.Query]
    value_expression: Callable[["Cursor"], nodes.Value]
    expression: Callable[["Cursor"], nodes.Expression]
    search_condition: Callable[["Cursor"], nodes.Condition]
    order_by: Callable[["Cursor"], tuple[nodes.OrderTerm, ...]]


class Cursor:
    """Reads tokens one by one."""

    def __init__(self, text: str, productions: Productions) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.index = 0
        self.token = self.tokens[0]
        self.subquery = productions.subquery
        self.value_expression = productions.value_expression
        self.expression = productions.expression
        self.search_condition = productions.search_condition
        self.order_by = productions.order_by
        self.list_tokens = 0
        self.tables = 0
        self.subqueries = 0
        self.is_primary = False
        self._depth = 0

    # ---- looking

    def at(self, *words: str) -> bool:
        return self.token.value in words and self.token.kind == tokens.WORD

    def at_operator(self, *operators: str) -> bool:
        return self.token.value in operators and self.token.kind == tokens.OPERATOR

    def ahead(self, count: int = 1) -> Token:
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    @property
    def previous(self) -> Token:
        return self.tokens[max(0, self.index - 1)]

    def holds_query(self) -> bool:
        """Return whether the parenthesis here holds a query, and not a join or values that begin with a query."""
        index = self.index
        while True:
            inner = self.tokens[index + 1]
            if inner.kind == tokens.WORD:
                return inner.value in ("SELECT", "WITH")
            if inner.kind != tokens.OPERATOR or inner.value != "(":
                return False
            following = self.tokens[min(self._closing(index + 1) + 1, len(self.tokens) - 1)]
            if following.kind != tokens.OPERATOR or following.value != ")":
                return following.value in ("UNION", "EXCEPT", "INTERSECT", "ORDER", "OFFSET")
            index += 1

    def _closing(self, index: int) -> int:
        """Return the index of the parenthesis that closes the one at `index`, or of the end.

        Raises: TooComplex where parentheses are nested too deeply, before they are scanned again and again.
        """
        depth = 0
        for position in range(index, len(self.tokens)):
            if depth > MAX_DEPTH:
                span = self.tokens[position].span
                raise TooComplex(f"The query is nested more than {MAX_DEPTH} levels deep", span)
            token = self.tokens[position]
            if token.kind == tokens.OPERATOR and token.value in "()":
                depth += 1 if token.value == "(" else -1
                if depth == 0:
                    return position
        return len(self.tokens) - 1

    # ---- moving

    def advance(self) -> Token:
        token = self.token
        self.index += token.kind != tokens.END
        self.token = self.tokens[self.index]
        return token

    def accept(self, *words: str) -> str | None:
        return self.advance().value if self.at(*words) else None

    def accept_operator(self, *operators: str) -> str | None:
        return self.advance().value if self.at_operator(*operators) else None

    def expect(self, word: str) -> Token:
        if not self.at(word):
            raise self.expected(word)
        return self.advance()

    def expect_operator(self, operator: str) -> Token:
        if not self.at_operator(operator):
            raise self.expected(operator)
        return self.advance()

    def identifier(self, expected: str) -> nodes.Identifier:
        """<identifier>"""
        token = self.token
        if token.kind == tokens.DELIMITED:
            self.advance()
            return nodes.Identifier(token.value, delimited=True, span=token.span)
        if token.kind != tokens.WORD:
            raise self.expected(expected)
        if token.value in RESERVED:
            raise self.expected(expected, self.hint(expected) or reserved(self._place(expected)))
        self.advance()
        return nodes.Identifier(self.text[token.start : token.end], span=token.span)

    def unsigned_decimal(self, keyword: str) -> int:
        """<unsigned_decimal>"""
        if self.token.kind != tokens.NUMBER or not self.token.value.isdigit():
            raise self.expected(f"a whole number after {keyword}")
        value = int(self.advance().value)
        if value >= 2**63:
            raise TooComplex(f"The number after {keyword} is too large", self.previous.span)
        return value

    # ---- nesting

    def descend(self, levels: int = 1) -> None:
        """Go `levels` deeper; what contains whole queries or conditions counts double. Raises: TooComplex."""
        self._depth += levels
        if self._depth > MAX_DEPTH:
            raise TooComplex(f"The query is nested more than {MAX_DEPTH} levels deep", self.token.span)

    def ascend(self, levels: int = 1) -> None:
        self._depth -= levels

    def count_table(self) -> None:
        self.tables += 1
        if self.tables > MAX_TABLES:
            raise TooComplex(f"A query joins at most {MAX_TABLES} tables", self.token.span)

    def count_subquery(self) -> None:
        self.subqueries += 1
        if self.subqueries > MAX_SUBQUERIES:
            raise TooComplex(f"More than {MAX_SUBQUERIES} queries stand in conditions", self.token.span)

    # ---- places and errors

    def since(self, start: int) -> Span:
        return Span(start, self.previous.end)

    def found(self) -> str:
        if self.token.kind == tokens.END:
            return "the end of the query"
        shown = self.text[self.token.start : self.token.end]
        return shown if len(shown) <= 40 else shown[:37] + "..."

    def expected(self, expected: str, hint: str | None = None) -> AdqlError:
        return AdqlError(f"Expected {expected}, found {self.found()}", self.token.span, hint or self.hint(expected))

    def hint(self, expected: str) -> str | None:
        return syntax_hint(self._place(expected))

    def _place(self, expected: str) -> Place:
        return Place(self.text, self.tokens, self.index, expected)
