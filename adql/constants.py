"""What a value is when no row is needed to know it."""

import math
from collections.abc import Iterator
from dataclasses import fields

from adql.nodes import Arithmetic, Call, Field, Node, Number, Signed, String, Value
from adql.spheres import box_corners

Numeric = int | float
_LARGEST = 1e300
_PLAIN = (str, bool, int, str | None, int | None, tuple[str, ...], tuple[str, str])


def number_of(value: Value) -> Numeric | None:
    """Return the number that a constant expression is, computed as PostgreSQL will; None for anything else."""
    match value:
        case Number(text=text):
            return int(text) if text.isdigit() else float(text)
        case Signed(sign=sign, operand=operand):
            number = number_of(operand)
            return None if number is None else (-number if sign == "-" else number)
        case Arithmetic(operators=operators, operands=operands):
            return _chain(operators, operands)
        case Call(name="PI", arguments=()):
            return math.pi
    return None


def _chain(operators: tuple[str, ...], operands: tuple[Value, ...]) -> Numeric | None:
    total = number_of(operands[0])
    for operator, operand in zip(operators, operands[1:], strict=True):
        right = number_of(operand)
        if total is None or right is None:
            return None
        total = apply(operator, total, right)
    return total


def apply(operator: str, left: Numeric, right: Numeric) -> Numeric | None:
    """Compute as SQL does: whole numbers divide without a remainder. None where there is no result."""
    try:
        match operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
        if isinstance(left, int) and isinstance(right, int):
            return int(math.copysign(abs(left) // abs(right), left * right))
        return left / right
    except (ZeroDivisionError, OverflowError):
        return None


def numbers_of(values: tuple[Value, ...]) -> list[float] | None:
    """Return the values as floats, or None if one is no constant or is too large to calculate with."""
    numbers = [number_of(value) for value in values]
    if any(number is None or abs(number) > _LARGEST for number in numbers):
        return None
    return [float(number) for number in numbers if number is not None]


def literal_vertices(geometry: Value) -> list[tuple[float, float]] | None:
    """Return the vertices (degrees) of a POLYGON or BOX that is written with constants; None for anything else."""
    if not isinstance(geometry, Call) or geometry.name not in {"POLYGON", "BOX"}:
        return None
    numbers = numbers_of(geometry.coordinates)
    if numbers is None or len(numbers) < 4:
        return None
    if geometry.name == "BOX":
        return box_corners(*numbers[:4])
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def text_of(value: Value) -> str | None:
    return value.value if isinstance(value, String) else None


class _ChildFields(dict[type[Node], tuple[str, ...]]):
    def __missing__(self, kind: type[Node]) -> tuple[str, ...]:
        self[kind] = tuple(f.name for f in fields(kind) if f.name not in {"span", "info"} and f.type not in _PLAIN)
        return self[kind]


CHILD_FIELDS = _ChildFields()
"""The fields of nodes of a kind that can hold nodes: none for literals, which come by the hundred thousand."""


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and all nodes below it, including queries inside it, each before those below it."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        # The last first, since what is put down last is taken up first.
        for name in reversed(CHILD_FIELDS[type(node)]):
            child = getattr(node, name)
            if type(child) is tuple:
                pending += [element for element in child[::-1] if isinstance(element, Node)]
            elif isinstance(child, Node):
                pending.append(child)


ELEMENT = "e"
"""The source of the elements that arr_map goes through, which are of no table."""


def sources_of(resolved: Node) -> frozenset[str]:
    """Return the aliases of the tables whose columns a resolved value or condition reads."""
    return frozenset(node.source for node in walk(resolved) if isinstance(node, Field)) - {ELEMENT}
