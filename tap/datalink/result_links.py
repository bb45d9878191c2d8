"""What the result of a query says of where its rows lead: a descriptor of {links} for each linked table whose identifier is
in it, descriptors of other services whose inputs are, and links of columns (DataLink 1.1 §4, VOTable 1.4 §3.5).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from adql.nodes import Output
from schema import types
from schema.links import Link
from schema.model import Table
from schema.templates import columns_of, lone_column, pieces_of
from tap.config import Config
from tap.formats.metadata import unique_names
from tap.formats.service_descriptor import FieldLink, ResultLinks, ServiceDescriptor, ServiceParameter

LINKS_STANDARD = "ivo://ivoa.net/std/DataLink#links-1.1"
IDS_ARE, TEXTS = "IDS_ARE", "texts"
"""The parameter by which results say that they have numeric identifiers as texts."""
LINKS_TYPE = "application/x-votable+xml;content=datalink"
_NO_NAME = re.compile(r"[^\w.\-]")
NO_LINKS = ResultLinks()


def links_url(config: Config) -> str:
    return f"{config.web.base_url}/datalink/links"


def result_links(outputs: tuple[Output, ...], tables: Sequence[Table], links_url: str) -> ResultLinks:
    """Return what the columns of a result, which come from `tables`, lead to; `links_url` is that of {links}."""
    linked = {table.table_name: table for table in tables if table.leads_somewhere}
    if not linked:
        return NO_LINKS
    names = tuple(unique_names(outputs))
    ids = xml_ids(names)
    texts = frozenset(place for place, output in enumerate(outputs) if output.info.type is types.TEXT)
    found = [
        _LinkedColumns(linked[name], places, names, ids, texts)
        for (name, _), places in _places(outputs).items()
        if name in linked
    ]
    services = _named_apart(service for columns in found for service in columns.services(links_url))
    wanted = {parameter.ref for service in services for parameter in service.parameters if parameter.ref}
    hrefs = dict(pair for columns in found for pair in columns.hrefs())
    fields = {
        place: FieldLink(id_ if id_ in wanted else None, hrefs.get(place))
        for place, id_ in enumerate(ids)
        if id_ in wanted or place in hrefs
    }
    return ResultLinks(fields, services)


def _named_apart(services: Iterable[ServiceDescriptor]) -> tuple[ServiceDescriptor, ...]:
    """Number what has the same name as one before it: a document has each name once."""
    named: dict[str, ServiceDescriptor] = {}
    for service in services:
        names = chain([service.name], (f"{service.name}-{number}" for number in count(2)))
        name = next(name for name in names if name not in named)
        named[name] = replace(service, name=name)
    return tuple(named.values())


def xml_ids(names: Sequence[str]) -> list[str]:
    """Return an XML id for each name: the name itself, where it can be one, since clients take it for the column's name."""
    ids: list[str] = []
    for name in names:
        plain = _NO_NAME.sub("_", name)
        plain = plain if plain[:1].isalpha() or plain[:1] == "_" else f"_{plain}"
        while plain in ids:
            plain += "_"
        ids.append(plain)
    return ids


def _places(outputs: tuple[Output, ...]) -> dict[tuple[str, str], dict[str, int]]:
    """Return the places of columns in a result, of each row of a table that it is made of; of one that is there twice the first.

    A table that is joined with itself gives several rows to one of the result, whose values do not belong together.
    """
    places: dict[tuple[str, str], dict[str, int]] = {}
    for place, output in enumerate(outputs):
        if output.info.source:
            table, column, row = output.info.source
            places.setdefault((table, row), {}).setdefault(column, place)
    return places


@dataclass(frozen=True)
class _LinkedColumns:
    """The columns of one row of a table in a result: their places there; names and XML ids of all columns of the result, and which have texts."""

    table: Table
    places: Mapping[str, int]
    names: Sequence[str]
    ids: Sequence[str]
    texts: frozenset[int]

    def services(self, links_url: str) -> Iterator[ServiceDescriptor]:
        linking = self.table.linking
        if linking is None:
            return
        if (place := self.places.get(linking.identifier)) is not None:
            yield links_service(
                self.table,
                links_url,
                self.ids[place],
                are_texts=place in self.texts and self._has_number(linking.identifier),
            )
        for number, link in enumerate(linking.links, 1):
            if link.is_service and set(columns_of(link.templates)) <= set(self.places):
                refs = {column: self.ids[place] for column, place in self.places.items()}
                if service := other_service(f"{self.table.parts[-1]}-{number}", link, refs):
                    yield service

    def _has_number(self, name: str) -> bool:
        return any(column.name == name and column.type.is_integer for column in self.table.columns)

    def hrefs(self) -> Iterator[tuple[int, str]]:
        """Yield the places of columns with links, each with the template for its LINK."""
        for column in self.table.columns:
            if column.link and column.name in self.places and set(columns_of((column.link,))) <= set(self.places):
                pieces = pieces_of(column.link)
                yield self.places[column.name], "".join(text + self._reference(name) for text, name in pieces)

    def _reference(self, column: str | None) -> str:
        return "" if column is None else f"${{{self.names[self.places[column]]}}}"


def links_service(table: Table, links_url: str, ref: str, *, are_texts: bool) -> ServiceDescriptor:
    """Return the descriptor of {links} for the rows of a table, whose identifiers the FIELD `ref` has, as texts or as they are."""
    as_texts = (ServiceParameter(IDS_ARE, TEXTS),) if are_texts else ()
    return ServiceDescriptor(
        "links",
        links_url,
        (ServiceParameter("ID", ref=ref), ServiceParameter("TABLE", table.table_name), *as_texts),
        f"Data, documents and services that belong to rows of {table.table_name}",
        LINKS_STANDARD,
        LINKS_TYPE,
    )


def other_service(name: str, link: Link, refs: Mapping[str, str]) -> ServiceDescriptor | None:
    """Return the descriptor of a link that is a service; `refs` are the XML ids of columns.

    None where an input is made of several values, which a descriptor cannot say.
    """
    parameters = []
    for parameter, template in link.parameters:
        column = lone_column(template)
        if column is None and columns_of((template,)):
            return None
        value = template.format() if column is None else ""
        parameters.append(ServiceParameter(parameter, value, refs[column] if column else None))
    return ServiceDescriptor(name, link.url, tuple(parameters), link.description, link.standard_id, link.content_type)
