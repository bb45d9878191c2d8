"""A real PostgreSQL with pgSphere and the real sample, for the whole session; and a real service on it."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg
import pytest
from xdist.scheduler import LoadScopeScheduling

from adql.translate import translate
from schema.description import read_description
from schema.load import open_file
from schema.model import Catalogue
from schema.publish import load_table
from schema.tap_schema import read_catalogue
from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.auth.passwords import hashed
from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster
from tests.people import TOKEN, MakePerson, Person

pytest_plugins = ["tests.askers", "tests.linked", "tests.observations"]

ROOT = Path(__file__).parent.parent
SAMPLE = Path(os.environ.get("ARMILLARY_SAMPLE", ROOT / "build" / "sample"))

_SHOWN = 3000
"""Characters of a log."""

_TOGETHER = {"tests/tap/formats", "tests/tap/sharding/execution", "tests/tap/sharding/engines/citus"}
"""Folders that have fixtures of their own."""

Run = Callable[[str], list[tuple[Any, ...]]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew; review the diff")


class _Scheduling(LoadScopeScheduling):
    """Keeps in one process what shares fixtures that are dear to make: the tests of a file, or of a folder."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        return folder if folder in _TOGETHER else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failure what the service and PostgreSQL last logged."""
    report = yield
    config = getattr(item, "funcargs", {}).get("config")
    if report.failed and isinstance(config, Config):
        for log in sorted(Path(config.database.data_dir).glob("*.log")):
            report.sections.append((log.name, log.read_text("utf-8", "replace")[-_SHOWN:]))
    return report


_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody listens at and that no test of this process had: databases are named after them."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


@pytest.fixture(scope="session")
def config() -> Iterator[Config]:
    """The configuration of a private cluster that lives as long as the tests."""
    # Not pytest's folder: PostgreSQL's own user must be able to go through it.
    folder = Path(tempfile.mkdtemp(prefix="armillary-test-"))
    folder.chmod(0o755)
    port = free_port()
    config = Config().changed(
        base_url=f"http://localhost:{port}/tap",
        port=port,
        data_dir=str(folder),
        shared_buffers="256MB",
        sync_limit=20.0,
        probe_seconds=0,
        publisher="Test observatory",
        contact="archive@example.org",
        registry_authority="test.example",
    )
    cluster = PrivateCluster(folder, config.database.shared_buffers, durable=False)
    cluster.start()
    try:
        database.prepare(config, print)
        yield config
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sample(config: Config) -> Config:
    """The configuration, with demo.stars and demo.ngc loaded and published."""
    load_sample(config)
    return config


def load_sample(config: Config, *names: str) -> None:
    """Load and publish the tables of the sample, or some of them."""
    with database.owner_connection(config) as connection:
        for name in names or ("ngc", "stars"):
            description = read_description(ROOT / "deploy" / "sample" / f"{name}.toml")
            load_table(connection, open_file(SAMPLE / f"{name}.parquet"), f"demo.{name}", description)


def alone(config: Config, **changes: Any) -> Config:
    """The configuration of another service on the same catalogues, with a job store of its own."""
    port = free_port()
    with psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE jobs_{port} OWNER armillary_jobs")
    own = {
        "port": port,
        "base_url": f"http://localhost:{port}/tap",
        "jobs_database": f"host={database.cluster_of(config.database).sockets} dbname=jobs_{port} user=armillary_jobs",
        "results": str(Path(config.database.data_dir) / f"results-{port}"),
    }
    return config.changed(**own | changes)


@pytest.fixture
def owner(config: Config) -> Iterator[psycopg.Connection]:
    """A connection of the role that owns the catalogues."""
    with database.owner_connection(config) as connection:
        yield connection


@pytest.fixture
def reader(config: Config) -> Iterator[psycopg.Connection]:
    """A connection of the role that runs what strangers wrote, as the service sets it up."""
    with psycopg.connect(database.reader_conninfo(config), autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        yield connection


@pytest.fixture
def catalogue(sample: Config, reader: psycopg.Connection) -> Catalogue:
    return read_catalogue(reader)


@pytest.fixture
def run(sample: Config, reader: psycopg.Connection) -> Run:
    """Runs ADQL on the sample and on whatever the test published, as the service would, and gives the rows."""

    def run(query: str) -> list[tuple[Any, ...]]:
        return reader.execute(translate(query, read_catalogue(reader)).sql.encode()).fetchall()

    return run


@pytest.fixture(scope="session")
def service(sample: Config) -> Iterator[str]:
    """The URL of a running `armillary serve` with the sample."""
    with serving(sample) as url:
        yield url


class serving:  # noqa: N801
    """`armillary serve` as a process of its own, for as long as the block lasts; its log in `log`.

    `root` is the folder of the packages that it runs.
    """

    def __init__(self, config: Config, root: Path = ROOT, **environment: str) -> None:
        self.config = config
        self.root = root
        self.environment = environment
        self.log = Path(config.database.data_dir) / f"serve-{config.web.port}.log"

    def settings(self) -> dict[str, str]:
        """Return the variables of its configuration."""
        return self.config.as_environment()

    def __enter__(self) -> str:
        environment = os.environ | self.settings() | self.environment
        command = [sys.executable, "-m", "tap", "serve"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=self.root, env=environment, stdout=log, stderr=log)
        try:
            self._wait()
        except Exception:
            self.process.kill()
            raise
        return self.config.web.base_url

    def _wait(self) -> None:
        url = self.config.web.base_url.removesuffix("/tap") + "/readyz"
        for _ in range(240):
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        raise RuntimeError(f"the service did not start:\n{self.log.read_text()}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="session")
def accounts(config: Config) -> Iterator[AccountStore]:
    store = AccountStore(database.accounts_conninfo(config))
    store.open()
    yield store
    store.close()


@pytest.fixture(scope="session")
def known_passwords() -> Iterator[tuple[str, str]]:
    """A few passwords with their hashes, again and again: a hash takes long, as it must."""
    return cycle([(password, hashed(password)) for password in (secrets.token_urlsafe(12) for _ in range(4))])


@pytest.fixture
def person(accounts: AccountStore, known_passwords: Iterator[tuple[str, str]]) -> MakePerson:
    """Make an account of a name that no other test has."""

    def make(*, groups: tuple[str, ...] = (), is_admin: bool = False) -> Person:
        name, (password, hash_) = f"ada.{secrets.token_hex(4)}-x", next(known_passwords)
        accounts.add_account(name, hash_, is_admin=is_admin)
        for group in groups:
            accounts.add_member(group, name, is_owner=False)
        record = accounts.record(name)
        assert record
        return Person(
            record.account, password, partial(accounts.add_token, record.account, TOKEN, tuple(TokenScope), None)
        )

    return make
