"""MOCs: parts of the sky made of HEALPix cells, their unions, intersections and differences, and MOCs of many positions.

MOC, gavo_mocunion and gavo_mocintersect are called and behave as in DaCHS, which other services of the VO run.
"""

from adql.constants import number_of
from adql.errors import ImpossibleValue, Span, TypeMismatch
from adql.functions.function import Feature, Function, Kind, Parameter, gives, parameters, template
from adql.functions.geometry import check_no_range
from adql.literal_mocs import DEEPEST_OF_REGION, cells_touched, highest_order, literal_region, moc_of_text
from adql.moc_sql import moc_sql
from adql.nodes import String, Value
from schema import types
from schema.moc import DEEPEST, MocError

HIGHEST_OF_COLUMNS = 14
"""The order of MOC(order, region) where the region is another one in each row."""
HIGHEST_OF_AGGREGATE = 10
_MOST_ON_EDGE = 50_000
_FORMS = "Write MOC('4/30-33 5/136') or MOC(order, region)."
_GIVES = gives(types.MOC)
_ORDER = Parameter("order", Kind.INTEGER)


def _check_text(arguments: tuple[Value, ...]) -> None:
    text = arguments[0]
    if not isinstance(text, String):
        return
    try:
        moc_of_text(text.value)
    except MocError as error:
        start = text.span.start + 1
        span = Span(min(start + error.start, text.span.end - 1), min(start + error.end, text.span.end))
        hint = "A MOC is written as '4/30-33 5/136': an order, a slash, and cells of that order; '0/' is an empty one."
        raise ImpossibleValue(str(error), span, hint) from None


def _emit_text(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    text = arguments[0]
    return moc_sql(moc_of_text(text.value)) if isinstance(text, String) else f"({sql[0]})::smoc"


def _order_of(value: Value, highest: int, what: str) -> int:
    """Return a constant order. Raises: AdqlError."""
    order = number_of(value)
    if not isinstance(order, int) or not 0 <= order <= highest:
        raise ImpossibleValue(f"The order of {what} is a whole number from 0 to {highest}", value.span, _FORMS)
    return order


def _check_region(arguments: tuple[Value, ...]) -> None:
    check_no_range(arguments)
    region = arguments[1]
    if region.type is types.POINT:
        _order_of(arguments[0], DEEPEST, "a cell")
        return
    if region.type is types.MOC:
        raise TypeMismatch("This is a MOC already", region.span, _FORMS)
    known = literal_region(region)
    if known is None:
        _order_of(arguments[0], HIGHEST_OF_COLUMNS, "cells of regions that differ from row to row")
        return
    order = _order_of(arguments[0], DEEPEST_OF_REGION, "cells of a region")
    highest = highest_order(known, _MOST_ON_EDGE)
    if order > highest:
        message = f"This region has too many cells of order {order} along its edge"
        raise ImpossibleValue(message, arguments[0].span, f"Write MOC({highest}, ...), or a smaller region.")


def _emit_region(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    if arguments[1].type is types.POINT:
        return f"armillary.moc_of_point({sql[0]}, {sql[1]})"
    order, known = number_of(arguments[0]), literal_region(arguments[1])
    if known is None or not isinstance(order, int):
        return f"armillary.moc_of_region({sql[0]}, {sql[1]})"
    return moc_sql(cells_touched(known, order))


def _check_aggregate(arguments: tuple[Value, ...]) -> None:
    _order_of(arguments[0], HIGHEST_OF_AGGREGATE, "a MOC of many positions")


def _of_mocs(name: str, names: str, sql: str, description: str) -> Function:
    return Function(name, parameters(names, Kind.MOC), "MOC", _GIVES, template(sql), description, Feature.UDF)


MOCS = (
    Function(
        "MOC",
        (Parameter("text", Kind.LITERAL),),
        "MOC",
        _GIVES,
        _emit_text,
        "A part of the sky made of HEALPix cells (ICRS, NESTED): written as a text such as '4/30-33 5/136', or all cells of "
        "an order that a circle, box, polygon or point touches.",
        Feature.UDF,
        _check_text,
    ),
    Function(
        "MOC",
        (_ORDER, Parameter("region", Kind.GEOMETRY)),
        "MOC",
        _GIVES,
        _emit_region,
        "All HEALPix cells of an order that a circle, box, polygon or point touches.",
        Feature.UDF,
        _check_region,
    ),
    _of_mocs("gavo_mocunion", "moc1 moc2", "({0} | {1})", "The union of two MOCs."),
    _of_mocs("gavo_mocintersect", "moc1 moc2", "({0} & {1})", "The intersection of two MOCs."),
    _of_mocs(
        "moc_difference",
        "moc1 moc2",
        "armillary.moc_difference({0}, {1})",
        "What the first MOC has and the second has not.",
    ),
    _of_mocs("moc_complement", "moc", "armillary.moc_complement({0})", "The rest of the sky."),
    Function(
        "MOC_AGG",
        (_ORDER, Parameter("point", Kind.POINT)),
        "MOC",
        _GIVES,
        template(
            "armillary.moc_of_cells({0}, array_agg(DISTINCT armillary.healpix_nest({0}, {1})) FILTER (WHERE {1} IS NOT NULL))"
        ),
        f"The MOC of the cells of an order (0 to {HIGHEST_OF_AGGREGATE}) in which the positions of all rows are; or the "
        "union of the MOCs of all rows.",
        Feature.UDF,
        _check_aggregate,
        is_aggregate=True,
        is_ordered=True,
    ),
    Function(
        "MOC_AGG",
        (Parameter("moc", Kind.MOC),),
        "MOC",
        _GIVES,
        template("sum({0})"),
        "The union of the MOCs of all rows.",
        Feature.UDF,
        is_aggregate=True,
        is_ordered=True,
    ),
)
