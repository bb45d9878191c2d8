"""A TAP service as the shell asks it: at once by /sync, for long by jobs, with files beside the query."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tap.client.http import Body, Http, Refused, Unreachable, origin, parsed
from tap.client.job import RemoteJob, create, create_with_files, form_with_files
from tap.client.shell.answer import AnswerTable, QueryRefused, read_answer
from tap.client.shell.capabilities import Capabilities, capabilities_of
from tap.client.tables import RemoteTables

_PIECE = 1 << 18
_JOBS = 50
_TRANSFER = 120.0
_ENOUGH = 8 << 20
"""Bytes of a result that hold as many rows as anybody looks at."""

Files = Mapping[str, Path]
"""Tables to upload by their names in TAP_UPLOAD."""


class TookTooLong(Exception):
    """The service was silent for longer than somebody wants to wait."""


@dataclass(frozen=True)
class JobLine:
    """A job of the service's list."""

    url: str
    phase: str
    created: str = ""


@dataclass(frozen=True)
class RemoteService:
    """`http` shows who asks, and is patient; what somebody waits for is asked once."""

    url: str
    http: Http = field(default_factory=Http)

    @cached_property
    def capabilities(self) -> Capabilities:
        """Raises: Unreachable."""
        return capabilities_of(self.url, self._once())

    @cached_property
    def tables(self) -> RemoteTables:
        """The tables of one's own."""
        return RemoteTables(self.url, self._once(_TRANSFER))

    def _once(self, seconds: float = 30.0) -> Http:
        return replace(self.http, patience=0.0, timeout=seconds)

    # ---- at once

    def ask(self, query: str, most: int, seconds: float, files: Files | None = None) -> AnswerTable:
        """Return the first rows of a query. Raises: QueryRefused, TookTooLong, Refused, Unreachable, LoadError."""
        with tempfile.TemporaryDirectory(prefix="tapsh-") as folder:
            path = Path(folder) / "answer.vot"
            self.save(self._form(query, self.votable, most, files), path, seconds, files)
            return read_answer(path, most)

    def save(self, form: Mapping[str, str], path: Path, seconds: float, files: Files | None = None) -> None:
        """Write the answer of /sync to a file. Raises: TookTooLong, Refused, Unreachable, OSError."""
        body, headers = form_with_files(form, files) if files else (urlencode(form).encode(), {})
        with _patience_ends(), self._send("POST", "sync", body, headers, seconds) as answer, path.open("wb") as file:
            while piece := answer.read(_PIECE):
                file.write(piece)

    def _send(self, method: str, path: str, body: Body, headers: Mapping[str, str], seconds: float) -> Any:
        return self._once(seconds).send(method, f"{self.url}/{path}", body, headers)

    @property
    def votable(self) -> str:
        return self.capabilities.formats.get("votable", "votable")

    def _form(self, query: str, format_: str, most: int, files: Files | None = None) -> dict[str, str]:
        """Return the parameters of a query. FORMAT is what services of TAP 1.0 and 1.1 know (TAP 1.1 §2.7.3)."""
        upload = {"UPLOAD": ";".join(f"{name},param:{name}" for name in files)} if files else {}
        known = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, "FORMAT": format_, "MAXREC": str(most)}
        return known | upload

    # ---- jobs

    def new_job(self, query: str, format_: str, files: Files | None = None) -> RemoteJob:
        """Make a job that computes all rows once it is run. Raises: Refused, Unreachable, OSError."""
        form = self._form(query, format_, self.capabilities.most_rows, files)
        # A job that is asked for twice would run twice.
        http = self._once(_TRANSFER)
        if files:
            job = create_with_files(self.url, form, files, RemoteJob(self.url, http))
        else:
            job = create(self.url, form, http)
        return replace(job, http=self._http_for(job.url))

    def job(self, name: str) -> RemoteJob:
        """Return a job by its URL or its last part."""
        url = name if name.startswith(("http://", "https://")) else f"{self.url}/async/{name}"
        return RemoteJob(url.rstrip("/"), self._http_for(url))

    def name_of(self, job: RemoteJob | JobLine) -> str:
        """Return what `job` finds it by."""
        return job.url.removeprefix(f"{self.url}/async/")

    def _http_for(self, url: str) -> Http:
        """Return who asks for a URL: to another server than the service's we do not show who we are."""
        return self.http if origin(url) == origin(self.url) else replace(self.http, authorization={})

    def first_rows(self, job: RemoteJob, most: int) -> AnswerTable:
        """Return the first rows of a job's result, of which no more is fetched than needed.

        Raises: QueryRefused, Refused, Unreachable, LoadError, OSError.
        """
        with tempfile.TemporaryDirectory(prefix="tapsh-") as folder:
            path = Path(folder) / "result.vot"
            with job.http.send("GET", f"{job.url}/results/result") as answer, path.open("wb") as file:
                while file.tell() < _ENOUGH and (piece := answer.read(_PIECE)):
                    file.write(piece)
                is_whole = not answer.read(1)
            return read_answer(path, most, is_whole=is_whole)

    def job_list(self) -> list[JobLine]:
        """Return the jobs that the service shows, the latest first; none of one that shows no list. Raises: Unreachable."""
        try:
            answer = self._send("GET", f"async?LAST={_JOBS}", None, {}, 30.0)
        except Refused:
            return []
        with answer:
            references = list(parsed(answer.read()).iterfind("{*}jobref"))
        lines = [
            JobLine(
                _href(each) or f"{self.url}/async/{each.get('id')}",
                each.findtext("{*}phase") or "",
                each.findtext("{*}creationTime") or "",
            )
            for each in references
        ]
        return sorted(lines, key=lambda line: line.created, reverse=True)[:_JOBS]

    # ---- what only some services tell

    def report(self, query: str) -> dict[str, Any] | None:
        """Return what the service says of a query without running it; None where it does not. Raises: Unreachable."""
        form = urlencode({"QUERY": query}).encode()
        try:
            with self._send("POST", "check", form, {"Accept": "application/json"}, 30.0) as answer:
                report = json.loads(answer.read())
        except (Refused, ValueError):
            return None
        return report if isinstance(report, dict) and "tables" in report else None


def _href(reference: Any) -> str:
    return str(reference.get("{http://www.w3.org/1999/xlink}href") or "")


@contextmanager
def _patience_ends() -> Iterator[None]:
    """Tell silence from other failures: urllib wraps it, but not within an answer."""
    try:
        yield
    except TimeoutError as error:
        raise TookTooLong from error
    except Unreachable as error:
        cause = error.__cause__
        if isinstance(cause, TimeoutError) or isinstance(getattr(cause, "reason", None), TimeoutError):
            raise TookTooLong from error
        if isinstance(cause, Refused):
            raise QueryRefused(str(cause)) from error
        raise
