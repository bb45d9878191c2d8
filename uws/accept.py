"""Which kind of document a client asks for (RFC 9110 §12.5.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

JSON = "application/json"
XML = ("text/xml", "application/xml")
_ANY = ("*/*", "text/*", "application/*")
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True, slots=True)
class Accept:
    """The media types that a request names, without their parameters, each with its weight."""

    weights: Mapping[str, float]

    @classmethod
    def of(cls, scope: Scope) -> "Accept":
        weights: dict[str, float] = {}
        header = ",".join(Headers(scope=scope).getlist("accept"))
        for item in "".join(header.lower().split()).split(","):
            media_type, *parameters = item.split(";")
            weight = next((float(match[1]) for text in parameters if (match := _WEIGHT.fullmatch(text))), 1.0)
            weights[media_type] = max(weight, weights.get(media_type, 0.0))
        return cls(weights)

    def prefers(self, media_type: str, *usual: str) -> bool:
        """Return whether a type is asked for by its name, no less than others by theirs, and before the usual ones."""
        weight = self.weights.get(media_type, 0.0)
        return weight > self._most(usual) and weight >= self._most(_ANY)

    def _most(self, media_types: tuple[str, ...]) -> float:
        return max(self.weights.get(media_type, 0.0) for media_type in media_types)


def wants_json(scope: Scope) -> bool:
    """Return whether a client asks for JSON where XML or a VOTable is the rule."""
    return Accept.of(scope).prefers(JSON, *XML, "application/x-votable+xml")
