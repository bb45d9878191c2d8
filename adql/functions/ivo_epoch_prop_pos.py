"""ivo_epoch_prop_pos (IVOA UDF catalogue 1.2): where a star is at another epoch."""

from adql.functions.function import Feature, Function, gives, parameters, template
from schema import types

IVO_EPOCH_PROP_POS = Function(
    "ivo_epoch_prop_pos",
    parameters("ra dec parallax pmra pmdec radialvelocity refepoch outepoch"),
    "POINT",
    gives(types.POINT, ucd="pos.eq"),
    template("armillary.epoch_prop_pos({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7})"),
    "The position at outepoch of a star with these six parameters at refepoch: degrees, mas, mas/yr "
    "(pmra with the factor cos(dec)), km/s, Julian years. Straight motion in space; NULL motions and "
    "velocities count as 0, a NULL parallax as infinitely far.",
    Feature.UDF,
)
