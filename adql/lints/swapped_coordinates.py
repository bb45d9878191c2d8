"""A position whose longitude and latitude are swapped, or whose longitude is in hours."""

from collections.abc import Iterator, Sequence

from adql.lints.lint import Lint, written
from adql.nodes import Call, Field, Node, Value

_POSITIONS = {"POINT": 1, "CIRCLE": 1, "BOX": 1, "DISTANCE": 2}
_HOURS = {"h", "hourangle", "hour"}


def swapped_coordinates(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    for node in nodes:
        if isinstance(node, Call) and node.name in _POSITIONS:
            yield from _in_call(node, text)


def _in_call(call: Call, text: str) -> Iterator[Lint]:
    coordinates = call.coordinates
    for start in range(0, 2 * _POSITIONS[call.name], 2):
        pair = coordinates[start : start + 2]
        if len(pair) == 2 and all(value.type is not None and value.type.is_numeric for value in pair):
            yield from _in_pair(pair[0], pair[1], text)


def _in_pair(longitude: Value, latitude: Value, text: str) -> Iterator[Lint]:
    if _is(longitude, "pos.eq.dec") and _is(latitude, "pos.eq.ra"):
        span = longitude.span.to(latitude.span)
        first, second = (written(value.span, text) for value in (latitude, longitude))
        yield Lint("The right ascension comes before the declination", span, f"{first}, {second}")
    elif isinstance(longitude, Field) and (longitude.info.unit or "") in _HOURS:
        repair = f"15*{written(longitude.span, text)}"
        yield Lint(f"{longitude.label} is in hours; positions are in degrees", longitude.span, repair)


def _is(value: Value, ucd: str) -> bool:
    return isinstance(value, Field) and (value.info.ucd or "").lower().startswith(ucd)
