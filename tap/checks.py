"""What could be better with a service: found by looking, each with what to do."""

import os
import shlex
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from schema.model import Table
from schema.positions import RA_UCD
from schema.statements import statement
from tap.config import SETTINGS, Config
from tap.disks import disks
from tap.engine.database import cluster_of, reader_connections
from tap.engine.private import ADMIN
from tap.storage import storage_of
from tap.storage.storage import StorageAway, StorageFull

_MOST_ON_DISK = {
    "results": ("results_of_strangers", "results_per_owner"),
    "uploads": ("upload_bytes",),
    "temporary files": ("spool_limit",),
}
"""Settings that say how many bytes may lie at a place."""
_SMALL = 10_000
"""Rows of a table that is searched as fast without an index."""
_OTHERS = 40
"""Connections of the job store, accounts, and the command line."""
_FULL = 0.1
_CERTIFICATE_DAYS = 14
_CLOCK_SECONDS = 2.0
_PATIENCE = 5
_ENOUGH = 1000
"""Bytes of an answer by which it is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do."""

    what: str
    repair: str


def findings(config: Config, connection: psycopg.Connection, tables: Iterable[Table]) -> Iterator[Finding]:
    """Look at the database, by a connection of the catalogues' owner, at this machine, and at the URL of the service."""
    yield from _of_tables(config, connection, tables)
    yield from _of_staged_loads(connection)
    yield from _of_server(config, connection)
    yield from _of_archive(config, connection)
    yield from _of_memory(config, connection)
    yield from _of_disks(config)
    yield from findings_of_url(config.web.base_url)


def _of_staged_loads(connection: psycopg.Connection) -> Iterator[Finding]:
    for name, began, files, rows in connection.execute(statement("staged_loads")):
        yield Finding(
            f"{name}: a load of it has not ended, {rows:,} rows of {files:,} files are there since {began:%Y-%m-%d %H:%M}",
            f"the same armillary load goes on with it; armillary unpublish {name} --drop throws it away",
        )


def _in_database(config: Config, command: str) -> str:
    """Return the command that runs a statement, as one who may."""
    if config.database.database:
        return command
    return f"psql -h {cluster_of(config.database).sockets} -d armillary -U {ADMIN} -c {shlex.quote(command)}"


def _of_tables(config: Config, connection: psycopg.Connection, tables: Iterable[Table]) -> Iterator[Finding]:
    for table in tables:
        if table.table_type != "table" or (table.nrows or 0) <= _SMALL:
            continue
        position = [column for column in table.columns if column.ucd == RA_UCD]
        if position and not any(column.indexed for column in position):
            yield Finding(
                f"{table.table_name} has no index on its position: cones look through all of it",
                f"armillary publish {table.table_name} tells the command that makes it; publish it again after",
            )
        name = sql.Identifier(*table.stored_parts).as_string(connection)
        if connection.execute(statement("never_analyzed"), (name,)).fetchone() is not None:
            yield Finding(
                f"{table.table_name} was never analysed, or has changed much since: plans of queries are guesses",
                _in_database(config, f"ANALYZE {name}"),
            )
        if connection.execute(statement("has_statistics"), (table.table_name,)).fetchone() is None:
            yield Finding(
                f"Nothing is known of where the rows of {table.table_name} are, and of the values of its columns",
                f"armillary analyze {table.table_name}",
            )


def _of_server(config: Config, connection: psycopg.Connection) -> Iterator[Finding]:
    row = connection.execute(statement("server_state")).fetchone()
    most, now = row or (0, 0.0)
    wanted = reader_connections(config) + _OTHERS
    if most < wanted:
        yield Finding(
            f"PostgreSQL takes {most} connections; with these settings the service may want {wanted}",
            _in_database(config, f"ALTER SYSTEM SET max_connections = {wanted}")
            + ", and restart PostgreSQL; or lower concurrent_queries",
        )
    apart = abs(time.time() - float(now))
    if apart > _CLOCK_SECONDS:
        yield Finding(
            f"The clocks of this machine and of PostgreSQL's are {apart:.0f} seconds apart: times of jobs are wrong",
            "Let both keep time: apt install chrony",
        )


