"""What `armillary check` finds could be better, each on a service that is made so."""

import shlex
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from schema.model import Table
from schema.tap_schema import read_catalogue
from tap.checks import Finding, findings
from tap.config import Config
from tests.command import armillary
from tests.conftest import free_port

TABLE = "checked.stars"
DESCRIPTION = '[columns.ra]\nucd = "pos.eq.ra;meta.main"\nunit = "deg"\n[columns.dec]\nucd = "pos.eq.dec;meta.main"\nunit = "deg"\n'


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def bare(environment: None, owner: psycopg.Connection, tmp_path: Any) -> Iterator[Table]:
    """A table of the operator's own that nobody has analysed or indexed."""
    owner.execute("CREATE SCHEMA checked")
    owner.execute("CREATE TABLE checked.stars (ra float8, dec float8) WITH (autovacuum_enabled = off)")
    owner.execute("INSERT INTO checked.stars SELECT n % 360, n % 90 FROM generate_series(1, 20000) AS n")
    owner.execute("ANALYZE checked.stars")
    (tmp_path / "stars.toml").write_text(DESCRIPTION)
    armillary("publish", TABLE, "--description", str(tmp_path / "stars.toml"))
    armillary("analyze", TABLE)
    yield next(table for table in read_catalogue(owner).tables if table.table_name == TABLE)
    armillary("unpublish", TABLE)
    owner.execute("DROP SCHEMA checked CASCADE")


SMALL = dict.fromkeys(("results_of_strangers", "results_per_owner", "upload_bytes", "spool_limit"), 10**9)
"""Limits that fit on any disk."""


def found(config: Config, owner: psycopg.Connection, *tables: Table) -> list[Finding]:
    return list(findings(config.changed(**SMALL), owner, tables))


def test_of_a_service_that_is_well_nothing_is_found(sample: Config, service: str, owner: psycopg.Connection) -> None:
    tables = [table for table in read_catalogue(owner).tables if table.schema_name == "demo"]
    assert found(sample, owner, *tables) == []


def test_a_table_of_whose_rows_nothing_is_known_is_found(
    sample: Config, service: str, owner: psycopg.Connection, bare: Table
) -> None:
    owner.execute("DELETE FROM tap_schema.column_statistics WHERE table_name = 'checked.stars'")
    assert "armillary analyze checked.stars" in {finding.repair for finding in found(sample, owner, bare)}


def test_a_position_without_an_index_is_found(
    sample: Config, service: str, owner: psycopg.Connection, bare: Table
) -> None:
    (finding,) = found(sample, owner, bare)
    assert "no index on its position" in finding.what
    owner.execute("CREATE INDEX ON checked.stars USING gist (spoint(radians(ra), radians(dec)))")
    armillary("publish", TABLE)
    table = next(table for table in read_catalogue(owner).tables if table.table_name == TABLE)
    assert found(sample, owner, table) == []


def test_what_changed_much_since_it_was_analysed_is_found_and_the_command_mends_it(
    sample: Config, service: str, owner: psycopg.Connection, bare: Table
) -> None:
    owner.execute("INSERT INTO checked.stars SELECT n % 360, n % 90 FROM generate_series(1, 40000) AS n")
    owner.execute("SELECT pg_stat_force_next_flush()")
    owner.execute("SELECT 1")
    (finding,) = [finding for finding in found(sample, owner, bare) if "analysed" in finding.what]
    subprocess.run(shlex.split(finding.repair), check=True)
    assert not [finding for finding in found(sample, owner, bare) if "analysed" in finding.what]


def test_too_few_connections_are_found(sample: Config, service: str, owner: psycopg.Connection) -> None:
    all_findings = found(sample.changed(concurrent_queries=500), owner)
    (finding,) = [finding for finding in all_findings if "connections" in finding.what]
    assert "takes 197 connections" in finding.what
    assert "max_connections" in finding.repair


def test_sorts_that_do_not_fit_into_the_machine_are_found(
    sample: Config, service: str, owner: psycopg.Connection
) -> None:
    hungry = sample.changed(work_mem="100GB")
    (finding,) = [finding for finding in findings(hungry, owner, []) if "sorts" in finding.what]
    assert "work_mem" in finding.repair


def test_a_disk_that_is_nearly_full_is_found(
    sample: Config, service: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(100_000_000_000, 95_000_000_000, 5_000_000_000))
    assert all("Only 5.0 of 100 GB are free" in finding.what for finding in found(sample, owner))


@pytest.mark.parametrize("setting", SMALL)
def test_a_limit_that_no_disk_here_has_room_for_is_found(
    sample: Config, service: str, owner: psycopg.Connection, setting: str
) -> None:
    (finding,) = findings(sample.changed(**SMALL | {setting: 10**16}), owner, [])
    assert finding.what.startswith(f"{setting} lets 10,000,000 GB lie where")
    assert finding.repair.startswith(f"{setting} = ")


def test_a_certificate_that_is_not_believed_is_told_from_a_service_that_is_away(
    sample: Config, owner: psycopg.Connection, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (finding,) = found(sample.changed(base_url=f"https://localhost:{server.server_address[1]}/tap"), owner)
        server.shutdown()
    assert "is not believed" in finding.what
    assert finding.repair.startswith("certbot renew")


@pytest.mark.parametrize("url", ["http://localhost:{port}/tap", "http://nowhere.invalid/tap"])
def test_a_url_at_which_nobody_answers_is_found(sample: Config, owner: psycopg.Connection, url: str) -> None:
    elsewhere = sample.changed(base_url=url.format(port=free_port()))
    (finding,) = found(elsewhere, owner)
    assert "cannot be reached at" in finding.what


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.0 200 OK\r\n\r\nWelcome to nginx!"])
def test_what_is_no_tap_service_at_its_url_is_found(sample: Config, owner: psycopg.Connection, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server, answer))
        thread.start()
        (finding,) = found(sample.changed(base_url=f"http://127.0.0.1:{server.getsockname()[1]}/tap"), owner)
        thread.join()
    assert "cannot be reached at" in finding.what


def _answer(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1 << 16)
        connection.sendall(answer)


def test_the_command_tells_them(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMILLARY_BASE_URL", f"http://localhost:{free_port()}/tap")
    lines = armillary("check").splitlines()
    assert lines[-2].startswith("could be better")
    assert lines[-1].strip().startswith("→")
