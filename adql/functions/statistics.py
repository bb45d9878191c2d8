"""Statistics of the rows of a group, as an extension: deviations, quantiles, correlation.

NULLs do not count; samples of fewer than two rows have no deviation. Quantiles lie between neighbouring values
where needed (linear interpolation).
"""

from adql.constants import number_of
from adql.errors import ImpossibleValue
from adql.functions.function import Feature, Function, Infer, Kind, Parameter, gives, parameters, template
from adql.info import Info
from adql.nodes import Value
from adql.units import power
from schema import types


def _same_unit(arguments: tuple[Value, ...]) -> Info:
    return Info(types.DOUBLE, arguments[0].info.unit)


def _squared_unit(arguments: tuple[Value, ...]) -> Info:
    return Info(types.DOUBLE, power(arguments[0].info.unit, 2))


def _check_fraction(arguments: tuple[Value, ...]) -> None:
    fraction = number_of(arguments[1])
    if fraction is None or not 0 <= fraction <= 1:
        raise ImpossibleValue("PERCENTILE needs a number from 0 to 1", arguments[1].span, "Write PERCENTILE(x, 0.9).")


def _of_one(name: str, sql: str, infer: Infer, description: str, *, is_ordered: bool = False) -> Function:
    return Function(
        name,
        parameters("x"),
        "DOUBLE PRECISION",
        infer,
        template(sql),
        description,
        Feature.UDF,
        is_aggregate=True,
        is_ordered=is_ordered,
    )


STATISTICS = (
    _of_one("STDDEV", "stddev_samp({0})", _same_unit, "The standard deviation of a sample."),
    _of_one("STDDEV_SAMP", "stddev_samp({0})", _same_unit, "The standard deviation of a sample."),
    _of_one("STDDEV_POP", "stddev_pop({0})", _same_unit, "The standard deviation of all there is."),
    _of_one("VARIANCE", "var_samp({0})", _squared_unit, "The variance of a sample."),
    _of_one("VAR_SAMP", "var_samp({0})", _squared_unit, "The variance of a sample."),
    _of_one("VAR_POP", "var_pop({0})", _squared_unit, "The variance of all there is."),
    _of_one("MEDIAN", "percentile_cont(0.5) WITHIN GROUP (ORDER BY {0})", _same_unit, "The median.", is_ordered=True),
    Function(
        "PERCENTILE",
        (*parameters("x"), Parameter("fraction", Kind.NUMBER)),
        "DOUBLE PRECISION",
        _same_unit,
        template("percentile_cont({1}) WITHIN GROUP (ORDER BY {0})"),
        "The value below which a fraction (0 to 1, a number) of the rows lies; between two rows in proportion.",
        Feature.UDF,
        _check_fraction,
        is_aggregate=True,
        is_ordered=True,
    ),
    Function(
        "CORR",
        parameters("y x"),
        "DOUBLE PRECISION",
        gives(types.DOUBLE),
        template("corr({0}, {1})"),
        "The correlation coefficient of two columns.",
        Feature.UDF,
        is_aggregate=True,
    ),
)