def _of_archive(config: Config, connection: psycopg.Connection) -> Iterator[Finding]:
    if connection.execute(statement("archive_state")).fetchone() == (True,):
        yield Finding(
            "The write-ahead log cannot be archived: it grows until the disk is full, and no backup can be brought further",
            _in_database(config, "SELECT * FROM pg_stat_archiver")
            + " tells since when; PostgreSQL's log tells why. A unit of systemd must be allowed to write there (ReadWritePaths)",
        )


def _of_memory(config: Config, connection: psycopg.Connection) -> Iterator[Finding]:
    """Look whether sorts and hashes of as many queries as may run fit into this machine, if PostgreSQL is on it."""
    if config.database.database:
        return
    row = connection.execute("SELECT pg_size_bytes(%s)", (config.database.work_mem,)).fetchone()
    queries = config.web.processes * config.web.concurrent_queries + config.jobs.workers * config.jobs.worker_slots
    wanted = queries * int(row[0] if row else 0)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > there / 2:
        yield Finding(
            f"{queries} queries at once may take {wanted / 1e9:.0f} GB for their sorts, and this machine has {there / 1e9:.0f} GB",
            f"work_mem = '{there // 2 // queries >> 20}MB' in armillary.toml, or lower concurrent_queries, processes or worker_slots",
        )


def _of_disks(config: Config) -> Iterator[Finding]:
    settings = {setting.name: setting.value(config) for setting in SETTINGS}
    for disk in disks(config):
        if disk.free < disk.total * _FULL:
            yield Finding(
                f"Only {disk.free / 1e9:,.1f} of {disk.total / 1e9:,.0f} GB are free where {disk.folder} is",
                "Lower job_lifetime_default, results_per_owner or upload_bytes, or add a disk",
            )
        for setting in _MOST_ON_DISK.get(disk.place, ()):
            if (allowed := settings[setting]) > disk.total:
                yield Finding(
                    f"{setting} lets {allowed / 1e9:,.0f} GB lie where {disk.folder} is, on a disk of {disk.total / 1e9:,.0f} GB",
                    f"{setting} = {disk.total // 2} in armillary.toml, or a larger disk",
                )
    try:
        storage_of(config, lambda: False).check()
    except (StorageFull, StorageAway) as error:
        yield Finding(f"Results of jobs cannot be kept: {error}", "Mount the disk of `results`, or make room there")


def findings_of_url(base_url: str) -> Iterator[Finding]:
    """Ask as users do."""
    try:
        with urllib.request.urlopen(f"{base_url}/availability", timeout=_PATIENCE) as answer:  # noqa: S310
            problem = "" if b"availability" in answer.read(_ENOUGH) else "what answers is no TAP service"
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            yield Finding(
                f"The certificate at {base_url} is not believed: {reason.verify_message}",
                "certbot renew; of an authority of your own, put its certificate into /usr/local/share/ca-certificates and run update-ca-certificates",
            )
            return
        problem = str(reason)
    if problem:
        yield Finding(
            f"The service cannot be reached at {base_url}: {problem}",
            "Start the service (armillary serve), and let base_url and the proxy before it lead to it",
        )
        return
    parts = urlsplit(base_url)
    if parts.scheme == "https" and parts.hostname:
        days = _days_of_certificate(parts.hostname, parts.port or 443)
        if days < _CERTIFICATE_DAYS:
            yield Finding(f"The certificate of {parts.hostname} ends in {days:.0f} days", "certbot renew")


def _days_of_certificate(host: str, port: int) -> float:
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=_PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        certificate = secure.getpeercert() or {}
    return (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86_400
