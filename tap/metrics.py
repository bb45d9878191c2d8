"""What is counted, for Prometheus: of all web processes and workers that one `armillary serve` starts, at a port of its own.

Each process writes its counts into files of its own in a folder that they share; the one that started them adds them
up when it is asked (metrics_server.py). The library decides when it is imported whether it does so.
"""

import os
import re
import tempfile
from functools import cache

from tap.observe import Event, Fault, JobMoved, JobTold, Kept, ProcessState, RequestDone
from tap.openapi.endpoints import endpoints
from tap.progress import Stage

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own variable."""
_CLIENTS = (
    ("TOPCAT", "topcat"),
    ("STILTS", "stilts"),
    ("astroquery", "astroquery"),
    ("pyvo", "pyvo"),
    ("aladin", "aladin"),
    ("armillary-probe", "probe"),
    ("armillary", "armillary"),
    ("curl|wget", "curl"),
    ("mozilla", "browser"),
    ("python", "python"),
    ("java", "java"),
)
_CLIENT = re.compile("|".join(f"(?P<{label}>{pattern})" for pattern, label in _CLIENTS), re.IGNORECASE)
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_JOB_SECONDS = (0.1, 1, 10, 60, 300, 1800, 3600, 6 * 3600, 86_400)


def make_folder() -> tempfile.TemporaryDirectory[str]:
    """Make the folder that processes started from now on count into."""
    folder = tempfile.TemporaryDirectory(prefix="armillary-metrics-")
    os.environ[FOLDER] = folder.name
    return folder


def metrics_enabled() -> bool:
    """Return whether this process counts."""
    return FOLDER in os.environ


def kind_of(path: str) -> str:
    """Return which part of the service a path belongs to: one of few, whatever is asked for."""
    name = _kind(path)
    if name in {"", "-", "tap"}:
        return "page"
    return name if name in _kinds() else "other"


@cache
def _kinds() -> frozenset[str]:
    return frozenset(_kind(path) for path, _, _ in endpoints().operations())


def _kind(path: str) -> str:
    """Return the first segment of a path, behind /tap where it begins so."""
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "tap" and len(parts) > 1 else parts[0]


def client_of(agent: str) -> str:
    """Return what software asks, by its User-Agent."""
    match = _CLIENT.search(agent)
    return str(match.lastgroup) if match else "other"


class Metrics:
    """Counts the events of this process."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self._requests = Counter("armillary_requests", "Requests that were answered", ["kind", "status"])
        self._seconds = Histogram("armillary_request_seconds", "Seconds to the last byte", ["kind"], buckets=_SECONDS)
        self._errors = Counter("armillary_errors", "Requests that failed, by the class of the error", ["kind", "cause"])
        self._told = Counter("armillary_notifications", "Attempts to tell that a job has ended", ["how", "outcome"])
        self._clients = Counter("armillary_requests_by_client", "Requests by the software that asks", ["client"])
        self._rows = Counter("armillary_rows_out", "Rows of results")
        self._sent = Counter("armillary_bytes_out", "Bytes of answers", ["kind"])
        self._received = Counter("armillary_bytes_in", "Bytes of requests, uploads among them", ["kind"])
        self._stages = Counter(
            "armillary_query_stage_seconds", "Seconds that /sync queries spent in a stage", ["stage"]
        )
        self._jobs = Counter("armillary_job_moves", "Jobs that came into a phase", ["phase", "lane"])
        self._job_seconds = Histogram(
            "armillary_job_seconds", "Seconds of runs of jobs", ["lane"], buckets=_JOB_SECONDS
        )
        self._faults = Counter("armillary_faults", "Errors of the service itself")
        self._kept = Counter("armillary_kept", "What the housekeeper did", ["what"])
        self._translations = Counter("armillary_translations", "Queries translated, or found translated", ["kept"])
        self._queries = Gauge("armillary_queries", "/sync queries just now", ["stage"], multiprocess_mode="livesum")
        self._pool = Gauge("armillary_pool_connections", "Connections", ["pool", "state"], multiprocess_mode="livesum")

    def __call__(self, event: Event) -> None:
        match event:
            case RequestDone():
                self._request(event)
            case JobMoved(phase=phase, lane=lane, seconds=seconds, rows=rows):
                self._jobs.labels(phase, lane).inc()
                if seconds:
                    self._job_seconds.labels(lane).observe(seconds)
                    self._rows.inc(rows)
            case Fault():
                self._faults.inc()
            case Kept(what=what, count=count):
                self._kept.labels(what).inc(count)
            case JobTold(how=how, problem=problem):
                self._told.labels(how, "failed" if problem else "taken").inc()
            case ProcessState():
                self._state(event)

    def _request(self, done: RequestDone) -> None:
        kind = kind_of(done.path)
        self._requests.labels(kind, str(done.status)).inc()
        self._seconds.labels(kind).observe(done.seconds)
        self._clients.labels(client_of(done.client)).inc()
        self._sent.labels(kind).inc(done.bytes)
        self._received.labels(kind).inc(done.received)
        self._rows.inc(done.rows or 0)
        if done.cause:
            self._errors.labels(kind, done.cause.partition(":")[0]).inc()
        for stage, seconds in done.stages.items():
            self._stages.labels(stage).inc(seconds)

    def _state(self, state: ProcessState) -> None:
        for stage in Stage:
            self._queries.labels(stage).set(state.stages.get(stage, 0))
        for pool, numbers in state.pools.items():
            for name, number in numbers.items():
                self._pool.labels(pool, name).set(number)
        for kept, number in state.translations.items():
            self._translations.labels(kept).inc(number)
