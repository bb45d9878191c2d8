"""What is known of arrays: their shape, elements and parts, and the shape of what is calculated with them."""

from collections.abc import Iterable
from dataclasses import replace

from adql import nodes
from adql.constants import number_of
from adql.errors import TypeMismatch
from adql.info import Info
from adql.literals import with_article
from adql.nodes import Value
from schema import types


def is_array(value: Value) -> bool:
    return value.type is not None and value.type.is_array


def is_floating(array: Value) -> bool:
    """Return whether its elements can be NaN, which is what NULL is in most files: of columns the loader makes NULL of it."""
    return array.type in {types.REALS, types.DOUBLES}


def is_matrix(info: Info) -> bool:
    """Return whether an array has more than one dimension; such ones are stored flat, the first dimension runs fastest."""
    return "x" in (info.arraysize or "")


def unlike_shapes(infos: Iterable[Info]) -> str | None:
    """Return the shapes of arrays, as a message names them, where one is a matrix and another has another shape."""
    shapes = sorted({info.arraysize or "*" for info in infos})
    return " and ".join(shapes) if len(shapes) > 1 and any("x" in shape for shape in shapes) else None


def element(info: Info) -> Info:
    """Return what is known of an element of an array."""
    type_ = types.element_type(info.type) if info.type else None
    return Info(type_, info.unit, info.ucd, info.utype, info.description)


# ---- parts


def subscript(node: nodes.Subscript) -> nodes.Subscript:
    """Return the element or the part with what is known of it. Raises: TypeMismatch."""
    array = node.array
    if array.type is None or not array.type.is_array:
        what = with_article(array.type) if array.type else "NULL"
        raise TypeMismatch(f"Only arrays have elements, not {what}", array.span)
    node = replace(node, first=_index(node.first), last=_index(node.last))
    return replace(node, info=_part(node) if node.is_slice else _element_or_row(array.info))


def _index(bound: Value | None) -> Value | None:
    if isinstance(bound, nodes.Null):
        return replace(bound, info=Info(types.INTEGER))
    if bound is not None and not (bound.type and bound.type.is_integer):
        what = with_article(bound.type) if bound.type else "NULL"
        raise TypeMismatch(f"An index is a whole number, not {what}", bound.span, "CAST(x AS INTEGER) makes one.")
    return bound


def _element_or_row(array: Info) -> Info:
    """Return what is known of `a[i]`: of a matrix of arraysize 3x2 it is one of two rows of three."""
    if not is_matrix(array):
        return element(array)
    return replace(array, arraysize=str(array.arraysize).rpartition("x")[0], xtype=None)


def _part(node: nodes.Subscript) -> Info:
    array = node.array.info
    if is_matrix(array):
        raise TypeMismatch(
            "Parts are taken of arrays with one dimension", node.span, "Take one of its rows first: a[1][2:5]."
        )
    size, length = types.element_count(array.arraysize), None
    first = 1 if node.first is None else number_of(node.first)
    last = size if node.last is None else number_of(node.last)
    if size is not None and isinstance(first, int) and isinstance(last, int):
        length = min(last, size) - max(first, 1) + 1
    return replace(array, arraysize=str(length) if length and length > 0 else None, xtype=None)


# ---- arithmetic


def shape_of_all(operands: tuple[Value, ...]) -> str | None:
    """Return the arraysize of what is calculated element by element: that of the longest; None where it varies.

    Raises: TypeMismatch for matrices of different shapes.
    """
    arrays = [operand for operand in operands if is_array(operand)]
    shapes = {array.info.arraysize for array in arrays}
    if len(shapes) == 1:
        return shapes.pop()
    for array in arrays:
        if is_matrix(array.info):
            first, second = sorted(shape or "*" for shape in shapes)[:2]
            raise TypeMismatch(f"An array of shape {first} does not fit one of shape {second}", array.span)
    counts = [types.element_count(shape) for shape in shapes]
    return None if None in counts else str(max(count for count in counts if count is not None))
