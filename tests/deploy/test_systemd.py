"""The units for systemd, as its own checker reads them."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


@pytest.fixture(params=UNITS, ids=[path.stem for path in UNITS])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit whose program is there."""
    path = tmp_path / request.param.name.replace("@", "@1")
    path.write_text(request.param.read_text().replace("/opt/armillary/bin/armillary", "/bin/true"))
    return path


def test_systemd_takes_the_unit(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_can_do_little_else_than_serve(unit: Path) -> None:
    """1.7 of 10 is what systemd calls OK; the network is what remains."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]
