"""docs/extending.md: its examples become part of a copy of Armillary, and do there what the page says."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import pyvo

from tap.config import Config
from tests.conftest import ROOT, SAMPLE, alone, serving
from tests.contract.client import get, sync

PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")
_BLOCK = re.compile(r"^`([\w/.]+\.py)`\n\n```(python|diff)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def changed(text: str, diff: str) -> str:
    """Apply a diff: what it takes away and what it leaves must stand there once."""
    for hunk in diff.split("@@\n"):
        old = "".join(line[1:] for line in hunk.splitlines(keepends=True) if line[0] != "+")
        new = "".join(line[1:] for line in hunk.splitlines(keepends=True) if line[0] != "-")
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a copy of Armillary to which everything on the page was added."""
    root = tmp_path_factory.mktemp("extended")
    for package in ("schema", "adql", "uws", "tap"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, kind, text in _BLOCK.findall(PAGE):
        path = root / name
        assert path.exists() == (kind == "diff"), name
        path.write_text(changed(path.read_text("utf-8"), text) if kind == "diff" else text, "utf-8")
    return root


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tmp_path_factory.mktemp("disk1") / "results", tmp_path_factory.mktemp("disk2") / "results"


@pytest.fixture(scope="module")
def service(sample: Config, extended: Path, disks: tuple[Path, Path]) -> Iterator[str]:
    """The URL of a service of that copy."""
    config = alone(sample, processes=1, results=f"mirror:{disks[0]},{disks[1]}")
    with serving(config, extended) as url:
        yield url


def test_the_function_gives_what_numpy_gives(service: str) -> None:
    [query] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    rows = list(csv.DictReader(io.StringIO(sync(service, query, RESPONSEFORMAT="csv").text)))
    stars = pq.read_table(SAMPLE / "stars.parquet").to_pandas()
    near = stars[stars["parallax_mas"] > 20]
    expected = np.sort(near["magnitude"] + 5 * np.log10(near["parallax_mas"] / 1000) + 5)[:3]
    assert [float(row["absolute_magnitude"]) for row in rows] == pytest.approx(expected)
    assert "arm_absolute_magnitude(mag DOUBLE PRECISION" in get(f"{service}/capabilities").text


def test_the_format_can_be_read_line_by_line(service: str) -> None:
    query = "SELECT hip, ccdm, vmag FROM demo.stars WHERE vmag < -0.5 ORDER BY vmag"
    reply = sync(service, query, RESPONSEFORMAT="jsonl")
    lines = [json.loads(line) for line in reply.text.splitlines()]
    same = json.loads(sync(service, query, RESPONSEFORMAT="json").text)
    assert reply.headers["Content-Type"] == "application/jsonl"
    assert lines == [["hip", "ccdm", "vmag"], *same["data"]]


def test_the_place_for_results_has_them_when_a_disk_is_lost(service: str, disks: tuple[Path, Path]) -> None:
    job = pyvo.dal.TAPService(service).submit_job("SELECT COUNT(*) AS stars FROM demo.stars").run().wait()
    assert [len(list(disk.rglob("*.vot*"))) for disk in disks] == [1, 1]
    shutil.rmtree(disks[0])
    assert job.fetch_result()["stars"].tolist() == [981852]
    job.delete()
    # The keeper comes round.
    for _ in range(100):
        if not list(disks[1].rglob("*.vot*")):
            return
        time.sleep(0.2)
    raise AssertionError


def test_the_engine_is_chosen_by_its_name_and_moves_nothing_by_day(extended: Path) -> None:
    program = """
import tap.sharding.engines.at_night as at_night
from tap.sharding.engines.choice import _ENGINES
from tap.sharding.shards import ShardError

class Noon(at_night.datetime):
    @classmethod
    def now(cls): return cls(2026, 1, 1, 12)

at_night.datetime = Noon
engine = _ENGINES["at_night"](None)
try:
    engine.move("gaia.source", ("0",), "north", 0, print)
except ShardError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=extended, capture_output=True, text=True, check=True)
    assert done.stdout == "ranges move between 22 and 6 o'clock only\n"
