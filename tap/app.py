"""The web application: everything is put together here, and nowhere else."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adql.errors import ClosedTable
from schema import vodataservice
from schema.model import Catalogue
from schema.own_tables.quota import Quota
from tap import pages, tap_plus, vosi
from tap.auth.accounts import AccountStore
from tap.auth.authentication import AuthenticationMiddleware, Authenticator, address_of, challenges
from tap.auth.identity import Account, identity_of
from tap.auth.limits import config_for
from tap.auth.login import Login
from tap.auth.passwords import Passwords
from tap.auth.rights import Rights
from tap.auth.self_service import SelfService
from tap.coding import packed, wanted_coding
from tap.config import Config
from tap.engine.database import (
    PLANNERS,
    accounts_conninfo,
    jobs_conninfo,
    member_conninfo,
    owner_connection,
    owner_conninfo,
    reader_conninfo,
    sessions_of,
)
from tap.engine.engine import DatabaseAway, Engine
from tap.error_middleware import ErrorMiddleware, xml
from tap.errors import NotFound, describe
from tap.form import read_form, read_parameters
from tap.jobs import JobService, QueryJobs, limits_of
from tap.observe import Kept, observe
from tap.own_tables.destination import Destinations
from tap.own_tables.keeper import TableKeeper
from tap.own_tables.own_tables import OwnTables
from tap.own_tables.resources import TableResources, rights_headers
from tap.own_tables.results import Results
from tap.own_tables.table_updates import TABLE_UPDATE, TableUpdateService, update_table
from tap.query.run import QueryService
from tap.request import read_request
from tap.sharding.execution.shard_pool import ShardPool
from tap.sharding.model import Placements
from tap.sharding.shards import known_shards
from tap.storage import Storage, storage_of
from tap.storage.storage import StorageAway, StorageFull
from tap.sync import Queries, Share
from tap.temp_files import TempFiles
from tap.uploads.load import UploadLimits
from tap.uploads.parts import Sorting
from tap.uploads.remote import Remote
from tap.uploads.sources import Sources
from tap.uploads.upload import sweep_uploads, uploads_of
from uws.errors import StoreAway
from uws.housekeeper import Housekeeper
from uws.resources import Resources
from uws.store import Store
from uws.waiting import Waiting
from uws.worker import Worker


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

    config: Config
    engine: Engine
    queries: Queries
    jobs: Resources
    storage: Storage
    login: Login
    rights: Rights
    self_service: SelfService
    own_tables: TableResources
    table_updates: Resources

    @property
    def routes(self) -> list[Route]:
        """The URL map."""
        get, tap = ["GET"], "/tap"
        return [
            # The hot one comes first, and without Starlette's wrappers of functions.
            Route(f"{tap}/sync", AsgiEndpoint(self.sync), methods=["GET", "POST"]),
            Route("/", self.index, methods=get),
            Route("/-/style.css", self.style, methods=get),
            Route("/livez", self.livez, methods=get),
            Route("/readyz", self.readyz, methods=get),
            Route(f"{tap}", self.index, methods=get),
            *self.jobs.routes(f"{tap}/async"),
            *self.table_updates.routes(f"{tap}/{TABLE_UPDATE}"),
            Route(f"{tap}/jobs/async", self.found_jobs, methods=get),
            Route(f"{tap}/deletejobs", self.delete_jobs, methods=["POST"]),
            Route(f"{tap}/capabilities", self.capabilities, methods=get),
            Route(f"{tap}/availability", self.availability, methods=get),
            Route(f"{tap}/tables", self.tables, methods=get),
            Route(f"{tap}/tables/{{name:path}}", self.table, methods=get),
            Route(f"{tap}/tables/{{name:path}}", self.own_tables.put, methods=["PUT"]),
            Route(f"{tap}/tables/{{name:path}}", self.own_tables.post, methods=["POST"]),
            Route(f"{tap}/tables/{{name:path}}", self.own_tables.delete, methods=["DELETE"]),
            Route(f"{tap}/load/{{name:path}}", self.own_tables.load, methods=["POST"]),
            Route(f"{tap}/examples", self.examples, methods=get),
            # At the root too: a proxy may lead there, and some clients look there.
            *(Route(f"{at}/login", self.login.login, methods=["GET", "POST"]) for at in (tap, "")),
            *(Route(f"{at}/logout", self.login.logout, methods=["POST"]) for at in (tap, "")),
            *(Route(f"{at}/whoami", self.self_service.whoami, methods=get) for at in (tap, "")),
            Route(f"{tap}/tokens", self.self_service.tokens, methods=get),
            Route(f"{tap}/tokens", self.self_service.add_token, methods=["POST"]),
            Route(f"{tap}/tokens/{{name}}", self.self_service.revoke_token, methods=["DELETE"]),
            Route(f"{tap}/password", self.self_service.change_password, methods=["POST"]),
        ]

    async def sync(self, request: Request) -> Response:
        form = await read_form(request, self.config, self.queries.service.room.folder)
        with ExitStack() as stack:
            stack.callback(form.close)
            identity = identity_of(request)
            config = config_for(self.config, identity.account) if identity else self.config
            tap_request = read_request(form.parameters, config, form.files)
            if identity:
                role = await run_in_threadpool(self.rights.role, identity.account)
                tap_request = replace(tap_request, owner=identity.account.name, role=role)
            done = stack.pop_all().close
        coding = wanted_coding(request) if tap_request.format.packs else None
        name = tap_request.owner or address_of(request)
        share = Share(name, config.web.queries_per_owner, config.limits.sync_limit)
        return self.queries.answer(tap_request, share, done, coding)  # type: ignore[return-value]

    async def capabilities(self, request: Request) -> Response:
        response = packed(request, xml(vosi.capabilities(self.config)))
        if identity_of(request) is None:
            # That one may log in, and how, though one need not (AuthVO §4.1).
            response.raw_headers.extend(challenges_of(self.config))
        return response

    async def availability(self, request: Request) -> Response:
        """From real probes: of the catalogue, of the job store, and of the room for results (VOSI 1.1 §5)."""
        try:
            away = await self._away()
            await run_in_threadpool(self.jobs.store.jobs, [])
            await run_in_threadpool(self.storage.check)
        except (DatabaseAway, StoreAway, StorageFull, StorageAway) as error:
            return xml(vosi.availability(available=False, note=describe(error).message))
        note = f"Searches that need what lies on {', '.join(away)} fail just now; all others run." if away else None
        return xml(vosi.availability(available=True, note=note))

    async def tables(self, request: Request) -> Response:
        parameters = await read_parameters(request, self.config)
        brief = (parameters.one("DETAIL") or "max").lower() == "min" or tap_plus.wants_names_only(parameters)
        catalogue = await self._catalogue(request)
        # pyvo would fetch the columns of each table without the login that it was given.
        public = {table.table_name for table in (await self._published()).tables} if brief else set()
        document = vodataservice.tableset(catalogue, public)
        if tap_plus.is_tap_plus(request, parameters):
            document = tap_plus.with_flags(document, parameters)
        return packed(request, xml(document))

    async def table(self, request: Request) -> Response:
        catalogue, name = await self._catalogue(request), request.path_params["name"]
        own_table = await self.own_tables.table(request, name)
        name = own_table.table_name if own_table else name
        for table in catalogue.tables:
            if table.table_name.lower() == name.lower():
                response = packed(request, xml(vodataservice.table_document(table, catalogue)))
                response.headers.update(rights_headers(own_table) if own_table else {})
                return response
        if name.lower() in map(str.lower, catalogue.announced):
            raise ClosedTable(f"Only some accounts may read {name}", hint="Log in as one of them.")
        raise NotFound(f"There is no table {name[:100]}")

    async def found_jobs(self, request: Request) -> Response:
        jobs, parameters = self.jobs.service, await read_parameters(request, self.config)
        asker = jobs.asker(request)
        return xml(await run_in_threadpool(tap_plus.found_jobs, self.jobs.store, asker, parameters, jobs.url))

    async def delete_jobs(self, request: Request) -> Response:
        asker, parameters = self.jobs.service.asker(request), await read_parameters(request, self.config)
        await run_in_threadpool(tap_plus.delete_jobs, self.jobs.store, asker, parameters)
        return Response("deleted\n", media_type="text/plain")

    async def examples(self, request: Request) -> Response:
        page = pages.examples_page(self.config, await self._catalogue(request))
        return packed(request, Response(page, media_type="application/xhtml+xml"))

    async def index(self, request: Request) -> Response:
        page = pages.index_page(self.config, await self._catalogue(request))
        return packed(request, Response(page, media_type="text/html"))

    async def style(self, request: Request) -> Response:
        return Response(pages.style(), media_type="text/css", headers={"cache-control": "max-age=3600"})

    async def livez(self, request: Request) -> Response:
        return Response("alive\n", media_type="text/plain")

    async def readyz(self, request: Request) -> Response:
        away = await self._away()
        return Response(f"ready, without {', '.join(away)}\n" if away else "ready\n", media_type="text/plain")

    async def _away(self) -> tuple[str, ...]:
        """The shards that have something published and cannot be reached; the catalogue is read on the way."""
        _, placements = await run_in_threadpool(self._read_published)
        shards = dict.fromkeys(shard for placement in placements.values() for shard in placement.shards)
        return await run_in_threadpool(self.engine.shards.away, shards) if shards else ()

    async def _catalogue(self, request: Request) -> Catalogue:
        """Return what who asks may know of."""
        identity = identity_of(request)
        return await self._published(identity.account if identity else None)

    async def _published(self, account: Account | None = None) -> Catalogue:
        """Return what an account may know of, or everybody."""
        catalogue, _ = await run_in_threadpool(self._read_published, account)
        return catalogue

    def _read_published(self, account: Account | None = None) -> tuple[Catalogue, Placements]:
        with self.engine.session(limit=10, role=self.rights.role(account)) as session:
            return session.catalogue, session.placements


def create_app(config: Config) -> Starlette:
    shards = shards_of(config, sessions_of(config))
    engine = Engine(
        reader_conninfo(config), sessions_of(config), config.web.queue_limit, shards, member_conninfo(config)
    )
    planner = Engine(reader_conninfo(config), PLANNERS, 0.5, member_conninfo=member_conninfo(config))
    sweep_uploads(uploads_of(config))
    store = Store(jobs_conninfo(config), limits_of(config.jobs))
    waiting = Waiting(store)
    storage = storage_of(config)
    accounts = AccountStore(accounts_conninfo(config))
    rights = Rights(owner_conninfo(config), accounts)
    jobs = JobService(config, planner, store, storage, rights)
    own_tables = OwnTables(owner_conninfo(config), accounts, partial(quota_of, config))
    table_resources = TableResources(own_tables, accounts, Results(store, storage), config)
    service = service_of(config, engine, sources_of(config, store, storage), config.limits.sync_limit + 5)
    resources = Resources(store, waiting, jobs, config.jobs.wait_limit)
    authenticator = Authenticator(accounts, Passwords(accounts), config.accounts.anonymous)
    login, self_service = Login(authenticator, config), SelfService(authenticator, config, own_tables)
    updates = TableUpdateService(config, planner, store, storage, rights)
    table_updates = Resources(store, waiting, updates, config.jobs.wait_limit, TABLE_UPDATE)
    queries = Queries(service, config)
    endpoints = Endpoints(
        config, engine, queries, resources, storage, login, rights, self_service, table_resources, table_updates
    )
    app = Starlette(
        routes=endpoints.routes,
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE"],
                allow_headers=["*"],
                expose_headers=["*"],
            ),
            Middleware(ErrorMiddleware, challenges_of(config)),
            Middleware(AuthenticationMiddleware, authenticator),
        ],
        lifespan=partial(_lifespan, [shards, engine, planner, store, waiting, accounts, rights, own_tables]),
        exception_handlers={HTTPException: _http_error},
    )
    # Its redirects would go to whatever Host a request names.
    app.router.redirect_slashes = False
    return app


def challenges_of(config: Config) -> list[tuple[bytes, bytes]]:
    return challenges(config.web.base_url, config.web.title)


def service_of(config: Config, engine: Engine, sources: Sources, limit: float) -> QueryService:
    """What every query needs, of /sync as of jobs."""
    about = {
        "server_software": "Armillary",
        "service_protocol": "ivo://ivoa.net/std/TAP",
        "publisher": config.web.publisher,
        "contact": config.web.contact,
    }
    limits = UploadLimits(
        config.uploads.upload_rows,
        config.uploads.upload_columns,
        config.uploads.upload_cells,
        config.uploads.upload_unpacked_bytes,
    )
    room = TempFiles(uploads_of(config), config.jobs.results_reserve)
    more_rows = (
        f"Without MAXREC a result has {config.limits.maxrec_default:,} rows; MAXREC gives up to {config.limits.maxrec_hard:,}."
        f" Long results are best fetched as jobs: {config.web.base_url}/async"
    )
    return QueryService(
        engine, limit, about, sources, limits, Sorting(config.uploads.upload_part_rows, room), room, more_rows
    )


def shards_of(config: Config, sessions: int) -> ShardPool:
    """Where they are is looked up when one is first asked."""

    def find() -> dict[str, str]:
        with owner_connection(config) as connection:
            return {shard.name: shard.reader for shard in known_shards(connection)}

    return ShardPool(find, sessions)


def sources_of(config: Config, store: Store, storage: Storage) -> Sources:
    hosts = tuple(each.strip().lower() for each in config.uploads.upload_hosts.split(",") if each.strip())
    remote = Remote(hosts, config.uploads.upload_bytes, config.uploads.upload_seconds)
    return Sources(store, storage, remote, f"{config.web.base_url}/async")


def quota_of(config: Config, account: Account) -> Quota:
    """Return what the tables of an account may use."""
    own = config_for(config, account).own_tables
    return Quota(own.own_tables, own.own_rows, own.own_bytes, own.own_days)


@contextmanager
def query_worker(config: Config) -> Iterator[Worker]:
    """A worker for the jobs of this service, and the keeper beside it."""
    shards = shards_of(config, config.jobs.worker_slots + 1)
    slots = config.jobs.worker_slots + 1
    engine = Engine(reader_conninfo(config), slots, config.web.queue_limit, shards, member_conninfo(config))
    accounts = AccountStore(accounts_conninfo(config))
    rights = Rights(owner_conninfo(config), accounts)
    store = Store(jobs_conninfo(config), limits_of(config.jobs), config.jobs.worker_slots + 3)
    storage = storage_of(config)
    longest = config.jobs.job_duration_limit
    service = service_of(config, engine, sources_of(config, store, storage), longest + 30 if longest else 0)
    own_tables = OwnTables(owner_conninfo(config), accounts, partial(quota_of, config))
    destinations = Destinations(
        own_tables, accounts, service, uploads_of(config), config.web.base_url, config.limits.maxrec_hard
    )
    runner = QueryJobs(service, config, store, storage, rights, destinations, partial(update_table, own_tables))
    keeper = Housekeeper(store, storage, lambda what, count: observe(Kept(what, count)))
    table_keeper = TableKeeper(own_tables, lambda count: observe(Kept("own tables that were over", count)))
    parts: tuple[_Opens, ...] = (store, engine, shards, accounts, rights, own_tables)
    for each in parts:
        each.open()
    keeper.start()
    table_keeper.start()
    try:
        yield Worker(store, runner, config.jobs.worker_slots, config.jobs.long_slots)
    finally:
        keeper.stop()
        table_keeper.stop()
        for each in parts:
            each.close()


class _Opens(Protocol):
    def open(self) -> None: ...

    def close(self) -> None: ...


@asynccontextmanager
async def _lifespan(parts: Sequence[_Opens], app: Starlette) -> AsyncIterator[None]:
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
