"""ivo_interval_overlaps (IVOA UDF catalogue 1.2)."""

from adql.functions.function import Feature, Function, gives, parameters, template
from schema import types

IVO_INTERVAL_OVERLAPS = Function(
    "ivo_interval_overlaps",
    parameters("a1 b1 a2 b2"),
    "INTEGER",
    gives(types.INTEGER),
    template("({0} <= {1} AND {2} <= {3} AND {0} <= {3} AND {2} <= {1})::integer"),
    "1 if the intervals a1..b1 and a2..b2 have a number in common, else 0.",
    Feature.UDF,
)
