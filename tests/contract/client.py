"""A plain HTTP client that hides nothing: every answer, whatever its status, with its headers and its bytes."""

import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from lxml import etree

from tests.contract.xsd import VOTABLE, parse

BOUNDARY = "----<<a-boundary-of-STILTS>>"
Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """An answer; `body` as it came over the wire."""

    status: int
    headers: Message
    body: bytes

    @property
    def media_type(self) -> str:
        return str(self.headers.get_content_type())

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def xml(self) -> Any:
        """The root of a document that must be valid."""
        return parse(self.body)

    def votable(self) -> "Votable":
        return Votable(self.xml())


class Votable:
    """A VOTable's parts, looked up without any library that could be lenient."""

    def __init__(self, root: Any) -> None:
        self.root = root

    def all(self, path: str) -> list[Any]:
        """Elements by an XPath whose names are in VOTable's namespace under the prefix v."""
        return list(self.root.xpath(path, namespaces={"v": VOTABLE}))

    @property
    def statuses(self) -> list[tuple[str, str]]:
        """QUERY_STATUS of the result, each with where it stands: before the table, after it, or alone."""
        found = []
        for info in self.all("v:RESOURCE[@type='results']/v:INFO[@name='QUERY_STATUS']"):
            before, after = (
                info.xpath("count(preceding-sibling::*[local-name()='TABLE'])"),
                info.xpath("count(following-sibling::*[local-name()='TABLE'])"),
            )
            found.append((info.get("value"), "after" if before else "before" if after else "alone"))
        return found

    @property
    def message(self) -> str:
        return "".join(info.text or "" for info in self.all("//v:INFO[@name='QUERY_STATUS' and @value='ERROR']"))

    @cached_property
    def fields(self) -> list[dict[str, str]]:
        """Attributes of each FIELD, its description among them."""
        return [
            dict(f.attrib) | {"description": f.findtext(f"{{{VOTABLE}}}DESCRIPTION") or ""}
            for f in self.all("//v:FIELD")
        ]

    @cached_property
    def names(self) -> list[str]:
        return [field["name"] for field in self.fields]

    @cached_property
    def rows(self) -> list[list[str]]:
        """Cells of TABLEDATA."""
        return [[td.text or "" for td in tr] for tr in self.all("//v:TABLEDATA/v:TR")]


def request(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    call = urllib.request.Request(url, body, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(call, timeout=60) as answer:
            return Reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read())


def get(url: str, pairs: Pairs | Mapping[str, str] = (), **headers: str) -> Reply:
    query = urlencode(list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs))
    return request("GET", f"{url}?{query}" if query else url, headers=_spelt(headers))


def post(url: str, pairs: Pairs | Mapping[str, str] = (), **headers: str) -> Reply:
    body = urlencode(list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs)).encode()
    return request("POST", url, body, {"Content-Type": "application/x-www-form-urlencoded"} | _spelt(headers))


def post_multipart(url: str, pairs: Pairs | Mapping[str, str] = (), **headers: str) -> Reply:
    """As STILTS does: the part's type ahead of its disposition, a quoted boundary of odd signs."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (pairs.items() if isinstance(pairs, Mapping) else pairs)
    ]
    body = ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()
    return request("POST", url, body, {"Content-Type": f'multipart/form-data; boundary="{BOUNDARY}"'} | _spelt(headers))


def sync(service: str, query: str, **parameters: str) -> Reply:
    """A query by GET."""
    return get(f"{service}/sync", {"LANG": "ADQL", "QUERY": query} | parameters)


def table(service: str, query: str, **parameters: str) -> Votable:
    """A query's result in TABLEDATA, which must be valid and OK."""
    reply = sync(service, query, RESPONSEFORMAT="votable/td", **parameters)
    assert reply.status == 200, reply.text
    return reply.votable()


def records(service: str, query: str, **parameters: str) -> list[dict[str, str]]:
    found = table(service, query, **parameters)
    return [dict(zip(found.names, row, strict=True)) for row in found.rows]


def well_formed(body: bytes) -> Any:
    return etree.fromstring(body, etree.XMLParser(no_network=True))


def _spelt(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
