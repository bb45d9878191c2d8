"""The query of the day on the real sample, against numpy."""

from collections.abc import Iterator

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from deploy.demo import LINKED
from schema.description import parse_description, read_description
from schema.publish import publish_table, unpublish_table
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.examples import EXAMPLES
from tests.conftest import ROOT, SAMPLE, Run, load_sample

CLUSTERS = next(example.query for example in EXAMPLES if example.id == "clusters")


def members_by_brute_force(name: str) -> int:
    """Stars within the cluster's radius and within 4 mas/yr of its motion, from the files, without a database."""
    ngc = pq.read_table(SAMPLE / "ngc.parquet").to_pylist()
    cluster = next(row for row in ngc if row["name"] == name)
    stars = pq.read_table(SAMPLE / "stars.parquet")
    ra, dec = (np.radians(stars[column].to_numpy()) for column in ("ra_degrees", "dec_degrees"))
    ra0, dec0 = np.radians(cluster["ra"]), np.radians(cluster["dec"])
    haversine = np.sin((dec - dec0) / 2) ** 2 + np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
    near = 2 * np.arcsin(np.sqrt(haversine)) <= np.radians(max((cluster["major_axis"] or 0) / 120, 0.5))
    pmra, pmdec = (stars[column].to_numpy() for column in ("ra_mas_per_year", "dec_mas_per_year"))
    along = np.hypot(pmra - cluster["pmra"], pmdec - cluster["pmdec"]) < 4
    return int((near & along).sum())


@pytest.mark.parametrize(("name", "members"), [("Mel022", 78), ("NGC2632", 70)])
def test_the_query_of_the_day_finds_the_members_that_numpy_finds(run: Run, name: str, members: int) -> None:
    found = {row[0]: row[2] for row in run(CLUSTERS)}
    assert found[name] == members == members_by_brute_force(name)


@pytest.fixture
def demonstration(sample: Config, owner: psycopg.Connection) -> Iterator[None]:
    """The sample with the links that deploy/demo gives it."""
    load_sample(sample, "positions")
    for name in LINKED:
        publish_table(owner, f"demo.{name}", read_description(ROOT / "deploy" / "sample" / f"{name}_links.toml"))
    yield
    nowhere = {"table": {"identifier": ""}, "links": [], "products": []}
    for name, column in zip(LINKED, ("name", "hip"), strict=True):
        publish_table(owner, f"demo.{name}", parse_description(nowhere | {"columns": {column: {"link": ""}}}))
    unpublish_table(owner, "demo.positions", drop=True)


def test_fast_stars_are_where_astropy_says_they_were(demonstration: None, run: Run) -> None:
    stars = run(
        "SELECT s.ra, s.dec, s.pmra, s.pmdec, p.epoch, p.ra AS then_ra, p.dec AS then_dec FROM demo.stars AS s"
        " JOIN demo.positions AS p ON s.tyc_id = p.tyc_id WHERE POWER(s.pmra, 2) + POWER(s.pmdec, 2) >= 250000"
    )
    assert len(stars) >= 887 * 6
    ra, dec, pmra, pmdec, epoch, then_ra, then_dec = np.array(stars, dtype=float).T
    start, then = SkyCoord(ra, dec, unit="deg"), SkyCoord(then_ra, then_dec, unit="deg")
    way = np.hypot(pmra, pmdec) * (epoch - 2000) * u.mas
    apart = start.directional_offset_by(np.arctan2(pmra, pmdec) * u.rad, way).separation(then).mas
    # Components of a multiple star share an identifier, and each has its own motion.
    assert np.mean(apart < 1) > 0.9


def test_the_links_of_the_demonstration_fit_its_tables(demonstration: None, owner: psycopg.Connection) -> None:
    linked = {table.table_name: table.linking for table in read_catalogue(owner).tables if table.linking}
    stars, ngc = linked["demo.stars"], linked["demo.ngc"]
    assert stars
    assert ngc
    assert (stars.identifier, ngc.identifier) == ("tyc_id", "name")
    assert [product.table for product in stars.products] == ["demo.positions"]
