"""VOSI capabilities of the simple services (SimpleDALRegExt 1.2, SIA 2.0 §2.3)."""

from tap.config import Config
from tap.dal.cone_search import LARGEST_RADIUS, Cone
from tap.dal.cone_search import PROTOCOL as CONES_PROTOCOL
from tap.dal.image_search import PROTOCOL as IMAGES_PROTOCOL
from tap.vosi import ELEMENT, NAMESPACES, XSI_TYPE, Element, capability_list, interface, security_methods

CONE_NAMESPACES = NAMESPACES | {"cs": "http://www.ivoa.net/xml/ConeSearch/v1.0"}


def cone_search_capabilities(config: Config, base: str, example: Cone | None) -> Element:
    """Return the root of the document of the cone searches at `base`, which find something in the cone `example`."""
    search = interface("vs:ParamHTTP", f"{base}?", use="base", role="std", version="1.03")
    search.extend(security_methods(config))
    children = [
        search,
        ELEMENT.maxSR(f"{LARGEST_RADIUS:g}"),
        ELEMENT.maxRecords(str(config.limits.maxrec_hard)),
        ELEMENT.verbosity("true"),
    ]
    if example:
        numbers = {"ra": example.ra, "dec": example.dec, "sr": example.radius}
        children.append(ELEMENT.testQuery(*(ELEMENT(name, repr(number)) for name, number in numbers.items())))
    own = ELEMENT.capability({"standardID": CONES_PROTOCOL, XSI_TYPE: "cs:ConeSearch"}, *children)
    return capability_list(CONE_NAMESPACES, base, own)


def image_access_capabilities(config: Config, base: str) -> Element:
    """Return the root of the document of the image search at `base`/query, without an extension of the schema (SIA 2.0 §2.3)."""
    search = interface("vs:ParamHTTP", f"{base}/query", role="std", version="2.0")
    search.extend(security_methods(config))
    own = ELEMENT.capability({"standardID": IMAGES_PROTOCOL}, search)
    return capability_list(NAMESPACES, base, own)
