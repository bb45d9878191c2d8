"""The web application: its URL map, and the handlers that need several parts. What a process is made of is in parts.py."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from schema.per_catalogue import PerCatalogue
from tap import tap_plus
from tap.auth.authentication import AuthenticationMiddleware, Authenticator, address_of
from tap.auth.identity import Account, account_in
from tap.auth.limits import config_for
from tap.auth.login import Login
from tap.auth.oidc import OidcProvider
from tap.auth.oidc_login import PATH as OIDC_PATH
from tap.auth.oidc_login import OidcLogin
from tap.auth.passwords import Passwords
from tap.auth.self_service import SelfService
from tap.bulk.resources import BulkResources
from tap.coding import packed, wanted_coding
from tap.comparison import Comparisons
from tap.config import Config
from tap.dal.ask import ChangeRequest
from tap.dal.cone_resources import ConeSearches
from tap.dal.image_resources import ImageAccess
from tap.datalink.resources import DatalinkResources
from tap.engine.database import PLANNERS, member_conninfo, reader_conninfo, sessions_of
from tap.engine.engine import Engine
from tap.error_middleware import ErrorMiddleware, xml
from tap.examples import Example, examples_for, own_examples
from tap.form import Form, read_form, read_parameters
from tap.jobs import JobService
from tap.messages import Messages
from tap.notification_resources import NotificationResources
from tap.openapi.resource import OpenApiResource
from tap.own_tables.publications import Publications
from tap.own_tables.resources import TableResources
from tap.own_tables.table_updates import TABLE_UPDATE, TableUpdateService
from tap.own_tables.tap_plus_tables import TapPlusTables
from tap.pages.documentation import documentation
from tap.pages.rendering import Pages
from tap.pages.result_rows import ResultRows
from tap.pages.routes import PageHandlers, PageParts
from tap.parts import Opens, Parts, parts_of
from tap.query_resources import QueryResources
from tap.registry.listing import RegistryListing
from tap.registry.resources import RegistryResources
from tap.registry.urls import record_url
from tap.request import read_request
from tap.request_log import RequestLog
from tap.running_queries import RunningQueries
from tap.sampling import Sampler
from tap.shares.group_resources import GroupResources
from tap.shares.groups import Groups
from tap.shares.readable_jobs import ReadableJobs
from tap.shares.resources import ShareResources
from tap.standing.resources import StandingResources
from tap.standing.standing_query import StandingQueries
from tap.sync import SLACK, Queries, QueryShare
from tap.uploads.upload import sweep_uploads, uploads_of
from tap.vosi_resources import VosiResources, challenges_of
from uws.parameters import ParameterError, Parameters
from uws.resources import Resources
from uws.waiting import Waiting, WaitingPlaces


@dataclass(frozen=True, slots=True)
class AsgiEndpoint:
    """A handler of requests as an ASGI application; what it raises is left to the layers outside."""

    handler: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.handler(Request(scope, receive, send))
        await response(scope, receive, send)


@dataclass(frozen=True)
class Endpoints:
    """The handlers of one service."""

    parts: Parts
    queries: Queries
    jobs: Resources
    job_service: JobService
    login: Login
    self_service: SelfService
    own_tables: TableResources
    table_updates: Resources
    tap_plus: TapPlusTables
    planner: Engine
    site: Pages
    rows: ResultRows

    @property
    def oidc_login(self) -> OidcLogin:
        oidc = self.config.oidc
        provider = OidcProvider(oidc, f"{self.config.web.base_url}/login/oidc/callback") if oidc.oidc_issuer else None
        return OidcLogin(self.login, self.config, provider)

    @cached_property
    def known_examples(self) -> PerCatalogue[list[Example]]:
        return PerCatalogue(partial(examples_for, own_examples(self.config.web.examples)))

    @cached_property
    def pages(self) -> PageHandlers:
        return PageParts(
            *(self.site, self.parts, self.planner, self.jobs, self.login, self.self_service),
            self.own_tables.table,
            self.tap_plus.groups,
            self.vosi.catalogue,
            self.vosi.state,
            self.known_examples,
            self.rows,
            self.download,
            self.share_resources.follow,
        ).handlers

    @property
    def vosi(self) -> VosiResources:
        return VosiResources(self.parts, self.own_tables, self.site.messages)

    @property
    def cone_searches(self) -> ConeSearches:
        return ConeSearches(
            self.config, self.vosi.catalogue, self.ask, self.planner, self.parts.rights, self.vosi.state
        )

    @property
    def registry(self) -> RegistryResources:
        return RegistryResources(self.config, RegistryListing(self.config, self.parts.engine), self.vosi.state)

    @property
    def share_resources(self) -> ShareResources:
        return ShareResources(self.parts.shares, self.job_service, self.run, self.config)

    @property
    def config(self) -> Config:
        return self.parts.config

    @property
    def routes(self) -> list[Route]:
        """The URL map."""
        get, tap, oidc_login, publications = ["GET"], "/tap", self.oidc_login, Publications(self.own_tables)
        groups = GroupResources(self.tap_plus.groups, self.config)
        shares = self.share_resources
        return [
            # The hot one comes first, and without Starlette's wrappers of functions.
            Route(f"{tap}/sync", AsgiEndpoint(self.sync), methods=["GET", "POST"]),
            *self.pages.routes(tap),
            *Comparisons(self.queries, self.jobs, self.parts.rights).routes(f"{tap}/async"),
            *self.jobs.routes(f"{tap}/async"),
            *self.table_updates.routes(f"{tap}/{TABLE_UPDATE}"),
            Route(f"{tap}/jobs/async", self.found_jobs, methods=get),
            Route(f"{tap}/deletejobs", self.delete_jobs, methods=["POST"]),
            *self.vosi.routes(tap),
            Route(f"{tap}/openapi.json", OpenApiResource(self.config.web).document, methods=get),
            *DatalinkResources(self.config, self.parts.rights, self.queries).routes(tap),
            Route(f"{tap}/tables/{{name:path}}", self.own_tables.put, methods=["PUT"]),
            Route(f"{tap}/tables/{{name:path}}", self.own_tables.post, methods=["POST"]),
            Route(f"{tap}/tables/{{name:path}}", self.own_tables.delete, methods=["DELETE"]),
            Route(f"{tap}/load/{{name:path}}", self.own_tables.load, methods=["POST"]),
            Route(f"{tap}/examples", self.examples, methods=get),
            *self._tap_plus_routes(tap),
            # At the root too: a proxy may lead there, and some clients look there.
            *(Route(f"{at}/login", self.login.login, methods=["GET", "POST"]) for at in (tap, "")),
            *(Route(f"{at}/logout", self.login.logout, methods=["POST"]) for at in (tap, "")),
            *(Route(f"{at}/whoami", self.self_service.whoami, methods=get) for at in (tap, "")),
            Route(OIDC_PATH, oidc_login.begin, methods=get),
            Route(f"{OIDC_PATH}/callback", oidc_login.callback, methods=get),
            Route(f"{tap}/publications", publications.list, methods=get),
            Route(f"{tap}/publications", publications.offer, methods=["POST"]),
            Route(f"{tap}/publications/{{number}}", publications.decide, methods=["POST"]),
            Route(f"{tap}/groups", groups.list, methods=get),
            Route(f"{tap}/groups", groups.add, methods=["POST"]),
            Route(f"{tap}/groups/{{name}}", groups.change, methods=["POST"]),
            Route(f"{tap}/groups/{{name}}", groups.delete, methods=["DELETE"]),
            Route(f"{tap}/shares", shares.list, methods=get),
            Route(f"{tap}/shares", shares.add, methods=["POST"]),
            Route(f"{tap}/shares/events", shares.events, methods=get),
            Route(f"{tap}/shares/{{share_id}}", shares.revoke, methods=["DELETE"]),
            Route(f"{tap}/shared/{{secret}}", shares.follow, methods=get),
            *self.cone_searches.routes(),
            *ImageAccess(self.config, self.vosi.catalogue, self.ask, self.vosi.state).routes(),
            *self.registry.routes(),
            *self._watching_routes(tap),
            *BulkResources(self.config, self.site, self.vosi.catalogue).routes,
            Route(f"{tap}/tokens", self.self_service.tokens, methods=get),
            Route(f"{tap}/tokens", self.self_service.add_token, methods=["POST"]),
            Route(f"{tap}/tokens/{{name}}", self.self_service.revoke_token, methods=["DELETE"]),
            Route(f"{tap}/password", self.self_service.change_password, methods=["POST"]),
        ]

    def _watching_routes(self, tap: str) -> list[Route]:
        """Return where users hear of their jobs, and administrators of all that runs."""
        get, notifications = ["GET"], NotificationResources(self.jobs, self.config)
        queries = QueryResources(self.parts.accounts, self.parts.store)
        standing = StandingQueries(self.parts.accounts)
        return [
            *StandingResources(standing, self.planner, self.parts.rights, self.config).routes(tap),
            Route(f"{tap}/notifications", notifications.show, methods=get),
            Route(f"{tap}/notifications", notifications.change, methods=["POST"]),
            Route(f"{tap}/events", notifications.events, methods=get),
            Route(f"{tap}/queries", queries.list, methods=get),
            Route(f"{tap}/queries/{{id}}", queries.kill, methods=["DELETE"]),
        ]

    def _tap_plus_routes(self, tap: str) -> list[Route]:
        """Return where TapPlus looks: below the service, and beside it."""
        post, handlers = ["POST"], self.tap_plus
        return [
            Route(tap, handlers.post, methods=post),
            *(Route(f"{at}/Upload", handlers.upload, methods=post) for at in (tap, "")),
            *(Route(f"{at}/TableTool", handlers.table_tool, methods=post) for at in (tap, "")),
            Route(f"{tap}/share", handlers.share, methods=["GET", "POST"]),
            Route(f"{tap}/users", handlers.users, methods=["GET"]),
        ]

    async def sync(self, request: Request) -> Response:
        form = await read_form(request, self.config, self.queries.service.room.folder)
        if form.parameters.one("DEST"):
            form.close()
            raise ParameterError(
                f"DEST keeps a result as a table, which needs a job: POST to {self.config.web.base_url}/async"
            )
        return await self._answer(request, form, account_in(request))

    async def run(self, request: Request, account: Account | None, query: str, *more: tuple[str, str]) -> Response:
        """Answer a query in the name of an account, in the turns of whoever asks, in the format that the request asks for."""
        names = ("RESPONSEFORMAT", "FORMAT", "MAXREC")
        asked = Parameters.of(request.query_params.multi_items())
        pairs = tuple((name, value) for name, value in asked.pairs if name in names)
        most = (("MAXREC", str(self.config.limits.maxrec_hard)),) if asked.one("MAXREC") is None else ()
        parameters = Parameters((("LANG", "ADQL"), ("QUERY", query), *more, *pairs, *most))
        return await self._answer(request, Form(parameters), account, address_of(request))

    async def ask(self, request: Request, query: str, more: Mapping[str, str], change: ChangeRequest) -> Response:
        """Answer a query of our own making as if it came to /sync, with other parameters; its request as `change` returns it."""
        form = Form(Parameters((("LANG", "ADQL"), ("QUERY", query), *more.items())))
        return await self._answer(request, form, account_in(request), change=change)

    async def _answer(
        self,
        request: Request,
        form: Form,
        account: Account | None,
        share_name: str | None = None,
        change: ChangeRequest = lambda asked: asked,
    ) -> Response:
        """`share_name` is whose turns it takes, if not those of the account, or of a stranger's address."""
        with ExitStack() as stack:
            stack.callback(form.close)
            config = config_for(self.config, account)
            tap_request = change(read_request(form.parameters, config, form.files))
            if account:
                role = await run_in_threadpool(self.parts.rights.role, account)
                tap_request = replace(tap_request, owner=account.name, role=role)
            done = stack.pop_all().close
        coding = wanted_coding(request) if tap_request.format.packs else None
        name = share_name or tap_request.owner or address_of(request)
        share = QueryShare(name, config.web.queries_per_owner, config.limits.sync_limit)
        return self.queries.answer(tap_request, share, done, coding)  # type: ignore[return-value]

    async def found_jobs(self, request: Request) -> Response:
        jobs, parameters = self.jobs.service, await read_parameters(request, self.config)
        asker = jobs.asker(request)
        return xml(await run_in_threadpool(tap_plus.found_jobs, self.jobs.store, asker, parameters, jobs.url))

    async def delete_jobs(self, request: Request) -> Response:
        asker, parameters = self.jobs.service.asker(request), await read_parameters(request, self.config)
        await run_in_threadpool(tap_plus.delete_jobs, self.jobs.store, asker, parameters)
        return Response("deleted\n", media_type="text/plain")

    async def examples(self, request: Request) -> Response:
        catalogue = await self.vosi.catalogue(request)
        values = {"examples": await run_in_threadpool(self.known_examples.of, catalogue)}
        return packed(request, self.site.response(request, "examples.xhtml", values))

    async def download(self, request: Request) -> Response:
        """Answer with the result of a job in the format that is asked for."""
        job = await self.jobs.job_of(request)
        upload = ("UPLOAD", f"result,{job.job_id}")
        return await self.run(request, account_in(request), "SELECT * FROM TAP_UPLOAD.result", upload)


