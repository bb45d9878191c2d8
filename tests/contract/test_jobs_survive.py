"""Jobs while everything round them is killed: none lost, none wrong, none cut."""

import os

import pytest

from bench.kill import Siege
from tap.config import Config
from tests.conftest import alone, serving

SEED = int(os.environ.get("ARMILLARY_SEED", "1"))


@pytest.mark.long
def test_no_job_is_lost_or_wrong_when_everything_is_killed(sample: Config) -> None:
    config = alone(sample, workers=2)
    siege = Siege(config, SEED)
    with serving(config):
        siege.lay(jobs=30, kills=6, restarts=2)
        outcome = siege.outcome(within=60)
    assert not outcome.lost, f"seed {SEED}"
    assert not outcome.wrong, f"seed {SEED}"
    assert not outcome.not_final, f"seed {SEED}"
    assert not outcome.leftovers, f"seed {SEED}"
    assert outcome.kills >= 3
