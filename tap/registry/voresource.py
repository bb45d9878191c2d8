"""What all records have (VOResource 1.1 §2, §3): the element of a resource with who made it and what it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import etree

from schema.vodataservice import writable
from tap.dal.capabilities import CONE_NAMESPACES
from tap.vosi import ELEMENT, XSI_TYPE

RESOURCE = "http://www.ivoa.net/xml/RegistryInterface/v1.0"
NAMESPACES = {name: uri for name, uri in CONE_NAMESPACES.items() if name != "vosi"} | {
    "ri": RESOURCE,
    "vg": "http://www.ivoa.net/xml/VORegistry/v1.0",
}
SCHEMA_LOCATION = f"{{{NAMESPACES['xsi']}}}schemaLocation"
_SCHEMAS = " ".join(f"{uri} {uri}" for name, uri in NAMESPACES.items() if name != "xsi")
"""The IVOA's namespaces are where their schemas are."""
SERVED_BY, SERVICE_FOR = "IsServedBy", "IsServiceFor"
_LONGEST_SHORT_NAME = 16
_BIBCODE = re.compile(r"\d{4}[A-Za-z&.]{5}[\w.&]{9}[A-Z.]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z?)?")
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.\d{4,}/\S+)", re.IGNORECASE)

Element = Any


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody, with an IVOA identifier where there is a record of them."""

    name: str
    ivo_id: str | None = None

    def element(self, tag: str) -> Element:
        return ELEMENT(tag, {"ivo-id": self.ivo_id} if self.ivo_id else {}, token(self.name))


@dataclass(frozen=True, slots=True)
class Curation:
    """Who keeps a resource, and whom to ask; `dates` with their roles (terms of voresource/date_role)."""

    publisher: Party
    contact_name: str
    contact_email: str
    creators: tuple[str, ...] = ()
    dates: tuple[tuple[str, str], ...] = ()
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceContent:
    """What a resource is: `subjects` are terms of the UAT, `sources` where it comes from, of which records tell a bibcode or DOI.

    `content_type` is a term of voresource/content_type; `related` are other resources with how they are.
    """

    description: str
    reference_url: str
    subjects: tuple[str, ...]
    content_type: str
    sources: tuple[str | None, ...] = ()
    related: tuple[tuple[str, Party], ...] = ()


def resource(kind: str, identifier: str, title: str, curation: Curation, content: ResourceContent) -> Element:
    """Return the element of a resource of a type such as `vs:CatalogService`, without its dates, for more to be added."""
    attributes = {XSI_TYPE: kind, SCHEMA_LOCATION: _SCHEMAS, "status": "active", "version": "1.1"}
    root = etree.Element(f"{{{RESOURCE}}}Resource", attributes, NAMESPACES)
    root.append(ELEMENT.title(token(title)))
    root.append(ELEMENT.shortName(token(title)[:_LONGEST_SHORT_NAME].strip()))
    root.append(ELEMENT.identifier(identifier))
    root.append(_curation(curation))
    root.append(_content(content))
    return root


def _curation(curation: Curation) -> Element:
    creators = [ELEMENT.creator(ELEMENT.name(token(name))) for name in curation.creators]
    contact = ELEMENT.contact(ELEMENT.name(token(curation.contact_name)), ELEMENT.email(curation.contact_email))
    dates = [ELEMENT.date({"role": role}, date) for role, date in curation.dates if _is_date(date)]
    version = [ELEMENT.version(token(curation.version))] if curation.version else []
    return ELEMENT.curation(curation.publisher.element("publisher"), *creators, *dates, *version, contact)


def _is_date(text: str) -> bool:
    """Return whether a text is a date as VOResource writes them; descriptions may also have a year alone."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


def _content(content: ResourceContent) -> Element:
    return ELEMENT.content(
        *(ELEMENT.subject(token(subject)) for subject in content.subjects),
        ELEMENT.description(writable(content.description)),
        *_source(content.sources),
        ELEMENT.referenceURL(token(content.reference_url)),
        ELEMENT.type(content.content_type),
        ELEMENT.contentLevel("Research"),
        *(_relationship(*related) for related in content.related),
    )


def _source(citations: Iterable[str | None]) -> list[Element]:
    """Return the first that is a bibcode or a DOI, which are all that registries can look up."""
    for citation in (text.strip() for text in citations if text):
        if doi := _DOI.fullmatch(citation):
            return [ELEMENT.source({"format": "doi"}, doi[1])]
        if _BIBCODE.fullmatch(citation):
            return [ELEMENT.source({"format": "bibcode"}, citation)]
    return []


def _relationship(kind: str, related: Party) -> Element:
    return ELEMENT.relationship(ELEMENT.relationshipType(kind), related.element("relatedResource"))


def token(text: str) -> str:
    """Return a text as XML's tokens are: words with a blank between."""
    return " ".join(writable(text).split())
