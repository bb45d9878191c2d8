"""RANGE_S2D, which CADC's services have too: a range of coordinates as a region (DALI 1.2 §3.3.9)."""

from adql.constants import numbers_of
from adql.errors import ImpossibleValue
from adql.functions.function import Feature, Function, parameters, template
from adql.info import Info
from adql.nodes import Value
from schema import types

_INFO = Info(types.RANGE, "deg", arraysize=types.RANGE.arraysize, xtype=types.RANGE.xtype)


def _check(arguments: tuple[Value, ...]) -> None:
    numbers = numbers_of(arguments)
    if numbers is None:
        return
    lon1, lon2, lat1, lat2 = numbers
    if not (-90 <= lat1 <= lat2 <= 90 and lon1 <= lon2 <= lon1 + 360 and abs(lon1) <= 360):
        raise ImpossibleValue(
            "This is no range of coordinates",
            arguments[0].span.to(arguments[-1].span),
            "The order is lon1, lon2, lat1, lat2, the smaller one first: RANGE_S2D(350, 370, -5, 5) goes across longitude 0.",
        )


RANGE_S2D = Function(
    "RANGE_S2D",
    parameters("lon1 lon2 lat1 lat2"),
    types.RANGE.adql,
    lambda _: _INFO,
    template("armillary.range({0}, {1}, {2}, {3})"),
    "What lies between two longitudes and two latitudes in degrees, for CONTAINS and INTERSECTS.",
    Feature.UDF,
    _check,
)
