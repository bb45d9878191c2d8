"""STILTS taplint finds nothing to complain of."""

import re
import shutil
import subprocess

import pytest

STILTS = shutil.which("stilts")
STAGES = "TMV TME TMS TMC CPV CAP AVV QGE QPO QAS UWS UPL MDQ EXA"
pytestmark = pytest.mark.skipif(STILTS is None, reason="STILTS is not installed: apt-get install stilts")


@pytest.fixture(scope="module")
def report(service: str) -> str:
    command = [str(STILTS), "taplint", f"tapurl={service}", f"stages={STAGES}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
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
