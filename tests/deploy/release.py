"""What a release leaves to those that follow: its whole database with something of each kind, and the results of its jobs.

`python -m tests.deploy.release 0.1.0`, in a checkout of the release, writes tests/deploy/releases/0.1.0.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tap.auth.identity import Account
from tap.config import ENVIRONMENT, Config
from tap.engine.database import cluster_of
from tap.engine.private import ADMIN, program
from tests.command import armillary
from tests.conftest import ROOT, free_port, serving
from tests.contract.own_tables import Asker
from tests.people import Person

RELEASES = Path(__file__).parent / "releases"
PASSWORD = "correct horse battery staple"  # noqa: S105
QUERY = "SELECT * FROM my.stars ORDER BY target"


def service_in(folder: Path) -> Config:
    """Return the configuration of a service of its own."""
    port = free_port()
    return Config().changed(
        data_dir=str(folder), port=port, base_url=f"http://localhost:{port}/tap", processes=1, shared_buffers="64MB"
    )


def ada(service: str) -> Asker:
    return Asker(service, Person(Account(0, "ada"), PASSWORD))


def _fill(config: Config) -> None:
    """Make a table, an account, one of its own, jobs, a token, a link and a message."""
    armillary("users", "add", "ada", stdin=f"{PASSWORD}\n")
    armillary("load", str(ROOT / "deploy" / "sample" / "observed.csv"), "--table", "my.stars")
    armillary("messages", "add", "The telescope is asleep.")
    with serving(config) as service:
        asker = ada(service)
        job = asker.run(QUERY, RUNID="ended")
        asker.run(QUERY, DEST="mine")
        asker.post_form("async", LANG="ADQL", QUERY=QUERY, RUNID="pending")
        shared = asker.post_form("shares", KIND="job", JOB=job.rpartition("/")[2], WITH="link")
        assert shared.status in {200, 201}, shared.text


def _dump(config: Config, folder: Path) -> None:
    cluster = cluster_of(config.database)
    with cluster.running():
        command = [program("pg_dumpall"), "-h", str(cluster.sockets), "-U", ADMIN, "-l", "postgres", "--no-comments"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    folder.mkdir(parents=True)
    (folder / "database.sql").write_text(text)
    shutil.copytree(Path(config.database.data_dir) / "results", folder / "results")


def main(version: str) -> None:
    with tempfile.TemporaryDirectory(prefix="armillary-release-") as name:
        Path(name).chmod(0o755)
        config = service_in(Path(name) / "data")
        os.environ |= {f"{ENVIRONMENT}DATA_DIR": config.database.data_dir, f"{ENVIRONMENT}SHARED_BUFFERS": "64MB"}
        _fill(config)
        _dump(config, RELEASES / version)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    (RELEASES / version / "commit").write_text(commit.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
