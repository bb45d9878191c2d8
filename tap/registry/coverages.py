"""Coverage as records tell it (VODataService 1.2 §3.2): that of all tables together, wavebands, and where a search finds something."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from cdshealpix.nested import healpix_to_lonlat

from schema.coverage import Coverage, Interval
from schema.model import Column
from schema.statistics.cells import SkyCoverage
from tap.dal.cone_search import Cone

_PLANCK_TIMES_LIGHT = 1.986445857e-25
"""In J m: divided by an energy, the wavelength."""
_CELL_RADIUS = 62.0
"""In degrees, of a cell of order 0 that was as slim as the slimmest of higher orders; it halves with each order."""
_PLACES = 4
_WAVEBANDS = (
    ("Radio", "em.radio", 0.01, float("inf")),
    ("Millimeter", "em.mm", 1e-4, 0.01),
    ("Infrared", "em.ir", 1e-6, 1e-4),
    ("Optical", "em.opt", 3e-7, 1e-6),
    ("UV", "em.uv", 1e-7, 3e-7),
    ("EUV", "em.uv.10-50nm", 1e-8, 1e-7),
    ("X-ray", "em.x-ray", 1e-10, 1e-8),
    ("Gamma-ray", "em.gamma", 0.0, 1e-10),
)
"""Terms of http://www.ivoa.net/rdf/messenger, the words of UCDs for them, and from which to which wavelength they go, in m."""


def united(coverages: Iterable[Coverage], sky: SkyCoverage | None) -> Coverage:
    """Return the coverage of several tables together, which have rows in that part of the sky."""
    told = list(coverages)
    temporal, spectral = _hull([one.temporal for one in told]), _hull([one.spectral for one in told])
    whole = Coverage(temporal=temporal, spectral=spectral)
    return replace(whole, moc=sky.moc, moc_order=sky.order, sky_fraction=sky.fraction) if sky else whole


def _hull(intervals: Sequence[Interval | None]) -> Interval | None:
    known = [interval for interval in intervals if interval]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def wavebands(columns: Iterable[Column], coverage: Coverage) -> list[str]:
    """Return the wavebands that UCDs of columns name, and those of the energies of what was observed."""
    words = {word.lower() for column in columns for word in (column.ucd or "").split(";")}
    named = set(_named(words)) | set(_observed(coverage.spectral) if coverage.spectral else ())
    return [name for name, *_ in _WAVEBANDS if name in named]


def _named(words: set[str]) -> Iterator[str]:
    for name, ucd, *_ in _WAVEBANDS:
        if any(word == ucd or word.startswith(f"{ucd}.") for word in words):
            yield name


def _observed(energies: Interval) -> Iterator[str]:
    longest, shortest = (_PLANCK_TIMES_LIGHT / energy for energy in energies)
    for name, _, least, largest in _WAVEBANDS:
        if shortest <= largest and longest >= least:
            yield name


def cone_round(order: int, cell: int) -> Cone:
    """Return a cone that has all of a HEALPix cell in it."""
    longitude, latitude = healpix_to_lonlat(np.array([cell]), order)
    ra, dec = round(float(longitude.deg[0]) % 360, _PLACES), round(float(latitude.deg[0]), _PLACES)
    return Cone(ra, dec, round(_CELL_RADIUS / 2**order, _PLACES))
