"""Mathematical and trigonometrical functions (ADQL 2.1 §2.3): double in, double out.

Where PostgreSQL's function of the same name means something else, the SQL says what ADQL means.
"""

from adql.constants import number_of
from adql.functions.function import Function, Infer, gives, parameters, template
from adql.info import Info
from adql.nodes import Value
from adql.units import power
from schema import types


def _same_quantity(arguments: tuple[Value, ...]) -> Info:
    first = arguments[0].info
    return Info(types.DOUBLE, first.unit, first.ucd, description=first.description)


def _remainder(arguments: tuple[Value, ...]) -> Info:
    left, right = arguments
    are_integers = left.type and right.type and left.type.is_integer and right.type.is_integer
    type_ = types.wider(left.type, right.type) if are_integers and left.type and right.type else types.DOUBLE
    return Info(type_, left.info.unit)


def _emit_remainder(arguments: tuple[Value, ...], sql: tuple[str, ...]) -> str:
    x, y = sql
    type_ = _remainder(arguments).type
    if type_ is not None and type_.is_integer:
        return f"mod({x}, {y})::{type_.name}"
    return f"({x} - {y} * trunc({x} / {y}))"


def _root(arguments: tuple[Value, ...]) -> Info:
    return Info(types.DOUBLE, power(arguments[0].info.unit, 0.5))


def _power(arguments: tuple[Value, ...]) -> Info:
    """Return what is known of a power; only a constant power of a quantity has a unit."""
    exponent = number_of(arguments[1])
    return Info(types.DOUBLE, None if exponent is None else power(arguments[0].info.unit, exponent))


def _one(name: str, sql: str, infer: Infer) -> Function:
    return Function(name, parameters("x"), "DOUBLE PRECISION", infer, template(sql))


_PLAIN, _ANGLE = gives(types.DOUBLE), gives(types.DOUBLE, "rad")

NUMBERS = (
    _one("ABS", "abs({0})", _same_quantity),
    _one("CEILING", "ceiling({0})", _same_quantity),
    _one("FLOOR", "floor({0})", _same_quantity),
    _one("DEGREES", "degrees({0})", gives(types.DOUBLE, "deg")),
    _one("RADIANS", "radians({0})", _ANGLE),
    _one("EXP", "exp({0})", _PLAIN),
    _one("LOG", "ln({0})", _PLAIN),
    _one("LOG10", "log({0})", _PLAIN),
    _one("SQRT", "sqrt({0})", _root),
    # numeric rounds a half away from zero, double precision to the even digit: one rule for both forms.
    # Through text, because the direct cast keeps 15 digits only.
    _one("ROUND", "round(({0})::text::numeric)::double precision", _same_quantity),
    _one("TRUNCATE", "trunc({0})", _same_quantity),
    *(_one(name, f"{name.lower()}({{0}})", _PLAIN) for name in ("COS", "SIN", "TAN", "COT")),
    *(_one(name, f"{name.lower()}({{0}})", _ANGLE) for name in ("ACOS", "ASIN", "ATAN")),
    Function(
        "ROUND",
        parameters("x n"),
        "DOUBLE PRECISION",
        _same_quantity,
        template("round(({0})::text::numeric, ({1})::integer)::double precision"),
    ),
    Function(
        "TRUNCATE",
        parameters("x n"),
        "DOUBLE PRECISION",
        _same_quantity,
        template("trunc(({0})::text::numeric, ({1})::integer)::double precision"),
    ),
    Function("ATAN2", parameters("y x"), "DOUBLE PRECISION", _ANGLE, template("atan2({0}, {1})")),
    Function("POWER", parameters("x y"), "DOUBLE PRECISION", _power, template("power({0}, {1})")),
    Function("MOD", parameters("x y"), "DOUBLE PRECISION", _remainder, _emit_remainder),
    Function("PI", (), "DOUBLE PRECISION", _PLAIN, template("pi()")),
    Function("RAND", (), "DOUBLE PRECISION", _PLAIN, template("random()"), is_volatile=True),
    Function("RAND", parameters("n"), "DOUBLE PRECISION", _PLAIN, template("random()"), is_volatile=True),
)
