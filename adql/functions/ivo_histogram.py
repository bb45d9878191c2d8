"""ivo_histogram (IVOA UDF catalogue 1.2): how many values fall into each of equal bins."""

from adql.functions.function import Feature, Function, Kind, Parameter, gives, parameters, template
from schema import types

IVO_HISTOGRAM = Function(
    "ivo_histogram",
    (*parameters("val lower upper"), Parameter("nbins", Kind.INTEGER)),
    "INTEGER",
    gives(types.INTS, ucd="meta.number"),
    template("armillary.histogram({0}, {1}, {2}, ({3})::integer)"),
    "An array of nbins+2 counts: underflows (NULL among them), nbins equal bins (at most 100,000) from lower to upper, overflows.",
    Feature.UDF,
    is_aggregate=True,
)
