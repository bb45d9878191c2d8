"""Names → columns in values and conditions; what is known of each comes from `infer`."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from adql import arrays, infer, literals, nodes
from adql.constants import ELEMENT
from adql.errors import Suggestion, UnknownFunction, UnknownName, WrongAggregation
from adql.functions import overloads
from adql.grouping import aggregate_in, window_in
from adql.nodes import Condition, Expression, Query, Value
from adql.scope import Scope, Visible
from adql.unparse import text_of_expression


@dataclass(frozen=True)
class Expressions:
    """Resolves values and conditions in one scope; `subquery` resolves the queries inside them."""

    subquery: Callable[[Query, Scope | None], Query]
    scope: Scope

    def optional(self, condition: Condition | None, clause: str | None) -> Condition | None:
        if condition is None:
            return None
        resolved = self.condition(condition)
        if clause:
            no_aggregate(resolved, clause)
        return resolved

    def condition(self, node: Condition) -> Condition:
        match node:
            case nodes.And() | nodes.Or():
                return replace(node, operands=tuple(self.condition(operand) for operand in node.operands))
            case nodes.Not():
                return replace(node, operand=self.condition(node.operand))
            case nodes.Comparison():
                left, right = self._compared((node.left, node.right))
                return infer.comparison(replace(node, left=left, right=right))
            case nodes.Between():
                low, high = self.value(node.low), self.value(node.high)
                return infer.between(replace(node, operand=self.value(node.operand), low=low, high=high))
            case nodes.InValues():
                operand, *items = self._compared((node.operand, *node.items))
                return infer.in_values(replace(node, operand=operand, items=tuple(items)))
            case nodes.Like():
                operand, pattern = self._compared((node.operand, node.pattern))
                return infer.like(replace(node, operand=operand, pattern=pattern))
            case nodes.IsNull():
                return replace(node, operand=self.value(node.operand))
        return self._query_condition(node)

    def _query_condition(self, node: Condition) -> Condition:
        match node:
            case nodes.InQuery():
                query = self.subquery(node.query, self.scope)
                return infer.in_query(replace(node, operand=self.value(node.operand), query=query))
            case nodes.Exists():
                return replace(node, query=self.subquery(node.query, self.scope))
        raise AssertionError(node)

    def value(self, node: Value) -> Value:
        match node:
            case nodes.ColumnReference():
                return replace(self.scope.column(node), span=node.span)
            case nodes.Number():
                return literals.number(node)
            case nodes.String():
                return literals.string(node)
            case nodes.Call():
                infer.no_window_function(node)
                return self._call(node)
            case nodes.Arithmetic():
                return infer.arithmetic(replace(node, operands=self._values(node.operands)))
            case nodes.Signed():
                return infer.signed(replace(node, operand=self.value(node.operand)))
            case nodes.Concatenation():
                return infer.concatenation(replace(node, operands=self._values(node.operands)))
            case nodes.Aggregate():
                argument = None if node.argument is None else self.value(node.argument)
                return infer.aggregate(replace(node, argument=argument))
        return self._compound(node)

    def _compound(self, node: Value) -> Value:
        match node:
            case nodes.Window():
                return self._window(node)
            case nodes.Subquery():
                return infer.subquery(replace(node, query=self.subquery(node.query, self.scope)))
            case nodes.Cast():
                return infer.cast(replace(node, operand=self.value(node.operand)))
            case nodes.Case():
                return self._case(node)
            case nodes.Subscript():
                array, first, last = self.value(node.array), self._bound(node.first), self._bound(node.last)
                return arrays.subscript(replace(node, array=array, first=first, last=last))
        return node

    def _bound(self, node: Value | None) -> Value | None:
        return None if node is None else self.value(node)

    def _call(self, node: nodes.Call) -> Value:
        self._check_is_no_array(node)
        if node.name == "ARR_MAP" and len(node.arguments) == 2:
            arguments = self._mapped(*node.arguments)
        else:
            arguments = self._values(node.arguments)
        return infer.call(replace(node, arguments=arguments, order_by=self._order(node.order_by)))

    def _check_is_no_array(self, node: nodes.Call) -> None:
        """Raise UnknownName for `flux(1)`, where flux is an array."""
        if overloads(node.name) or not node.arguments:
            return
        name = nodes.Identifier(node.name)
        if any(c.matches(name) and arrays.is_array(c.value) for c in self.scope.visible):
            index = text_of_expression(node.arguments[0])
            shown = name.name.lower()
            raise UnknownFunction(f"There is no function {shown}", node.span, f"Did you mean {shown}[{index}]?")

    def _mapped(self, expression: Value, array: Value) -> tuple[Value, ...]:
        """Resolve the arguments of arr_map, in the first of which x is an element of the second."""
        resolved = self.value(array)
        x = Visible("x", False, nodes.Field(ELEMENT, "x", "x", info=arrays.element(resolved.info)))
        calculation = Expressions(self.subquery, Scope(visible=(x,), parent=self.scope)).value(expression)
        no_aggregate(calculation, "arr_map")
        return calculation, resolved

    def _order(self, terms: tuple[nodes.OrderTerm, ...]) -> tuple[nodes.OrderTerm, ...]:
        return tuple(replace(term, value=self.value(written_value(term))) for term in terms)

    def _window(self, node: nodes.Window) -> Value:
        function: Value = node.function
        function = self._call(function) if isinstance(function, nodes.Call) else self.value(function)
        if not isinstance(function, nodes.Aggregate | nodes.Call):
            raise AssertionError(function)
        partition_by, order_by = self._values(node.partition_by), self._order(node.order_by)
        return infer.window(replace(node, function=function, partition_by=partition_by, order_by=order_by))

    def _values(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        return tuple(self.value(value) for value in values)

    def _compared(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        """Resolve values that are compared; an unknown name beside a text is likely to be a text without quotes."""
        resolved: list[Value] = []
        unknown: UnknownName | None = None
        for value in values:
            try:
                resolved.append(self.value(value))
            except UnknownName as error:
                unknown = unknown or error
        if unknown is None:
            return tuple(resolved)
        if unknown.name and any(value.type is not None and value.type.is_text for value in resolved):
            quotes = f"A text stands in single quotes: '{unknown.name}'."
            named = unknown.suggestion.choices if unknown.suggestion else ()
            unknown.hint = f"{quotes} {unknown.hint}" if unknown.hint else quotes
            unknown.suggestion = Suggestion.of(unknown.hint, unknown.name, (f"'{unknown.name}'", *named))
        raise unknown

    def _case(self, node: nodes.Case) -> Value:
        operand = None if node.operand is None else self.value(node.operand)
        whens = tuple(self._when(when, operand) for when in node.whens)
        otherwise = None if node.otherwise is None else self.value(node.otherwise)
        return infer.case(replace(node, operand=operand, whens=whens, otherwise=otherwise))

    def _when(self, when: nodes.When, operand: Value | None) -> nodes.When:
        condition: Expression = when.condition
        if isinstance(condition, Condition):
            condition = self.condition(condition)
        elif isinstance(condition, Value) and operand is not None:
            infer.comparable(operand, "CASE")
            _, condition = literals.compatible((operand, self.value(condition)))
        return replace(when, condition=condition, result=self.value(when.result))


def written_value(term: nodes.OrderTerm) -> Value:
    """Return what a window is ordered by; a number there is a number, not a position."""
    return nodes.Number(str(term.value), span=term.span) if isinstance(term.value, int) else term.value


def no_aggregate(node: Expression, clause: str) -> None:
    """Raise AdqlError for an aggregate or a window function in a clause that comes before both."""
    window = window_in(node)
    if window is not None:
        raise WrongAggregation(
            f"A window function cannot stand in {clause}",
            window.span,
            "Compute it in a query in FROM: SELECT * FROM (SELECT ..., RANK() OVER (...) AS r FROM ...) AS q WHERE r = 1.",
        )
    aggregate = aggregate_in(node)
    if aggregate is not None:
        hint = "Conditions on aggregates stand in HAVING." if clause == "WHERE" else None
        raise WrongAggregation(f"An aggregate cannot stand in {clause}", aggregate.span, hint)
