"""What an output format is: a name, media types, and how the parts of a result become bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from adql.nodes import Output
from schema.model import Origin
from tap.engine.rows import Block
from tap.engine.wire import Wire


@dataclass(frozen=True, slots=True)
class Header:
    """What a result says before its rows."""

    outputs: tuple[Output, ...]
    query: str
    origins: tuple[Origin, ...] = ()
    service: dict[str, str] = field(default_factory=dict)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


class Writer(Protocol):
    """Writes one result; each part is called once, but `rows` for every block."""

    def header(self) -> bytes: ...

    def rows(self, block: Block) -> bytes: ...

    def footer(self, *, overflow: bool, error: str | None = None) -> bytes:
        """The end of the result. Only formats that `can_tell_errors` are asked to write one with `error`."""
        ...


class Format(Protocol):
    """`media_types[0]` is its own; what is asked for by another of them is answered with that one."""

    @property
    def name(self) -> str: ...
    @property
    def media_types(self) -> tuple[str, ...]: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def ivo_id(self) -> str | None: ...
    @property
    def extension(self) -> str: ...
    @property
    def wire(self) -> Wire: ...
    @property
    def can_tell_errors(self) -> bool: ...

    def writer(self, header: Header) -> Writer: ...


def unique_names(outputs: tuple[Output, ...]) -> Iterator[str]:
    """Names of columns, repeated ones numbered: ra, ra_2."""
    taken = {output.name.lower() for output in outputs}
    seen: set[str] = set()
    for output in outputs:
        name, number = output.name, 1
        while name.lower() in seen or (number > 1 and name.lower() in taken):
            number += 1
            name = f"{output.name}_{number}"
        seen.add(name.lower())
        yield name
