"""The files for containers: what linters say of them, and that the services of compose.yaml serve.

What is not proved here, since no registry of images can be reached: that the images can be built and started by an engine.
`containers.py` tells what takes their place.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from compose_spec import PyCompose
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench.processes import descendants
from tap.config import Config
from tap.engine.database import admin_conninfo
from tap.engine.pgsphere import ensure_pgsphere
from tap.engine.private import ADMIN, PrivateCluster, program
from tests.clients.tls import wait_for
from tests.conftest import ROOT, free_port
from tests.deploy.containers import CONTAINER, PYTHON, Ports, Site, compose, image_instructions, image_user
from tests.deploy.installed import Installed, run_job

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = ("migrate", "web", "worker")
_HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@pytest.mark.parametrize("name", ["Containerfile", "postgres.Containerfile"])
def test_hadolint_has_nothing_to_say(name: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "hadolint", CONTAINER / name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["Containerfile", "postgres.Containerfile"])
def test_an_image_has_labels_no_secret_and_a_user_with_a_number(name: str) -> None:
    instructions = dict(image_instructions(name))
    assert instructions["USER"].replace(":", "").isdigit()
    assert "org.opencontainers.image.licenses=" in instructions["LABEL"]
    assert "PASSWORD" not in instructions.get("ENV", "").upper()


def test_an_image_is_built_of_what_the_wheel_needs_and_nothing_else() -> None:
    wanted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages, about = {"schema", "adql", "uws", "tap"}, {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    assert wanted == packages | about | {"docs", "build/docs", "deploy/site/wheel.py"}


def test_the_compose_file_is_as_its_specification_says() -> None:
    PyCompose.from_json(json.dumps(compose())).validate()


def test_what_is_named_in_the_compose_file_and_not_there_would_be_told() -> None:
    without = json.dumps(compose() | {"secrets": {}})
    with pytest.raises(ValueError, match=r"secret .* is not defined"):
        PyCompose.from_json(without).validate()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_nothing_that_it_need_not(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in {"0", "root"}
    assert not {"privileged", "cap_add", "devices", "pid", "network_mode"} & set(service)


def test_the_services_run_as_the_user_of_the_image() -> None:
    assert {SERVICES[name]["user"] for name in OURS} == {"{}:{}".format(*image_user())}


def test_only_migrate_is_given_what_a_superuser_of_the_database_needs() -> None:
    assert [name for name in OURS if "admin_database" in SERVICES[name]["secrets"]] == ["migrate"]


@pytest.fixture(scope="module")
def site(installed: Installed) -> Iterator[Site]:
    """A PostgreSQL that wants passwords, its roles as the image makes them, and the secrets as make-secrets writes them."""
    folder = Path(tempfile.mkdtemp(prefix="armillary-compose-"))
    folder.chmod(0o755)
    subprocess.run([CONTAINER / "make-secrets", folder / "secrets"], check=True)
    ports = Ports(free_port(), free_port(), free_port())
    settings = {"listen_addresses": "127.0.0.1", "port": str(ports.postgres)}
    cluster = PrivateCluster(folder / "catalogues", "64MB", durable=False, settings=settings)
    try:
        _start(cluster, ports.postgres, folder / "secrets")
        yield Site(folder, installed, ports)
    finally:
        cluster.stop("immediate")
        shutil.rmtree(folder)


def _start(cluster: PrivateCluster, port: int, secrets: Path) -> None:
    """Start PostgreSQL as its image does: with a superuser `postgres`, and roles.sql run once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPORT", str(port))
        patch.setenv("ROLE_PASSWORD_FILE", str(secrets / "armillary_password"))
        cluster.start()
        admin = cluster.conninfo(ADMIN)
        password = sql.Literal((secrets / "postgres_password").read_text())
        with psycopg.connect(admin, autocommit=True) as connection:
            ensure_pgsphere(connection)
            connection.execute(sql.SQL("CREATE ROLE postgres SUPERUSER LOGIN PASSWORD {}").format(password))
            psql = [program("psql"), "--no-psqlrc", "-d", admin, "-f", str(CONTAINER / "roles.sql")]
            subprocess.run(psql, check=True, capture_output=True)
            (cluster.data / "pg_hba.conf").write_text(_HBA)
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def _running(site: Site, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A service that runs until it is told to stop, as an engine tells it."""
    with (site.folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(site.command(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def migrated(site: Site) -> Site:
    done = site.run("migrate")
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="module")
def url(migrated: Site) -> Iterator[str]:
    """The service of compose.yaml, with one worker beside it."""
    with _running(migrated, "web"), _running(migrated, "worker"):
        wait_for(f"http://127.0.0.1:{migrated.ports.web}/readyz", None)
        yield migrated.ports.url


@pytest.mark.long
def test_migrate_brings_the_database_up_to_date_once(migrated: Site) -> None:
    assert migrated.run("migrate").stderr.strip() == "The database is up to date."


@pytest.mark.long
def test_roles_with_passwords_are_those_that_migrate_would_make(migrated: Site, config: Config) -> None:
    attributes = "rolname, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls"
    query = f"SELECT {attributes} FROM pg_roles WHERE rolname LIKE 'armillary_%' AND NOT rolsuper ORDER BY 1"
    with psycopg.connect(_admin(migrated)) as here, psycopg.connect(admin_conninfo(config)) as there:
        roles = {row[0]: row for row in here.execute(query).fetchall()}
        made = {row[0]: row for row in there.execute(query).fetchall()}
    assert len(roles) == 5
    assert roles == {name: made[name] for name in roles}


def _admin(site: Site) -> str:
    secret = (site.folder / "secrets" / "admin_database").read_text()
    return make_conninfo(secret, host="127.0.0.1", port=site.ports.postgres)


@pytest.mark.long
def test_a_password_that_is_wrong_is_refused(migrated: Site) -> None:
    wrong = make_conninfo(_admin(migrated), user="armillary_reader", password="wrong")  # noqa: S106
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


@pytest.mark.long
def test_the_service_has_no_rights_on_the_machine(migrated: Site) -> None:
    with _running(migrated, "worker") as process:
        wait_for(f"http://127.0.0.1:{migrated.ports.metrics}/metrics", None)
        (status,) = [dict(_status(pid)) for pid in descendants(process.pid) if _is_first(pid)]
    assert status["Uid"].split() == [str(image_user()[0])] * 4 or os.geteuid() != 0
    assert status["Groups"].split() == [] or os.geteuid() != 0
    assert (status["CapEff"], status["CapBnd"], status["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")


@pytest.mark.long
def test_nothing_but_the_volumes_can_be_written_to(migrated: Site) -> None:
    command = migrated.command("web")
    at = command.index(PYTHON)
    places = ["/", "/opt/armillary", "/usr", "/run/secrets", "/etc", "/var/lib/armillary", "/var/tmp", "/tmp"]  # noqa: S108
    probe = f"import os; print(*[p for p in {places} if os.access(p, os.W_OK)])"
    done = subprocess.run([*command[:at], PYTHON, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["/var/lib/armillary", "/var/tmp", "/tmp"]  # noqa: S108


@pytest.mark.long
def test_a_table_is_loaded_with_the_volume_of_an_operator_and_queried(url: str, migrated: Site) -> None:
    shutil.copy(ROOT / "deploy" / "sample" / "observed.csv", migrated.volume("data") / "observed.csv")
    done = migrated.run("migrate", "load", "/var/lib/armillary/observed.csv", "--table", "my.stars")
    assert done.returncode == 0, done.stderr
    query = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": "SELECT target FROM my.stars WHERE v < -1"}
    assert requests.post(f"{url}/sync", data=query, timeout=30).text.split() == ["target", "Sirius"]


@pytest.mark.long
def test_a_job_is_run_by_the_worker_and_its_result_found_by_the_web_process(url: str, migrated: Site) -> None:
    name, count = run_job(url, "SELECT COUNT(*) AS n FROM tap_schema.schemas")
    assert (name, int(count) > 0) == ("n", True)
    assert list((migrated.volume("data") / "results").rglob("*.csv"))


@pytest.mark.long
@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_health_check_of_compose_holds_for_a_service_that_runs(url: str, migrated: Site, name: str) -> None:
    test = SERVICES[name]["healthcheck"]["test"]
    subprocess.run([sys.executable, *map(migrated.ports.put_into, test[2:])], check=True)


@pytest.mark.long
def test_the_health_check_of_the_image_holds_for_a_service_that_runs(url: str, migrated: Site) -> None:
    text = dict(image_instructions("Containerfile"))["HEALTHCHECK"]
    test = json.loads(text[text.index("[") :])
    environment = {**os.environ, "ARMILLARY_PORT": str(migrated.ports.web)}
    subprocess.run([sys.executable, *test[1:]], env=environment, check=True)


@pytest.mark.long
@pytest.mark.parametrize(("name", "answers"), [("web", "8080/livez"), ("worker", "9464/metrics")])
def test_a_service_that_is_told_to_stop_does_so_well_within_its_grace(migrated: Site, name: str, answers: str) -> None:
    ports = replace(migrated.ports, web=free_port(), metrics=free_port())
    with _running(replace(migrated, ports=ports), name) as process:
        wait_for(ports.put_into(f"http://127.0.0.1:{answers}"), None)
        (first,) = [pid for pid in descendants(process.pid) if _is_first(pid)]
        os.kill(first, signal.SIGTERM)
        process.wait(int(SERVICES[name]["stop_grace_period"].removesuffix("s")))
    assert process.returncode == 0


def _is_first(pid: int) -> bool:
    """Return whether it is the command of the service, whose processes are its children."""
    return _command(pid).startswith(f"{PYTHON}\0/opt/armillary/bin/armillary\0".encode())


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _status(pid: int) -> Iterator[tuple[str, str]]:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()
