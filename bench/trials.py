"""What is measured once a round, and the rounds: A B C … A B C …, so that all trials meet the same weather."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

import psycopg
from psycopg import pq

from tap.config import Config
from tap.engine import database
from tap.engine.private import program

K = TypeVar("K")
T = TypeVar("T")
Trial = Callable[[], float]


def interleaved(trials: Mapping[K, Callable[[], T]], rounds: int) -> dict[K, list[T]]:
    """One round before, which does not count, warms everything up."""
    found: dict[K, list[T]] = {name: [] for name in trials}
    for trial in trials.values():
        trial()
    for _ in range(rounds):
        for name, trial in trials.items():
            found[name].append(trial())
    return found


def psql(config: Config, statement: str, *options: str) -> Trial:
    """The command, with its start, its output thrown away."""
    command = ["psql", database.reader_conninfo(config), *options, "-qAtc", statement]
    environment = os.environ | {"PGOPTIONS": "-c search_path=pg_catalog,public"}

    def run() -> float:
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
        return time.perf_counter() - begun

    return run


def pgbench(config: Config, script: str, clients: int, seconds: float) -> float:
    """Statements in a second of so many clients of PostgreSQL itself, on connections as the service's own are."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        counts = ["-c", str(clients), "-j", "1", "-T", str(round(seconds))]
        command = [program("pgbench"), "-n", *counts, "-f", file.name, database.reader_conninfo(config)]
        environment = os.environ | {"PGOPTIONS": "-c search_path=pg_catalog,public"}
        done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return float(found[1])


@contextmanager
def connected(config: Config) -> Iterator[pq.abc.PGconn]:
    """A connection as the service's own are."""
    with psycopg.connect(database.reader_conninfo(config), autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        yield connection.pgconn


def executed(pgconn: pq.abc.PGconn, statement: str) -> Trial:
    """On a connection that is open already, rows thrown away."""

    def run() -> float:
        begun = time.perf_counter()
        result = pgconn.exec_(statement.encode())
        took = time.perf_counter() - begun
        assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message
        return took

    return run


def first_row(pgconn: pq.abc.PGconn, statement: str) -> Trial:
    """Until the first row of a COPY is there; the others are not waited for."""

    def run() -> float:
        begun = time.perf_counter()
        pgconn.send_query(statement.encode())
        pgconn.get_result()
        size, _ = pgconn.get_copy_data(0)
        took = time.perf_counter() - begun
        assert size > 0
        _cancel(pgconn)
        return took

    return run


def _cancel(pgconn: pq.abc.PGconn) -> None:
    pgconn.get_cancel().cancel()
    with suppress(psycopg.OperationalError):
        while pgconn.get_copy_data(0)[0] > 0:
            pass
    while pgconn.get_result() is not None:
        pass
