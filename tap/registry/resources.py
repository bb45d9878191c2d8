"""/oai: the registry as harvesters ask it, with VOSI's endpoints beside it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tap import vosi
from tap.availability import Availability
from tap.coding import packed
from tap.config import Config
from tap.error_middleware import xml
from tap.errors import NotFound
from tap.form import read_parameters
from tap.registry.answers import OaiAnswers
from tap.registry.documents import answer_document, fault_document
from tap.registry.faults import BAD_ARGUMENT, OaiError
from tap.registry.listing import RegistryListing
from tap.registry.records import registry_capabilities
from tap.registry.requests import OaiRequest, read_request
from tap.registry.urls import OAI, oai_url
from tap.registry.voresource import Element
from uws.parameters import ParameterError

_AT_ONCE = 2
"""Requests that may wait for the database: the threads that all others need are not theirs."""


@dataclass(frozen=True)
class RegistryResources:
    """The handlers."""

    config: Config
    listing: RegistryListing
    availability_of: Availability
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_AT_ONCE))

    def routes(self) -> list[Route]:
        get = ["GET"]
        return [
            Route(OAI, self.harvest, methods=["GET", "POST"]),
            Route(f"{OAI}/capabilities", self.capabilities, methods=get),
            Route(f"{OAI}/availability", self.availability, methods=get),
        ]

    async def harvest(self, request: Request) -> Response:
        self._check_there()
        now, url = datetime.now(UTC), oai_url(self.config.web)
        asked: OaiRequest | None = None
        try:
            asked = read_request(await read_parameters(request, self.config))
            answer = await to_thread.run_sync(self._answer, asked, limiter=self.limiter)
            root = answer_document(url, now, asked, answer)
        except ParameterError as error:
            root = fault_document(url, now, None, OaiError(BAD_ARGUMENT, str(error)))
        except OaiError as error:
            root = fault_document(url, now, asked, error)
        return packed(request, xml(vosi.document(root)))

    def _answer(self, asked: OaiRequest) -> Element:
        return OaiAnswers(self.config, self.listing.now()).answer(asked)

    async def capabilities(self, request: Request) -> Response:
        self._check_there()
        return packed(request, xml(vosi.document(registry_capabilities(self.config))))

    async def availability(self, request: Request) -> Response:
        self._check_there()
        state = await self.availability_of.now()
        return xml(vosi.availability(available=state.available, notes=state.notes))

    def _check_there(self) -> None:
        """Raise NotFound where the operator has chosen no authority."""
        if not self.config.registry.registry_authority:
            raise NotFound("This service has no registry: its operator has not set registry_authority")
