"""How the values of a column are distributed: as one server measures it, put together of several, and as it is told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from schema.model import Column

Extreme = Any
"""A number, or a text; None where there is no value."""

_FREQUENT, _LEAST_SHARE = 10, 0.001
"""So many frequent values at most, each in so large a part of the rows at least: rarer ones are chance."""
_SHARES = (0.03, 0.5, 0.97)


@dataclass(frozen=True, slots=True)
class ColumnMeasure:
    """What one server knows of a column.

    Exact are `rows`, `nulls`, `least` and `largest`. Of PostgreSQL's sample are `distinct` (a negative number times the
    rows, as in pg_stats; 0: unknown), `shares` of all rows by frequent value, as text, and `bounds`, which divide the
    other numbers into parts of equal size.
    """

    column: Column
    rows: int
    nulls: int
    least: Extreme = None
    largest: Extreme = None
    distinct: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()

    @property
    def distinct_values(self) -> float:
        return self.distinct if self.distinct >= 0 else -self.distinct * self.rows


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What is told of a column, fields named as the columns of tap_schema.column_statistics.

    `frequent_values` are pairs of a value as text and its share of all rows.
    """

    column_name: str
    nulls: int
    distinct_values: int | None = None
    least: str | None = None
    largest: str | None = None
    min_value: float | None = None
    percentile03: float | None = None
    median: float | None = None
    percentile97: float | None = None
    max_value: float | None = None
    frequent_values: tuple[tuple[str, float], ...] = ()


def statistics_of_parts(parts: Sequence[ColumnMeasure]) -> ColumnStatistics:
    """Return the statistics of a column that was measured on one server or several."""
    column, nulls = parts[0].column, sum(part.nulls for part in parts)
    extremes = [value for part in parts for value in (part.least, part.largest) if value is not None]
    least: Extreme = min(extremes, default=None)
    largest: Extreme = max(extremes, default=None)
    is_number = bool(extremes) and column.type.is_numeric
    percentile03, median, percentile97 = _percentiles(parts) if is_number else (None, None, None)
    return ColumnStatistics(
        column.column_name,
        nulls,
        _distinct(parts, sum(part.rows for part in parts) - nulls),
        str(least) if extremes else None,
        str(largest) if extremes else None,
        float(least) if is_number else None,
        percentile03,
        median,
        percentile97,
        float(largest) if is_number else None,
        _frequent(parts),
    )


def _distinct(parts: Sequence[ColumnMeasure], not_null: int) -> int | None:
    """Return how many values there are: values that grow in number with the rows are taken to differ between servers."""
    if not not_null:
        return 0
    numbers = [part.distinct_values for part in parts if part.nulls < part.rows]
    if not all(numbers):
        return None
    grows = any(part.distinct < 0 for part in parts)
    return max(1, min(round(sum(numbers) if grows else max(numbers)), not_null))


def _percentiles(parts: Sequence[ColumnMeasure]) -> tuple[float | None, float | None, float | None]:
    """Return the values below which 3, 50 and 97 % of the numbers are; None where there is no sample."""
    weighted = sorted(chain.from_iterable(_weighted(part) for part in parts))
    if not weighted:
        return None, None, None
    values, weights = (np.array(numbers) for numbers in zip(*weighted, strict=True))
    below = np.cumsum(weights)
    places = np.searchsorted(below, np.array(_SHARES) * below[-1])
    low, median, high = values[np.minimum(places, len(values) - 1)].tolist()
    return low, median, high


def _weighted(part: ColumnMeasure) -> list[tuple[float, float]]:
    """Return numbers, each with the rows that it stands for: the first and the last of the bounds for half a part."""
    frequent = [(float(value), share * part.rows) for value, share in part.shares.items()]
    if len(part.bounds) < 2:
        return frequent
    rest = max(part.rows - part.nulls - sum(rows for _, rows in frequent), 0.0)
    weights = np.full(len(part.bounds), rest / (len(part.bounds) - 1))
    weights[[0, -1]] /= 2
    return frequent + list(zip(part.bounds, weights.tolist(), strict=True))


def _frequent(parts: Sequence[ColumnMeasure]) -> tuple[tuple[str, float], ...]:
    total, rows = sum(part.rows for part in parts), Counter[str]()
    for part in parts:
        for value, share in part.shares.items():
            rows[value] += round(share * part.rows)
    return tuple(
        (value, round(number / total, 4))
        for value, number in rows.most_common(_FREQUENT)
        if number >= _LEAST_SHARE * total
    )
