"""Arithmetic of units (VOUnits 1.0), for the columns of results and for IN_UNIT.

Units that are no VOUnits cannot be calculated with: their products have no unit.
"""

import warnings
from difflib import get_close_matches
from functools import lru_cache

from astropy import units

COMMON = (
    "deg arcmin arcsec mas uas rad hourangle h min s d yr a Myr Gyr m km cm mm um nm Angstrom AU pc kpc Mpc "
    "km/s m/s mas/yr arcsec/yr deg/yr mag Jy mJy W erg K keV eV Hz GHz MHz kg g solMass solLum solRad"
).split()


_ALIASES = {"uas": "uarcsec"}
"""Units as everybody writes them → as VOUnits does."""


def as_vounit(text: str) -> str:
    return _ALIASES.get(text, text)


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> units.UnitBase:
    """Return the unit that a text means. Raises: ValueError, with what is wrong and what to write instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            unit = units.Unit(as_vounit(text), format="vounit", parse_strict="raise")
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(_explain(text)) from error
    if not isinstance(unit, units.UnitBase):
        raise ValueError(_explain(text))
    return unit


def _explain(text: str) -> str:
    close = get_close_matches(text, COMMON, n=2, cutoff=0.5)
    advice = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"'{text}' is no unit of the VOUnits standard{advice}"


@lru_cache(maxsize=4096)
def combine(left: str | None, operator: str, right: str | None) -> str | None:
    """Return the unit of a product or quotient; None where it has none or we cannot tell."""
    if not left and not right:
        return None
    try:
        first, second = parse_unit(left or ""), parse_unit(right or "")
        result = first * second if operator == "*" else first / second
        return str(result.to_string("vounit")) or None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def power(unit: str | None, exponent: float) -> str | None:
    """Return the unit of a power; None where there is none or we cannot tell."""
    if not unit:
        return None
    try:
        return str((parse_unit(unit) ** exponent).to_string("vounit")) or None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def same_unit(left: str | None, right: str | None) -> bool:
    """Return whether two units are the same, however they are written."""
    if left == right or not left or not right:
        return (left or None) == (right or None)
    try:
        return bool(parse_unit(left) == parse_unit(right))
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def factor(from_unit: str, to_unit: str) -> float:
    """Return what to multiply a value in one unit by to have it in the other.

    Raises: ValueError for what is no unit, or for units of different quantities.
    """
    source, target = parse_unit(from_unit), parse_unit(to_unit)
    try:
        return float(source.to(target))
    except units.UnitConversionError as error:
        raise ValueError(f"'{from_unit}' cannot be converted into '{to_unit}'") from error
