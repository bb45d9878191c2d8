"""Geometries where values are compared: DISTINCT, UNION, EXCEPT, INTERSECT.

pgSphere has no equality that PostgreSQL could sort or hash by; so the numbers of a geometry are
compared, as an array, of a MOC its text, and outside of the comparison the geometry is made of them again.
"""

from dataclasses import replace

from adql.nodes import Output, QueryBody, Select, SetOperation
from schema import types
from schema.types import Type

_NUMBERS: dict[Type, str] = {
    types.POINT: "ARRAY[long({0}), lat({0})]",
    types.CIRCLE: "ARRAY[long(center({0})), lat(center({0})), radius({0})]",
    types.POLYGON: "armillary.vertices({0})",
    types.REGION: "armillary.vertices({0})",
    types.MOC: "{0}::text",
}
_GEOMETRY: dict[Type, str] = {
    types.POINT: "spoint({0}[1], {0}[2])",
    types.CIRCLE: "scircle(spoint({0}[1], {0}[2]), {0}[3])",
    types.POLYGON: "armillary.polygon({0})",
    types.REGION: "armillary.polygon({0})",
    types.MOC: "{0}::smoc",
}


def compares(body: QueryBody) -> bool:
    """Return whether a query compares whole rows with each other."""
    if isinstance(body, SetOperation):
        return any(not operator.endswith("ALL") for operator in body.operators)
    return isinstance(body, Select) and body.distinct


def has_geometry(outputs: tuple[Output, ...]) -> bool:
    return any(output.info.type in _NUMBERS for output in outputs)


def as_numbers(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """Return the output columns with arrays instead of geometries, and texts instead of MOCs."""
    return tuple(map(_as_numbers, outputs))


def _as_numbers(output: Output) -> Output:
    if output.info.type not in _NUMBERS:
        return output
    type_ = types.TEXT if output.info.type is types.MOC else types.DOUBLES
    return replace(output, info=replace(output.info, type=type_))


def numbers_of_geometry(sql: str, type_: Type) -> str:
    return _NUMBERS[type_].format(sql)


def as_geometries(sql: str, outputs: tuple[Output, ...]) -> str:
    """Return SQL for the rows of `sql`, which has arrays instead of geometries, with geometries again."""
    return f"SELECT {', '.join(map(_column, outputs))} FROM ({sql}) AS q"


def _column(output: Output) -> str:
    form = _GEOMETRY.get(output.info.type) if output.info.type else None
    return f"{form.format(output.sql_name)} AS {output.sql_name}" if form else output.sql_name
