"""/openapi.json: the description of all endpoints."""

import json
from dataclasses import dataclass
from functools import lru_cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tap.config_sections import WebConfig
from tap.entity_tags import tagged
from tap.openapi.document import openapi


@dataclass(frozen=True)
class OpenApiResource:
    """The handler."""

    web: WebConfig

    async def document(self, request: Request) -> Response:
        return tagged(request, Response(_written(request.app, self.web), media_type="application/json"))


@lru_cache(maxsize=1)
def _written(app: Starlette, web: WebConfig) -> bytes:
    """Return the document of a service, whose routes do not change."""
    return json.dumps(openapi(app.routes, web), ensure_ascii=False).encode()
