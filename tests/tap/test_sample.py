"""The query of the day on the real sample, against numpy."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from tap.examples import EXAMPLES
from tests.conftest import SAMPLE, Run

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
