"""Jobs while everything round them is killed: none lost, none wrong, none doubled, none cut."""

import os

import pytest

from bench.kill import Siege, completed_twice
from tap.config import Config
from tests.conftest import alone, serving

SEED = int(os.environ.get("ARMILLARY_SEED", "1"))


@pytest.mark.long
def test_no_job_is_lost_or_wrong_when_everything_is_killed(sample: Config) -> None:
    config = alone(sample, workers=2, jobs_running_per_owner=0)
    service = serving(config)
    with service:
        siege = Siege(config, SEED, durable=False)
        siege.lay(jobs=30, kills=6, restarts=4)
        verdict, leftovers = siege.end(within=60), siege.leftovers()
    assert not verdict.lost, f"seed {SEED}"
    assert not verdict.wrong, f"seed {SEED}"
    assert not verdict.doubled, f"seed {SEED}"
    assert not verdict.not_final, f"seed {SEED}"
    assert not leftovers, f"seed {SEED}"
    assert not completed_twice(service.log), f"seed {SEED}"
    assert siege.figures.kills.total() >= 3
