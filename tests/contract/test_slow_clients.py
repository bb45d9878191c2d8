"""Clients that read at a snail's pace, send byte by byte, or say nothing, beside a polite one (docs/demands.md B11, B12)."""

import time

import pytest

from bench.slow_readers import LIMIT_MB, LIMIT_MS, Crowd, SlowClients, memory_of, percentile, polite
from tap.config import Config
from tests.conftest import alone, serving


@pytest.mark.long
def test_hundreds_of_slow_clients_leave_the_polite_one_fast_and_the_service_small(sample: Config) -> None:
    crowd = Crowd(readers=100, dribblers=200, idle=200)
    config = alone(sample, queries_per_owner=1000)
    with serving(config), SlowClients(config.web.port, crowd) as clients:
        times, errors = polite(config.web.port, 10)
        end = time.monotonic() + 60
        while clients.begun < crowd.readers and time.monotonic() < end:
            time.sleep(0.1)
        assert clients.begun == crowd.readers
        assert memory_of(config) < LIMIT_MB
    assert not errors
    assert percentile(times, 95) < LIMIT_MS
