"""What was measured, and how it is told: markdown, and JSON with every single time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure should be at most, or at least."""

    limit: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    def is_met(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit


@dataclass(frozen=True, slots=True)
class Measured:
    """One line: figures under the titles of their columns, the bars of some of them, and each round's times."""

    part: str
    what: str
    figures: Mapping[str, float]
    bars: Mapping[str, Bar] = field(default_factory=dict)
    rounds: Sequence[float] = ()

    @property
    def missed(self) -> list[str]:
        return [name for name, bar in self.bars.items() if not bar.is_met(self.figures[name])]


def ratio(times: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return median(t / b for t, b in zip(times, baseline, strict=True))


def markdown(found: Sequence[Measured], notes: Mapping[str, str]) -> str:
    """`notes` by the first word of a part's title."""
    parts = [(part, rows, notes.get(part.partition(":")[0], "")) for part, rows in by_part(found)]
    return "\n".join(line for each in parts for line in _section(*each))


def by_part(found: Sequence[Measured]) -> list[tuple[str, list[Measured]]]:
    return [(part, list(rows)) for part, rows in groupby(found, lambda each: each.part)]


def _section(part: str, rows: list[Measured], note: str) -> Iterator[str]:
    columns = list(dict.fromkeys(name for row in rows for name in row.figures))
    yield from ["", *([note, ""] if note else [])]
    yield f"| {part} | {' | '.join(columns)} |"
    yield f"|{' --- |' * (len(columns) + 1)}"
    for row in rows:
        yield f"| {row.what} | {' | '.join(_cell(row, name) for name in columns)} |"


def _cell(row: Measured, name: str) -> str:
    if name not in row.figures:
        return ""
    shown, bar = number(row.figures[name]), row.bars.get(name)
    if bar is None:
        return shown
    return f"{shown} ({bar})" if bar.is_met(row.figures[name]) else f"**{shown} ({bar}) missed**"


def number(value: float) -> str:
    if float(value).is_integer():
        return f"{value:,.0f}"
    digits = sum(abs(value) < limit for limit in (100, 20, 2))
    return f"{value:,.{digits}f}"


def as_json(found: Sequence[Measured], about: Mapping[str, Any]) -> dict[str, Any]:
    lines = [
        {
            "part": each.part,
            "what": each.what,
            **each.figures,
            "bars": {name: str(bar) for name, bar in each.bars.items()},
            "missed": each.missed,
            "rounds": list(each.rounds),
        }
        for each in found
    ]
    return {**about, "results": lines}
