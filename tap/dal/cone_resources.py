"""/scs: a cone search on every table with a position, with VOSI's endpoints beside it."""

from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adql.translate import translate
from tap import vosi
from tap.auth.identity import Account, account_in
from tap.auth.rights import Rights
from tap.availability import Availability
from tap.config import Config
from tap.dal.ask import Ask
from tap.dal.capabilities import cone_search_capabilities
from tap.dal.cone_search import Cone, SearchedTable, in_cone_search, read_cone
from tap.dal.urls import CONES, cone_search_url
from tap.engine.engine import DatabaseAway, Engine
from tap.engine.rows import Interrupted
from tap.errors import NotFound
from tap.form import read_parameters
from tap.pages.rendering import CatalogueOf
from tap.request import TapRequest
from tap.vosi_answers import vosi_answer
from tap.vosi_resources import table_named

_DEFAULT_FORMAT, _DEFAULT_TYPE = "votable/td", "text/xml;content=x-votable"
"""What all clients of SCS read, and its media type (SCS 1.03 §2.2)."""
_EXAMPLE_SECONDS, _EXAMPLE_RADIUS = 2.0, 0.01


@dataclass(frozen=True)
class ConeSearches:
    """The handlers. `planner` is the engine for what costs next to nothing."""

    config: Config
    catalogue: CatalogueOf
    ask: Ask
    planner: Engine
    rights: Rights
    availability_of: Availability

    def routes(self) -> list[Route]:
        at, get = f"{CONES}/{{name:path}}", ["GET"]
        return [
            Route(f"{at}/capabilities", self.capabilities, methods=get),
            Route(f"{at}/availability", self.availability, methods=get),
            Route(at, self.search, methods=["GET", "POST"]),
        ]

    async def search(self, request: Request) -> Response:
        searched = await self._searched(request)
        parameters = await read_parameters(request, self.config)
        cone = read_cone(parameters)
        format_ = parameters.one("RESPONSEFORMAT")
        maxrec = None if cone.metadata_only else parameters.one("MAXREC")

        def in_protocol(asked: TapRequest) -> TapRequest:
            media_type = asked.media_type if format_ else _DEFAULT_TYPE
            return replace(asked, format=in_cone_search(asked.format, searched.old_ucds(cone)), media_type=media_type)

        wanted = {
            "RESPONSEFORMAT": format_ or _DEFAULT_FORMAT,
            "MAXREC": maxrec,
            "MOC_ORDER": parameters.one("MOC_ORDER"),
        }
        more = {name: value for name, value in wanted.items() if value}
        return await self.ask(request, searched.query(cone), more, in_protocol)

    async def capabilities(self, request: Request) -> Response:
        searched = await self._searched(request)
        example = await run_in_threadpool(self._example, searched, account_in(request))
        base = cone_search_url(self.config.web, searched.table.table_name)
        return vosi_answer(request, vosi.document(cone_search_capabilities(self.config, base, example)))

    async def availability(self, request: Request) -> Response:
        await self._searched(request)
        state = await self.availability_of.now()
        return vosi_answer(request, vosi.availability(available=state.available, notes=state.notes))

    async def _searched(self, request: Request) -> SearchedTable:
        """Return the table of a URL. Raises: NotFound, ClosedTable."""
        table = table_named(await self.catalogue(request), request.path_params["name"])
        searched = SearchedTable.of(table)
        if searched is None:
            raise NotFound(f"{table.table_name} has no position, so there is no cone search on it")
        return searched

    def _example(self, searched: SearchedTable, account: Account | None) -> Cone | None:
        """Return a cone in which something is; None if that cannot be told at once."""
        columns = searched.ra.column_name, searched.dec.column_name
        where = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        query = f"SELECT TOP 1 {', '.join(columns)} FROM {searched.table.table_name} WHERE {where}"
        try:
            with self.planner.session(_EXAMPLE_SECONDS, role=self.rights.role(account)) as session:
                rows = session.records(translate(query, session.catalogue).sql, ())
        except (DatabaseAway, Interrupted):
            return None
        return Cone(float(rows[0][0]), float(rows[0][1]), _EXAMPLE_RADIUS) if rows else None
