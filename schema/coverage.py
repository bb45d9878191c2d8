"""Where the rows of a table are, on the sky, in time and in energy (VODataService 1.2 §3.2)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import astropy.units as u
import psycopg

from schema import types
from schema.model import Column
from schema.statements import statement
from schema.statistics.columns import ColumnStatistics
from schema.statistics.measure import TableMeasure

Interval = tuple[float, float]

_TIMES = {"time.start", "time.end", "time.epoch"}
_PHOTONS = {"em.wl", "em.freq", "em.energy"}
_LIMITS = {"stat.min", "stat.max"}
_MJD_BEGINS = datetime(1858, 11, 17)
_LAST_MJD = 200_000
"""In 2406: larger numbers of days are Julian dates, or no dates at all."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """A part of the sky (ICRS) as a MOC in text, of cells of `moc_order` and larger ones; MJD; joules. None: not known.

    `sky_fraction` is how much of the sky the MOC covers, from 0 to 1.
    """

    moc: str | None = None
    moc_order: int | None = None
    sky_fraction: float | None = None
    temporal: Interval | None = None
    spectral: Interval | None = None


def coverage_of(connection: psycopg.Connection, table_name: str) -> Coverage | None:
    """Return what is kept of a table's coverage, if the role of the connection may read it; None where nothing is."""
    row = connection.execute(statement("coverage_of"), (table_name,)).fetchone()
    return _coverage(*row) if row else None


def coverages(connection: psycopg.Connection) -> dict[str, Coverage]:
    """Return what is kept of the coverage of each table that the role of the connection may read, by their names."""
    rows = connection.execute(statement("coverages")).fetchall()
    return {str(name): _coverage(*row) for name, *row in rows}


def _coverage(moc: str | None, order: int | None, fraction: float | None, *limits: float | None) -> Coverage:
    time_min, time_max, energy_min, energy_max = limits
    temporal = None if time_min is None or time_max is None else (time_min, time_max)
    spectral = None if energy_min is None or energy_max is None else (energy_min, energy_max)
    return Coverage(moc, order, fraction, temporal, spectral)


def coverage_of_measure(measure: TableMeasure) -> Coverage:
    """Return the coverage of a table that was measured."""
    pairs = [(of_servers[0].column, told) for of_servers, told in zip(measure.columns, measure.statistics, strict=True)]
    sky = measure.cells.coverage() if measure.cells else None
    moc, order, fraction = (sky.moc, sky.order, sky.fraction) if sky else (None, None, None)
    temporal = _interval(limit for column, told in pairs for limit in _times(column, told))
    spectral = _interval(limit for column, told in pairs for limit in _energies(column, told))
    return Coverage(moc, order, fraction, temporal, spectral)


def _interval(limits: Iterable[float]) -> Interval | None:
    numbers = [limit for limit in limits if math.isfinite(limit)]
    return (min(numbers), max(numbers)) if numbers else None


def _times(column: Column, told: ColumnStatistics) -> list[float]:
    """Return the first and the last instant of a column of observations as MJD; none of other columns."""
    if _quantity(column) not in _TIMES:
        return []
    if column.type is types.TIMESTAMP:
        return [mjd for text in (told.least, told.largest) if (mjd := _mjd(text)) is not None]
    if column.unit != "d" or told.min_value is None or told.max_value is None:
        return []
    limits = [told.min_value, told.max_value]
    return limits if limits[0] > 0 and limits[1] < _LAST_MJD else []


def _mjd(text: str | None) -> float | None:
    try:
        return (datetime.fromisoformat(text) - _MJD_BEGINS).total_seconds() / 86_400 if text else None
    except ValueError:
        # Before the year 1, or after 9999.
        return None


def _energies(column: Column, told: ColumnStatistics) -> list[float]:
    """Return the energies of photons between which observations lie, by columns of their limits; none of other columns."""
    if _quantity(column) not in _PHOTONS or not _LIMITS & set((column.ucd or "").split(";")):
        return []
    try:
        unit = u.Unit(column.unit or "")
        limits = [v * unit for v in (told.min_value, told.max_value) if v is not None and 0 < v < math.inf]
        return [float(limit.to_value(u.J, u.spectral())) for limit in limits]
    except ValueError:
        # A unit that is none, or not one of photons.
        return []


def _quantity(column: Column) -> str:
    """Return the first word of a column's UCD."""
    return (column.ucd or "").partition(";")[0]