def create_app(config: Config) -> Starlette:
    parts = parts_of(config, sessions_of(config), 4, config.limits.sync_limit + SLACK)
    planner = Engine(reader_conninfo(config), PLANNERS, 0.5, member_conninfo=member_conninfo(config))
    rows = ResultRows(parts.storage, Path(uploads_of(config)).parent / "pages")
    places = WaitingPlaces(config.jobs.wait_requests, config.jobs.wait_requests_per_owner)
    waiting = Waiting(parts.store, rows.forget, places)
    messages = Messages(parts.accounts)
    site = Pages(config.web, messages, record_url(config))
    sweep_uploads(uploads_of(config))
    endpoints = _endpoints(parts, planner, waiting, site, rows)
    running = endpoints.queries.running
    sampler = Sampler(parts.engine, running, parts.service.translations)
    app = Starlette(
        routes=[*endpoints.routes, *documentation(config.web.documents, site.root)],
        middleware=[
            Middleware(RequestLog),
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE"],
                allow_headers=["*"],
                expose_headers=["*"],
            ),
            Middleware(ErrorMiddleware, challenges_of(config), site),
            Middleware(AuthenticationMiddleware, endpoints.login.authenticator),
        ],
        lifespan=partial(_lifespan, [parts, planner, waiting, messages, running, sampler]),
        exception_handlers={HTTPException: _http_error},
    )
    # Its redirects would go to whatever Host a request names.
    app.router.redirect_slashes = False
    return app


