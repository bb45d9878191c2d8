"""Jobs as people see them: the list, and a job with its result."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from adql.errors import AdqlError
from adql.translate import translate
from schema.load.reader import FileColumn, LoadError
from schema.model import Catalogue
from tap.auth.authentication import check_own_page
from tap.auth.identity import identity_of
from tap.config import Config
from tap.errors import Busy, NotFound
from tap.form import read_parameters
from tap.formats import FORMATS
from tap.jobs import RESULT
from tap.pages.cells import rows_of
from tap.pages.rendering import CatalogueOf, Pages, see
from tap.pages.result_rows import ResultRows, View
from tap.pages.take_away import FILES, asked, kit
from tap.query.manifest import manifest_of
from uws.errors import NoSuchJob
from uws.forecast import outlook
from uws.job import Job
from uws.parameters import ParameterError, Parameters
from uws.phases import ACTIVE, FINAL, Phase
from uws.resources import Resources
from uws.store import is_job_id

_JOBS_SHOWN, _ROWS_SHOWN, _MOST_ROWS = 50, 100, 1000
_AT_ONCE, _YOUNG = 1.5, 5.0
"""Seconds that a page waits for its job to end, if it is not older than so many."""
_LONGEST_NAME, _LONGEST_NOTE = 64, 2000
_TICK, _WATCHED = 2.0, 60
_LIVE = frozenset({Phase.QUEUED, Phase.EXECUTING})


@dataclass
class Streams:
    """How many pages of an account, or of an address, hear of their jobs just now."""

    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class JobPages:
    """The handlers."""

    pages: Pages
    config: Config
    jobs: Resources
    rows: ResultRows
    catalogue: CatalogueOf
    streams: Streams = field(default_factory=Streams)

    # ---- the list

    async def job_list(self, request: Request) -> Response:
        """Show one's jobs, the newest first; PHASE chooses among them, BEFORE goes on; ALL is for administrators."""
        parameters = await read_parameters(request, self.config)
        jobs, more = await run_in_threadpool(self._list, request, parameters)
        values = {
            "jobs": [self._line(job) for job in jobs],
            "more": more,
            "phase": parameters.one("PHASE") or "",
            "phases": [str(phase) for phase in Phase if phase is not Phase.UNKNOWN],
            "of_all": parameters.one("ALL") is not None,
            "before": jobs[-1].creation_time.isoformat() if more else "",
            "live": ",".join(job.job_id for job in jobs if job.phase in ACTIVE),
        }
        template = "_job_list.html" if "hx-request" in request.headers else "jobs.html"
        return self.pages.response(request, template, values)

    def _list(self, request: Request, parameters: Parameters) -> tuple[list[Job], bool]:
        phases = [Phase(text) for text in parameters.all("PHASE") if text in set(Phase)]
        asker = self.jobs.service.asker(request)
        of_all = asker.sees_all and parameters.one("ALL") is not None
        references = self.jobs.store.references(None if of_all else asker, phases)
        if before := parameters.one("BEFORE"):
            references = [job for job in references if job.creation_time.isoformat() < before]
        shown = references[:_JOBS_SHOWN]
        return self.jobs.store.referenced(shown), len(references) > len(shown)

    def _line(self, job: Job) -> dict[str, Any]:
        return {
            "job": job,
            "query": asked(job, "QUERY"),
            "rows": dict(job.progress).get("rows") or (job.results[0].rows if job.results else None),
            "outlook": outlook(job, self.jobs.store.limits),
            "seconds": _seconds(job),
            "is_final": job.phase in FINAL,
        }

    # ---- a job

    async def job(self, request: Request) -> Response:
        """Show a job; of one that was just made its result, if that takes no longer than a moment."""
        job = await self._fresh(await self.jobs.job_of(request))
        parameters = await read_parameters(request, self.config)
        if request.headers.get("hx-target") == "rows":
            return self.pages.response(request, "_rows.html", {"job": job, **await self._rows(job, parameters)})
        identity = identity_of(request)
        query = asked(job, "QUERY")
        values = {
            **self._line(job),
            **(await self._rows(job, parameters)),
            "parameters": job.parameters,
            "result": next((result for result in job.results if result.key and result.url is None), None),
            "results": job.results,
            "receipt": manifest_of(job).get("receipt"),
            "compared_with": compared if is_job_id(compared := asked(job, "COMPARE")) else "",
            "warnings": await run_in_threadpool(_warnings, query, await self.catalogue(request)),
            "truncated": dict(job.progress).get("overflow"),
            "is_mine": job.owner_id == (identity.account.name if identity else None),
            "may_change": self.jobs.service.asker(request).may_see(job),
            "is_live": job.phase in _LIVE,
            "formats": [format_ for format_ in FORMATS if format_.aliases[0] != "html"],
            "kit": kit(job, self.config) if query else {},
        }
        response = self.pages.response(request, "job.html", values)
        if (values["total"] or 0) > len(values["cells"]):
            # Who sees a result is likely to plot it or to turn its pages.
            response.background = BackgroundTask(self.rows.prepare, job)
        return response

    async def _fresh(self, job: Job) -> Job:
        age = (datetime.now(UTC) - job.creation_time).total_seconds()
        if age > _YOUNG:
            return job
        end = asyncio.get_running_loop().time() + _AT_ONCE
        while job.phase in _LIVE and (remaining := end - asyncio.get_running_loop().time()) > 0:
            changed_job = await self.jobs.waiting.job(job.job_id, remaining, job.phase)
            if changed_job is None:
                raise NoSuchJob
            job = changed_job
        return job

    async def _rows(self, job: Job, parameters: Parameters) -> dict[str, Any]:
        """Return the rows that the page shows, or why there are none."""
        view = _view(parameters)
        values: dict[str, Any] = {
            "view": view,
            "columns": (),
            "cells": [],
            "total": None,
            "why_not": "",
            "plottable": [],
        }
        if job.result(RESULT) is None:
            return values
        try:
            rows = await run_in_threadpool(self.rows.view, job, view)
        except LoadError as error:
            return values | {"why_not": str(error)}
        cells = await run_in_threadpool(list, rows_of(rows.table))
        return values | {
            "columns": rows.columns,
            "cells": cells,
            "plottable": [_about(column) for column in rows.columns],
            "total": rows.total,
            "last": view.first + len(cells),
            "url": lambda **changes: _url(parameters, changes),
        }

    async def annotate(self, request: Request) -> Response:
        """Set what the owner calls a job, and notes of it."""
        check_own_page(request, self.config.web.base_url)
        job = await self.jobs.job_of(request)
        parameters = await read_parameters(request, self.config)
        run_id, note = (parameters.one(name) or "" for name in ("RUNID", "NOTE"))
        if len(run_id) > _LONGEST_NAME or len(note) > _LONGEST_NOTE or "\0" in run_id + note:
            raise ParameterError(f"A name has at most {_LONGEST_NAME} characters, a note {_LONGEST_NOTE}")
        await run_in_threadpool(self.jobs.store.annotate, job.job_id, run_id, note)
        return see(f"{self.pages.root}/tap/async/{job.job_id}")

    # ---- what the scripts of the page ask for

    async def columns(self, request: Request) -> Response:
        """Send the columns NAME of a result as an Arrow stream, for plots."""
        job, names = await self.jobs.job_of(request), list(dict.fromkeys(request.query_params.getlist("name")))
        if not names:
            raise ParameterError("NAME is missing: a column of the result")
        content = await run_in_threadpool(self._stream, job, names)
        return Response(
            content,
            headers={"cache-control": "no-store"},
            media_type="application/vnd.apache.arrow.stream",
        )

    def _stream(self, job: Job, names: list[str]) -> bytes:
        table = self.rows.columns(job, names)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue())

    async def take_away(self, request: Request) -> Response:
        """Send a file that makes the job anew."""
        job, name = await self.jobs.job_of(request), request.path_params["file"]
        file = FILES.get(name)
        if file is None:
            raise NotFound("There is no such file")
        text = kit(job, self.config)[name]
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(text, headers=headers, media_type=file)

    async def events(self, request: Request) -> Response:
        """Tell of changes of jobs as server-sent events, until none of them can change any more."""
        job_ids = list(filter(is_job_id, request.query_params.get("jobs", "").split(",")))[:_WATCHED]
        jobs = [
            job
            for job in await run_in_threadpool(self.jobs.store.jobs, job_ids)
            if await self.jobs.may_see(request, job)
        ]
        counts, share = self.streams.counts, self.jobs.service.asker(request).share
        limits = self.config.notifications
        if counts.total() >= limits.event_streams or counts[share] >= limits.event_streams_per_owner:
            raise Busy("Too many pages hear of their jobs just now")
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._events(jobs, share), headers=headers, media_type="text/event-stream")

    async def _events(self, jobs: list[Job], share: str) -> AsyncIterator[str]:
        self.streams.counts[share] += 1
        try:
            while live := [job for job in jobs if job.phase in ACTIVE]:
                jobs = await self._changed(live)
                moved = {job.job_id: job.phase for job in jobs} != {job.job_id: job.phase for job in live}
                yield f"event: {'change' if moved else 'progress'}\ndata: \n\n"
            yield "event: end\ndata: \n\n"
        finally:
            self.streams.counts[share] -= 1

    async def _changed(self, jobs: list[Job]) -> list[Job]:
        """Return the jobs when one has moved, or when a while has passed and one may have got further."""
        seconds = _TICK if any(job.phase is Phase.EXECUTING for job in jobs) else self.config.jobs.wait_limit
        waits = [asyncio.ensure_future(self.jobs.waiting.job(job.job_id, seconds, job.phase)) for job in jobs]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return await run_in_threadpool(self.jobs.store.jobs, [job.job_id for job in jobs])


