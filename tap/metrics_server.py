"""The port at which Prometheus asks: the counts of all processes, and what the database and the disks say at that moment."""

import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

import psycopg
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from schema.statements import statement
from tap.auth.accounts import AccountsAway
from tap.config import Config
from tap.config_sections import ConfigError
from tap.disks import disks
from tap.engine.engine import DatabaseAway
from tap.parts import Parts, parts_of
from tap.probes import states
from tap.storage.storage import StorageAway, StorageFull
from tap.uploads.upload import uploads_of
from uws.errors import StoreAway
from uws.phases import Phase

_LANES = ("short", "long")
_PAUSE = 0.05
_KEPT = 2.0
"""Seconds for which an answer is given again: nobody makes work by asking often."""


@contextmanager
def metrics_served(config: Config, folder: str) -> Iterator[None]:
    """Answer Prometheus as long as the block lasts, with what processes count into the folder. Raises: ConfigError."""
    parts = parts_of(config, 1, 1, 10.0)
    registry = CollectorRegistry()
    registry.register(ProcessCounts(folder))
    registry.register(ServiceState(config, parts))
    port, host = config.log.metrics_port, config.log.metrics_host
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigError(
            f"metrics_port {port} of {host} cannot be listened at: {error.strerror}. A worker beside the service has a port"
            f" of its own: ARMILLARY_METRICS_PORT={port + 1}, or 0 for none"
        ) from error
    parts.open()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        parts.close()


class ProcessCounts(Collector):
    """What all processes have counted; of those that are gone, no more what they held."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._collector = MultiProcessCollector(CollectorRegistry(), folder)

    def collect(self) -> Iterator[Metric]:
        for path in Path(self._folder).glob("gauge_live*.db"):
            process = path.stem.rpartition("_")[2]
            if not Path("/proc", process).exists():
                mark_process_dead(process, self._folder)
        yield from self._counted()

    def _counted(self, attempts: int = 5) -> list[Metric]:
        """Read what is counted, again where a process is just making its file, which is empty, or one is gone."""
        try:
            return list(self._collector.collect())
        except (struct.error, FileNotFoundError):
            if attempts == 1:
                raise
            time.sleep(_PAUSE)
            return self._counted(attempts - 1)


class ServiceState(Collector):
    """Jobs, shards and disks, asked again after a while only."""

    def __init__(self, config: Config, parts: Parts) -> None:
        self._config = config
        self._parts = parts
        self._lock = threading.Lock()
        self._until = 0.0
        self._known: list[Metric] = []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() > self._until:
                self._known = [*self._of_database(), *self._of_probes(), *self._of_disks()]
                self._until = time.monotonic() + _KEPT
        yield from self._known

    def _of_database(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("armillary_up", "Whether a part answers", labels=["part"])
        jobs = GaugeMetricFamily("armillary_jobs", "Jobs that wait or run", labels=["phase", "lane"])
        expired = GaugeMetricFamily("armillary_jobs_without_lease", "Jobs that run although their worker is silent")
        answers = {"database": False, "job store": False}
        with suppress(StoreAway):
            rows = {(row["phase"], row["lane"]): row for row in self._parts.store.rows("lanes", {})}
            answers["job store"] = True
            for phase, lane in product((Phase.QUEUED, Phase.EXECUTING), _LANES):
                jobs.add_metric([phase, lane], rows[phase, lane]["count"] if (phase, lane) in rows else 0)
            expired.add_metric([], sum(row["expired"] for row in rows.values()))
        with suppress(DatabaseAway, psycopg.Error):
            shards = self._parts.shard_states()
            answers["database"] = True
            answers |= {f"shard {name}": is_up for name, is_up in shards.items()}
            answers |= self._of_archive()
        answers["results"] = self._has_results()
        for part, is_up in answers.items():
            up.add_metric([part], is_up)
        yield from (up, jobs, expired)

    def _of_archive(self) -> dict[str, bool]:
        """Return whether PostgreSQL's log can be archived, where it shall be."""
        with self._parts.engine.session(limit=10) as session:
            rows = session.records(statement("archive_state").decode(), ())
        return {"archive of the log": not rows[0][0]} if rows else {}

    def _has_results(self) -> bool:
        try:
            self._parts.storage.check()
        except (StorageAway, StorageFull, StoreAway):
            return False
        return True

    def _of_probes(self) -> Iterator[Metric]:
        failing = GaugeMetricFamily(
            "armillary_probe_failures", "How often a probe has failed since it last worked", labels=["probe", "machine"]
        )
        with suppress(AccountsAway):
            for state in states(self._parts.accounts, self._config.probes.probe_seconds):
                failing.add_metric([state.probe, state.machine], state.failures_now)
        yield failing

    def _of_disks(self) -> Iterator[Metric]:
        free = GaugeMetricFamily("armillary_disk_free_bytes", "Bytes free where something is kept", labels=["place"])
        size = GaugeMetricFamily("armillary_disk_bytes", "Bytes of that disk", labels=["place"])
        for disk in disks(self._config):
            free.add_metric([disk.place], disk.free)
            size.add_metric([disk.place], disk.total)
        used = GaugeMetricFamily("armillary_uploads_bytes", "Bytes of uploads that wait for their query")
        used.add_metric([], _bytes_in(Path(uploads_of(self._config))))
        yield from (free, size, used)


def _bytes_in(folder: Path) -> int:
    total = 0
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError):
                total += entry.stat().st_size
    return total
