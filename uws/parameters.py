"""Parameters by DALI's rules (DALI 1.1 §3): names in any case, values as they are, unknown ones ignored."""

from collections.abc import Iterable
from dataclasses import dataclass


class ParameterError(Exception):
    """A parameter is missing, repeated or has an impossible value."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request sent, in its order; names in upper case."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Parameters":
        """Raises: ParameterError for a value that holds a NUL, which nothing can store; a query tells where it is."""
        parameters = cls(tuple((name.upper(), value) for name, value in pairs))
        if wrong := next((name for name, value in parameters.pairs if "\0" in value and name != "QUERY"), None):
            raise ParameterError(f"The parameter {wrong[:40]!r} holds a NUL character")
        return parameters

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.pairs if key == name)

    def first(self, name: str) -> str:
        """Return the first value, to show what a job was asked for, be it right or wrong; empty for none."""
        return next(iter(self.all(name)), "")

    def one(self, name: str) -> str | None:
        """Return the value of a single-valued parameter; None where it is missing or empty (DALI 1.1 §3.4).

        Equal repeats are one value: astroquery sends FORMAT twice. Raises: ParameterError for different ones.
        """
        values = self.all(name)
        if len(set(values)) > 1:
            raise ParameterError(
                f"The parameter {name} is given {len(values)} times with different values; it takes one"
            )
        return values[0] if values and values[0].strip() else None

    def required(self, name: str) -> str:
        """Return the value of a parameter. Raises: ParameterError where it is missing, empty or repeated."""
        value = self.one(name)
        if value is None:
            raise ParameterError(f"The parameter {name} is missing")
        return value

    def whole_number(self, name: str) -> int | None:
        """Return a number; None where it is missing.

        Raises: ParameterError for anything but a whole number from 0 up.
        """
        value = self.one(name)
        if value is None:
            return None
        if not (value.strip().isascii() and value.strip().isdigit()):
            raise ParameterError(f"{name} must be a whole number from 0 up, not {value.strip()[:40]!r}")
        return int(value.strip()[:19])