def _about(column: FileColumn) -> dict[str, Any]:
    """Return what a plot must know of a column."""
    is_number = column.type.is_numeric and column.xtype is None
    return {"name": column.name, "unit": column.unit, "ucd": column.ucd, "number": is_number}


def _warnings(query: str, catalogue: Catalogue) -> list[str]:
    """Return the remarks on a query, as far as its tables are still there."""
    try:
        lints = translate(query, catalogue).lints if query else ()
    except AdqlError:
        return []
    return [str(lint) for lint in lints if not lint.when_cut and not lint.when_costly]


def _seconds(job: Job) -> float | None:
    if job.start_time is None:
        return None
    return ((job.end_time or datetime.now(UTC)) - job.start_time).total_seconds()


def _view(parameters: Parameters) -> View:
    first, count = parameters.whole_number("FIRST") or 0, parameters.whole_number("COUNT") or _ROWS_SHOWN
    return View(
        min(first, 1 << 40),
        min(max(count, 1), _MOST_ROWS),
        parameters.one("SORT"),
        parameters.one("DESC") is not None,
        parameters.one("WHERE") or None,
        parameters.one("OP") or "=",
        parameters.one("VALUE") or "",
    )


def _url(parameters: Parameters, changes: dict[str, Any]) -> str:
    """Return the query part of a URL like the present one, with some parameters changed; None takes one away."""
    pairs = {name.lower(): value for name, value in parameters.pairs} | changes
    return "?" + urlencode({name: value for name, value in pairs.items() if value is not None})
