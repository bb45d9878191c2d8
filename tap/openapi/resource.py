"""/openapi.json: the description of all endpoints."""

import json
from dataclasses import dataclass

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
        document = openapi(request.app.routes, self.web)
        return tagged(request, Response(json.dumps(document, ensure_ascii=False), media_type="application/json"))
