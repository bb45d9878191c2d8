"""Functions of arrays, under the names of the IVOA's proposal for vectors in ADQL where that has them.

Elements that are NULL or NaN do not count, as rows do not in aggregates; what is made of a NULL array is NULL.
"""

from adql import array_sql
from adql.arrays import element, is_floating, is_matrix
from adql.constants import ELEMENT
from adql.errors import TypeMismatch
from adql.functions.conditional import common_type, common_unit
from adql.functions.function import Emit, Feature, Function, Infer, Kind, Parameter, template
from adql.info import Info, statistic_of
from adql.nodes import Value
from adql.units import combine
from schema import types
from schema.types import Type

_OF_ARRAY = "(SELECT {0} FROM (SELECT {1} AS a OFFSET 0) AS v WHERE v.a IS NOT NULL)"
"""SQL of what is made of an array v.a, which is computed once."""
_ARRAY, _NUMBERS = (Parameter("a", Kind.ARRAY),), (Parameter("a", Kind.NUMBERS),)


# ---- one value of all elements


def _counted(array: Value) -> str:
    """Return SQL of an element n, NULL where it does not count."""
    return array_sql.element(array, "n")


def _aggregate(sql: str) -> Emit:
    """Return an `emit` from SQL of an aggregate of elements {0}."""
    return lambda arrays, texts: (
        f"(SELECT {sql.format(_counted(arrays[0]))} FROM (SELECT unnest({texts[0]}) AS n) AS u)"
    )


def _of_elements(word: str | None, type_: Type | None = None) -> Infer:
    """Return an `infer` that keeps unit and UCD, with a word for the statistic; without a type that of the elements."""

    def infer(arguments: tuple[Value, ...]) -> Info:
        info = element(arguments[0].info)
        return Info(type_ or info.type, info.unit, statistic_of(info.ucd, word))

    return infer


def _sum(arguments: tuple[Value, ...]) -> Info:
    floating = is_floating(arguments[0])
    return Info(types.DOUBLE if floating else types.BIGINT, arguments[0].info.unit, arguments[0].info.ucd)


