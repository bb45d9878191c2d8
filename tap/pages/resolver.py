"""Names of objects → positions, by the service that the operator names: CDS's Sesame, or one that answers as it does."""

import urllib.error
import urllib.request
from urllib.parse import quote

from lxml import etree

from uws.parameters import ParameterError

_SECONDS = 5.0
_MOST_BYTES = 200_000
_LONGEST = 100


def position_of_name(url: str, name: str) -> tuple[float, float]:
    """Return longitude and latitude in degrees. Blocks. Raises: ParameterError where it is not known, or nobody answers."""
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST:
        raise ParameterError(f"A name has 1 to {_LONGEST} characters")
    try:
        with urllib.request.urlopen(url.replace("{}", quote(name, safe="")), timeout=_SECONDS) as answer:  # noqa: S310  the operator's URL
            document = answer.read(_MOST_BYTES)
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    except (OSError, ValueError, urllib.error.URLError, etree.XMLSyntaxError) as error:
        raise ParameterError("The service that knows names does not answer; write the position in degrees") from error
    longitude, latitude = (root.findtext(f".//{tag}") for tag in ("jradeg", "jdedeg"))
    try:
        return float(longitude or ""), float(latitude or "")
    except ValueError as error:
        raise ParameterError(f"Nothing is known to be called {name}") from error
