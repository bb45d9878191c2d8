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
        return cls(tuple((name.upper(), value) for name, value in pairs))

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for each, value in self.pairs if each == name)

    def one(self, name: str) -> str | None:
        """Return the value of a single-valued parameter; None where it is missing or empty (DALI 1.1 §3.4).

        Equal repeats are one value: astroquery sends FORMAT twice. Raises: ParameterError for different ones.
        """
        found = self.all(name)
        if len(set(found)) > 1:
            raise ParameterError(
                f"The parameter {name} is given {len(found)} times with different values; it takes one"
            )
        return found[0] if found and found[0].strip() else None

    def required(self, name: str) -> str:
        """Raises: ParameterError where it is missing, empty or repeated."""
        found = self.one(name)
        if found is None:
            raise ParameterError(f"The parameter {name} is missing")
        return found

    def whole_number(self, name: str) -> int | None:
        """Raises: ParameterError for anything but a whole number from 0 up."""
        found = self.one(name)
        if found is None:
            return None
        if not (found.strip().isascii() and found.strip().isdigit()):
            raise ParameterError(f"{name} must be a whole number from 0 up, not {found.strip()[:40]!r}")
        return int(found.strip()[:19])