def _emit_sum(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    type_ = "double precision" if is_floating(arguments[0]) else "bigint"
    return _aggregate(f"sum(({{0}})::{type_})::{type_}")(arguments, sql)


def _statistic(name: str, sql: str, infer: Infer, description: str, returns: str = "DOUBLE PRECISION") -> Function:
    return Function(name, _NUMBERS, returns, infer, _aggregate(sql), description, Feature.UDF)


def _place(name: str, direction: str, description: str) -> Function:
    """Return a function for the index of an extreme element, the first of equal ones."""

    def emit(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
        elements = f"unnest({sql[0]}) WITH ORDINALITY AS u (n, i)"
        there = f"WHERE {_counted(arguments[0])} IS NOT NULL"
        return f"(SELECT i::integer FROM {elements} {there} ORDER BY n {direction}, i LIMIT 1)"

    infer: Infer = lambda _: Info(types.INTEGER, ucd="meta.number")  # noqa: E731
    return Function(name, _NUMBERS, "INTEGER", infer, emit, description, Feature.UDF)


def _dot(arguments: tuple[Value, ...]) -> Info:
    left, right = arguments
    return Info(types.DOUBLE, combine(left.info.unit, "*", right.info.unit))


_PRODUCTS = "(SELECT CASE WHEN bool_and(p IS NOT NULL) THEN sum(p) END FROM (SELECT unnest({0})::double precision * unnest({1}) AS p) AS u)"


# ---- lengths


def _count(_: tuple[Value, ...]) -> Info:
    return Info(types.INTEGER, ucd="meta.number")


def _emit_length(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    (array,), (text,) = arguments, sql
    if not is_matrix(array.info):
        return f"cardinality({text})"
    return f"(cardinality({text}) / {types.element_count(str(array.info.arraysize).rpartition('x')[0])})"


def _emit_count(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    count = _aggregate("count({0})::integer")(arguments, ("v.a",))
    return _OF_ARRAY.format(count, sql[0])


# ---- arrays made of other values


def _map(arguments: tuple[Value, ...]) -> Info:
    calculation, array = arguments
    type_ = types.array_of(calculation.type or types.DOUBLE)
    if type_ is None:
        raise _no_elements("arr_map makes", calculation)
    return Info(type_, calculation.info.unit, calculation.info.ucd, arraysize=array.info.arraysize)


def _no_elements(who: str, value: Value) -> TypeMismatch:
    shown = value.type.title if value.type else "NULL"
    return TypeMismatch(f"{who} arrays of numbers, not of {shown} values", value.span)


def _emit_map(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    type_ = types.element_type(_map(arguments).type or types.DOUBLES)
    source = f"(SELECT unnest({array_sql.elements(arguments[1], 'v.a')}) AS x) AS {ELEMENT}"
    made = f"ARRAY(SELECT ({sql[0]})::{type_.name} FROM {source})"
    return _OF_ARRAY.format(made, sql[1])


def _array(arguments: tuple[Value, ...]) -> Info:
    common = common_type(arguments) or types.DOUBLE
    type_ = types.array_of(common)
    if type_ is None:
        raise _no_elements("array makes", next(value for value in arguments if value.type is not None))
    return Info(type_, common_unit(arguments), arraysize=str(len(arguments)))


def _emit_array(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    type_ = _array(arguments).type or types.DOUBLES
    return f"ARRAY[{', '.join(sql)}]::{type_.name}"


def _gathered(arguments: tuple[Value, ...]) -> Info:
    info = arguments[0].info
    type_ = types.array_of(info.type or types.DOUBLE)
    if type_ is None:
        raise _no_elements("ARRAY_AGG makes", arguments[0])
    return Info(type_, info.unit, info.ucd, info.utype, info.description)


def _emit_gathered(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    (text,) = sql
    if arguments[0].type is None:
        # ORDER BY may follow.
        text = f"NULL::double precision{text.removeprefix('NULL')}"
    return f"array_agg({text})"


ARRAYS = (
    Function(
        "ARRAY_LENGTH",
        _ARRAY,
        "INTEGER",
        _count,
        _emit_length,
        "The number of elements; of a matrix that of its rows.",
        Feature.UDF,
    ),
    Function(
        "arr_count", _ARRAY, "INTEGER", _count, _emit_count, "How many elements are neither NULL nor NaN.", Feature.UDF
    ),
    Function("arr_sum", _NUMBERS, "DOUBLE PRECISION", _sum, _emit_sum, "The sum of the elements.", Feature.UDF),
    _statistic("arr_avg", "avg({0})::double precision", _of_elements("stat.mean", types.DOUBLE), "The mean element."),
    _statistic("arr_min", "min({0})", _of_elements("stat.min"), "The smallest element."),
    _statistic("arr_max", "max({0})", _of_elements("stat.max"), "The largest element."),
    _statistic(
        "arr_median",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY {0})",
        _of_elements("stat.median", types.DOUBLE),
        "The median of the elements.",
    ),
    _statistic(
        "arr_stddev",
        "stddev_samp({0})::double precision",
        _of_elements("stat.stdev", types.DOUBLE),
        "The standard deviation of the elements, as of a sample.",
    ),
    _place("arr_argmin", "", "The index of the smallest element, from 1."),
    _place("arr_argmax", "DESC", "The index of the largest element, from 1."),
    Function(
        "arr_dot",
        (Parameter("a", Kind.NUMBERS), Parameter("b", Kind.NUMBERS)),
        "DOUBLE PRECISION",
        _dot,
        template(_PRODUCTS),
        "The scalar product; NULL if the arrays are not of one length, or have a NULL. arr_sum(a * b) leaves these out.",
        Feature.UDF,
    ),
    Function(
        "arr_map",
        (Parameter("expression", Kind.ANY), *_ARRAY),
        "DOUBLE PRECISION[]",
        _map,
        _emit_map,
        "The array of what the expression gives for each element, which it calls x; a condition gives 1 or 0.",
        Feature.UDF,
    ),
    Function(
        "array",
        (Parameter("x", Kind.ANY),),
        "ANY[]",
        _array,
        _emit_array,
        "The array of these numbers.",
        Feature.UDF,
        variadic=True,
    ),
    Function(
        "ARRAY_AGG",
        (Parameter("x", Kind.ANY),),
        "ANY[]",
        _gathered,
        _emit_gathered,
        "The array of all values of the group, NULL among them; with ORDER BY behind x in that order.",
        Feature.UDF,
        is_aggregate=True,
        takes_order=True,
    ),
)
