"""A shard that is away: it is told, what needs it fails or is answered in part, all else goes on."""

import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psycopg
import pytest
import requests
from astropy.io.votable import parse_single_table
from cdshealpix.nested import healpix_to_lonlat
from lxml import etree
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.sharding.placements import read_placements
from tap.sharding.shards import known_shards
from tests.conftest import alone, serving
from tests.tap.sharding.execution.conftest import STARS
from tests.tap.sharding.test_moc import cells_of

pytestmark = pytest.mark.long

CELL = "SELECT tyc_id, ivo_healpix_index(6, ra, dec) AS cell FROM {0}.stars WHERE vmag < 6"
"""Of order 6, which is no coarser than that of the cells by which any engine divides."""


@contextmanager
def away(config: Config, shard: str) -> Iterator[None]:
    """It takes no connections, and ends those that it has."""
    with database.owner_connection(config) as owner:
        conninfo = next(known.database for known in known_shards(owner) if known.name == shard)
    name = str(conninfo_to_dict(conninfo)["dbname"])
    with psycopg.connect(make_conninfo(conninfo, dbname="postgres", user=ADMIN), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def place_beside(config: Config, shard: str) -> tuple[float, float]:
    """The middle of a cell that another shard has."""
    with psycopg.connect(database.reader_conninfo(config), autocommit=True) as connection:
        placement = read_placements(connection)["far", "stars"]
        order = placement.partitioning.order
        if placement.ranges:
            cell = next(each.first for each in placement.ranges if each.shard != shard and each.first >= 0)
        else:
            cells = connection.execute("SELECT * FROM armillary.cells_of_workers('far.stars', 100)").fetchall()
            cell = next(cell for cell, worker in cells if worker != shard and cell >= 0)
    lon, lat = healpix_to_lonlat(np.array([cell], np.uint64), order)
    return float(lon.deg[0]), float(lat.deg[0])


@pytest.fixture(scope="module")
def url(sharded: Config) -> Iterator[str]:
    with serving(alone(sharded, processes=1, workers=1)) as url:
        yield url


def asked(url: str, query: str, **more: str) -> requests.Response:
    return requests.post(f"{url}/sync", data={"LANG": "ADQL", "QUERY": query} | more, timeout=60)


def infos(answer: requests.Response) -> dict[str, str]:
    root = etree.fromstring(answer.content)
    return {each.get("name"): each.get("value") for each in root.iter("{*}INFO")}


def wait_until(url: str, query: str, status: int) -> None:
    """Until a query has that status again, and all shards are seen."""
    for _ in range(60):
        ready = requests.get(f"{url.removesuffix('/tap')}/readyz", timeout=20).text
        if asked(url, query).status_code == status and ready == "ready\n":
            return
        time.sleep(0.25)
    raise AssertionError(f"never {status}: {query}")


def test_what_needs_it_is_told_which_part_of_the_sky_is_missing_and_the_rest_runs(sharded: Config, url: str) -> None:
    count = "SELECT COUNT(*) AS n FROM far.stars"
    assert asked(url, count).status_code == 200
    with away(sharded, "far2"):
        answer = asked(url, count)
        assert answer.status_code == 503
        assert "the shard far2 is away" in answer.text
        assert re.search(r"HEALPix cells .*[46]/", answer.text)
        begun = time.monotonic()
        assert asked(url, count).status_code == 503
        assert time.monotonic() - begun < 2
        ra, dec = place_beside(sharded, "far2")
        cone = f"SELECT tyc_id FROM far.stars WHERE DISTANCE(ra, dec, {ra}, {dec}) < 0.1"
        assert asked(url, cone).status_code == 200
        root = url.removesuffix("/tap")
        assert requests.get(f"{root}/readyz", timeout=20).text == "ready, without far2\n"
        availability = requests.get(f"{url}/availability", timeout=20).text
        assert ">true</" in availability
        assert "far2" in availability
    wait_until(url, count, 200)


def test_rows_and_missing_sky_together_are_the_full_answer(sharded: Config, url: str) -> None:
    full = requests.post(
        f"{url}/sync", data={"LANG": "ADQL", "QUERY": CELL.format("near"), "RESPONSEFORMAT": "json"}, timeout=60
    ).json()["data"]
    with away(sharded, "far1"):
        answer = asked(url, CELL.format("far"), PARTIAL="allow")
    assert answer.status_code == 200
    told = infos(answer)
    assert (told["partial"], told["missing_shards"], told["QUERY_STATUS"]) == ("true", "far1", "OK")
    missing = cells_of(told["missing_sky"], 6)
    found = parse_single_table(io.BytesIO(answer.content)).to_table()
    assert sorted(map(str, found["tyc_id"])) == sorted(star for star, cell in full if cell not in missing)
    assert 0 < len(found) < len(full)
    wait_until(url, "SELECT COUNT(*) AS n FROM far.stars", 200)


@pytest.mark.long
def test_an_aggregate_in_part_counts_what_is_there(sharded: Config, url: str) -> None:
    with away(sharded, "far3"):
        answer = asked(url, "SELECT COUNT(*) AS n FROM far.stars", PARTIAL="allow", RESPONSEFORMAT="json")
    wait_until(url, "SELECT COUNT(*) AS n FROM far.stars", 200)
    ((count,),) = answer.json()["data"]
    assert 0.6 * STARS < count < STARS


def test_a_full_answer_says_that_it_is_full(url: str) -> None:
    assert infos(asked(url, "SELECT COUNT(*) AS n FROM far.stars", PARTIAL="allow"))["partial"] == "false"
    assert "partial" not in infos(asked(url, "SELECT COUNT(*) AS n FROM far.stars"))


@pytest.mark.long
def test_what_cannot_be_answered_in_part_fails_all_the_same(sharded: Config, url: str) -> None:
    query = "SELECT n.name FROM demo.ngc AS n WHERE NOT EXISTS (SELECT s.tyc_id FROM far.stars AS s WHERE DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.1)"
    assert asked(url, query, PARTIAL="allow").status_code == 200
    with away(sharded, "far0"):
        assert asked(url, query, PARTIAL="allow").status_code == 503
    wait_until(url, "SELECT COUNT(*) AS n FROM far.stars", 200)


@pytest.mark.parametrize(
    ("more", "said"),
    [({"PARTIAL": "maybe"}, "allow or refuse"), ({"PARTIAL": "allow", "RESPONSEFORMAT": "csv"}, "say what is missing")],
)
def test_partial_is_understood_or_refused(url: str, more: dict[str, str], said: str) -> None:
    answer = asked(url, "SELECT COUNT(*) AS n FROM far.stars", **more)
    assert answer.status_code == 400
    assert said in answer.text


@pytest.mark.long
def test_a_job_waits_for_a_shard_to_come_back(sharded: Config, url: str) -> None:
    form = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM far.stars", "PHASE": "RUN", "RESPONSEFORMAT": "json"}
    with away(sharded, "far1"):
        job = requests.post(f"{url}/async", data=form, timeout=20).url
        time.sleep(2)
    answer = ""
    for _ in range(120):
        answer = requests.get(f"{job}?WAIT=2", timeout=60).text
        if ">COMPLETED<" in answer or ">ERROR<" in answer:
            break
        time.sleep(0.25)
    assert ">COMPLETED<" in answer
    assert requests.get(f"{job}/results/result", timeout=20).json()["data"] == [[STARS]]
