"""Armillary as `pip install` leaves it: a wheel in a virtual environment of its own, far from the repository.

What it depends on is taken from the environment of the tests, so that nothing is downloaded anew; the packages of the
repository cannot be found there, since a path that a .pth file names has its own .pth files left unread.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import requests

from tap.config import Config
from tests.conftest import ROOT


@dataclass(frozen=True)
class Installed:
    """The environment in `folder`, and the wheel that is in it."""

    folder: Path
    wheel: Path

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    @property
    def site_packages(self) -> Path:
        return self.folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"

    def environment(self, config: Config) -> dict[str, str]:
        """Return all variables that its processes get: none of those of the tests."""
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        return {"PATH": path, "HOME": config.database.data_dir, **config.as_environment()}


def install(folder: Path) -> Installed:
    """Build the wheel, of what an image is built of and a site, and install it into a new environment below the folder."""
    sources = folder / "sources"
    _copy_for_image(sources)
    (sources / "build" / "docs").mkdir(parents=True)
    (sources / "build" / "docs" / "index.html").write_text("All documents")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder / "wheels", sources], check=True)
    (wheel,) = (folder / "wheels").glob("*.whl")
    installed = Installed(folder / "armillary", wheel)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", installed.folder], check=True)
    subprocess.run([*pip, "--python", installed.program("python"), "install", "--no-deps", wheel], check=True)
    (installed.site_packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return installed


def _copy_for_image(target: Path) -> None:
    """Copy what .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    skipped = [ROOT / line for line in lines if re.fullmatch(r"[^#*!].*", line)]
    for path in (ROOT / line[1:] for line in lines if line.startswith("!")):
        place = target / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(
                path,
                place,
                ignore=lambda folder, names: {n for n in names if n == "__pycache__" or Path(folder, n) in skipped},
            )
        elif path.is_file():
            shutil.copy(path, place)


def run_job(service: str, query: str) -> list[str]:
    """Run a query as a job, and return the words of its result, a CSV file."""
    values = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": query, "PHASE": "RUN"}
    job = requests.post(f"{service}/async", data=values, timeout=30).url
    for _ in range(12):
        requests.get(job, params={"WAIT": "5"}, timeout=30)
        phase = requests.get(f"{job}/phase", timeout=30).text.strip()
        if phase not in {"QUEUED", "EXECUTING"}:
            break
    assert phase == "COMPLETED", requests.get(job, timeout=30).text
    return requests.get(f"{job}/results/result", timeout=30).text.split()
