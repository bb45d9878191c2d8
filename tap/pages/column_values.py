"""How the values of a column are distributed, as people read it: in a few words, and in full."""

from schema.model import Column
from schema.statistics.columns import ColumnStatistics

_FEW = 4
_OFTEN = 0.01


def in_brief(column: Column, statistics: ColumnStatistics, nrows: int | None) -> str:
    """Return what fits beside a column: its range, or its values where they are few, and how often it is NULL."""
    if nrows and statistics.nulls == nrows:
        return "all NULL"
    words = [_range(column, statistics) or _values(statistics)]
    if statistics.nulls and nrows:
        words.append(f"{percent(statistics.nulls / nrows)} NULL")
    return ", ".join(filter(None, words))


def _range(column: Column, statistics: ColumnStatistics) -> str:
    least, largest = statistics.least, statistics.largest
    if least is None or largest is None or column.type.is_text:
        return ""
    if column.type.is_numeric:
        least, largest = _number(column, least), _number(column, largest)
    return least if least == largest else f"{least} to {largest}"


def _values(statistics: ColumnStatistics) -> str:
    frequent, distinct = statistics.frequent_values, statistics.distinct_values
    if frequent and distinct == len(frequent) <= _FEW:
        return ", ".join(value for value, _ in frequent)
    return f"about {distinct:,} values" if distinct else ""


def in_full(column: Column, statistics: ColumnStatistics) -> list[tuple[str, str]]:
    """Return names of statistics with what they are; those of a sample say that they are about so."""
    sampled = (
        ("3 % below about", "percentile03"),
        ("half below about", "median"),
        ("97 % below about", "percentile97"),
    )
    quantiles = [(label, getattr(statistics, name)) for label, name in sampled]
    lines = [
        ("least", statistics.least),
        *((label, None if value is None else f"{value:.6g}") for label, value in quantiles),
        ("largest", statistics.largest),
        ("different values, about", f"{statistics.distinct_values:,}" if statistics.distinct_values else None),
        ("NULL in rows", f"{statistics.nulls:,}"),
        ("most often, about", _shares(statistics)),
    ]
    return [(label, text) for label, text in lines if text is not None]


def _shares(statistics: ColumnStatistics) -> str | None:
    """Return the values that are often there; rarer ones tell little of numbers."""
    frequent = [(value or "empty", share) for value, share in statistics.frequent_values if share >= _OFTEN]
    return ", ".join(f"{value} ({percent(share)})" for value, share in frequent) or None


def _number(column: Column, text: str) -> str:
    return text if column.type.is_integer else f"{float(text):.6g}"


def percent(share: float) -> str:
    """Return a share with as many digits as matter: never 0 % of some, never 100 % of less than all."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    return "more than 99.9 %" if 0.999 < share < 1 else f"{100 * share:.3g} %"
