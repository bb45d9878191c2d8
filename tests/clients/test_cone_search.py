"""Clients of Simple Cone Search: pyvo, and STILTS as TOPCAT asks."""

import csv
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import pyvo
from astropy import units as u
from astropy.coordinates import SkyCoord
from pyvo.dal.exceptions import DALQueryError

from tests.conftest import SAMPLE

STILTS = shutil.which("stilts")
CENTRE, RADIUS = SkyCoord(56.75, 24.12, unit="deg"), 0.5
needs_stilts = pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")


@pytest.fixture(scope="module")
def url(service: str) -> str:
    return f"{service.removesuffix('/tap')}/scs/demo.stars"


@pytest.fixture(scope="module")
def inside() -> int:
    """How many stars of the sample's file are in the cone."""
    table = pq.read_table(SAMPLE / "stars.parquet", columns=["ra_degrees", "dec_degrees"])
    sky = SkyCoord(*(table[name].to_numpy() for name in table.column_names), unit="deg")
    return int((sky.separation(CENTRE) <= RADIUS * u.deg).sum())


def stilts(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(STILTS), *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_pyvo_finds_positions_and_identifiers(url: str, inside: int) -> None:
    found = pyvo.dal.SCSService(url).search(CENTRE, RADIUS * u.deg)
    assert len(found) == inside > 10
    assert all(record.pos.separation(CENTRE) <= RADIUS * u.deg for record in found)
    assert len({record.id for record in found}) == inside


def test_pyvo_sees_the_columns_without_a_search(url: str) -> None:
    names = [column.name for column in pyvo.dal.SCSService(url).columns]
    assert {"ra", "dec", "vmag"} <= set(names)


def test_pyvo_raises_what_was_wrong(url: str) -> None:
    with pytest.raises(DALQueryError, match="SR must be between 0 and 180"):
        pyvo.dal.SCSService(url).search(CENTRE, 200 * u.deg)


@needs_stilts
def test_stilts_cone_gets_the_stars(url: str, inside: int) -> None:
    done = stilts("cone", f"serviceurl={url}?", "lon=56.75", "lat=24.12", "radius=0.5", "verb=3", "ofmt=csv")
    assert done.returncode == 0, done.stderr
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == inside


@needs_stilts
def test_stilts_shows_what_was_wrong(url: str) -> None:
    done = stilts("cone", f"serviceurl={url}?", "lon=56.75", "lat=24.12", "radius=200", "ofmt=csv")
    assert "between 0 and 180" in done.stdout + done.stderr


@needs_stilts
def test_stilts_matches_a_list_by_many_cones(url: str, tmp_path: Path) -> None:
    """coneskymatch asks once for each row; each star is itself the nearest of all."""
    stars = pq.read_table(SAMPLE / "stars.parquet", columns=["ra_degrees", "dec_degrees"]).slice(5000, 12)
    positions = np.column_stack([stars[name].to_numpy() for name in stars.column_names])
    file = tmp_path / "list.csv"
    file.write_text("ra0,dec0\n" + "\n".join(f"{ra},{dec}" for ra, dec in positions) + "\n")
    done = stilts(
        *("coneskymatch", f"in={file}", "ifmt=csv", "ra=ra0", "dec=dec0", "sr=0.002", "find=best"),
        *("servicetype=cone", f"serviceurl={url}?", "parallel=2", "ofmt=csv"),
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    found = np.array([[float(row["ra"]), float(row["dec"])] for row in rows])
    np.testing.assert_allclose(found, positions, rtol=0, atol=1e-9)
