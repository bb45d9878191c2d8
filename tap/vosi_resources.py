"""VOSI's endpoints: /capabilities, /availability, and the tables that one may know of; and the probes of machines."""

from dataclasses import dataclass
from email.utils import format_datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adql.errors import ClosedTable
from schema import vodataservice
from schema.model import Catalogue, Table, unquoted_parts
from schema.obscore.model import DATA_MODEL, obscore_table
from tap import tap_plus, vosi
from tap.auth.authentication import challenges
from tap.auth.identity import Account, account_in, identity_of
from tap.availability import Availability
from tap.config import Config
from tap.engine.engine import DatabaseAway
from tap.engine.rows import Interrupted
from tap.entity_tags import tagged
from tap.errors import NotFound
from tap.form import read_parameters
from tap.formats.format import Format
from tap.messages import Messages
from tap.own_tables.resources import TableResources, rights_headers
from tap.parts import Parts
from tap.query.empty_result import empty_result
from tap.vosi_answers import vosi_answer, votable_wanted
from uws.parameters import ParameterError


@dataclass(frozen=True)
class VosiResources:
    """The handlers."""

    parts: Parts
    own_tables: TableResources
    messages: Messages

    def routes(self, tap: str) -> list[Route]:
        get = ["GET"]
        return [
            Route("/livez", self.livez, methods=get),
            Route("/readyz", self.readyz, methods=get),
            Route(f"{tap}/capabilities", self.capabilities, methods=get),
            Route(f"{tap}/availability", self.availability, methods=get),
            Route(f"{tap}/tables", self.tables, methods=get),
            Route(f"{tap}/tables/{{name:path}}", self.table, methods=get),
        ]

    @property
    def config(self) -> Config:
        return self.parts.config

    @property
    def state(self) -> Availability:
        return Availability(self.parts)

    async def capabilities(self, request: Request) -> Response:
        version = (await read_parameters(request, self.config)).one("TAPREGEXT") or "1.0"
        if version not in {"1.0", "1.1"}:
            raise ParameterError(f"TAPREGEXT can be 1.0 or 1.1, not {version[:40]!r}")
        models, texts = await run_in_threadpool(self._data_models), self.messages.texts()
        response = vosi_answer(request, vosi.capabilities(self.config, texts, models, by_mode=version == "1.1"))
        response.headers["Last-Modified"] = format_datetime(self.messages.changed, usegmt=True)
        if identity_of(request) is None:
            # That one may log in, and how, though one need not (AuthVO §4.1).
            response.raw_headers.extend(challenges_of(self.config))
        return response

    def _data_models(self) -> dict[str, str]:
        """Return the data models of which everybody may know, by their identifiers; none while nobody can tell."""
        try:
            return dict([DATA_MODEL]) if obscore_table(self._published()) else {}
        except (DatabaseAway, Interrupted):
            return {}

    async def availability(self, request: Request) -> Response:
        state = await self.state.now()
        return vosi_answer(request, vosi.availability(available=state.available, notes=state.notes))

    async def tables(self, request: Request) -> Response:
        parameters = await read_parameters(request, self.config)
        brief = (parameters.one("DETAIL") or "max").lower() == "min" or tap_plus.wants_names_only(parameters)
        catalogue = await self.catalogue(request)
        # pyvo would fetch the columns of each table without the login that it was given.
        public = {table.table_name for table in (await run_in_threadpool(self._published)).tables} if brief else set()
        document = vodataservice.tableset(catalogue, public)
        if tap_plus.is_tap_plus(request, parameters):
            named = [await self.own_tables.full_name(request, name) for name in tap_plus.tables_asked_for(parameters)]
            document = tap_plus.with_flags(document, named)
        return vosi_answer(request, document)

    async def table(self, request: Request) -> Response:
        catalogue, name = await self.catalogue(request), request.path_params["name"]
        own_table = await self.own_tables.table(request, name)
        table = table_named(catalogue, own_table.table_name if own_table else name)
        if match := votable_wanted(request, await read_parameters(request, self.config)):
            response = tagged(request, await run_in_threadpool(self._votable, table, catalogue, *match))
        else:
            response = vosi_answer(request, vodataservice.table_document(table, catalogue))
        response.headers.update(rights_headers(own_table) if own_table else {})
        return response

    def _votable(self, table: Table, catalogue: Catalogue, format_: Format, media_type: str) -> Response:
        """Return the VOTable of all columns of a table, without rows."""
        query = f"SELECT * FROM {table.table_name}"
        return Response(empty_result(query, catalogue, format_, self.parts.service), media_type=media_type)

    async def livez(self, request: Request) -> Response:
        return Response("alive\n", media_type="text/plain")

    async def readyz(self, request: Request) -> Response:
        away = await self.state.away()
        return Response(f"ready, without {', '.join(away)}\n" if away else "ready\n", media_type="text/plain")

    async def catalogue(self, request: Request) -> Catalogue:
        """Return what who asks may know of."""
        return await run_in_threadpool(self._published, account_in(request))

    def _published(self, account: Account | None = None) -> Catalogue:
        """Return what an account may know of, or everybody."""
        with self.parts.engine.session(limit=10, role=self.parts.rights.role(account)) as session:
            return session.catalogue


def table_named(catalogue: Catalogue, name: str) -> Table:
    """Return a table by its published name, in any case. Raises: ClosedTable, NotFound."""
    for table in catalogue.tables:
        if table.table_name.lower() == name.lower():
            return table
    if name.lower() in map(str.lower, catalogue.announced):
        raise ClosedTable(f"Only some accounts may read {name}", hint="Log in as one of them.")
    check_not_withdrawn(catalogue, name)
    raise NotFound(f"There is no table {name[:100]}")


def check_not_withdrawn(catalogue: Catalogue, name: str) -> None:
    """Raise NotFound for a published name that was withdrawn, with the reason."""
    if reason := catalogue.why_withdrawn(unquoted_parts(name)):
        raise NotFound(f"{name} has been withdrawn: {reason}")


def challenges_of(config: Config) -> list[tuple[bytes, bytes]]:
    return challenges(config.web.base_url, config.web.title)
