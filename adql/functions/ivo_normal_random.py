"""ivo_normal_random (IVOA UDF catalogue 1.2): by Box and Muller, so exact in the tails too."""

from adql.functions.function import Feature, Function, gives, parameters, template
from schema import types

IVO_NORMAL_RANDOM = Function(
    "ivo_normal_random",
    parameters("mu sigma"),
    "DOUBLE PRECISION",
    gives(types.DOUBLE),
    template("({0} + {1} * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))"),
    "A random number of the normal distribution with mean mu and standard deviation sigma.",
    Feature.UDF,
    is_volatile=True,
)
