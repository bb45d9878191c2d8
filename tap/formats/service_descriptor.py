"""What a result says of where its rows lead: services that take their values (DataLink 1.1 §4), and links of columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServiceParameter:
    """An input of a service: the values of the FIELD with the XML id `ref`, or a fixed value, or the user's where it is empty."""

    name: str
    value: str = ""
    ref: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceDescriptor:
    """A service and how it is called. `id` is what rows name it by; `is_self`: it is the one that gave the document."""

    name: str
    access_url: str
    parameters: tuple[ServiceParameter, ...]
    description: str | None = None
    standard_id: str | None = None
    content_type: str | None = None
    id: str | None = None
    is_self: bool = False


@dataclass(frozen=True, slots=True)
class FieldLink:
    """The XML id of a FIELD, where something refers to it, and a template of its LINK, with `${name}` for values."""

    id: str | None = None
    href: str | None = None


NO_LINK = FieldLink()


@dataclass(frozen=True, slots=True)
class ResultLinks:
    """Those of a whole result; `fields` by their places."""

    fields: Mapping[int, FieldLink] = field(default_factory=dict)
    services: tuple[ServiceDescriptor, ...] = ()
