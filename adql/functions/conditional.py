"""COALESCE (ADQL 2.1 §4.8) and, as extensions, NULLIF, GREATEST and LEAST."""

from dataclasses import replace

from adql.arrays import unlike_shapes
from adql.constants import number_of
from adql.errors import TypeMismatch
from adql.functions.function import Emit, Feature, Function, Kind, parameters, template
from adql.info import Info
from adql.nodes import Value
from adql.units import same_unit
from schema.types import Type, wider


def common_type(values: tuple[Value, ...]) -> Type | None:
    """Return the one type for all values, None if all are NULL.

    Raises: TypeMismatch where there is none.
    """
    common: Type | None = None
    for value in values:
        if value.type is None:
            continue
        wider_type = value.type if common is None else wider(common, value.type)
        if wider_type is None:
            shown = f"{common.title if common else ''} and {value.type.title}"
            raise TypeMismatch(f"Values of one type are needed here, not {shown}", value.span, "CAST one of them.")
        common = wider_type
    return common


def common_unit(values: tuple[Value, ...]) -> str | None:
    """Return the unit that all values have; constants have whatever the others have."""
    units = [info.unit for info in _quantities(values)]
    first = units[0] if units else None
    return first if all(same_unit(first, unit) for unit in units) else None


def common_ucd(values: tuple[Value, ...]) -> str | None:
    """Return the UCD that all values have; constants have whatever the others have."""
    ucds = {info.ucd for info in _quantities(values)}
    return ucds.pop() if len(ucds) == 1 else None


def _quantities(values: tuple[Value, ...]) -> list[Info]:
    """Return what is known of all values except NULL and constants."""
    return [value.info for value in values if number_of(value) is None and value.type is not None]


def common_arraysize(values: tuple[Value, ...]) -> str | None:
    """Return the shape of the arrays among values; None where they differ, or are none. Raises: TypeMismatch for a matrix beside another shape."""
    arrays = [value for value in values if value.type is not None and value.type.is_array]
    if shapes := unlike_shapes(array.info for array in arrays):
        raise TypeMismatch(f"Arrays of one shape are needed here, not {shapes}", arrays[-1].span)
    sizes = {array.info.arraysize for array in arrays}
    return sizes.pop() if len(sizes) == 1 else None


def _first_of(arguments: tuple[Value, ...]) -> Info:
    first, size = arguments[0].info, common_arraysize(arguments)
    return Info(
        common_type(arguments),
        common_unit(arguments),
        common_ucd(arguments),
        description=first.description,
        arraysize=size,
    )


def _nullable(arguments: tuple[Value, ...]) -> Info:
    return replace(_first_of(arguments), arraysize=arguments[0].info.arraysize)


def _one_of(arguments: tuple[Value, ...]) -> Info:
    return Info(common_type(arguments), common_unit(arguments))


def _emit(name: str) -> Emit:
    """Return an `emit` whose SQL gives all arguments one type."""

    def emit(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
        common = common_type(arguments)
        if common is None:
            return "NULL"
        return f"{name}(" + ", ".join(f"({argument})::{common.name}" for argument in sql) + ")"

    return emit


def _check_order(arguments: tuple[Value, ...]) -> None:
    for value in arguments:
        if value.type is not None and (not value.type.has_equality or value.type.is_array):
            raise TypeMismatch(f"{value.type.title} values have no order", value.span)


def _extreme(name: str, extreme: str) -> Function:
    return Function(
        name,
        parameters("a b", Kind.ANY),
        "ANY",
        _one_of,
        _emit(name),
        f"The {extreme} of the values; NULLs do not count.",
        Feature.UDF,
        _check_order,
        variadic=True,
    )


CONDITIONAL = (
    Function(
        "COALESCE",
        parameters("a", Kind.ANY),
        "ANY",
        _first_of,
        _emit("COALESCE"),
        "The first of the values that is not NULL.",
        Feature.CONDITIONAL,
        variadic=True,
    ),
    Function(
        "NULLIF",
        parameters("a b", Kind.ANY),
        "ANY",
        _nullable,
        template("NULLIF({0}, {1})"),
        "NULL if the two values are equal, else the first.",
    ),
    _extreme("GREATEST", "largest"),
    _extreme("LEAST", "smallest"),
)
