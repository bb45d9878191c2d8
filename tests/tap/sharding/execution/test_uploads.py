"""Lists that are matched with tables on shards: no pair is lost or doubled, wherever the bounds between shards are."""

import csv
import io
import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import psycopg
import pyarrow as pa
import pytest
import requests
from astropy.coordinates import SkyCoord
from cdshealpix.nested import vertices

from tap.config import Config
from tap.engine import database
from tap.sharding.execution.upload_routing import NearbyShards
from tap.sharding.layout import cells_of
from tap.sharding.model import CellRange
from tap.sharding.placements import read_placements
from tests.conftest import alone, serving
from tests.tap.sharding.execution.test_answers import alike

pytestmark = pytest.mark.long

MATCH = "DISTANCE(u.ra, u.dec, s.ra, s.dec) < {r}"
QUERIES = [
    "SELECT u.n, s.tyc_id FROM tap_upload.list AS u JOIN {s}.stars AS s ON " + MATCH,
    "SELECT u.n, s.tyc_id FROM {s}.stars AS s JOIN tap_upload.list AS u ON " + MATCH,
    "SELECT u.n, s.tyc_id FROM tap_upload.list AS u, {s}.stars AS s WHERE " + MATCH + " AND s.vmag < 10",
    "SELECT u.n, s.tyc_id FROM tap_upload.list AS u JOIN {s}.stars AS s ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(u.ra, u.dec, {r}))",
    "SELECT s.tyc_id, u.n FROM {s}.stars AS s LEFT JOIN tap_upload.list AS u ON " + MATCH + " WHERE s.vmag < 6",
    "SELECT u.n, s.tyc_id FROM tap_upload.list AS u LEFT JOIN {s}.stars AS s ON " + MATCH,
    "SELECT s.tyc_id FROM {s}.stars AS s WHERE s.vmag < 9 AND EXISTS (SELECT u.n FROM tap_upload.list AS u WHERE "
    + MATCH
    + ")",
    "SELECT u.n FROM tap_upload.list AS u WHERE EXISTS (SELECT s.tyc_id FROM {s}.stars AS s WHERE " + MATCH + ")",
    "SELECT u.n FROM tap_upload.list AS u WHERE NOT EXISTS (SELECT s.tyc_id FROM {s}.stars AS s WHERE " + MATCH + ")",
    "SELECT COUNT(*) AS n, COUNT(DISTINCT u.n) AS m FROM tap_upload.list AS u JOIN {s}.stars AS s ON " + MATCH,
    "SELECT u.n, COUNT(*) AS c, MIN(s.vmag) AS v FROM tap_upload.list AS u JOIN {s}.stars AS s ON "
    + MATCH
    + " GROUP BY u.n",
    "SELECT TOP 20 u.n, s.tyc_id FROM tap_upload.list AS u JOIN {s}.stars AS s ON "
    + MATCH
    + " ORDER BY u.n, s.tyc_id, s.ra",
    "SELECT u.n, s.tyc_id FROM tap_upload.list AS u JOIN {s}.stars AS s ON s.hip = u.n",
    "SELECT u.n, s.source_id, p.teff FROM tap_upload.list AS u JOIN {s}.source AS s ON "
    + MATCH
    + " JOIN {s}.params AS p ON p.source_id = s.source_id",
    "SELECT u.n, s.tyc_id FROM tap_upload.list AS u JOIN {s}.stars AS s ON DISTANCE(u.ra, u.dec, s.ra, s.dec) < {r} * u.f",
    "SELECT u.n, s.tyc_id FROM tap_upload.list AS u JOIN {s}.stars AS s ON "
    + MATCH
    + " UNION SELECT u.n, 'none' FROM tap_upload.list AS u",
    "SELECT COUNT(*) AS c FROM tap_upload.list AS u",
    "SELECT TOP 3 s.tyc_id FROM {s}.stars AS s WHERE s.hip < 100 ORDER BY s.tyc_id, s.ra",
]


