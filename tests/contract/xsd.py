"""XML schemas of the IVOA, read from the jars of the installed STILTS, and those of registries beside this file: no network."""

import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

JAVA = Path("/usr/share/java")
HERE = Path(__file__).parent / "schemas"
_TTOOLS = ("starlink-ttools", "uk/ac/starlink/ttools/taplint")
_UTIL = ("starlink-util", "uk/ac/starlink/util/text")

VOTABLE = "http://www.ivoa.net/xml/VOTable/v1.3"
VOSI_TABLES = "http://www.ivoa.net/xml/VOSITables/v1.0"
CAPABILITIES = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
AVAILABILITY = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
VODATASERVICE = "http://www.ivoa.net/xml/VODataService/v1.1"
VORESOURCE = "http://www.ivoa.net/xml/VOResource/v1.0"
TAPREGEXT = "http://www.ivoa.net/xml/TAPRegExt/v1.0"
UWS = "http://www.ivoa.net/xml/UWS/v1.0"
OAI = "http://www.openarchives.org/OAI/2.0/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
DC = "http://purl.org/dc/elements/1.1/"
RESOURCE = "http://www.ivoa.net/xml/RegistryInterface/v1.0"
VOREGISTRY = "http://www.ivoa.net/xml/VORegistry/v1.0"
CONESEARCH = "http://www.ivoa.net/xml/ConeSearch/v1.0"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

_FILES = {
    VOTABLE: (*_UTIL, "VOTable1.4.xsd"),
    VOSI_TABLES: (*_TTOOLS, "VOSITables-v1.1.xsd"),
    CAPABILITIES: (*_TTOOLS, "VOSICapabilities-v1.0.xsd"),
    AVAILABILITY: (*_TTOOLS, "VOSIAvailability-v1.0.xsd"),
    VODATASERVICE: (*_TTOOLS, "VODataService-v1.2.xsd"),
    VORESOURCE: (*_TTOOLS, "VOResource-v1.1.xsd"),
    TAPREGEXT: (*_TTOOLS, "TAPRegExt-v1.0-Erratum1.xsd"),
    UWS: (*_TTOOLS, "UWS-v1.1.xsd"),
    "http://www.ivoa.net/xml/STC/stc-v1.30.xsd": (*_TTOOLS, "stc-v1.30.xsd"),
    "http://www.w3.org/1999/xlink": (*_TTOOLS, "xlink.xsd"),
    "http://www.w3.org/XML/1998/namespace": (*_TTOOLS, "xmlnamespace.xsd"),
}
_FILES_HERE = {
    OAI: "OAI-PMH-2.0.xsd",
    OAI_DC: "oai_dc-2.0.xsd",
    DC: "simpledc-20021212.xsd",
    RESOURCE: "RegistryInterface-1.0.xsd",
    VOREGISTRY: "VORegistry-1.1.xsd",
    CONESEARCH: "ConeSearch-1.1.xsd",
}
_OTHER_PLACES = {
    "http://dublincore.org/schemas/xmls/simpledc20021212.xsd": DC,
    "http://www.ivoa.net/xml/VOResource/VOResource-v1.0.xsd": VORESOURCE,
    "http://www.ivoa.net/xml/Xlink/xlink.xsd": "http://www.w3.org/1999/xlink",
    "http://www.w3.org/2001/xml.xsd": "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2009/01/xml.xsd": "http://www.w3.org/XML/1998/namespace",
}

Element = Any


def _read(namespace: str) -> bytes:
    """A schema's text. Skips the test where STILTS is not installed."""
    if namespace in _FILES_HERE:
        return (HERE / _FILES_HERE[namespace]).read_bytes()
    jar, folder, name = _FILES[namespace]
    found = sorted([JAVA / f"{jar}.jar", *JAVA.glob(f"{jar}-*.jar")], key=lambda path: (not path.exists(), path.name))
    if not found[0].exists():
        pytest.skip(f"STILTS is not installed: there is no {JAVA}/{jar}.jar to read {name} from")
    with zipfile.ZipFile(found[0]) as archive:
        return archive.read(f"{folder}/{name}")


class _FromJars(etree.Resolver):
    """Answers for the schemas' URLs, and for nothing else: nothing goes over the network."""

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]
        namespace = _OTHER_PLACES.get(system_url, system_url)
        if namespace not in _FILES | _FILES_HERE:
            raise LookupError(f"no jar has the schema {system_url}")
        return self.resolve_string(_read(namespace), context, base_url=system_url)


@cache
def _schema(namespaces: tuple[str, ...], elements: str = "") -> etree.XMLSchema:
    """One schema for documents that draw on all these namespaces, by xsi:type too; and for more elements than theirs."""
    imports = "".join(f'<xs:import namespace="{each}" schemaLocation="{each}"/>' for each in namespaces)
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_FromJars())
    driver = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}{elements}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(driver.encode(), parser))


def problems(document: bytes) -> list[str]:
    """What in a document is against its schema: line and message of each error."""
    root = etree.fromstring(document, etree.XMLParser(huge_tree=True, no_network=True))
    namespace = etree.QName(root).namespace or ""
    of_registries = (VORESOURCE, VODATASERVICE, TAPREGEXT, VOREGISTRY, CONESEARCH)
    more = {
        VOSI_TABLES: (VODATASERVICE,),
        CAPABILITIES: of_registries,
        RESOURCE: of_registries,
        OAI: (*of_registries, RESOURCE, OAI_DC),
    }
    if namespace not in _FILES | _FILES_HERE:
        return [f"the root {root.tag} is in no namespace that has a schema"]
    schema = _schema((namespace, *more.get(namespace, ())))
    schema.validate(root)
    return [f"line {error.line}: {error.message}" for error in schema.error_log]  # type: ignore[attr-defined]


def problems_of_type(element: Element, type_name: str) -> list[str]:
    """What in an element of no namespace is against a type of VODataService."""
    more = f'<xs:element name="{element.tag}" xmlns:vs="{VODATASERVICE}" type="vs:{type_name}"/>'
    schema = _schema((VODATASERVICE,), more)
    schema.validate(element)
    return [f"line {error.line}: {error.message}" for error in schema.error_log]  # type: ignore[attr-defined]


def parse(document: bytes) -> Element:
    """A document's root, which must be valid."""
    found = problems(document)
    assert not found, "\n".join([*found, document[:2000].decode("utf-8", "replace")])
    return etree.fromstring(document, etree.XMLParser(huge_tree=True, no_network=True))
