"""The types of literals: their own, and those that they take from what they are compared with (ADQL 2.1 §3)."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import reduce

from adql import nodes
from adql.constants import number_of
from adql.errors import ImpossibleValue, TypeMismatch
from adql.info import Info
from adql.nodes import Value
from schema import types
from schema.types import Type

_DALI_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?Z?)?\Z")
_TRUTH = {"1": "true", "0": "false", "t": "true", "f": "false", "true": "true", "false": "false"}
COMPARED_BY_ELEMENTS = "arr_map(x > 5, a) compares each element, arr_min(a) > 5 all of them."
_INTEGER_LIMITS = ((2**31, types.INTEGER), (2**63, types.BIGINT))


def number(node: nodes.Number) -> nodes.Number:
    if not node.text.isdigit():
        if math.isinf(float(node.text)):
            raise ImpossibleValue("This number is too large for any type", node.span)
        return replace(node, info=Info(types.DOUBLE))
    value = int(node.text)
    fitting = next((t for limit, t in _INTEGER_LIMITS if value < limit), types.DOUBLE)
    return replace(node, info=Info(fitting))


def string(node: nodes.String) -> nodes.String:
    return replace(node, info=Info(types.TEXT if node.value.isascii() else types.UNICODE))


def timestamp(value: Value) -> Value:
    """Return a string as the TIMESTAMP that it writes, any other value as it is.

    Raises: AdqlError for a literal that is no DALI timestamp; PostgreSQL would take 'now', and ignore zones.
    """
    if not isinstance(value, nodes.String):
        return value
    time = _DALI_TIME.match(value.value)
    if time is None or not _exists(time):
        raise ImpossibleValue(
            f"{value.value[:40]!r} is no timestamp", value.span, "Write '2016-01-01T00:00:00' or '2016-01-01'."
        )
    return replace(value, value=value.value.removesuffix("Z"), info=Info(types.TIMESTAMP))


def _exists(time: re.Match[str]) -> bool:
    """Return whether there is such a moment; leap seconds and the end of a day at 24:00:00 count, as in PostgreSQL."""
    year, month, day, hour, minute, second = (int(part or 0) for part in time.groups())
    try:
        date(year, month, day)
    except ValueError:
        return False
    return (hour < 24 and minute < 60 and second <= 60) or (hour, minute, second) == (24, 0, 0)


# ---- comparisons


def compatible(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the values as they can be compared with each other: literals take the type of the rest.

    Raises: TypeMismatch where they have nothing in common.
    """
    leading = next((v.type for v in values if not is_literal(v) and v.type is not None), None)
    if leading is None:
        leading = next((v.type for v in values if v.type is not None), None)
    if leading is None:
        return values
    adapt = _ADAPT.get(leading)
    if leading.is_integer:
        adapt = _whole
    adapted = tuple(adapt(v) if adapt and is_literal(v) else v for v in values)
    for value in adapted:
        _check_comparable(leading, value)
    return _arrays_of_one_type(adapted) if leading.is_array else adapted


def _arrays_of_one_type(arrays: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return arrays of the widest type among them: PostgreSQL compares no others."""
    common = reduce(
        lambda left, right: types.wider(left, right) or left, [a.type for a in arrays if a.type is not None]
    )
    return tuple(
        array
        if array.type in {None, common}
        else nodes.Cast(array, common.adql, span=array.span, info=replace(array.info, type=common))
        for array in arrays
    )


def is_literal(value: Value) -> bool:
    return isinstance(value, nodes.Number | nodes.String) or (
        isinstance(value, nodes.Signed) and isinstance(value.operand, nodes.Number)
    )


def _whole(value: Value) -> Value:
    """Return 4295806720.0 as 4295806720: a double would keep PostgreSQL from using an index on integers."""
    constant = number_of(value) if value.type is types.DOUBLE else None
    if constant is None or not float(constant).is_integer() or abs(constant) >= 2**63:
        return value
    literal = number(nodes.Number(str(abs(int(constant))), span=value.span))
    return nodes.Signed("-", literal, span=value.span, info=literal.info) if constant < 0 else literal


def _truth(value: Value) -> Value:
    text = value.text if isinstance(value, nodes.Number) else value.value if isinstance(value, nodes.String) else ""
    word = _TRUTH.get(text.lower())
    if word is None:
        raise TypeMismatch("A boolean column can be compared with 1 and 0 only", value.span)
    return nodes.String(word, span=value.span, info=Info(types.BOOLEAN))


_ADAPT: dict[Type, Callable[[Value], Value]] = {types.BOOLEAN: _truth, types.TIMESTAMP: timestamp}


def with_article(type_: Type) -> str:
    return f"{'an' if type_.title[0] in 'AEIOU' else 'a'} {type_.title}"


def _check_comparable(leading: Type, value: Value) -> None:
    type_ = value.type
    if type_ is None or type_ == leading or types.wider(leading, type_) is not None:
        return
    hint = COMPARED_BY_ELEMENTS if leading.is_array or type_.is_array else None
    if leading.is_text and type_.is_numeric and isinstance(value, nodes.Number):
        hint = "Put the value into single quotes to compare it with text."
    elif leading.is_numeric and isinstance(value, nodes.String):
        hint = "Write the number without quotes."
    elif types.MOC in (leading, type_):
        hint = "CAST(column AS VARCHAR) is the text of a MOC, which can be compared."
    raise TypeMismatch(f"{leading.title} values cannot be compared with {type_.title} values", value.span, hint)
