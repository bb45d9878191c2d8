"""Intervals of parameters (DALI 1.1 §3.3.6): a number, or two with a blank between, of which the ends may be infinite."""

import math
from dataclasses import dataclass

from tap.dal.number import number_of
from uws.parameters import ParameterError

_INFINITE = {"-inf": -math.inf, "+inf": math.inf, "inf": math.inf}


@dataclass(frozen=True, slots=True)
class Interval:
    """What lies between two numbers, both included."""

    least: float
    largest: float

    def meets(self, lower: str, upper: str) -> str:
        """Return the condition that it has a number in common with what two columns limit, both of them known."""
        below = f"{lower} <= {self.largest!r}" if math.isfinite(self.largest) else f"{lower} IS NOT NULL"
        above = f"{upper} >= {self.least!r}" if math.isfinite(self.least) else f"{upper} IS NOT NULL"
        return f"({below} AND {above})"

    def holds(self, column: str) -> str:
        """Return the condition that the value of a column lies in it."""
        return self.meets(column, column)


def read_interval(name: str, text: str) -> Interval:
    """Read an interval. Raises: ParameterError naming the parameter."""
    words = text.split()
    if len(words) not in {1, 2}:
        raise ParameterError(f"{name} is a number or two, as in {name}=300 600 or {name}=300 +Inf, not {text[:60]!r}")
    least, largest = (limit_of(name, word) for word in (words[0], words[-1]))
    if least > largest or (len(words) == 1 and math.isinf(least)):
        raise ParameterError(f"{name} goes from the smaller number to the larger one, not {text[:60]!r}")
    return Interval(least, largest)


def limit_of(name: str, word: str) -> float:
    """Return one end of an interval. Raises: ParameterError."""
    infinite = _INFINITE.get(word.lower())
    return number_of(name, word) if infinite is None else infinite
