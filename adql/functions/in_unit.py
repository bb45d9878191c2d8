"""IN_UNIT (ADQL 2.1 §4.9): a value in another unit."""

from adql.constants import text_of
from adql.errors import ImpossibleValue, TypeMismatch
from adql.functions.function import Feature, Function, Kind, Parameter
from adql.info import Info
from adql.nodes import Value
from adql.units import as_vounit, factor
from schema import types


def factor_of(arguments: tuple[Value, ...]) -> float:
    """Return what IN_UNIT multiplies its value by. Raises: AdqlError."""
    value, target = arguments
    if not value.info.unit:
        raise TypeMismatch(
            "The unit of this expression is not known, so it cannot be converted",
            value.span,
            "IN_UNIT works on columns that have a unit, and what is calculated from them.",
        )
    try:
        return factor(value.info.unit, text_of(target) or "")
    except ValueError as error:
        raise ImpossibleValue(str(error)[0].upper() + str(error)[1:], target.span) from error


def _infer(arguments: tuple[Value, ...]) -> Info:
    value, target = arguments
    return Info(types.DOUBLE, as_vounit(text_of(target) or ""), value.info.ucd, description=value.info.description)


def _emit(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    return f"({sql[0]} * {factor_of(arguments)!r}::double precision)"


def _check(arguments: tuple[Value, ...]) -> None:
    factor_of(arguments)


IN_UNIT = Function(
    "IN_UNIT",
    (Parameter("x", Kind.NUMBER), Parameter("unit", Kind.LITERAL)),
    "DOUBLE PRECISION",
    _infer,
    _emit,
    "The value converted into another unit.",
    Feature.UNIT,
    _check,
)
