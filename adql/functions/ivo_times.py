"""ivo_to_jd and ivo_to_mjd (IVOA UDF catalogue 1.2): naive, no time scales."""

from adql.functions.function import Feature, Function, Kind, gives, parameters, template
from schema import types


def _date(name: str, offset: float, date: str) -> Function:
    sql = f"(extract(epoch FROM {{0}})::double precision / 86400 + {offset!r}::double precision)"
    return Function(
        name,
        parameters("d", Kind.TIMESTAMP),
        "DOUBLE PRECISION",
        gives(types.DOUBLE, "d", "time.epoch"),
        template(sql),
        f"A timestamp as {date}; nothing is corrected for time zones or scales.",
        Feature.UDF,
    )


IVO_TIMES = (
    _date("ivo_to_jd", 2440587.5, "Julian Date"),
    _date("ivo_to_mjd", 40587.0, "Modified Julian Date"),
)
