"""STILTS taplint finds nothing to complain of."""

import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tap.auth.accounts import AccountStore
from tap.auth.passwords import hashed
from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import request as send
from tests.observations import Observations
from tests.people import basic

STILTS = shutil.which("stilts")
STAGES = "TMV TME TMS TMC CPV CAP AVV QGE QPO QAS UWS UPL MDQ EXA OBS"
pytestmark = pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")


@pytest.fixture(scope="module")
def published(sample: Config, observations: Observations, linked: Config) -> Config:
    """The configuration of services with observations, and with tables whose rows lead somewhere."""
    return sample


@pytest.fixture(scope="module", params=["stranger", "account"])
def report(request: pytest.FixtureRequest, service: str, published: Config, accounts: AccountStore) -> Iterator[str]:
    """What it says to a stranger, and to an account of a service that is for accounts only."""
    if request.param == "stranger":
        yield _report(service)
        return
    password = secrets.token_urlsafe(12)
    accounts.add_account("linter", hashed(password))
    config = alone(published, anonymous=False)
    with serving(config) as url:
        put = {**basic("linter", password), "Content-Type": "text/csv"}
        assert send("PUT", f"{url}/tables/mine", b"ra,dec,name\n10,20,a\n30,40,b\n", put).status == 201
        yield _report(url, "-Dstar.basicauth.user=linter", f"-Dstar.basicauth.password={password}")


def _report(url: str, *properties: str) -> str:
    command = [str(STILTS), *properties, "taplint", f"tapurl={url}", f"stages={STAGES}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["Errors", "Warnings", "Failures"])
def test_taplint_reports_none(report: str, kind: str) -> None:
    totals = re.search(r"^Totals: .*$", report, re.MULTILINE)
    assert totals, report[-3000:]
    complaints = [line for line in report.splitlines() if line.startswith(f"{kind[0]}-")]
    counts = dict(re.findall(r"(\w+): (\d+)", totals[0]))
    assert counts[kind] == "0", "\n".join([totals[0], *complaints])


@pytest.mark.parametrize("stage", STAGES.split())
def test_taplint_ran_each_stage(report: str, stage: str) -> None:
    """A stage that is skipped finds nothing either."""
    assert f"Section {stage}:" in report


def test_taplints_queries_all_succeed(report: str) -> None:
    counts = re.findall(r"Successful/submitted TAP queries: (\d+)/(\d+)", report)
    assert len(counts) >= 5
    assert all(done == sent != "0" for done, sent in counts)
