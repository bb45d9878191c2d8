"""Whether units and UCDs are what the standards say: VOUnits 1.0, UCD1+ 1.5 with its list of words."""

import re
import warnings
from difflib import get_close_matches
from functools import lru_cache

from astropy import units
from astropy.io.votable import ucd as votable_ucd

from schema.model import Column


def problems(column: Column) -> list[str]:
    """Return what is wrong with a column's unit and UCD, each with a suggestion where there is one."""
    messages = [unit_problem(column.unit) if column.unit else None, ucd_problem(column.ucd) if column.ucd else None]
    return [f"column {column.column_name}: {message}" for message in messages if message]


_OTHER_WAYS = re.compile(r"\s|[A-Za-z%][+-]?\d")
"""Blanks between units and exponents without ** are the ways of other standards; astropy takes them all the same."""
_FUNCTION = re.compile(r"(?:log|ln|exp|sqrt)\((.+)\)")


def unit_problem(unit: str) -> str | None:
    """Return what is wrong with a unit, or None.

    Functions of units are VOUnits too (VOUnits 1.0 §2.8), which astropy does not know.
    """
    if function := _FUNCTION.fullmatch(unit):
        return unit_problem(function[1])
    if _OTHER_WAYS.search(unit):
        return f"{unit!r} is no VOUnit"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            units.Unit(unit, format="vounit", parse_strict="raise")
        except (ValueError, TypeError) as error:
            return f"{unit!r} is no VOUnit{_suggestion(str(error))}"
    deprecated = [str(warning.message) for warning in caught if "deprecated" in str(warning.message)]
    return f"{unit!r}: {deprecated[0]}" if deprecated else None


def _suggestion(message: str) -> str:
    return f"; did{message.rsplit('Did', maxsplit=1)[-1]}" if "Did you mean" in message else ""


def ucd_problem(ucd: str) -> str | None:
    try:
        votable_ucd.parse_ucd(ucd, check_controlled_vocabulary=True, has_colon=True)
    except ValueError as error:
        unknown = str(error).rsplit("'", 2)
        word = unknown[1] if len(unknown) == 3 else ucd
        close = get_close_matches(word, _words(), n=1)
        return f"{ucd!r} is no UCD1+: {error}" + (f"; did you mean {close[0]}?" if close else "")
    return None


def _words() -> list[str]:
    vocabulary = votable_ucd.UCDWords()
    return [vocabulary.normalize_capitalization(w) for w in sorted(vocabulary._primary | vocabulary._secondary)]  # noqa: SLF001


@lru_cache(maxsize=4096)
def as_vounit(unit: str) -> str:
    """Return a unit as VOUnits writes it, if it is one in another standard's way (`mas yr-1`); else as it is."""
    if unit_problem(unit) is None:
        return unit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for style in ("cds", "generic"):
            try:
                vounit = units.Unit(unit, format=style, parse_strict="raise").to_string("vounit")
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
            if vounit and unit_problem(str(vounit)) is None:
                return str(vounit)
    return unit
