"""The page where queries are written: the editor, what it asks while one types, and what is wrong with a query."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from adql.completion import complete
from adql.errors import place_of
from schema.model import Schema
from schema.per_catalogue import PerCatalogue
from schema.search import TableIndex
from tap.auth.authentication import OutOfScope
from tap.auth.identity import TokenScope, account_in, identity_of
from tap.auth.limits import config_for
from tap.auth.private import private_json
from tap.auth.rights import Rights
from tap.config import Config
from tap.engine.engine import Engine
from tap.examples import Example
from tap.form import read_parameters
from tap.pages.lists import schema_of_list
from tap.pages.negotiation import wants_page
from tap.pages.rendering import CatalogueOf, Pages
from tap.pages.take_away import asked
from tap.query.check import QueuePlace, Report, check
from uws.errors import NoSuchJob
from uws.job import Job
from uws.parameters import ParameterError, Parameters
from uws.resources import Resources
from uws.store import is_job_id

_TABLES, _HISTORY, _SHORT, _READ = 30, 8, 90, 1000
_CHECK_SECONDS = 5.0


@dataclass(frozen=True)
class QueryPage:
    """The handlers. `planner` is the engine for what costs next to nothing."""

    pages: Pages
    config: Config
    catalogue: CatalogueOf
    jobs: Resources
    planner: Engine
    rights: Rights
    indexes: PerCatalogue[TableIndex]
    examples: PerCatalogue[list[Example]]

    async def query(self, request: Request) -> Response:
        """Show the editor, with the query of a link in it, or that of a JOB."""
        parameters = await read_parameters(request, self.config)
        if job_id := parameters.one("JOB"):
            job = await self._job(request, job_id)
            names = ("QUERY", "MAXREC")
            pairs = [(name, asked(job, name)) for name in names if asked(job, name)]
            parameters = Parameters((*pairs, *([("RUNID", job.run_id)] if job.run_id else [])))
        return await self._page(request, parameters)

    async def _job(self, request: Request, job_id: str) -> Job:
        """Return a job that who asks may see. Raises: NoSuchJob, OutOfScope."""
        if not _may_see_jobs(request):
            raise OutOfScope("This token does not have the scope jobs")
        jobs = await run_in_threadpool(self.jobs.store.jobs, [job_id]) if is_job_id(job_id) else []
        if not jobs or not await self.jobs.may_see(request, jobs[0]):
            raise NoSuchJob
        return jobs[0]

    async def _page(self, request: Request, parameters: Parameters, report: Report | None = None) -> Response:
        catalogue, query = await self.catalogue(request), parameters.one("QUERY")
        examples = await run_in_threadpool(self.examples.of, catalogue)
        if query is None:
            query = examples[0].query if examples else "SELECT TOP 100 * FROM tap_schema.tables"
        limits = config_for(self.config, account_in(request)).limits
        values: dict[str, Any] = {
            "query": query,
            "maxrec": parameters.one("MAXREC") or limits.maxrec_default,
            "name": parameters.one("RUNID") or "",
            "with_list": parameters.one("LIST") is not None,
            "limits": limits,
            "examples": examples,
            "found": await run_in_threadpool(lambda: self.indexes.of(catalogue).search("", 0, _TABLES)),
            "history": await run_in_threadpool(self._history, request),
            "report": _shown(report, query, parameters) if report else None,
        }
        return self.pages.response(request, "query.html", values)

    def _history(self, request: Request) -> list[dict[str, str]]:
        """Return one's latest jobs; none to a token that may not see jobs."""
        if not _may_see_jobs(request):
            return []
        references = self.jobs.store.references(self.jobs.service.asker(request), last=_HISTORY)
        return [_line(job) for job in self.jobs.store.referenced(references)]

    async def check(self, request: Request) -> Response:
        """Tell what is wrong with QUERY and what it would cost, as JSON, or as the page of the editor."""
        parameters = await read_parameters(request, self.config)
        query = parameters.required("QUERY")
        if len(query) > self.config.limits.query_length:
            raise ParameterError(
                f"The query has {len(query):,} characters; {self.config.limits.query_length:,} are taken"
            )
        maxrec = parameters.whole_number("MAXREC") or self.config.limits.maxrec_default
        uploaded = schema_of_list(parameters.one("UPLOADED"))
        report = await run_in_threadpool(self._check, request, query, maxrec, uploaded)
        if "hx-request" in request.headers:
            return self.pages.response(request, "_report.html", {"report": _shown(report, query, parameters)})
        if wants_page(request.scope):
            return await self._page(request, parameters, report)
        return private_json(report.as_json())

    def _check(self, request: Request, query: str, maxrec: int, uploaded: Schema | None) -> Report:
        role = self.rights.role(account_in(request))
        with self.planner.session(_CHECK_SECONDS, role=role) as session:
            report = check(query, session, maxrec, self.jobs.store.durations, uploaded)
        if report.estimate is None:
            return report
        return replace(report, queue=QueuePlace(*self.jobs.store.queue_for(report.estimate.cost)))

    async def completion(self, request: Request) -> Response:
        """Tell what may stand at OFFSET, in characters, of the text QUERY."""
        parameters = await read_parameters(request, self.config)
        text, offset = parameters.one("QUERY") or "", parameters.whole_number("OFFSET") or 0
        catalogue = await self.catalogue(request)
        if uploaded := schema_of_list(parameters.one("UPLOADED")):
            catalogue = catalogue.joined_by(uploaded)
        completion = await run_in_threadpool(partial(complete, text, min(offset, len(text)), catalogue))
        return private_json(asdict(completion))


def _may_see_jobs(request: Request) -> bool:
    """Return whether a token, if one asks, may see jobs."""
    identity = identity_of(request)
    return identity is None or TokenScope.JOBS in identity.scopes


def _line(job: Job) -> dict[str, str]:
    query = asked(job, "QUERY")
    return {"id": job.job_id, "phase": job.phase, "short": " ".join(query[:_READ].split())[:_SHORT]}


def _shown(report: Report, query: str, parameters: Parameters) -> dict[str, Any]:
    """Return a report as the template shows it: an error with its place and its line."""
    values = {name: getattr(report, name) for name in Report.__dataclass_fields__}
    place = place_of(query, report.error.span) if report.error else None
    kept = {name: value for name in ("MAXREC", "RUNID") if (value := parameters.one(name))}
    fields = f"&{urlencode(kept)}" if kept else ""
    return values | {"query": query, "place": place, "fields": fields, "joins": len(report.tables) > 1}
