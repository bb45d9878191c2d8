"""`armillary selftest`: the contract of a service that runs, tried by a command and shown on its status page."""

import shutil

import pytest
import requests

from tap.config import ENVIRONMENT, Config
from tests.command import armillary
from tests.conftest import alone, serving


def _steps(said: str) -> dict[str, str]:
    """Return the sign of each step by what it says."""
    return {line[2:].partition(":")[0]: line[0] for line in said.splitlines() if line[:1] in {"✓", "✗"}}


@pytest.fixture(autouse=True)
def database_of_these_tests(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)
    monkeypatch.setenv(f"{ENVIRONMENT}SHARED_BUFFERS", config.database.shared_buffers)


def test_a_service_that_keeps_its_contract_passes_and_shows_it(service: str) -> None:
    taplint = ["--taplint"] if shutil.which("stilts") else []
    steps = _steps(armillary("selftest", "--url", service, "--keep", *taplint))
    assert set(steps.values()) == {"✓"}
    page = requests.get(f"{service}/availability", headers={"Accept": "text/html"}, timeout=20).text
    assert page.count("as it must be") == len(steps) == 12 + len(taplint)


@pytest.mark.long
def test_what_fails_is_named_and_the_rest_is_tried_all_the_same(sample: Config) -> None:
    with serving(alone(sample, upload_rows=2, processes=1)) as service:
        said = armillary("selftest", "--url", service, fails=True)
    signs = _steps(said)
    assert [step for step, sign in signs.items() if sign == "✗"] == [
        "A table that comes with a query can be read by it"
    ]
    assert "2 in all uploads" in said
    assert len(signs) == 12


@pytest.mark.long
def test_a_service_that_is_not_there_fails_each_step_without_a_traceback() -> None:
    assert set(_steps(armillary("selftest", "--url", "http://localhost:1/tap", fails=True)).values()) == {"✗"}
