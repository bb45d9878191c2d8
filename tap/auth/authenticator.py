"""What a way to authenticate is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class User:
    """`name` is None for somebody who did not say."""

    name: str | None


class Authenticator(Protocol):
    def identify(self, headers: Mapping[str, str]) -> User | None:
        """The user that a request's headers prove, None where they are not of this kind."""
        ...
