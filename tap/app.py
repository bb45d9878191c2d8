"""The web application: everything is put together here, and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schema import vodataservice
from schema.model import Catalogue
from tap import pages, vosi
from tap.config import Config
from tap.edge import Edge, packed, wants_gzip, xml
from tap.engine.database import reader_conninfo, sessions_of
from tap.engine.engine import DatabaseAway, Engine
from tap.errors import NotFound
from tap.execute import Service
from tap.form import read_parameters
from tap.request import read_request
from tap.sync import Queries


@dataclass(frozen=True)
class Endpoints:
    """The handlers of one service."""

    config: Config
    engine: Engine
    queries: Queries

    @property
    def routes(self) -> list[Route]:
        """The URL map."""
        get, tap = ["GET"], "/tap"
        return [
            Route("/", self.index, methods=get),
            Route("/-/style.css", self.style, methods=get),
            Route("/livez", self.livez, methods=get),
            Route("/readyz", self.readyz, methods=get),
            Route(f"{tap}", self.index, methods=get),
            Route(f"{tap}/sync", self.sync, methods=["GET", "POST"]),
            Route(f"{tap}/capabilities", self.capabilities, methods=get),
            Route(f"{tap}/availability", self.availability, methods=get),
            Route(f"{tap}/tables", self.tables, methods=get),
            Route(f"{tap}/tables/{{name:path}}", self.table, methods=get),
            Route(f"{tap}/examples", self.examples, methods=get),
        ]

    async def sync(self, request: Request) -> Response:
        parameters = await read_parameters(request, self.config)
        tap_request = read_request(parameters, self.config)
        return self.queries.answer(tap_request, gzip=wants_gzip(request))  # type: ignore[return-value]

    async def capabilities(self, request: Request) -> Response:
        return packed(request, xml(vosi.capabilities(self.config)))

    async def availability(self, request: Request) -> Response:
        try:
            await self._catalogue()
        except DatabaseAway:
            return xml(vosi.availability(available=False, note="The database cannot be reached"))
        return xml(vosi.availability(available=True))

    async def tables(self, request: Request) -> Response:
        parameters = await read_parameters(request, self.config)
        brief = (parameters.one("DETAIL") or "max").lower() == "min"
        document = vodataservice.tableset(await self._catalogue(), with_columns=not brief)
        return packed(request, xml(document))

    async def table(self, request: Request) -> Response:
        catalogue, name = await self._catalogue(), request.path_params["name"]
        for table in catalogue.tables:
            if table.table_name.lower() == name.lower():
                return packed(request, xml(vodataservice.table_document(table, catalogue)))
        raise NotFound(f"There is no table {name[:100]}")

    async def examples(self, request: Request) -> Response:
        page = pages.examples_page(self.config, await self._catalogue())
        return packed(request, Response(page, media_type="application/xhtml+xml"))

    async def index(self, request: Request) -> Response:
        page = pages.index_page(self.config, await self._catalogue())
        return packed(request, Response(page, media_type="text/html"))

    async def style(self, request: Request) -> Response:
        return Response(pages.style(), media_type="text/css", headers={"cache-control": "max-age=3600"})

    async def livez(self, request: Request) -> Response:
        return Response("alive\n", media_type="text/plain")

    async def readyz(self, request: Request) -> Response:
        await self._catalogue()
        return Response("ready\n", media_type="text/plain")

    async def _catalogue(self) -> Catalogue:
        return await run_in_threadpool(self._read_catalogue)

    def _read_catalogue(self) -> Catalogue:
        with self.engine.session(limit=10) as session:
            return session.catalogue


def create_app(config: Config) -> Starlette:
    engine = Engine(reader_conninfo(config), sessions_of(config), config.queue_limit)
    about = {
        "server_software": "Armillary",
        "service_protocol": "ivo://ivoa.net/std/TAP",
        "publisher": config.publisher,
        "contact": config.contact,
    }
    # PostgreSQL's own limit lies above ours, which can say what happened.
    service = Service(engine, config.sync_limit + 5, about)
    endpoints = Endpoints(config, engine, Queries(service, config))
    app = Starlette(
        routes=endpoints.routes,
        middleware=[
            Middleware(
                CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST", "HEAD"], expose_headers=["*"]
            ),
            Middleware(Edge),
        ],
        lifespan=partial(_lifespan, engine),
        exception_handlers={HTTPException: _http_error},
    )
    # Its redirects would go to whatever Host a request names.
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def _lifespan(engine: Engine, app: Starlette) -> AsyncIterator[None]:
    engine.open()
    try:
        yield
    finally:
        engine.close()


async def _http_error(request: Request, error: Exception) -> Response:
    """Starlette would answer with plain text; the edge answers with a document."""
    raise error
