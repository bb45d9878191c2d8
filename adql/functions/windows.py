"""Functions that stand before OVER only, as an extension: places in an order, and values of rows nearby."""

from adql.constants import number_of
from adql.errors import WrongArguments
from adql.functions.function import Feature, Function, Infer, Kind, Parameter, gives, template
from adql.info import Info
from adql.nodes import Value
from schema import types

_PLACE: Infer = gives(types.BIGINT, ucd="meta.number")
_SHARE: Infer = gives(types.DOUBLE)


def _same_value(arguments: tuple[Value, ...]) -> Info:
    return arguments[0].info


def _check_rows(arguments: tuple[Value, ...]) -> None:
    rows = number_of(arguments[-1])
    if not isinstance(rows, int) or rows < 0:
        message = "The number of rows must be a whole number from 0 up"
        raise WrongArguments(message, arguments[-1].span, "LAG(x, 1) is the row before, LEAD(x, 1) the row after.")


def _place(name: str, description: str, infer: Infer = _PLACE) -> Function:
    returns = "BIGINT" if infer is _PLACE else "DOUBLE PRECISION"
    sql = f"{name.lower()}()"
    return Function(name, (), returns, infer, template(sql), description, Feature.UDF, is_window=True)


def _nearby(name: str, description: str) -> tuple[Function, Function]:
    value, rows = Parameter("x", Kind.ANY), Parameter("rows", Kind.INTEGER)
    sql = name.lower()
    return (
        Function(name, (value,), "ANY", _same_value, template(f"{sql}({{0}})"), "", Feature.UDF, is_window=True),
        Function(
            name,
            (value, rows),
            "ANY",
            _same_value,
            template(f"{sql}({{0}}, ({{1}})::integer)"),
            description,
            Feature.UDF,
            _check_rows,
            is_window=True,
        ),
    )


def _at_an_end(name: str, description: str) -> Function:
    sql = template(f"{name.lower()}({{0}})")
    value = (Parameter("x", Kind.ANY),)
    return Function(name, value, "ANY", _same_value, sql, description, Feature.UDF, is_window=True)


WINDOWS = (
    _place("ROW_NUMBER", "The number of the row in its window, from 1: ROW_NUMBER() OVER (ORDER BY x)."),
    _place("RANK", "The rank of the row in its window; equal rows have one, and the next after them are missing."),
    _place("DENSE_RANK", "The rank of the row in its window, without gaps."),
    _place("PERCENT_RANK", "The rank of the row in its window, from 0 to 1.", _SHARE),
    _place("CUME_DIST", "The fraction of the rows of the window up to this one.", _SHARE),
    *_nearby("LAG", "The value of the row so many rows before this one in its window."),
    *_nearby("LEAD", "The value of the row so many rows after this one in its window."),
    _at_an_end("FIRST_VALUE", "The value of the first row of the window."),
)
