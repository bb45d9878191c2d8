"""What a lint is: something legal that is seldom what was meant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from adql.errors import Span
from adql.nodes import Node


@dataclass(frozen=True, slots=True)
class Lint:
    """A remark on a place of a query; `repair` is what to write there instead, where that can be told.

    `code` is the name of its check, for programs. `when_cut`: it matters only if rows were left out of the result. `when_costly`: only if the query is dear.
    """

    message: str
    span: Span
    repair: str | None = None
    when_cut: bool = False
    when_costly: bool = False
    line: int = 0
    column: int = 0
    code: str = ""

    def __str__(self) -> str:
        repair = f" Write {self.repair} instead." if self.repair else ""
        return f"{self.message} (line {self.line}, column {self.column}).{repair}"


def written(span: Span, text: str) -> str:
    """Return what the query says in a span, on one line."""
    return " ".join(text[span.start : span.end].split())


class Check(Protocol):
    """Looks through the nodes of a resolved query, the query itself first, and at its text."""

    __name__: str

    def __call__(self, nodes: Sequence[Node], text: str, /) -> Iterator[Lint]: ...