def _endpoints(parts: Parts, planner: Engine, waiting: Waiting, site: Pages, rows: ResultRows) -> Endpoints:
    config, store = parts.config, parts.store
    values = (config, planner, store, parts.storage, parts.rights, parts.shares)
    jobs, updates = JobService(*values), TableUpdateService(*values)
    passwords = Passwords(parts.accounts)
    authenticator = Authenticator(
        parts.accounts, passwords, config.accounts.anonymous, parts.shares.end_what_is_over, config.web.base_url
    )
    results = ReadableJobs(parts.shares, parts.storage)
    own_tables = TableResources(parts.own_tables, parts.accounts, results, config)
    groups = Groups(parts.accounts, parts.own_tables)
    return Endpoints(
        parts,
        Queries(parts.service, config, RunningQueries(parts.accounts)),
        Resources(store, waiting, jobs, config.jobs.wait_limit),
        jobs,
        Login(authenticator, config),
        SelfService(authenticator, config, parts.own_tables, store),
        own_tables,
        Resources(store, waiting, updates, config.jobs.wait_limit, TABLE_UPDATE),
        TapPlusTables(own_tables, parts.shares, groups, parts.service.sources.remote),
        planner,
        site,
        rows,
    )


@asynccontextmanager
async def _lifespan(parts: Sequence[Opens], app: Starlette) -> AsyncIterator[None]:
    for part in parts:
        part.open()
    try:
        yield
    finally:
        for part in parts:
            part.close()


async def _http_error(request: Request, error: Exception) -> Response:
    """Starlette would answer with plain text; the edge answers with a document."""
    raise error
