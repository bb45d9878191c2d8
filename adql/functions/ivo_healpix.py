"""ivo_healpix_index and ivo_healpix_center (IVOA UDF catalogue 1.2): NESTED numbering."""

from adql.functions.function import Feature, Function, Kind, Parameter, gives, parameters, template
from schema import types

_ORDER = Parameter("hpxOrder", Kind.INTEGER)
_INDEX = gives(types.BIGINT, ucd="pos.healpix")
_INDEX_OF_POINT = "armillary.healpix_nest(({0})::integer, {1})"
_INDEX_OF_PAIR = "armillary.healpix_nest(({0})::integer, spoint(radians({1}), radians({2})))"
_DESCRIPTION = "The index of the HEALPix cell of order hpxOrder (0 to 29) that a position is in, NESTED scheme."

IVO_HEALPIX = (
    Function(
        "ivo_healpix_index",
        (_ORDER, *parameters("lon lat")),
        "BIGINT",
        _INDEX,
        template(_INDEX_OF_PAIR),
        _DESCRIPTION,
        Feature.UDF,
    ),
    Function(
        "ivo_healpix_index",
        (_ORDER, Parameter("point", Kind.POINT)),
        "BIGINT",
        _INDEX,
        template(_INDEX_OF_POINT),
        _DESCRIPTION,
        Feature.UDF,
    ),
    Function(
        "ivo_healpix_center",
        (_ORDER, Parameter("hpxIndex", Kind.INTEGER)),
        "POINT",
        gives(types.POINT, ucd="pos.eq"),
        template("center_of_healpix_nest(({0})::integer, {1})"),
        "The centre of the HEALPix cell of order hpxOrder with this index, NESTED scheme.",
        Feature.UDF,
    ),
)
