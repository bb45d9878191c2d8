"""The description of all endpoints has what is routed, all of it and nothing else, and is OpenAPI."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from deploy.endpoints import PAGE, page
from tap.app import create_app
from tap.config import Config
from tap.config_sections import WebConfig
from tap.formats import FORMATS
from tap.openapi.document import openapi, routed
from tap.openapi.endpoints import endpoints
from tests.contract.client import get

OPERATIONS = {(path, method): endpoint for path, method, endpoint in endpoints().operations()}


@pytest.fixture(scope="module")
def app(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    """The service, with a site of documents as it would have one."""
    site = tmp_path_factory.mktemp("site")
    (site / "index.html").touch()
    return create_app(sample.changed(documents=str(site)))


@pytest.fixture(scope="module")
def document(app: Starlette) -> dict[str, Any]:
    return openapi(app.routes, Config().web)


def test_every_route_is_described_and_none_is_invented(app: Starlette) -> None:
    """Looked up by Starlette's own matching, not by the code that makes the document."""
    takes = {
        (re.sub(r":path\}", "}", route.path).rstrip("/") or "/", method)
        for route in app.routes
        if not isinstance(route, Mount)
        for method in getattr(route, "methods", ())
        if method != "HEAD"
    }
    assert takes == set(OPERATIONS)


def test_each_operation_is_listed_once() -> None:
    listed = [(path, method) for path, method, _ in endpoints().operations()]
    assert len(listed) == len(set(listed)) > 120


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_what_is_no_openapi_is_not_taken_for_it(document: dict[str, Any]) -> None:
    broken = {**document, "paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []


def test_what_a_service_does_not_route_is_not_in_its_document() -> None:
    async def handler(request: Request) -> Response:
        return Response()

    document = openapi([Route("/livez", handler, methods=["GET"])], WebConfig())
    assert list(document["paths"]) == ["/livez"]


def test_pages_are_told_where_browsers_get_them(app: Starlette, document: dict[str, Any]) -> None:
    """As the negotiation has it: routes that browsers alone see."""
    pages = {operation for operation, has_page in routed(app.routes).items() if has_page}
    assert ("/tap/tables", "GET") in pages
    for path, method in pages:
        answers = document["paths"][path][method.lower()]["responses"]
        assert any("text/html" in answer.get("content", {}) for answer in answers.values()), path


def test_the_formats_of_results_are_those_that_there_are(document: dict[str, Any]) -> None:
    told = document["paths"]["/tap/sync"]["get"]["responses"]["200"]["content"]
    assert set(told) == {name.partition(";")[0] for format_ in FORMATS for name in format_.media_types}


def test_the_group_of_each_endpoint_is_told_and_none_is_empty() -> None:
    assert {endpoint.tag for endpoint in endpoints().endpoints} == set(endpoints().tags)


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text("utf-8") == page(endpoints()), "run deploy/endpoints.py"


def test_the_service_sends_the_document_with_its_own_url(service: str) -> None:
    reply = get(f"{service}/openapi.json")
    assert (reply.status, reply.media_type) == (200, "application/json")
    assert f'"{service.removesuffix("/tap")}"' in reply.text
    assert get(f"{service}/openapi.json", If_None_Match=str(reply.headers["etag"])).status == 304
