"""What all records have (VOResource 1.1 §2, §3): the element of a resource with who made it and what it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
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
    """Who keeps a resource, and whom to ask."""

    publisher: Party
    contact_name: str
    contact_email: str
    creators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceContent:
    """What a resource is: `subjects` are terms of the UAT, `source` a bibcode or DOI of where it comes from.

    `content_type` is a term of voresource/content_type; `related` are other resources with how they are.
    """

    description: str
    reference_url: str
    subjects: tuple[str, ...]
    content_type: str
    source: str | None = None
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
    return ELEMENT.curation(curation.publisher.element("publisher"), *creators, contact)


def _content(content: ResourceContent) -> Element:
    return ELEMENT.content(
        *(ELEMENT.subject(token(subject)) for subject in content.subjects),
        ELEMENT.description(writable(content.description)),
        *_source(content.source or ""),
        ELEMENT.referenceURL(token(content.reference_url)),
        ELEMENT.type(content.content_type),
        ELEMENT.contentLevel("Research"),
        *(_relationship(*related) for related in content.related),
    )


def _source(citation: str) -> Iterable[Element]:
    """Return the source where a citation is a bibcode or a DOI, which are all that registries can look up."""
    if doi := _DOI.fullmatch(citation.strip()):
        return [ELEMENT.source({"format": "doi"}, doi[1])]
    if _BIBCODE.fullmatch(citation.strip()):
        return [ELEMENT.source({"format": "bibcode"}, citation.strip())]
    return []


def _relationship(kind: str, related: Party) -> Element:
    return ELEMENT.relationship(ELEMENT.relationshipType(kind), related.element("relatedResource"))


def token(text: str) -> str:
    """Return a text as XML's tokens are: words with a blank between."""
    return " ".join(writable(text).split())
