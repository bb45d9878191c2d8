"""The wheel alone, installed outside of the repository: it has all that a service needs."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import requests

from tap.config import Config
from tests.clients.tls import wait_for
from tests.conftest import ROOT, alone
from tests.deploy.installed import Installed, run_job
from tests.house.test_layers import MODULES, imports

PACKAGES = ("schema", "adql", "uws", "tap")
_OF_USE = ("hdf5", "mcp", "objects", "shell", "tracing")
"""Extras beside those for tests and documents."""
PAGES = [
    "/",
    "/build",
    "/crossmatch",
    "/help",
    "/help/jobs",
    "/help/tapsh",
    "/tap/tables",
    "/tap/tables/wheel.stars",
    "/tap/async",
]


@pytest.fixture(scope="module")
def loaded(installed: Installed, config: Config) -> Config:
    """A configuration, with a table that the wheel's own command loaded."""
    file = ROOT / "deploy" / "sample" / "observed.csv"
    command = [installed.program("armillary"), "load", str(file), "--table", "wheel.stars"]
    subprocess.run(command, cwd="/", env=installed.environment(config), check=True)
    return alone(config)


@pytest.fixture(scope="module")
def site(installed: Installed, loaded: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root of a service that runs from the wheel."""
    with _serving(installed, loaded, tmp_path_factory.mktemp("elsewhere")):
        url = loaded.web.base_url.removesuffix("/tap")
        wait_for(f"{url}/readyz", None)
        yield url


@contextmanager
def _serving(installed: Installed, config: Config, folder: Path) -> Iterator[None]:
    command, environment = [installed.program("armillary"), "serve"], installed.environment(config)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def test_the_wheel_has_every_file_of_the_packages_and_the_documents(installed: Installed) -> None:
    inside = {re.sub(r"^armillary-[^/]*\.data/data/share/armillary/", "", name) for name in _names(installed.wheel)}
    paths = [
        path
        for top in (*PACKAGES, "docs")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.parent.name != "screenshots"
    ]
    files = {str(path.relative_to(ROOT)) for path in paths if path.suffix != ".pyc"}
    assert len(files) > 300
    assert files <= inside


def test_the_wheel_has_nothing_but_its_packages_and_documents(installed: Installed) -> None:
    tops = {name.partition("/")[0] for name in _names(installed.wheel)}
    assert {re.sub(r"^armillary-[\d.]+\.", "", top) for top in tops} == {*PACKAGES, "data", "dist-info"}


def _names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if not name.endswith("/")]


def test_its_processes_can_only_find_its_own_modules(installed: Installed, loaded: Config) -> None:
    said = (
        f"import {', '.join(PACKAGES)}; print(*({', '.join(f'{name}.__path__[0]' for name in PACKAGES)},), sep='\\n')"
    )
    done = subprocess.run(
        [installed.program("python"), "-c", said],
        cwd="/",
        env=installed.environment(loaded),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(installed.site_packages / name) for name in PACKAGES]


def test_it_answers_a_query_on_what_it_loaded(site: str) -> None:
    query = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": "SELECT target FROM wheel.stars WHERE v < -1"}
    reply = requests.post(f"{site}/tap/sync", data=query, timeout=30)
    assert reply.text.split() == ["target", "Sirius"]


def test_its_own_workers_run_a_job(site: str) -> None:
    assert run_job(f"{site}/tap", "SELECT COUNT(*) AS n FROM wheel.stars") == ["n", "8"]


def test_its_command_line_for_users_asks_a_service(installed: Installed, loaded: Config, site: str) -> None:
    command = [installed.program("tapsh"), f"{site}/tap", "-c", "SELECT COUNT(*) AS n FROM wheel.stars"]
    done = subprocess.run(command, cwd="/", env=installed.environment(loaded), capture_output=True, check=True)
    assert done.stdout.split() == [b"n", b"8"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_there_with_its_static_files(site: str, path: str) -> None:
    reply = requests.get(f"{site}{path}", headers={"Accept": "text/html"}, timeout=30)
    assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    links = set(re.findall(r'(?:href|src)="(/-/static/[^"]+)"', reply.text))
    assert links
    assert {requests.get(f"{site}{link}", timeout=30).status_code for link in links} == {200}


def test_the_site_that_was_built_before_the_wheel_is_in_it(site: str) -> None:
    assert requests.get(f"{site}/docs", timeout=30).text == "All documents"


def test_a_document_of_the_help_comes_from_the_wheel(site: str) -> None:
    assert "TOPCAT" in requests.get(f"{site}/help/topcat", timeout=30).text


def test_every_library_that_it_imports_is_among_its_dependencies() -> None:
    """A library that only the tests ask for is here too, and would be missed elsewhere."""
    imported = {target.partition(".")[0] for path in MODULES.values() for target in imports(path)}
    by_module = packages_distributions()
    wanted = {name: by_module[name] for name in imported - set(sys.stdlib_module_names) - set(PACKAGES)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(each for name in _OF_USE for each in extras[name])]
    names = {name for requirement in asked for name in _named(requirement)}
    assert not {name: found for name, found in wanted.items() if not names & {_normal(each) for each in found}}


def _named(requirement: str) -> set[str]:
    """Return the distributions that a requirement names: `psycopg[pool]` is psycopg and psycopg-pool."""
    name, extras = re.match(r"([\w.-]+)(?:\[([^]]*)\])?", requirement).groups()  # type: ignore[union-attr]
    return {name, *(f"{name}-{extra}" for extra in (extras or "").split(","))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
