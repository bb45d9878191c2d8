"""/sia: images and cubes of ivoa.obscore by Simple Image Access 2.0, with VOSI's endpoints beside it."""

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schema.model import Table
from schema.obscore.model import obscore_table
from tap import vosi
from tap.availability import Availability
from tap.config import Config
from tap.dal.ask import Ask
from tap.dal.capabilities import image_access_capabilities
from tap.dal.image_search import PROTOCOL, image_query
from tap.dal.results import of_protocol
from tap.dal.urls import IMAGES, image_access_url
from tap.errors import NotFound
from tap.form import read_parameters
from tap.pages.rendering import CatalogueOf
from tap.request import TapRequest
from tap.vosi_answers import vosi_answer


@dataclass(frozen=True)
class ImageAccess:
    """The handlers."""

    config: Config
    catalogue: CatalogueOf
    ask: Ask
    availability_of: Availability

    def routes(self) -> list[Route]:
        get = ["GET"]
        return [
            Route(f"{IMAGES}/query", self.query, methods=["GET", "POST"]),
            Route(f"{IMAGES}/capabilities", self.capabilities, methods=get),
            Route(f"{IMAGES}/availability", self.availability, methods=get),
        ]

    async def query(self, request: Request) -> Response:
        obscore = await self._obscore(request)
        parameters = await read_parameters(request, self.config)
        metadata_only = parameters.whole_number("MAXREC") == 0
        query = image_query(parameters, obscore, metadata_only=metadata_only)
        names = ("RESPONSEFORMAT", "MOC_ORDER", *(() if metadata_only else ("MAXREC",)))
        more = {name: value for name in names if (value := parameters.one(name))}
        return await self.ask(request, query, more, _in_protocol)

    async def capabilities(self, request: Request) -> Response:
        await self._obscore(request)
        root = image_access_capabilities(self.config, image_access_url(self.config.web))
        return vosi_answer(request, vosi.document(root))

    async def availability(self, request: Request) -> Response:
        await self._obscore(request)
        state = await self.availability_of.now()
        return vosi_answer(request, vosi.availability(available=state.available, notes=state.notes))

    async def _obscore(self, request: Request) -> Table:
        """Return the table of observations. Raises: NotFound."""
        table = obscore_table(await self.catalogue(request))
        if table is None:
            raise NotFound("This service publishes no observations: there is no table ivoa.obscore")
        return table


def _in_protocol(asked: TapRequest) -> TapRequest:
    return replace(asked, format=of_protocol(asked.format, PROTOCOL))