def borders(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """Places on the very bounds between what lies on one shard and what lies on another."""
    with psycopg.connect(database.reader_conninfo(config), autocommit=True) as connection:
        placement = read_placements(connection)["far", "stars"]
    order = placement.partitioning.order
    cells = [each.first for each in placement.ranges[1:]] or list(range(0, 12 * 4**order, 97))
    lon, lat = vertices(np.array(cells, np.uint64), order, step=10)
    return lon.deg.ravel(), lat.deg.ravel()


def positions(config: Config, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A third on the very bounds between shards, a third on stars, a third anywhere, and the poles."""
    random = np.random.default_rng(rows)
    lon, lat = borders(config)
    few = rows // 3
    chosen = random.integers(0, lon.size, few)
    with psycopg.connect(database.reader_conninfo(config), autocommit=True) as connection:
        stars = connection.execute(f"SELECT ra, dec FROM near.stars ORDER BY tyc_id, ra LIMIT {few}").fetchall()
    on_stars = np.array(stars) + random.normal(0, 1e-4, (few, 2))
    more = rows - 2 * few - 2
    ra = [lon[chosen], on_stars[:, 0] % 360, random.uniform(0, 360, more), [0.0, 10.0]]
    dec = [lat[chosen], on_stars[:, 1], np.degrees(np.arcsin(random.uniform(-1, 1, more))), [90.0, -90.0]]
    return np.concatenate(ra), np.concatenate(dec)


def upload(config: Config, rows: int) -> bytes:
    ra, dec = positions(config, rows)
    lines = (f"{n},{a!r},{d!r},{1 + n % 3}" for n, (a, d) in enumerate(zip(ra.tolist(), dec.tolist(), strict=True)))
    return "\n".join(["n,ra,dec,f", *lines, f"{rows},,,1", ""]).encode()


def rows_of(service: str, query: str, file: bytes) -> list[list[str]]:
    form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", "MAXREC": "10000000", "UPLOAD": "list,param:f"}
    answer = requests.post(f"{service}/sync", data=form, files={"f": ("list.csv", file, "text/csv")}, timeout=120)
    assert answer.status_code == 200, answer.text[-500:]
    return list(csv.reader(io.StringIO(answer.text)))[1:]


@pytest.mark.parametrize("radius", [0.0006, 0.2])
@pytest.mark.parametrize("query", QUERIES)
def test_a_match_gives_the_rows_that_it_gives_on_one_server(
    sharded: Config, service: str, query: str, radius: float
) -> None:
    file = upload(sharded, 1_000)
    one, other = (rows_of(service, query.format(s=schema, r=radius), file) for schema in ("near", "far"))
    alike(one, other, ordered="ORDER BY" in query)
    assert one


@pytest.mark.parametrize("rows", [10_000, 100_000])
def test_longer_lists_give_the_same_pairs_too(sharded: Config, service: str, rows: int) -> None:
    file = upload(sharded, rows)
    one, other = (rows_of(service, QUERIES[0].format(s=schema, r=0.001), file) for schema in ("near", "far"))
    alike(one, other, ordered=False)
    assert len(one) > rows // 4


@pytest.fixture(scope="module")
def sparing(sharded: Config) -> Iterator[str]:
    """A service that matches lists in parts of 100 rows."""
    with serving(alone(sharded, processes=1, workers=1, upload_part_rows=100)) as url:
        yield url


@pytest.mark.parametrize("query", QUERIES)
def test_a_list_in_parts_gives_the_same_pairs(sharded: Config, sparing: str, query: str) -> None:
    file = upload(sharded, 1_000)
    one, other = (rows_of(sparing, query.format(s=schema, r=0.01), file) for schema in ("near", "far"))
    alike(one, other, ordered="ORDER BY" in query)


@pytest.mark.parametrize("radius", [0.0, 1e-4, 0.01, 0.5, 3.0, 30.0])
def test_a_row_is_with_every_shard_that_has_sky_within_the_radius(sharded: Config, radius: float) -> None:
    firsts = [-1, *range(3_000, 12 * 4**6, 3_000), 12 * 4**6]
    known = tuple(CellRange(a, b, f"shard{n % 4}", "") for n, (a, b) in enumerate(pairwise(firsts)))
    shards = tuple(dict.fromkeys(each.shard for each in known))
    ra, dec = positions(sharded, 300)
    found = NearbyShards(known, 6, shards, (0, 1), radius).of(pa.record_batch({"ra": ra, "dec": dec}))
    pairs = set(zip(*(each.tolist() for each in found), strict=True))
    here = SkyCoord(ra, dec, unit="deg")
    for angle in range(0, 360, 15):
        for part in (0, 0.3, 0.999999):
            there = here.directional_offset_by(angle * here.ra.unit, radius * part * here.dec.unit)
            cells = cells_of(pa.array(there.ra.deg), pa.array(there.dec.deg)).tolist()
            for row, cell in enumerate(cells):
                owner = next(each.shard for each in known if each.first <= cell < each.stop)
                assert (row, shards.index(owner)) in pairs
    if math.isclose(radius, 1e-4):
        assert len(pairs) < 1.6 * len(ra)
