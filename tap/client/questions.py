"""What a service is asked to see whether it works: a cone, an upload, a job, each as its users ask (TAP 1.1)."""

import csv
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from urllib.parse import urlencode

from tap.client.http import Http, Refused
from tap.client.job import RemoteJob, create, form_around

_POSITIONS = """
SELECT TOP 1 ra.table_name, ra.column_name AS ra, dec.column_name AS dec
FROM tap_schema.columns AS ra JOIN tap_schema.columns AS dec ON ra.table_name = dec.table_name
WHERE ra.ucd = 'pos.eq.ra;meta.main' AND dec.ucd = 'pos.eq.dec;meta.main' ORDER BY ra.table_name"""
_RADIUS = 0.05
"""Degrees."""
_LONGEST_JOB = 60.0
"""Seconds."""
_BOUNDARY = "armillary-7c1f"
_LIST = b"number\n1\n2\n3\n"


class WrongAnswer(Exception):
    """The service answered, and not what it must."""


@dataclass(frozen=True)
class Service:
    """A TAP service at a URL."""

    url: str
    http: Http = field(default_factory=lambda: Http(patience=0))

    def rows(self, query: str, **more: str) -> list[dict[str, str]]:
        """Return the rows of a query. Raises: Refused, Unreachable."""
        return _rows(self.get("sync", {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", **more}))

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """Raises: Refused, Unreachable."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        with self.http.send("GET", f"{self.url}/{path}{query}") as answer:
            return bytes(answer.read())

    def query_url(self, query: str, **more: str) -> str:
        return f"{self.url}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': query, **more})}"

    def post(self, path: str, body: bytes, kind: str) -> bytes:
        """Raises: Refused, Unreachable."""
        with self.http.send("POST", f"{self.url}/{path}", body, {"Content-Type": kind}) as answer:
            return bytes(answer.read())

    def job(self, query: str, **more: str) -> RemoteJob:
        """Make a job that waits to be run. Raises: Refused, Unreachable."""
        return create(self.url, {"LANG": "ADQL", "QUERY": query, **more}, self.http)


def _rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text.decode())))


def ask_cone(service: Service) -> None:
    """Ask for what lies round a row of the first table with a position. Raises: Refused, Unreachable, WrongAnswer."""
    tables = service.rows(_POSITIONS)
    if not tables:
        _expect(service.rows("SELECT TOP 1 table_name FROM tap_schema.tables"))
        return
    ra, dec, name = (tables[0][key] for key in ("ra", "dec", "table_name"))
    places = service.rows(f'SELECT TOP 1 "{ra}" AS ra, "{dec}" AS dec FROM {name} WHERE "{ra}" IS NOT NULL')
    if places:
        place = f"{places[0]['ra']}, {places[0]['dec']}"
        _expect(service.rows(f'SELECT TOP 1 "{ra}" FROM {name} WHERE DISTANCE("{ra}", "{dec}", {place}) < {_RADIUS}'))


def ask_with_upload(service: Service) -> None:
    """Upload three rows and count them. Raises: Refused, Unreachable, WrongAnswer."""
    fields = {"LANG": "ADQL", "RESPONSEFORMAT": "csv", "QUERY": "SELECT SUM(number) AS n FROM TAP_UPLOAD.mine"}
    head, tail = form_around({**fields, "UPLOAD": "mine,param:list"}, "list", "list.csv", _BOUNDARY)
    reply = service.post("sync", head + _LIST + tail, f"multipart/form-data; boundary={_BOUNDARY}")
    _expect(_rows(reply) == [{"n": "6"}])


def ask_job(service: Service) -> None:
    """Run a job to its end, read its result, and delete it. Raises: Refused, Unreachable, JobFailed, WrongAnswer."""
    job = service.job("SELECT TOP 1 table_name FROM tap_schema.tables", RESPONSEFORMAT="csv")
    try:
        job.run()
        _wait(job)
        with service.http.send("GET", f"{job.url}/results/result") as answer:
            _expect(_rows(answer.read()))
    finally:
        with suppress(Refused):
            job.delete()


def _wait(job: RemoteJob) -> None:
    """Wait until the job has its result, and no longer than a job that does next to nothing may take."""
    end, state = time.monotonic() + _LONGEST_JOB, job.state()
    while state.phase in {"QUEUED", "EXECUTING"} and time.monotonic() < end:
        state = job.state(state.phase)
    if state.phase != "COMPLETED":
        raise WrongAnswer(state.message or f"a small job is {state.phase} after {_LONGEST_JOB:.0f} s")


QUESTIONS: Mapping[str, Callable[[Service], None]] = {
    "query": ask_cone,
    "upload": ask_with_upload,
    "job": ask_job,
}


def _expect(value: object) -> None:
    if not value:
        raise WrongAnswer("the answer is not what was asked for")
