"""Route table and endpoints → the OpenAPI document: what is not routed is not in it."""

import json
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from starlette.routing import BaseRoute, Route

from tap.config_sections import WebConfig
from tap.openapi.endpoints import AnswerKind, Endpoint, EndpointParameter, endpoints
from tap.pages.negotiation import PageRoute
from tap.version import VERSION

_PART = re.compile(r"\{(\w+)(?::\w+)?\}")
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_ABOUT = (
    "Names of parameters are known in any case, unknown ones are passed over, and a slash at the end of a path does not count (DALI 1.1)."
    " What takes GET takes HEAD. Parameters of a POST are a form. Errors are VOTables, or JSON where Accept asks for it; browsers get pages."
)
_ACCOUNT: list[dict[str, list[str]]] = [{"basic": []}, {"bearer": []}, {"cookie": []}]
_SECURITY = {
    "basic": {"type": "http", "scheme": "basic", "description": "Name and password of an account."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token (/tap/tokens)."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "SESSION", "description": "From /tap/login."},
}


def routed(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], bool]:
    """Return path and method of each operation that is routed, and whether browsers get a page of its own there."""
    operations: dict[tuple[str, str], bool] = {}
    for route in routes:
        if isinstance(route, Route):
            path = _PART.sub(r"{\1}", route.path).rstrip("/") or "/"
            for method in (route.methods or set()) - {"HEAD"}:
                operations[path, method] = operations.get((path, method), False) or isinstance(route, PageRoute)
    return operations


def openapi(routes: Iterable[BaseRoute], web: WebConfig) -> dict[str, Any]:
    """Return the document of a service with these routes."""
    known, there, paths = endpoints(), routed(routes), dict[str, dict[str, Any]]()
    for path, method, endpoint in known.operations():
        if (path, method) in there:
            has_page = there[path, method] or endpoint.page
            paths.setdefault(path, {})[method.lower()] = _operation(path, method, endpoint, has_page=has_page)
    return {
        "openapi": "3.1.0",
        "info": {"title": web.title, "version": VERSION, "description": _ABOUT},
        "servers": [{"url": web.base_url.removesuffix("/tap")}],
        "tags": [{"name": name, "description": about} for name, about in known.tags.items()],
        "paths": paths,
        "components": {
            "schemas": json.loads((files("tap") / "openapi" / "schemas.json").read_text("utf-8")),
            "responses": {"Error": _answer(_ERROR, "What was wrong, and what to write instead")},
            "securitySchemes": _SECURITY,
        },
    }


_ERROR = AnswerKind(("application/x-votable+xml", "application/json", "text/html"), "Error")


def _operation(path: str, method: str, endpoint: Endpoint, *, has_page: bool) -> dict[str, Any]:
    """Return what is said of one method of one path."""
    in_url = (*endpoint.query, *(endpoint.parameters if method == "GET" else ()))
    operation: dict[str, Any] = {
        "operationId": f"{method.lower()}{re.sub('[^A-Za-z0-9]+', '_', path)}".rstrip("_"),
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(path), *map(_query_parameter, in_url), *_headers(endpoint.headers)],
        "responses": {
            **{str(status): _answer(kind, _meaning(status)) for status, kind in endpoint.answers.items()},
            "default": {"$ref": "#/components/responses/Error"},
        },
        "security": _ACCOUNT if endpoint.account else [{}, *_ACCOUNT],
    }
    if has_page:
        operation["responses"].setdefault("200", {"description": _meaning(200)}).setdefault("content", {})[
            "text/html"
        ] = {}
    if method != "GET" and (content := _body(endpoint)):
        operation["requestBody"] = {"content": content}
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    about = endpoints().path_parts
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": about[name],
            "schema": {"type": "string", "minLength": 1},
        }
        for name in _PART.findall(path)
    ]


def _query_parameter(parameter: EndpointParameter) -> dict[str, Any]:
    example = {} if parameter.example is None else {"example": parameter.example}
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.about,
        "schema": dict(parameter.schema),
        **example,
    }


def _headers(headers: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
        for name, about in headers.items()
    ]


def _body(endpoint: Endpoint) -> dict[str, Any]:
    """Return the bodies that a method takes: a form, with files where it takes tables, or the types that are named."""
    content: dict[str, Any] = {kind: {} for kind in endpoint.body}
    if endpoint.parameters:
        form = _form(endpoint.parameters)
        content |= {_FORM: {"schema": form}}
        if any(parameter.name == "UPLOAD" for parameter in endpoint.parameters):
            content[_MULTIPART] = {"schema": form}
    return content


def _form(parameters: Iterable[EndpointParameter]) -> dict[str, Any]:
    properties, required = dict[str, Any](), list[str]()
    for parameter in parameters:
        example = {} if parameter.example is None else {"examples": [parameter.example]}
        properties[parameter.name] = {**parameter.schema, "description": parameter.about, **example}
        required += [parameter.name] if parameter.required else []
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _answer(kind: AnswerKind, meaning: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": f"#/components/schemas/{kind.schema}"}} if kind.schema else {}
    content = {media_type: schema if media_type == "application/json" else {} for media_type in kind.types}
    return {"description": meaning, **({"content": content} if content else {})}


def _meaning(status: int) -> str:
    return _MEANINGS[status]


_MEANINGS = {
    200: "What was asked for",
    201: "It was made",
    204: "It was done",
    206: "The part that was asked for",
    302: "It goes on elsewhere",
    303: "It was done; what it is now is elsewhere",
    304: "The client has it already",
    307: "It is elsewhere",
    409: "The part does not go on where the file ends",
    416: "There is no such part",
}
