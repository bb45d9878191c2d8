"""PostgreSQL that answers late, as over a bad network or on a machine that is busy (docs/reliability.md)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN
from tests.conftest import alone, serving
from tests.contract.client import get
from tests.contract.faults import (
    HEALS,
    Relay,
    ask,
    asks_to_come_back,
    complaints,
    completes,
    eventually,
    job_of,
    submit,
)

pytestmark = pytest.mark.long

DELAY = 0.5
"""Seconds between what PostgreSQL says and its arrival; a query and a job take many of them."""
ROWS = "SELECT name, ra, dec FROM demo.ngc ORDER BY name"


@pytest.fixture(scope="module")
def relay(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Relay:
    return Relay(tmp_path_factory.mktemp("relay"), database.cluster_of(sample.database).sockets)


@pytest.fixture(scope="module")
def service(sample: Config, relay: Relay) -> Iterator[serving]:
    """A service all of whose connections go through the relay."""
    config = alone(sample, processes=1)
    jobs = config.database.jobs_database.replace(str(database.cluster_of(sample.database).sockets), str(relay.folder))
    service = serving(config.changed(database=f"host={relay.folder} dbname=armillary user={ADMIN}", jobs_database=jobs))
    with service:
        yield service


@pytest.fixture
def url(service: serving) -> str:
    return service.config.web.base_url


@pytest.fixture(scope="module")
def usual(service: serving) -> bytes:
    reply = ask(service.config.web.base_url, ROWS)
    assert reply.body.count(b"\n") > 14_000
    return reply.body


@pytest.fixture
def slow(relay: Relay) -> Iterator[None]:
    """PostgreSQL is slow until the end of the test."""
    relay.delay = DELAY
    yield
    relay.delay = 0


@pytest.mark.usefixtures("slow")
def test_a_query_and_a_job_have_the_answers_that_they_always_have(service: serving, url: str, usual: bytes) -> None:
    assert ask(url, ROWS).body == usual
    job = job_of(url, submit(url, ROWS))
    assert completes(job, 60)
    assert get(f"{job}/results/result").body == usual
    assert complaints(service) == []


@pytest.mark.usefixtures("slow")
def test_of_many_at_once_each_has_the_answer_or_is_told_when_to_come_back(
    service: serving, url: str, usual: bytes
) -> None:
    with ThreadPoolExecutor(30) as clients:
        jobs = [clients.submit(submit, url, ROWS) for _ in range(10)]
        queries = [clients.submit(ask, url, ROWS) for _ in range(30)]
    answers = [query.result() for query in queries]
    assert all(reply.body == usual or asks_to_come_back(reply) for reply in answers)
    assert any(reply.status == 200 for reply in answers)
    acknowledged = [reply for reply in (job.result() for job in jobs) if not asks_to_come_back(reply)]
    assert all(completes(job_of(url, reply), 120) for reply in acknowledged)
    assert complaints(service) == []


def test_it_serves_as_before_once_postgresql_does(service: serving, url: str, relay: Relay) -> None:
    relay.delay = DELAY
    assert ask(url).status == 200
    relay.delay = 0

    def is_quick() -> bool:
        begun = time.monotonic()
        return ask(url).status == 200 and time.monotonic() - begun < DELAY

    assert eventually(is_quick)
    assert completes(job_of(url, submit(url)), HEALS)
