"""What is said of each endpoint: its purpose, what it takes, and what it answers, as endpoints.toml has it."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from tap.formats import FORMATS


@dataclass(frozen=True, slots=True)
class EndpointParameter:
    """A parameter as a request has it; `about` is for people."""

    name: str
    about: str
    required: bool
    schema: Mapping[str, Any]
    example: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerKind:
    """The media types of an answer, and the name of the schema of its JSON."""

    types: tuple[str, ...]
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Some paths with some methods: `parameters` go where the method has them, `query` into the URL, `body` are types of it.

    `account`: only accounts may; `page`: browsers get a page.
    """

    paths: tuple[str, ...]
    methods: tuple[str, ...]
    tag: str
    summary: str
    answers: Mapping[int, AnswerKind]
    parameters: tuple[EndpointParameter, ...] = ()
    query: tuple[EndpointParameter, ...] = ()
    body: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    account: bool = False
    page: bool = False


@dataclass(frozen=True, slots=True)
class EndpointTable:
    """All of them; `tags` are the groups that they are in, `path_parts` says what the names in paths mean."""

    tags: Mapping[str, str]
    path_parts: Mapping[str, str]
    endpoints: tuple[Endpoint, ...]

    def operations(self) -> Iterator[tuple[str, str, Endpoint]]:
        """Yield path and method of each operation."""
        for endpoint in self.endpoints:
            for path in endpoint.paths:
                for method in endpoint.methods:
                    yield path, method, endpoint


@cache
def endpoints() -> EndpointTable:
    source: dict[str, Any] = tomllib.loads((files("tap") / "openapi" / "endpoints.toml").read_text("utf-8"))
    kinds = {name: _kind(**values) for name, values in source["kinds"].items()}
    parameters = {name: _parameter(name, values) for name, values in source["query"].items()}
    listed = tuple(_endpoint(entry, parameters, kinds) for entry in source["endpoint"])
    return EndpointTable(dict(source["tags"]), source["path"], listed)


def _kind(types: list[str], schema: str | None = None, formats: bool = False) -> AnswerKind:  # noqa: FBT002
    """Return a kind of answer; that of results has the types of all formats."""
    media_types = [name for format_ in FORMATS for name in format_.media_types] if formats else []
    of_formats = [name.partition(";")[0] for name in media_types]
    return AnswerKind(tuple(dict.fromkeys([*types, *of_formats])), schema)


def _parameter(name: str, values: Mapping[str, Any]) -> EndpointParameter:
    schema = {key: values[key] for key in ("enum", "minimum", "maximum") if key in values}
    kind = values.get("type", "string")
    least = {"minimum": 0} if kind == "integer" and "minimum" not in schema else {}
    name = values.get("name", name)
    return EndpointParameter(
        name, values["about"], values.get("required", False), {"type": kind, **least, **schema}, values.get("example")
    )


def _endpoint(
    entry: Mapping[str, Any], parameters: Mapping[str, EndpointParameter], kinds: Mapping[str, AnswerKind]
) -> Endpoint:
    lists: dict[str, Any] = {name: tuple(entry.get(name, ())) for name in ("paths", "methods", "body")}
    taken = {name: tuple(parameters[key] for key in entry.get(name, ())) for name in ("parameters", "query")}
    if entry.get("optional"):
        taken["parameters"] = tuple(replace(parameter, required=False) for parameter in taken["parameters"])
    answers = {int(status): kinds[kind] for status, kind in entry["answers"].items()}
    rest = {name: entry[name] for name in ("tag", "summary", "headers", "account", "page") if name in entry}
    return Endpoint(**lists | taken | rest | {"answers": answers})
