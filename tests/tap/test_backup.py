"""A backup of a service that runs, restored elsewhere: the same answers, accounts, jobs, results and own tables."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tap.auth.identity import Account
from tap.backup import recovering
from tap.config import ENVIRONMENT, Config
from tap.engine.database import cluster_of, running_database
from tap.engine.private import ADMIN
from tests.command import armillary
from tests.conftest import ROOT, free_port, load_sample, serving
from tests.contract.client import get
from tests.contract.own_tables import Asker
from tests.people import Person

QUERY = "SELECT COUNT(*) AS n, SUM(ra) AS s FROM demo.ngc"
SAMPLE = ROOT / "deploy" / "sample"
PASSWORD = "correct horse battery staple"  # noqa: S105


def _config(folder: Path) -> Config:
    port = free_port()
    return Config().changed(
        data_dir=str(folder), port=port, base_url=f"http://localhost:{port}/tap", processes=1, shared_buffers="64MB"
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not pytest's: PostgreSQL's own user must be able to go through it."""
    path = Path(tempfile.mkdtemp(prefix="armillary-backup-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_other_settings(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT}SHARED_BUFFERS", "64MB")


def run(config: Config, monkeypatch: pytest.MonkeyPatch, *arguments: str, fails: bool = False, stdin: str = "") -> str:
    monkeypatch.setenv(f"{ENVIRONMENT}DATA_DIR", config.database.data_dir)
    return armillary(*arguments, fails=fails, stdin=stdin)


def answer(service: str) -> bytes:
    return get(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY, "FORMAT": "csv"}).body


@pytest.mark.long
def test_a_restored_service_is_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, backup = _config(folder / "old"), _config(folder / "new"), folder / "backup"
    run(old, monkeypatch, "users", "add", "ada", stdin=f"{PASSWORD}\n")
    with serving(old) as service:
        load_sample(old)
        ada = Asker(service, _person("ada"))
        job = ada.run("SELECT TOP 9 name, ra FROM demo.ngc ORDER BY name")
        ada.run("SELECT TOP 5 name FROM demo.ngc", DEST="mine")
        before = answer(service), ada.call("GET", f"{job}/results/result").body, ada.count("mine")
        said = run(old, monkeypatch, "backup", str(backup))
        assert "1 results" in said
        ada.run("SELECT TOP 2 name FROM demo.ngc", DEST="later")
        _check_that_results_are_shared(old, monkeypatch, backup)
    manifest = json.loads((backup / "armillary.json").read_text())
    assert manifest["results"] == 1
    shutil.rmtree(folder / "old")
    assert "as it was at" in run(new, monkeypatch, "restore", str(backup))
    with serving(new) as service:
        ada = Asker(service, _person("ada"))
        job = job.replace(str(old.web.port), str(new.web.port))
        assert (answer(service), ada.call("GET", f"{job}/results/result").body, ada.count("mine")) == before
        assert ada.get("later").status == 404
        assert ada.phase(ada.run("SELECT TOP 1 name FROM demo.ngc")) == "COMPLETED"
    assert "is there already" in run(new, monkeypatch, "restore", str(backup), fails=True)
    assert "is there already" in run(new, monkeypatch, "backup", str(backup), fails=True)
    _damage(backup)
    assert "pg_verifybackup failed" in run(_config(folder / "third"), monkeypatch, "restore", str(backup), fails=True)
    assert not (folder / "third" / "postgres").exists()


