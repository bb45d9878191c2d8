"""All functions that a query can call. A new one is a new file here and a line in FUNCTIONS.

Nothing else may be called: names in a query are looked up here, and the SQL comes from here.
"""

from adql.called_elsewhere import CALLED_ELSEWHERE
from adql.errors import AdqlError, TypeMismatch, UnknownFunction, WrongArguments, nearest
from adql.functions.arrays import ARRAYS
from adql.functions.conditional import CONDITIONAL
from adql.functions.constructors import CONSTRUCTORS
from adql.functions.function import Feature, Function, Kind, accepts
from adql.functions.geometry import GEOMETRY
from adql.functions.in_unit import IN_UNIT
from adql.functions.ivo_epoch_prop_pos import IVO_EPOCH_PROP_POS
from adql.functions.ivo_geom_transform import IVO_GEOM_TRANSFORM
from adql.functions.ivo_healpix import IVO_HEALPIX
from adql.functions.ivo_histogram import IVO_HISTOGRAM
from adql.functions.ivo_interval_overlaps import IVO_INTERVAL_OVERLAPS
from adql.functions.ivo_normal_random import IVO_NORMAL_RANDOM
from adql.functions.ivo_sexagesimal import IVO_SEXAGESIMAL
from adql.functions.ivo_texts import IVO_TEXTS
from adql.functions.ivo_times import IVO_TIMES
from adql.functions.mocs import MOCS
from adql.functions.numbers import NUMBERS
from adql.functions.range_s2d import RANGE_S2D
from adql.functions.statistics import STATISTICS
from adql.functions.strings import STRINGS
from adql.functions.windows import WINDOWS
from adql.nodes import Call, Value

FUNCTIONS: tuple[Function, ...] = (
    *NUMBERS,
    *CONSTRUCTORS,
    *GEOMETRY,
    *STRINGS,
    *CONDITIONAL,
    IN_UNIT,
    *ARRAYS,
    *IVO_HEALPIX,
    IVO_EPOCH_PROP_POS,
    IVO_GEOM_TRANSFORM,
    *IVO_TIMES,
    *IVO_TEXTS,
    IVO_HISTOGRAM,
    IVO_NORMAL_RANDOM,
    IVO_INTERVAL_OVERLAPS,
    RANGE_S2D,
    *IVO_SEXAGESIMAL,
    *MOCS,
    *STATISTICS,
    *WINDOWS,
)

_NEAR = 0.76
"""How similar a name must be (0 to 1) to be suggested for another: MOC is not MOD."""
_BY_NAME: dict[str, list[Function]] = {}
for _function in FUNCTIONS:
    _BY_NAME.setdefault(_function.name.upper(), []).append(_function)


def overloads(name: str) -> list[Function]:
    return _BY_NAME.get(name.upper(), [])


def function_of(call: Call) -> Function:
    """Return the function that a call with resolved arguments means.

    Raises: UnknownName, or TypeMismatch where none of that name takes these arguments.
    """
    candidates = overloads(call.name)
    if not candidates:
        names = [function.name for function in FUNCTIONS]
        hint = (
            CALLED_ELSEWHERE.get(call.name.upper())
            or nearest(call.name, names, cutoff=_NEAR)
            or "The capabilities list the functions of this service."
        )
        raise UnknownFunction(f"There is no function {call.name.lower()}", call.span, hint)
    for function in candidates:
        if function.takes(len(call.arguments)) and not _misfits(function, call.arguments):
            return function
    raise _mismatch(candidates, call)


def _misfits(function: Function, arguments: tuple[Value, ...]) -> list[int]:
    return [index for index, value in enumerate(arguments) if not accepts(function.kind_of(index), value)]


def _mismatch(candidates: list[Function], call: Call) -> AdqlError:
    signatures = [
        function.signature.split(" ->")[0] for function in candidates if function.description or len(candidates) < 3
    ]
    forms = f"Write {signatures[0]}." if len(signatures) == 1 else "\n  ".join(["Write one of", *signatures])
    fitting = [function for function in candidates if function.takes(len(call.arguments))]
    if not fitting:
        return WrongArguments(f"{candidates[0].name} does not take {len(call.arguments)} arguments", call.span, forms)
    place = _misfits(fitting[0], call.arguments)[0]
    value = call.arguments[place]
    shown = value.type.title if value.type else "NULL"
    if value.type is not None and value.type.is_array:
        forms = _for_elements(fitting[0], place, len(call.arguments)) or forms
    return TypeMismatch(f"{candidates[0].name} does not take {shown} values here", value.span, forms)


def _for_elements(function: Function, place: int, count: int) -> str | None:
    """Return how a function that takes no array at that place of its `count` arguments is called for its elements, where it can be."""
    if of_elements := overloads(f"arr_{function.name}"):
        return f"{of_elements[0].name}(a) is that of the elements of an array."
    if not _is_of_numbers(function):
        return None
    arguments = ", ".join("x" if number == place else "…" for number in range(count))
    return f"arr_map({function.name}({arguments}), a) calls it for each element."


def _is_of_numbers(function: Function) -> bool:
    """Return whether it can be called for each element of an array."""
    kinds = {parameter.kind for parameter in function.parameters}
    return not function.is_aggregate and kinds <= {Kind.NUMBER, Kind.INTEGER}


__all__ = ["FUNCTIONS", "Feature", "Function", "function_of", "overloads"]
