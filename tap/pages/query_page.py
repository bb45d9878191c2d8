"""The page where queries are written: the editor, what it asks while one types, and what is wrong with a query."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from adql.completion import complete
from adql.errors import place_of
from schema.model import Catalogue, Schema
from schema.per_catalogue import PerCatalogue
from schema.search import TableIndex
from tap.auth.identity import identity_of
from tap.auth.limits import config_for
from tap.auth.rights import Rights
from tap.config import Config
from tap.engine.engine import Engine
from tap.examples import Example
from tap.form import read_parameters
from tap.pages.lists import schema_of_list
from tap.pages.negotiation import wants_page
from tap.pages.rendering import Pages
from tap.query.check import Report, check
from uws.job import Job, Requester
from uws.parameters import ParameterError, Parameters
from uws.store import Store

_PRIVATE = {"cache-control": "no-store"}
_TABLES, _HISTORY, _SHORT = 30, 8, 90
_CHECK_SECONDS = 5.0

CatalogueOf = Callable[[Request], Awaitable[Catalogue]]
AskerOf = Callable[[Request], Requester]


@dataclass(frozen=True)
class QueryPage:
    """The handlers. `planner` is the engine for what costs next to nothing."""

    pages: Pages
    config: Config
    catalogue: CatalogueOf
    asker: AskerOf
    store: Store
    planner: Engine
    rights: Rights
    indexes: PerCatalogue[TableIndex]
    examples: PerCatalogue[list[Example]]

    async def query(self, request: Request) -> Response:
        """Show the editor, with the query of a link in it."""
        return await self._page(request, await read_parameters(request, self.config))

    async def _page(self, request: Request, parameters: Parameters, report: Report | None = None) -> Response:
        catalogue, query = await self.catalogue(request), parameters.one("QUERY")
        examples = await run_in_threadpool(self.examples.of, catalogue)
        if query is None:
            query = examples[0].query if examples else "SELECT TOP 100 * FROM tap_schema.tables"
        limits = config_for(self.config, _account(request)).limits
        values: dict[str, Any] = {
            "query": query,
            "maxrec": parameters.one("MAXREC") or limits.maxrec_default,
            "name": parameters.one("RUNID") or "",
            "with_list": parameters.one("LIST") is not None,
            "limits": limits,
            "examples": examples,
            "found": await run_in_threadpool(self.indexes.of(catalogue).search, "", 0, _TABLES),
            "history": await run_in_threadpool(self._history, self.asker(request)),
            "report": _shown(report, query, parameters) if report else None,
        }
        return self.pages.response(request, "query.html", values)

    def _history(self, asker: Requester) -> list[dict[str, str]]:
        references = self.store.references(asker, last=_HISTORY)
        jobs = self.store.jobs([reference.job_id for reference in references])
        jobs.sort(key=lambda job: job.creation_time, reverse=True)
        return [_line(job) for job in jobs]

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
        return JSONResponse(report.as_json(), headers=_PRIVATE)

    def _check(self, request: Request, query: str, maxrec: int, uploaded: Schema | None) -> Report:
        role = self.rights.role(_account(request))
        with self.planner.session(_CHECK_SECONDS, role=role) as session:
            return check(query, session, maxrec, self.store.durations, uploaded)

    async def completion(self, request: Request) -> Response:
        """Tell what may stand at OFFSET, in characters, of the text QUERY."""
        parameters = await read_parameters(request, self.config)
        text, offset = parameters.one("QUERY") or "", parameters.whole_number("OFFSET") or 0
        catalogue = await self.catalogue(request)
        if uploaded := schema_of_list(parameters.one("UPLOADED")):
            catalogue = catalogue.joined_by(uploaded)
        completion = await run_in_threadpool(partial(complete, text, min(offset, len(text)), catalogue))
        return JSONResponse(asdict(completion), headers=_PRIVATE)


def _account(request: Request) -> Any:
    identity = identity_of(request)
    return identity.account if identity else None


def _line(job: Job) -> dict[str, str]:
    query = Parameters(job.parameters).one("QUERY") or ""
    return {"id": job.job_id, "phase": job.phase, "query": query, "short": " ".join(query.split())[:_SHORT]}


def _shown(report: Report, query: str, parameters: Parameters) -> dict[str, Any]:
    """Return a report as the template shows it: an error with its place and its line."""
    values = {name: getattr(report, name) for name in Report.__dataclass_fields__}
    place = place_of(query, report.error.span) if report.error else None
    kept = {name: value for name in ("MAXREC", "RUNID") if (value := parameters.one(name))}
    fields = f"&{urlencode(kept)}" if kept else ""
    return values | {"query": query, "place": place, "fields": fields, "joins": len(report.tables) > 1}