@pytest.mark.long
def test_with_an_archive_of_its_log_a_service_is_as_it_was_at_any_instant(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, backup, archive = _config(folder / "live"), _config(folder / "then"), folder / "base", folder / "wal"
    archive.mkdir(mode=0o777)
    archive.chmod(0o777)
    run(old, monkeypatch, "users", "add", "ada", stdin=f"{PASSWORD}\n")
    with running_database(old), _admin(old) as admin:
        admin.execute("ALTER SYSTEM SET archive_mode = on")
        admin.execute(f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'".encode())
    with serving(old) as service:
        load_sample(old)
        ada = Asker(service, _person("ada"))
        run(old, monkeypatch, "backup", str(backup))
        ada.run("SELECT TOP 5 name FROM demo.ngc", DEST="before")
        with _admin(old) as admin:
            instant = admin.execute("SELECT now()").fetchone()
        ada.run("SELECT TOP 2 name FROM demo.ngc", DEST="later")
        with _admin(old) as admin:
            admin.execute("SELECT pg_switch_wal()")
    assert instant
    until = instant[0].isoformat()
    assert "needs --wal" in run(new, monkeypatch, "restore", str(backup), "--until", until, fails=True)
    refused = run(new, monkeypatch, "restore", str(backup), "--wal", str(archive), "--until", "noon", fails=True)
    assert "is no instant" in refused
    said = run(new, monkeypatch, "restore", str(backup), "--wal", str(archive), "--until", until)
    assert f"as it was at {until}" in said
    with serving(new) as service:
        ada = Asker(service, _person("ada"))
        assert (ada.count("before"), ada.get("later").status) == (5, 404)
        assert ada.phase(ada.run("SELECT TOP 1 name FROM demo.ngc")) == "COMPLETED"
        archived = sorted(path.name for path in archive.iterdir())
        with _admin(new) as admin:
            admin.execute("SELECT pg_switch_wal()")
            assert admin.execute("SHOW archive_mode").fetchone() == ("off",)
    # What was tried left no trace in the archive: the next one has all of it.
    assert sorted(path.name for path in archive.iterdir()) == archived
    all_of_it = _config(folder / "all")
    run(all_of_it, monkeypatch, "restore", str(backup), "--wal", str(archive))
    with serving(all_of_it) as service:
        assert Asker(service, _person("ada")).count("later") == 2
    for instant_, message in (
        ("2020-01-01T00:00Z", "take an older one"),
        ("2100-01-01T00:00Z", "The archive ends before"),
    ):
        refused = _config(folder / "refused")
        said = run(refused, monkeypatch, "restore", str(backup), "--wal", str(archive), "--until", instant_, fails=True)
        assert message in said
        assert not cluster_of(refused.database).data.exists()


@pytest.mark.long
def test_a_trial_does_not_touch_the_results_of_the_service_that_was_backed_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, backup = folder / "shared", folder / "before"
    old, new = (_config(folder / name).changed(results=str(results)) for name in ("served", "tried"))
    monkeypatch.setenv(f"{ENVIRONMENT}RESULTS", str(results))
    run(old, monkeypatch, "users", "add", "ada", stdin=f"{PASSWORD}\n")
    with serving(old) as service:
        load_sample(old, "ngc")
        run(old, monkeypatch, "backup", str(backup))
        ada = Asker(service, _person("ada"))
        job = ada.run("SELECT TOP 5 name FROM demo.ngc")
        assert "say --take-over" in run(new, monkeypatch, "restore", str(backup), fails=True)
        assert not cluster_of(new.database).data.exists()
        assert ada.call("GET", f"{job}/results/result").status == 200
    run(new, monkeypatch, "restore", str(backup), "--take-over")
    with serving(new) as service:
        assert answer(service)


def _admin(config: Config) -> psycopg.Connection:
    return psycopg.connect(cluster_of(config.database).conninfo(ADMIN), autocommit=True)


def _person(name: str) -> Person:
    return Person(Account(0, name), PASSWORD)


def _check_that_results_are_shared(config: Config, monkeypatch: pytest.MonkeyPatch, backup: Path) -> None:
    """A backup since another has the same results, and no second copy of them."""
    newer = backup.with_name("newer")
    run(config, monkeypatch, "backup", str(newer), "--since", str(backup))
    files = [path for path in (backup / "results").rglob("*") if path.is_file()]
    assert files
    assert all(path.samefile(newer / path.relative_to(backup)) for path in files)
    assert "is no whole backup" in run(
        config, monkeypatch, "backup", str(backup.with_name("x")), "--since", str(backup.parent), fails=True
    )


def _damage(backup: Path) -> None:
    largest = max((backup / "postgres" / "base").rglob("*"), key=lambda path: path.stat().st_size)
    with largest.open("r+b") as file:
        file.seek(1000)
        file.write(b"damaged")


def test_what_is_no_backup_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "is no whole backup" in run(_config(folder / "fourth"), monkeypatch, "restore", str(tmp_path), fails=True)


def test_a_database_of_the_operators_own_is_left_to_its_own_tools(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(f"{ENVIRONMENT}DATABASE", "host=/nowhere dbname=x")
    assert "by its own tools" in armillary("backup", str(tmp_path / "new"), fails=True)


def test_where_the_database_is_the_operators_own_none_is_made_beside_it(tmp_path: Path) -> None:
    """As when shards alone are restored."""
    with recovering(Config().changed(data_dir=str(tmp_path / "data"), database="host=/nowhere dbname=x"), None):
        assert not (tmp_path / "data").exists()


@pytest.fixture
def shard_names(config: Config) -> Iterator[list[str]]:
    """Databases that can be shards, of another cluster than that of the service; they can be made anew."""
    names = ["backup_north", "backup_south"]
    make_databases(config, names)
    yield names
    drop_databases(config, names)


def make_databases(config: Config, names: list[str]) -> None:
    with psycopg.connect(cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin:
        for name in names:
            admin.execute(f"CREATE DATABASE {name}".encode())


def drop_databases(config: Config, names: list[str]) -> None:
    with psycopg.connect(cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin:
        for name in names:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def shards_file(config: Config, names: list[str], path: Path) -> Path:
    """Write the file that names shards; of their superuser too, so that they are made ready."""
    sections = []
    for name in names:
        conninfo = f"host={cluster_of(config.database).sockets} dbname={name} user="
        sections.append(f"[shards.{name}]\ndatabase = '{conninfo}armillary_owner'\nadmin = '{conninfo}{ADMIN}'\n")
    path.write_text("".join(sections))
    return path


@pytest.mark.long
def test_rows_on_shards_are_backed_up_and_come_back_where_they_are_lost(
    folder: Path, shard_names: list[str], config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own, backup = _config(folder / "sharded"), folder / "sharded-backup"
    file = shards_file(config, shard_names, tmp_path / "shards.toml")
    description = tmp_path / "ngc.toml"
    description.write_text((SAMPLE / "ngc.toml").read_text().replace("[table]", "[table]\nsharded = true"))
    run(own, monkeypatch, "shards", "init", str(file))
    data = str(ROOT / "build" / "sample" / "ngc.parquet")
    run(own, monkeypatch, "load", data, "--table", "demo.ngc", "--description", str(description))
    before = _sums(own)
    assert "the rows on backup_north" in run(own, monkeypatch, "backup", str(backup))
    shutil.rmtree(folder / "sharded")
    drop_databases(config, shard_names[:1])
    make_databases(config, shard_names[:1])
    assert "backup_north is not ready" in run(own, monkeypatch, "restore", str(backup), fails=True)
    run(own, monkeypatch, "shards", "init", str(file))
    said = run(own, monkeypatch, "restore", "--shards-only", str(backup))
    assert "the rows on backup_north" in said
    assert "backup_south" not in said
    assert _sums(own) == before
    assert "the rows on" not in run(own, monkeypatch, "restore", "--shards-only", str(backup))
    with psycopg.connect(f"host={cluster_of(config.database).sockets} dbname=backup_south user={ADMIN}") as shard:
        (partition,) = (
            shard.execute("SELECT format('%I.%I', schema_name, partition) FROM armillary.parts LIMIT 1").fetchone()
            or ()
        )
        shard.execute(f"DROP TABLE {partition}".encode())
    assert "backup_south lacks 1 of its" in run(own, monkeypatch, "restore", "--shards-only", str(backup), fails=True)


def _sums(config: Config) -> list[tuple[object, ...]]:
    """Return what the coordinator's reader sees of all rows."""
    with running_database(config), psycopg.connect(cluster_of(config.database).conninfo("armillary_reader")) as reader:
        return reader.execute("SELECT count(*), sum(ra), max(name) FROM demo.ngc").fetchall()
