"""COALESCE (ADQL 2.1 §4.8) and, as an extension, NULLIF."""

from adql.errors import TypeMismatch
from adql.functions.function import Feature, Function, Kind, parameters, template
from adql.nodes import Info, Value
from schema.types import Type, wider


def common_type(values: tuple[Value, ...]) -> Type | None:
    """The one type for all of them.

    Raises: TypeMismatch where there is none.
    """
    common: Type | None = None
    for value in values:
        if value.type is None:
            continue
        joined = value.type if common is None else wider(common, value.type)
        if joined is None:
            shown = f"{common.adql if common else ''} and {value.type.adql}"
            raise TypeMismatch(f"Values of one type are needed here, not {shown}", value.span, "CAST one of them.")
        common = joined
    return common


def _first_of(arguments: tuple[Value, ...]) -> Info:
    first = arguments[0].info
    return Info(common_type(arguments), first.unit, first.ucd, description=first.description)


def _emit_coalesce(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    common = common_type(arguments)
    if common is None:
        return "NULL"
    return "COALESCE(" + ", ".join(f"({each})::{common.name}" for each in sql) + ")"


CONDITIONAL = (
    Function(
        "COALESCE",
        parameters("a", Kind.ANY),
        "ANY",
        _first_of,
        _emit_coalesce,
        "The first of the values that is not NULL.",
        Feature.CONDITIONAL,
        variadic=True,
    ),
    Function(
        "NULLIF",
        parameters("a b", Kind.ANY),
        "ANY",
        _first_of,
        template("NULLIF({0}, {1})"),
        "NULL if the two values are equal, else the first.",
    ),
)
