"""PostgreSQL that hangs, dies, or has no connection left (docs/demands.md D; docs/reliability.md)."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from bench.kill import kill_postmaster
from tap.config import Config
from tap.engine import database
from tap.engine.private import PrivateCluster
from tests.conftest import alone, free_port, load_sample, serving
from tests.contract.client import Reply, get
from tests.contract.faults import (
    COUNT,
    ENDLESS,
    HEALS,
    admin_of,
    ask,
    asks_to_come_back,
    asleep,
    complaints,
    completes,
    eventually,
    full,
    job_of,
    phase,
    postgres_of,
    small_disk,
    submit,
)

PATIENCE = 15.0
"""Seconds after which a client has an answer while PostgreSQL says nothing."""
STREAM = "SELECT TOP 3000000 a.ra, b.name FROM demo.ngc AS a, demo.ngc AS b"


@pytest.fixture(scope="module")
def impatient(sample: Config) -> Config:
    return alone(sample, queue_limit=1.0, processes=1)


@pytest.fixture(scope="module")
def service(impatient: Config) -> Iterator[serving]:
    service = serving(impatient)
    with service:
        yield service


@pytest.fixture
def url(service: serving, impatient: Config) -> str:
    return impatient.web.base_url


def fill_up(config: Config, stack: ExitStack) -> None:
    """Take every connection that PostgreSQL has for those who are no superusers, also those that the service had."""
    with admin_of(config) as admin:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'armillary%'"
            )
            for conninfo in (database.reader_conninfo, database.jobs_conninfo, database.owner_conninfo):
                with suppress(psycopg.OperationalError):
                    while True:
                        stack.enter_context(psycopg.connect(conninfo(config), application_name="hoarder"))
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'armillary%'"
            ).fetchone()
            if row == (0,):
                return
        raise AssertionError("the service kept a connection")


@pytest.mark.long
def test_without_a_free_connection_everyone_is_told_to_come_back(impatient: Config, service: serving, url: str) -> None:
    job = job_of(url, submit(url, ENDLESS))
    assert eventually(lambda: phase(job) == "EXECUTING")
    with ExitStack() as stack:
        fill_up(impatient, stack)
        assert asks_to_come_back(ask(url))
        assert asks_to_come_back(submit(url))
    assert eventually(lambda: ask(url).status == 200)
    assert completes(job_of(url, submit(url)), HEALS)
    assert phase(job) in {"QUEUED", "EXECUTING"}
    assert complaints(service) == []


@pytest.mark.long
def test_while_postgresql_hangs_everyone_is_told_to_come_back_and_then_it_serves(
    impatient: Config, service: serving, url: str
) -> None:
    job = job_of(url, submit(url))
    assert completes(job)
    requests = (ask, submit, lambda url: get(job), lambda url: get(f"{url}/tables"))
    with asleep(postgres_of(impatient)):
        for request in requests:
            begun = time.monotonic()
            assert asks_to_come_back(request(url))
            assert time.monotonic() - begun < PATIENCE
        assert b">false<" in get(f"{url}/availability").body
        assert get(f"{url}/capabilities").status == 200
    assert eventually(lambda: ask(url).status == 200)
    assert completes(job_of(url, submit(url)), HEALS)
    assert complaints(service) == []


# ---- a service that keeps its own PostgreSQL


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Config]:
    """The configuration of a service whose private cluster, with the sample, it starts itself."""
    folder = Path(tempfile.mkdtemp(prefix="armillary-own-"))
    folder.chmod(0o755)
    port = free_port()
    config = Config().changed(
        base_url=f"http://localhost:{port}/tap",
        port=port,
        data_dir=str(folder),
        shared_buffers="64MB",
        processes=1,
        probe_seconds=0,
        queue_limit=1.0,
    )
    cluster = PrivateCluster(folder, "64MB")
    cluster.start()
    try:
        database.prepare(config, lambda _: None)
        load_sample(config, "ngc")
        cluster.stop()
        yield config
    finally:
        cluster.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
def test_a_postgresql_that_was_killed_is_started_again_and_jobs_go_on(keeper: Config) -> None:
    service = serving(keeper)
    with service as url:
        jobs = [job_of(url, submit(url, STREAM, MAXREC="3000000")) for _ in range(2)]
        assert eventually(lambda: phase(jobs[0]) == "EXECUTING")
        kill_postmaster(database.cluster_of(keeper.database))
        assert eventually(lambda: ask(url).status == 200)
        assert all(completes(job, 180) for job in jobs)
        for job in jobs:
            assert get(f"{job}/results/result").body.count(b"\n") == 3_000_001
    assert not database.cluster_of(keeper.database).is_running()
    assert complaints(service) == []


@pytest.mark.long
def test_postgresql_comes_back_when_the_disk_of_its_log_has_room_again(keeper: Config) -> None:
    """Without room for its write-ahead log it ends, and cannot even start; what was acknowledged is there afterwards."""
    wal = database.cluster_of(keeper.database).data / "pg_wal"
    aside = wal.with_name("pg_wal.aside")
    owner = str(wal.stat().st_uid)
    wal.rename(aside)
    with small_disk(wal, 80, owner):
        shutil.copytree(aside, wal, dirs_exist_ok=True)
        for path in wal.rglob("*"):
            shutil.chown(path, int(owner), int(owner))
        service = serving(keeper)
        with service as url:
            acknowledged = [job_of(url, submit(url)) for _ in range(3)]
            with full(wal):
                refused = fill_log(url, acknowledged)
                assert refused
                assert all(asks_to_come_back(reply) for reply in refused)
            assert eventually(lambda: ask(url).status == 200)
            assert all(completes(job, 60) for job in acknowledged)
        assert complaints(service) == []


def fill_log(url: str, acknowledged: list[str]) -> list[Reply]:
    """Make jobs with long queries until they are refused; return the refusals."""
    refused: list[Reply] = []
    for _ in range(300):
        reply = submit(url, f"{COUNT} /* {os.urandom(200_000).hex()} */")
        if reply.status == 200:
            acknowledged.append(job_of(url, reply))
        else:
            refused.append(reply)
            if len(refused) > 5:
                break
    return refused
