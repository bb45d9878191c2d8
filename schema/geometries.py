"""How PostgreSQL makes geometries of arrays of degrees, and MOCs of texts, since COPY BINARY takes none; of those that are none, NULL."""

from schema import types
from schema.types import Type

_ON_THE_SKY = "abs({0}[1]) < 1e6 AND abs({0}[2]) <= 90"
MADE = {
    types.POINT: f"CASE WHEN {_ON_THE_SKY} THEN spoint(radians({{0}}[1]), radians({{0}}[2])) END",
    types.CIRCLE: f"CASE WHEN {_ON_THE_SKY} AND {{0}}[3] BETWEEN 0 AND 90"
    " THEN scircle(spoint(radians({0}[1]), radians({0}[2])), radians({0}[3])) END",
    types.POLYGON: "CASE WHEN array_length({0}, 1) >= 6 AND array_length({0}, 1) % 2 = 0 THEN armillary.polygon({0}) END",
    types.MOC: "{0}::smoc",
}
"""SQL for each type, {0} being the array, or the text of a MOC, which whoever read it has checked."""
COORDINATES = tuple(f"CASE WHEN {_ON_THE_SKY} THEN {{0}}[{number}] END" for number in (1, 2))
"""SQL for the two coordinates of a point, {0} being the array."""
_BY_XTYPE = {type_.xtype: type_ for type_ in MADE}


def geometry_of(type_: Type, xtype: str | None) -> Type:
    """Return what values of a file's column are, by its xtype: geometries, or what their own type says."""
    geometry = _BY_XTYPE.get(xtype, type_)
    fits = type_.is_text if geometry is types.MOC else type_.is_array
    return geometry if fits else type_


def stored_as(type_: Type) -> Type:
    """Return the type in which a value reaches COPY."""
    if type_ is types.MOC:
        return types.TEXT
    return types.DOUBLES if type_.is_geometry else type_
