"""pyvo as a client of Simple Image Access 2.0."""

import numpy as np
import pytest
import pyvo
from astropy import units as u
from astropy.coordinates import SkyCoord
from pyvo.dal.exceptions import DALQueryError

from tests.observations import Observations


@pytest.fixture(scope="module")
def images(service: str, observations: Observations) -> pyvo.dal.SIA2Service:
    return pyvo.dal.SIA2Service(f"{service.removesuffix('/tap')}/sia")


def test_pyvo_finds_the_query_by_the_capabilities(images: pyvo.dal.SIA2Service) -> None:
    assert images.query_ep.endswith("/sia/query")
    assert len(images.capabilities) == 3


def test_pyvo_searches_by_position_time_and_wavelength(
    images: pyvo.dal.SIA2Service, observations: Observations
) -> None:
    found = images.search(
        pos=(100 * u.deg, 20 * u.deg, 30 * u.deg), band=(0.3 * u.um, 0.45 * u.um), data_type="image", calib_level=2
    )
    plates = observations.plates
    distance = SkyCoord(100, 20, unit="deg").separation(SkyCoord(plates["ra"], plates["dec"], unit="deg")).deg
    certain = {name for name, near in zip(plates["plate"], distance < 30 + plates["fov"] / 120, strict=True) if near}
    assert certain <= {record.obs_id for record in found}
    record = found[0]
    assert record.dataproduct_type == "image"
    assert record.facility_name == "Example Schmidt"
    assert record.getdataurl().startswith("https://example.org/")
    assert isinstance(record.s_fov, u.Quantity)


def test_pyvo_asks_with_ranges_and_polygons(images: pyvo.dal.SIA2Service) -> None:
    by_range = images.search(pos=(10 * u.deg, 50 * u.deg, -20 * u.deg, 20 * u.deg))
    polygon = [value * u.deg for value in (10, -20, 50, -20, 50, 20, 10, 20)]
    by_polygon = images.search(pos=tuple(polygon))
    inside = [record.obs_id for record in by_range if 12 < record.s_ra.value < 48 and abs(record.s_dec.value) < 19]
    assert inside
    assert set(inside) <= {record.obs_id for record in by_polygon}


def test_pyvo_gets_as_many_as_it_asked_for(images: pyvo.dal.SIA2Service) -> None:
    assert len(images.search(maxrec=3)) == 3


def test_pyvo_shows_what_was_wrong(images: pyvo.dal.SIA2Service) -> None:
    with pytest.raises(DALQueryError, match="UsageFault: BAND must be a number"):
        images.search(BAND="blue")


def test_pyvo_queries_obscore_by_tap(service: str, observations: Observations) -> None:
    """What it says of the regions can be read back."""
    found = pyvo.dal.TAPService(service).search("SELECT s_ra, s_dec, s_region FROM ivoa.obscore WHERE obs_id = 'P0005'")
    numbers = np.array(found["s_region"][0].split()[2:], float).reshape(-1, 2)
    centre = SkyCoord(found["s_ra"][0], found["s_dec"][0], unit="deg")
    distances = centre.separation(SkyCoord(numbers[:, 0], numbers[:, 1], unit="deg")).deg
    radius = observations.plates["fov"][5] / 120
    assert np.all((distances > radius) & (distances < radius * 1.02))
