"""A server that says nothing any more under an open connection costs a query its time, and no other thread anything."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from tap.config import Config
from tap.engine import database
from tap.engine.cancellation import Cancellation, CancelReason
from tap.engine.engine import DatabaseAway, Engine
from tap.engine.private import ADMIN
from tap.engine.rows import CopyRows, Interrupted
from tests.contract.faults import Relay
from uws.errors import StoreAway
from uws.job import JobLimits
from uws.store import Store


@pytest.fixture
def relay(config: Config, tmp_path: Path) -> Relay:
    return Relay(tmp_path, database.cluster_of(config.database).sockets)


@pytest.fixture
def conninfo(relay: Relay, tmp_path: Path) -> str:
    return f"host={tmp_path} dbname=armillary user=armillary_reader"


@pytest.fixture
def ticks() -> Iterator[list[float]]:
    """When a thread that has nothing to do with it woke up."""
    found, stop = [time.monotonic()], threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            found.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    yield found
    stop.set()
    thread.join()


def longest_pause(ticks: list[float]) -> float:
    return max(after - before for before, after in pairwise(ticks))


def test_other_threads_go_on_while_the_end_of_a_copy_is_waited_for(
    relay: Relay, conninfo: str, ticks: list[float]
) -> None:
    cancellation = Cancellation()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        relay.cuts_copies = True
        cancellation.attach(connection)
        timer = threading.Timer(0.5, cancellation.trigger, [CancelReason.TIME_LIMIT])
        timer.start()
        with pytest.raises((Interrupted, psycopg.OperationalError)):
            list(CopyRows(connection, b"COPY (SELECT 1) TO STDOUT", 10, cancellation, binary=False))
    assert longest_pause(ticks) < 1


def test_a_server_that_says_nothing_is_away(relay: Relay, conninfo: str, ticks: list[float]) -> None:
    engine = Engine(conninfo, 1, wait=0.5)
    engine.open()
    try:
        with engine.session(5) as session:
            assert session.catalogue
        relay.silent = True
        begun = time.monotonic()
        with pytest.raises(DatabaseAway), engine.session(5):
            pass
        assert time.monotonic() - begun < 3
    finally:
        engine.close()
    assert longest_pause(ticks) < 1


def test_the_job_store_of_a_server_that_says_nothing_is_away(config: Config, relay: Relay, tmp_path: Path) -> None:
    """A caller has an answer in time, and so does one who comes when it is back."""
    store = Store(f"host={tmp_path} dbname=armillary user=armillary_jobs", JobLimits(), wait=0.5)
    store.open()
    try:
        assert store.overview() == store.overview()
        relay.silent = True
        begun = time.monotonic()
        with pytest.raises(StoreAway):
            store.overview()
        assert time.monotonic() - begun < 3
        relay.silent = False
        assert store.overview() is not None
    finally:
        store.close()


def test_a_server_that_ends_a_connection_while_it_works_is_away(config: Config) -> None:
    """As when it is restarted: whoever asks may come again, and a job is run again."""
    engine = Engine(database.reader_conninfo(config), 1)
    engine.open()
    try:
        with (
            psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin,
            pytest.raises(DatabaseAway),
            engine.session(20) as session,
        ):
            ((pid,),) = session.records("SELECT pg_backend_pid()", ())
            threading.Timer(0.3, admin.execute, ["SELECT pg_terminate_backend(%s)", (pid,)]).start()
            session.records("SELECT count(*) FROM generate_series(1, 1000000000)", ())
    finally:
        engine.close()
