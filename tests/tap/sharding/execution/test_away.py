"""A shard that is away: it is told, what needs it fails or is answered in part, all else goes on."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import requests
from astropy.io.votable import parse_single_table
from lxml import etree

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tests.conftest import alone, serving
from tests.tap.sharding.test_moc import cells_of

CELL = "SELECT tyc_id, ivo_healpix_index(6, ra, dec) AS cell FROM {0}.stars WHERE vmag < 6"


@contextmanager
def away(config: Config, shard: str) -> Iterator[None]:
    """It takes no connections, and ends those that it has."""
    with psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {shard} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (shard,))
        try:
            yield
        finally:
            admin.execute(f"ALTER DATABASE {shard} ALLOW_CONNECTIONS true")


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
    for _ in range(60):
        if asked(url, query).status_code == status:
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
        assert "6/" in answer.text
        begun = time.monotonic()
        assert asked(url, count).status_code == 503
        assert time.monotonic() - begun < 2
        # The first cells are round 45 degrees on the equator.
        assert asked(url, "SELECT tyc_id FROM far.stars WHERE DISTANCE(ra, dec, 45, 2) < 0.5").status_code == 200
        root = url.removesuffix("/tap")
        assert requests.get(f"{root}/readyz", timeout=20).text == "ready, without far2\n"
        availability = requests.get(f"{url}/availability", timeout=20).text
        assert ">true</" in availability
        assert "far2" in availability
    wait_until(url, count, 200)
    assert requests.get(f"{root}/readyz", timeout=20).text == "ready\n"


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


def test_an_aggregate_in_part_counts_what_is_there(sharded: Config, url: str) -> None:
    with away(sharded, "far3"):
        answer = asked(url, "SELECT COUNT(*) AS n FROM far.stars", PARTIAL="allow", RESPONSEFORMAT="json")
    wait_until(url, "SELECT COUNT(*) AS n FROM far.stars", 200)
    ((count,),) = answer.json()["data"]
    assert 600_000 < count < 981_852


def test_a_full_answer_says_that_it_is_full(url: str) -> None:
    assert infos(asked(url, "SELECT COUNT(*) AS n FROM far.stars", PARTIAL="allow"))["partial"] == "false"
    assert "partial" not in infos(asked(url, "SELECT COUNT(*) AS n FROM far.stars"))


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
    assert requests.get(f"{job}/results/result", timeout=20).json()["data"] == [[981_852]]
