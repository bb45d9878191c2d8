"""The output columns of a query: their names, and for set operations their common types (ADQL 2.1 §4.6)."""

from dataclasses import replace

from adql import nodes
from adql.errors import AdqlError
from adql.functions import function_of
from adql.nodes import Output, QueryBody
from adql.scope import Visible
from schema import types


def aliases(items: tuple[nodes.SelectItem, ...]) -> tuple[Visible, ...]:
    return tuple(Visible(i.alias.name, i.alias.delimited, i.value) for i in items if i.alias)


def select_outputs(items: tuple[nodes.SelectItem, ...]) -> tuple[Output, ...]:
    return tuple(
        Output(_output_name(item, number), f"c{number}", item.value.info, bool(item.alias and item.alias.delimited))
        for number, item in enumerate(items, 1)
    )


def _output_name(item: nodes.SelectItem, number: int) -> str:
    if item.alias:
        return item.alias.name
    match item.value:
        case nodes.Window(function=function):
            return function.name.lower()
        case nodes.Aggregate(name=name):
            return name.lower()
        case nodes.Call():
            return function_of(item.value).name.lower()
    return f"col_{number}"


def unified(outputs: tuple[Output, ...], operand: QueryBody) -> tuple[Output, ...]:
    """The output columns of a set operation: the left's, wide enough for the right's."""
    if len(outputs) != len(operand.outputs):
        message = f"The queries of a set operation give {len(outputs)} and {len(operand.outputs)} columns"
        raise AdqlError(message, operand.span)
    return tuple(_unify(left, right, operand) for left, right in zip(outputs, operand.outputs, strict=True))


def _unify(left: Output, right: Output, operand: QueryBody) -> Output:
    first, second = left.info.type, right.info.type
    info = replace(left.info, bounds=None)
    if first is None or second is None:
        return replace(left, info=replace(info, type=first or second))
    wide = types.wider(first, second)
    if wide is None:
        message = f"The column {left.name} is {first.adql} in one query and {second.adql} in another"
        raise AdqlError(message, operand.span, "CAST one of them.")
    return replace(left, info=info if wide == first else replace(info, type=wide, arraysize=None))
