"""SQL for arrays: arithmetic element by element, elements and parts.

Functions that give a set, side by side in one list of columns, go on together, and give NULL where the shorter one has ended:
so `ARRAY(SELECT unnest(a) + unnest(b))` is the sum of two arrays, in their order.
"""

from collections.abc import Callable

from adql import nodes
from adql.arrays import is_array, is_floating, is_matrix
from adql.constants import number_of
from adql.nodes import Value
from schema import types

ToSql = Callable[[Value], str]
_LAST_INDEX = 2**31 - 1


def elementwise(node: Value, to_sql: ToSql) -> str:
    """Print arithmetic of arrays. Whatever it is made of is computed once, and the whole is NULL if one of that is."""
    operands: dict[str, str] = {}
    calculation = _element(node, operands, to_sql)
    array = f"ARRAY(SELECT {calculation}::{types.element_type(node.type or types.DOUBLES).name})"
    columns = ", ".join(f"{sql} AS {name.removeprefix('v.')}" for sql, name in operands.items())
    there = f"num_nulls({', '.join(operands.values())}) = 0"
    return f"(SELECT {array} FROM (SELECT {columns} OFFSET 0) AS v WHERE {there})"


def _element(node: Value, operands: dict[str, str], to_sql: ToSql) -> str:
    """Print what makes one element; `operands` gets the SQL of what it is made of, and its name."""
    match node:
        case nodes.Signed(sign=sign, operand=operand) if is_array(node):
            return f"({sign}{_element(operand, operands, to_sql)})"
        case nodes.Arithmetic() if is_array(node):
            return _chain(node, operands, to_sql)
        case nodes.Number():
            return to_sql(node)
    sql = to_sql(node)
    name = operands.setdefault(sql, f"v.a{len(operands) + 1}")
    value = f"unnest({name})" if is_array(node) else name
    return f"{value}::integer" if types.element_type(node.type or types.DOUBLE) is types.SMALLINT else value


def _chain(node: nodes.Arithmetic, operands: dict[str, str], to_sql: ToSql) -> str:
    text = _element(node.operands[0], operands, to_sql)
    for operator, operand in zip(node.operators, node.operands[1:], strict=True):
        text += f" {operator} {_element(operand, operands, to_sql)}"
    return f"({text})"


def element(array: Value, sql: str) -> str:
    """Print an element of an array that stands alone: NaN, which PostgreSQL takes for the largest number, is NULL."""
    return f"nullif({sql}, 'NaN')" if is_floating(array) else sql


def elements(array: Value, sql: str) -> str:
    """Print an array whose elements will stand alone."""
    return f"array_replace({sql}, 'NaN', NULL)" if is_floating(array) else sql


def subscript(node: nodes.Subscript, to_sql: ToSql) -> str:
    array = to_sql(node.array)
    if not isinstance(node.array, nodes.Field):
        array = f"({array})"
    first, last = (_index(bound, to_sql) for bound in (node.first, node.last))
    if node.is_slice:
        return f"{array}[{first}:{last}]"
    if not is_matrix(node.array.info):
        return element(node.array, f"{array}[{first}]")
    width = types.element_count(node.info.arraysize)
    return f"armillary.array_row({array}, {width}, {first})"


def _index(bound: Value | None, to_sql: ToSql) -> str:
    if bound is None:
        return ""
    constant = number_of(bound)
    if isinstance(constant, int):
        return str(max(min(constant, _LAST_INDEX), 0))
    text = to_sql(bound)
    if bound.type is types.BIGINT:
        return f"least(greatest({text}, 0), {_LAST_INDEX})::integer"
    return f"({text})::integer"


def aggregate(name: str, argument: str, type_: types.Type) -> str:
    """Print an aggregate of arrays, which goes element by element."""
    wide = types.BIGINTS if types.element_type(type_).is_integer and name != "AVG" else types.DOUBLES
    return f"armillary.array_{name.lower()}(({argument})::{wide.name})"
