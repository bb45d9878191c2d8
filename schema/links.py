"""Where the rows of a table lead: links made of their values, and products that other tables hold for them (DataLink 1.1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from schema.templates import lone_column, pieces_of

CORE = (
    "this progenitor derivation auxiliary weight error noise calibration bias dark flat preview preview-image preview-plot"
    " thumbnail proc cutout documentation detached-header coderived counterpart package"
).split()
"""The terms of http://www.ivoa.net/rdf/datalink/core, without those that are only planned."""
PRODUCT_TYPES = (
    "spatially-resolved-dataset image cube spectral-cube time-cube polarization-cube polarization-resolved-dataset"
    " spectrally-resolved-dataset spectrum slit-spectrum polarized-spectrum sed dynamic-spectrum visibility"
    " temporally-resolved-dataset event timeseries light-curve velocity-curve measurements"
).split()
"""The terms of http://www.ivoa.net/rdf/product-type."""
WEB = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Link:
    """A row of the table of links for each row of a table (DataLink 1.1 §3.2).

    With `parameters`, pairs of a name and a template, it is a service, and `url` where that is called as it is: a value
    without columns is fixed, an empty one is for the user to choose. `standard_id` tells which standard's service it is.
    """

    url: str
    semantics: str
    description: str | None = None
    content_type: str | None = None
    content_qualifier: str | None = None
    local_semantics: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    standard_id: str | None = None

    @property
    def is_service(self) -> bool:
        return bool(self.parameters)

    @property
    def templates(self) -> tuple[str, ...]:
        return (self.url, *(template for _, template in self.parameters))


@dataclass(frozen=True, slots=True)
class Product:
    """Rows of another table that belong to a row: those in whose column `id` its identifier stands.

    Of those with a false `valid`, a flag or a number, who asks for valid data gets none. They come in the order of `order_by`.
    """

    name: str
    table: str
    id: str
    semantics: str = "#auxiliary"
    description: str | None = None
    content_qualifier: str | None = None
    valid: str | None = None
    order_by: str | None = None


@dataclass(frozen=True, slots=True)
class Linking:
    """Where rows lead; `identifier` is the name in the database of the column that tells one from another.

    It is empty as long as it has still to be found.
    """

    identifier: str = ""
    links: tuple[Link, ...] = ()
    products: tuple[Product, ...] = ()


def linking_of(content: Mapping[str, Any] | None) -> Linking | None:
    """Return what `asdict` made of one, as JSON keeps it."""
    if content is None:
        return None
    links = (Link(**link | {"parameters": tuple(map(tuple, link["parameters"]))}) for link in content["links"])
    return Linking(content["identifier"], tuple(links), tuple(Product(**product) for product in content["products"]))


def url_of(template: str, row: Mapping[str, object]) -> str | None:
    """Return the URL for a row, its values percent-encoded; None where one is missing.

    A template that is one column stands for the URL in it, if it is one of the web.
    """
    if column := lone_column(template):
        value = text_of(row[column])
        return value if value.lower().startswith(WEB) else None
    return _filled(template, row, lambda text: quote(text, safe=""))


def value_of(template: str, row: Mapping[str, object]) -> str | None:
    """Return the value of a service's parameter for a row; None where one of its values is missing."""
    return _filled(template, row, str)


def _filled(template: str, row: Mapping[str, object], encoded: Callable[[str], str]) -> str | None:
    pieces = pieces_of(template)
    if any(column is not None and row[column] is None for _, column in pieces):
        return None
    return "".join(text + (encoded(text_of(row[column])) if column is not None else "") for text, column in pieces)


def text_of(value: object) -> str:
    """Return a value as it stands in a URL; an empty text where it is missing."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)
