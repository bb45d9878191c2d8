"""The coverage of several tables together, and the wavebands that go with it."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from cdshealpix.nested import vertices

from schema.coverage import Coverage
from schema.model import Column
from schema.statistics.cells import SkyCoverage
from tap.registry.coverages import cone_round, united, wavebands


def test_times_and_energies_are_put_together() -> None:
    sky = SkyCoverage("6/0 7", 6, 2 / 49152)
    first = Coverage("8/0-15", 8, 1.0, (50000.0, 50010.0), None)
    last = Coverage("2/5", 2, 1.0, (40000.5, 40001.0), (2e-19, 3e-19))
    together = united([first, Coverage(), last], sky)
    assert together == Coverage("6/0 7", 6, 2 / 49152, (40000.5, 50010.0), (2e-19, 3e-19))


def test_nothing_together_is_nothing() -> None:
    assert united([], None) == united([Coverage()], None) == Coverage()


@pytest.mark.parametrize(
    ("ucd", "names"),
    [
        ("phot.mag;em.opt.V", ["Optical"]),
        ("phot.mag;em.IR.K", ["Infrared"]),
        ("phot.flux.density;em.radio.750-1500MHz", ["Radio"]),
        ("phot.count;em.X-ray.soft", ["X-ray"]),
        ("phot.flux;em.UV.10-50nm", ["UV", "EUV"]),
        ("em.wl", []),
        ("em.optical", []),
        (None, []),
    ],
)
def test_ucds_name_wavebands(ucd: str | None, names: list[str]) -> None:
    assert wavebands([Column("c", "double", ucd=ucd)], Coverage()) == names


@pytest.mark.parametrize(
    ("metres", "names"),
    [
        ((4.8e-7, 7.3e-7), ["Optical"]),
        ((2e-7, 2e-6), ["Infrared", "Optical", "UV"]),
        ((0.21, 0.21), ["Radio"]),
        ((1e-12, 1e-11), ["Gamma-ray"]),
    ],
)
def test_energies_of_photons_name_wavebands(metres: tuple[float, float], names: list[str]) -> None:
    planck_times_light = 6.62607015e-34 * 299792458
    energies = (planck_times_light / metres[1], planck_times_light / metres[0])
    assert wavebands([], Coverage(spectral=energies)) == names


@pytest.mark.parametrize("order", [6, 8, 10])
def test_a_cone_round_a_cell_has_all_of_it(order: int) -> None:
    corners = [0, 4**order - 1, 8 * 4**order, 12 * 4**order - 1]
    cells = np.array([*corners, *np.random.default_rng(order).integers(0, 12 * 4**order, 300)])
    longitudes, latitudes = vertices(cells, order)
    for cell, *at in zip(cells, longitudes, latitudes, strict=True):
        cone = cone_round(order, int(cell))
        apart = SkyCoord(cone.ra, cone.dec, unit="deg").separation(SkyCoord(*at)).deg
        assert apart.max() < cone.radius < 1, cell
