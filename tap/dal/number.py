"""Numbers of parameters, and how ADQL writes them."""

import math
import re

from uws.parameters import ParameterError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST = 40


def number_of(name: str, text: str) -> float:
    """Return a finite number. Raises: ParameterError naming the parameter."""
    number = float(text) if _NUMBER.fullmatch(text.strip()) else math.nan
    if not math.isfinite(number):
        raise ParameterError(f"{name} must be a number, not {text.strip()[:_LONGEST]!r}")
    return number


def number_within(name: str, text: str, least: float, largest: float) -> float:
    """Return a number of degrees between two, both included. Raises: ParameterError naming the parameter."""
    number = number_of(name, text)
    if not least <= number <= largest:
        raise ParameterError(f"{name} must be between {least:g} and {largest:g} degrees, not {number:g}")
    return number
