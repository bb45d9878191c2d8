"""Records as unqualified Dublin Core, which every harvester of OAI-PMH reads; made of those in VOResource."""

from lxml import etree
from lxml.builder import ElementMaker

from tap.registry.voresource import NAMESPACES, SCHEMA_LOCATION, Element

OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
SCHEMA = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
_DC = "http://purl.org/dc/elements/1.1/"
_NAMESPACES = {"oai_dc": OAI_DC, "dc": _DC, "xsi": NAMESPACES["xsi"]}
_ELEMENT = ElementMaker(namespace=_DC)
_PATHS = (
    ("title", "title"),
    ("creator", "curation/creator/name"),
    ("subject", "content/subject"),
    ("description", "content/description"),
    ("publisher", "curation/publisher"),
    ("type", "content/type"),
    ("identifier", "identifier"),
    ("identifier", "content/referenceURL"),
    ("source", "content/source"),
    ("rights", "rights"),
)
"""Elements of Dublin Core, and where VOResource has what they say (VOResource 1.1 §3)."""


def dublin_core(resource: Element) -> Element:
    root = etree.Element(f"{{{OAI_DC}}}dc", {SCHEMA_LOCATION: f"{OAI_DC} {SCHEMA}"}, _NAMESPACES)
    for name, path in _PATHS:
        root.extend(_ELEMENT(name, found.text or "") for found in resource.findall(path))
    root.append(_ELEMENT("date", resource.get("updated")))
    return root
