"""What each release left is served by this one: rows, accounts, own tables, jobs and their results."""

import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urljoin

import psycopg
import pytest

from tap.config import ENVIRONMENT, Config
from tap.engine.database import cluster_of, pending_migrations
from tap.engine.private import ADMIN, PrivateCluster, program
from tests.command import armillary
from tests.conftest import ROOT, serving
from tests.contract.client import get
from tests.contract.xsd import UWS
from tests.deploy.release import RELEASES, ada, service_in

_AGED = "UPDATE uws.jobs SET destruction = now() + interval '1 day'"
"""What was kept for a week is not yet to be destroyed."""


@pytest.fixture(params=sorted(path.name for path in RELEASES.iterdir()))
def old(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """The configuration of a service whose database is that of a release; it runs as long as the test."""
    folder = Path(tempfile.mkdtemp(prefix="armillary-upgrade-"))
    folder.chmod(0o755)
    config = service_in(folder)
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)
    monkeypatch.setenv(f"{ENVIRONMENT}SHARED_BUFFERS", "64MB")
    cluster = PrivateCluster(folder, "64MB", durable=False)
    cluster.start()
    _restore(cluster, RELEASES / request.param)
    try:
        yield config
    finally:
        cluster.stop("immediate")
        shutil.rmtree(folder)


def _restore(cluster: PrivateCluster, release: Path) -> None:
    command = [program("psql"), "-q", "-h", str(cluster.sockets), "-U", ADMIN, "-d"]
    subprocess.run([*command, "postgres", "-c", "DROP DATABASE armillary"], capture_output=True, check=True)
    # The role that restores is there already: the one error.
    subprocess.run([*command, "postgres", "-f", str(release / "database.sql")], capture_output=True, check=True)
    subprocess.run([*command, "armillary", "-c", _AGED], capture_output=True, check=True)
    shutil.copytree(release / "results", cluster.folder / "results")


def test_a_dry_run_tells_what_is_to_be_applied_and_applies_nothing(old: Config) -> None:
    pending = pending_migrations(old)
    said = armillary("migrate", "--dry-run").split()
    assert pending == pending_migrations(old)
    assert said == (pending or "The database is up to date.".split())
    assert armillary("migrate").split() == said
    assert armillary("migrate", "--dry-run") == "The database is up to date.\n"


def test_what_a_release_left_is_served(old: Config) -> None:
    armillary("migrate")
    with serving(old) as service:
        asker = ada(service)
        assert asker.count("my.stars") == asker.count("mine") == 8
        jobs = asker.call("GET", "async").xml()
        by_run = {str(job.findtext(f"{{{UWS}}}runId")): str(job.get("id")) for job in jobs.iter(f"{{{UWS}}}jobref")}
        result = asker.call("GET", f"async/{by_run['ended']}/results/result")
        assert result.body == next((Path(old.database.data_dir) / "results").rglob("*.vot")).read_bytes()
        pending = asker.end(f"{service}/async/{by_run['pending']}")
        assert asker.phase(pending) == "COMPLETED"
        assert len(json.loads(asker.call("GET", "shares").body)["given"]) == 1
        assert "The telescope is asleep." in asker.call("GET", "capabilities").text


def test_a_service_of_the_release_goes_on_while_its_database_is_brought_up_to_date(old: Config) -> None:
    """Migrations add; nothing that an older service reads or writes is taken away."""
    with psycopg.connect(cluster_of(old.database).conninfo(ADMIN), autocommit=True) as connection:
        before = _columns(connection)
        armillary("migrate")
        after = _columns(connection)
    assert before.keys() <= after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == set()
    added = {name: after[name] for name in after.keys() - before.keys() if name[:2] in {key[:2] for key in before}}
    assert [name for name, (_, is_needed) in added.items() if is_needed] == []


@pytest.fixture
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The sources of the release, as the history has them."""
    commit = (RELEASES / request.node.callspec.params["old"] / "commit").read_text().strip()
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit], capture_output=True, check=False)
    if archive.returncode:
        pytest.skip("the history is not here")
    subprocess.run(["tar", "-x", "-C", tmp_path], input=archive.stdout, check=True)
    return tmp_path


class _serving_release(serving):  # noqa: N801
    def settings(self) -> dict[str, str]:
        """Return those that every release knows."""
        names = ("DATA_DIR", "PORT", "BASE_URL", "PROCESSES", "SHARED_BUFFERS")
        return {
            f"{ENVIRONMENT}{name}": super(_serving_release, self).settings()[f"{ENVIRONMENT}{name}"] for name in names
        }


@pytest.mark.long
def test_who_asks_a_service_of_the_release_notices_nothing_of_the_migration(old: Config, checkout: Path) -> None:
    with _serving_release(old, checkout) as service:
        asker = ada(service)
        counts, is_done = set(), threading.Event()

        def ask() -> None:
            while not is_done.is_set():
                counts.update(asker.count(table) for table in ("my.stars", "mine"))

        with ThreadPoolExecutor(1) as clients:
            asking = clients.submit(ask)
            assert armillary("migrate").split() != []
            job = asker.run("SELECT * FROM my.stars", DEST="later")
            is_done.set()
            asking.result()
        assert counts == {8}
        assert asker.phase(job) == "COMPLETED"
        assert asker.count("later") == 8
    with serving(old) as service:
        assert ada(service).count("later") == 8


def test_the_first_page_tells_the_version_and_leads_to_what_is_new(service: str) -> None:
    page = get(service, Accept="text/html").text
    (link,) = re.findall(r'<a href="([^"]*)">Armillary ([^<]*)</a>', page)
    assert link[1] == version("armillary")
    news = get(urljoin(service, link[0]), Accept="text/html")
    assert news.status == 200
    assert ">Unreleased</h2>" in news.text


def _columns(connection: psycopg.Connection) -> dict[tuple[str, str, str], tuple[str, bool]]:
    """Return the type of each column of our own tables, and whether each new row must bring a value."""
    rows = connection.execute(
        "SELECT table_schema, table_name, column_name, data_type, is_nullable = 'NO' AND column_default IS NULL"
        " AND is_identity = 'NO' FROM information_schema.columns WHERE table_schema IN ('uws', 'accounts', 'armillary', 'tap_schema')"
    ).fetchall()
    return {(schema, table, column): (type_, is_needed) for schema, table, column, type_, is_needed in rows}
