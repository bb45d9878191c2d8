"""The output columns of a query: their names, and for set operations their common types (ADQL 2.1 §4.6)."""

from dataclasses import replace

from adql import nodes
from adql.arrays import unlike_shapes
from adql.constants import number_of
from adql.errors import WrongColumns
from adql.functions import function_of
from adql.info import Info
from adql.nodes import Output, QueryBody
from adql.scope import Visible
from adql.units import same_unit
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
    """Return the output columns of a set operation: the left's, wide enough for the right's."""
    if len(outputs) != len(operand.outputs):
        message = f"The queries of a set operation give {len(outputs)} and {len(operand.outputs)} columns"
        raise WrongColumns(message, operand.span)
    columns = zip(outputs, operand.outputs, _constants(operand), strict=True)
    return tuple(_unify(left, right, operand, is_constant=constant) for left, right, constant in columns)


def _constants(body: QueryBody) -> tuple[bool, ...]:
    """Return for each column whether it is a number written in the query, which has whatever unit the others have."""
    if not isinstance(body, nodes.Select):
        return (False,) * len(body.outputs)
    return tuple(isinstance(item, nodes.SelectItem) and number_of(item.value) is not None for item in body.items)


def _unify(left: Output, right: Output, operand: QueryBody, *, is_constant: bool) -> Output:
    first, second = left.info.type, right.info.type
    info = replace(left.info if is_constant else _shared(left.info, right.info), bounds=None)
    if first is None or second is None:
        return replace(left, info=replace(info, type=first or second))
    common = types.wider(first, second)
    if common is None:
        message = f"The column {left.name} is {first.title} in one query and {second.title} in another"
        raise WrongColumns(message, operand.span, "CAST one of them.")
    if common.is_array and (shapes := unlike_shapes((left.info, right.info))):
        raise WrongColumns(f"The column {left.name} has arrays of shape {shapes} in the two queries", operand.span)
    if common != first or left.info.arraysize != right.info.arraysize:
        info = replace(info, type=common, arraysize=None)
    return replace(left, info=info)


def _shared(left: Info, right: Info) -> Info:
    """Return what the left column says that holds for the right one's values too; NULL has whatever the other has."""
    if right.type is None:
        return left
    if left.type is None:
        return replace(
            left,
            unit=right.unit,
            ucd=right.ucd,
            utype=right.utype,
            xtype=right.xtype,
            source=right.source,
            arraysize=right.arraysize,
        )
    unit = left.unit if same_unit(left.unit, right.unit) else None
    ucd, utype, xtype = (
        getattr(left, name) if getattr(left, name) == getattr(right, name) else None
        for name in ("ucd", "utype", "xtype")
    )
    return replace(left, unit=unit, ucd=ucd, utype=utype, xtype=xtype, source=_shared_source(left, right))


def _shared_source(left: Info, right: Info) -> tuple[str, str, str] | None:
    """Return the column whose values both have; rows of the left query and of the right one are told as one."""
    if left.source is None or right.source is None or left.source[:2] != right.source[:2]:
        return None
    return (*left.source[:2], f"{left.source[2]}|{right.source[2]}")
