"""ivo_hms_to_degrees and ivo_dms_to_degrees (IVOA UDF catalogue 1.2)."""

from adql.functions.function import Feature, Function, Kind, gives, parameters, template
from schema import types


def _reader(letter: str, ucd: str, units: str) -> Function:
    name = f"ivo_{letter}ms_to_degrees"
    return Function(
        name,
        parameters(f"{letter}ms", Kind.TEXT),
        "DOUBLE PRECISION",
        gives(types.DOUBLE, "deg", ucd),
        template(f"armillary.{letter}ms_to_degrees({{0}})"),
        f"{units}, written '{letter}:m:s', '{letter * 2}mmss' or '{letter}{letter.upper()}mMsS', in degrees; NULL for other texts.",
        Feature.UDF,
    )


IVO_SEXAGESIMAL = (
    _reader("h", "pos.eq.ra", "Hours, minutes and seconds"),
    _reader("d", "pos.eq.dec", "Degrees, minutes and seconds"),
)
