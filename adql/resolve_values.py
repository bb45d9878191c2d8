"""Names → columns in values and conditions; what is known of each comes from `infer`."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from adql import infer, nodes
from adql.errors import AdqlError
from adql.grouping import aggregate_in
from adql.nodes import Condition, Expression, Query, Value
from adql.scope import Scope


@dataclass(frozen=True)
class Expressions:
    """Resolves values and conditions in one scope; `subquery` resolves the queries inside them."""

    subquery: Callable[[Query, Scope | None], Query]
    scope: Scope

    def optional(self, condition: Condition | None, clause: str | None) -> Condition | None:
        if condition is None:
            return None
        found = self.condition(condition)
        if clause:
            no_aggregate(found, clause)
        return found

    def condition(self, node: Condition) -> Condition:
        match node:
            case nodes.And() | nodes.Or():
                return replace(node, operands=tuple(self.condition(each) for each in node.operands))
            case nodes.Not():
                return replace(node, operand=self.condition(node.operand))
            case nodes.Comparison():
                return infer.comparison(replace(node, left=self.value(node.left), right=self.value(node.right)))
            case nodes.Between():
                low, high = self.value(node.low), self.value(node.high)
                return infer.between(replace(node, operand=self.value(node.operand), low=low, high=high))
            case nodes.InValues():
                items = tuple(self.value(each) for each in node.items)
                return infer.in_values(replace(node, operand=self.value(node.operand), items=items))
            case nodes.Like():
                return infer.like(replace(node, operand=self.value(node.operand), pattern=self.value(node.pattern)))
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
                return infer.number(node)
            case nodes.String():
                return infer.string(node)
            case nodes.Call():
                return infer.call(replace(node, arguments=self._values(node.arguments)))
            case nodes.Arithmetic():
                return infer.arithmetic(replace(node, operands=self._values(node.operands)))
            case nodes.Signed():
                return infer.signed(replace(node, operand=self.value(node.operand)))
            case nodes.Concatenation():
                return infer.concatenation(replace(node, operands=self._values(node.operands)))
            case nodes.Aggregate():
                argument = None if node.argument is None else self.value(node.argument)
                return infer.aggregate(replace(node, argument=argument))
            case nodes.Cast():
                return infer.cast(replace(node, operand=self.value(node.operand)))
            case nodes.Case():
                return self._case(node)
        return node

    def _values(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        return tuple(self.value(each) for each in values)

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
            _, condition = infer.compatible((operand, self.value(condition)))
        return replace(when, condition=condition, result=self.value(when.result))


def no_aggregate(node: Expression, clause: str) -> None:
    found = aggregate_in(node)
    if found is not None:
        hint = "Conditions on aggregates stand in HAVING." if clause == "WHERE" else None
        raise AdqlError(f"An aggregate cannot stand in {clause}", found.span, hint)
