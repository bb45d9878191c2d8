"""A table's description file: TOML → what to publish beside what the data file itself says.

[schema]
description = "..."

[table]
title = "..."             # and description, utype, publisher, creator, licence, licence_url,
                          # citation, reference_url, table_index; schema.model.Origin has the other keys
version = "2.1"           # and release; without one, the version after that of the table whose place it takes
keep_previous = true      # which stays as "name@version"
ra = "ra"                 # the columns of the main position, in degrees
dec = "dec"
invalid_positions = "null" # of rows whose position is not on the sky: refuse the file (the default), or NULL
primary_key = ["id"]
indexes = [["magnitude"], ["hip"]]
sharded = true            # on all shards of this service, divided by the sky (docs/scaling.md)
sharded_with = "gaia.source"  # divided as that table is
readers = ["group:survey", "user:ada"]  # nobody else knows of it; [] for nobody, ["public"] for all
publish_pixel = true      # users see the column of the HEALPix cell, hpx6
identifier = "id"         # the column that tells a row from others, for links
ranges_per_shard = 4      # which can be moved one by one; more for tables of 10^9 rows
healpix_id = "source_id"  # Gaia-like ids: by the cell in them, so that joins on them run on the shards

[columns.ra]              # the name it shall have
from = "ra_degrees"       # its name in the data file, where that differs
unit = "deg"              # and ucd, utype, description, principal, type, bounds, omit, link

[obscore]                 # of a table of observations: what it is in ivoa.obscore (docs/observations.md)
obs_id = "{plate}"
calib_level = 2

[[keys]]                  # foreign keys
target = "demo.ngc"
columns = { ngc_name = "name" }

[[links]]                 # where each row leads (docs/links.md); schema.links.Link has the other keys
url = "https://example.org/chart?ra={ra}&dec={dec}"
semantics = "#preview-image"

[[products]]              # rows of other tables that belong to it; schema.links.Product has the other keys
name = "EPOCH_PHOTOMETRY"
table = "demo.epoch_photometry"
id = "star"
"""

import builtins
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from schema.links import Link, Product
from schema.model import Origin


class DescriptionError(Exception):
    """The description file says something that is not possible."""


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    source: str | None = None
    type: str | None = None
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None
    principal: bool | None = None
    bounds: tuple[float, float] | None = None
    omit: bool | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class KeyDescription:
    target: str
    columns: dict[str, str]
    description: str | None = None


@dataclass(frozen=True, slots=True)
class LinkDescription:
    """As schema.links.Link."""

    url: str
    semantics: str
    description: str | None = None
    content_type: str | None = None
    content_qualifier: str | None = None
    local_semantics: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    standard_id: str | None = None

    @property
    def link(self) -> Link:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Link(**values | {"parameters": tuple(self.parameters.items())})


@dataclass(frozen=True, slots=True)
class TableDescription:
    description: str | None = None
    utype: str | None = None
    table_index: int | None = None
    ra: str | None = None
    dec: str | None = None
    primary_key: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    only_described: bool = False
    sharded: bool = False
    sharded_with: str | None = None
    ranges_per_shard: int = 4
    publish_pixel: bool = False
    healpix_id: str | None = None
    invalid_positions: str = "refuse"
    readers: tuple[str, ...] | None = None
    identifier: str | None = None
    keep_previous: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """`links` and `products` are None where nothing is said of them."""

    table: TableDescription = field(default_factory=TableDescription)
    origin: Origin = field(default_factory=Origin)
    columns: dict[str, ColumnDescription] = field(default_factory=dict)
    keys: tuple[KeyDescription, ...] = ()
    schema_description: str | None = None
    obscore: dict[str, Any] | None = None
    links: tuple[Link, ...] | None = None
    products: tuple[Product, ...] | None = None


T = TypeVar("T")
_ORIGIN_KEYS = tuple(f.name for f in fields(Origin) if f.name != "last_update_date")


def read_description(path: Path) -> Description:
    """Read a description file. Raises: DescriptionError naming the key; OSError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DescriptionError(f"{path} is no TOML: {error}") from error
    return parse_description(document, str(path))


def parse_description(document: Mapping[str, Any], origin: str = "description") -> Description:
    _known(document, ("schema", "table", "columns", "keys", "obscore", "links", "products"), origin)
    _check_tables(document, origin)
    table = dict(document.get("table", {}))
    origin_values = {name: table.pop(name) for name in _ORIGIN_KEYS if name in table}
    for name in ("primary_key", "indexes", "readers"):
        if isinstance(table.get(name), list):
            table[name] = tuple(tuple(item) if isinstance(item, list) else item for item in table[name])
    columns = {
        name: _make(ColumnDescription, _renamed(values, where := f"{origin}, [columns.{name}]"), where)
        for name, values in document.get("columns", {}).items()
    }
    keys = tuple(_make(KeyDescription, values, f"{origin}, [[keys]]") for values in document.get("keys", []))
    schema = document.get("schema", {})
    _known(schema, ("description",), f"{origin}, [schema]")
    if table.get("invalid_positions", "refuse") not in {"refuse", "null"}:
        raise DescriptionError(f'{origin}, [table]: invalid_positions can be "refuse" or "null"')
    if not _are_readers(table.get("readers", ())):
        raise DescriptionError(f'{origin}, [table]: readers are "group:NAME" or "user:NAME", or "public" alone')
    described = _make(TableDescription, table, f"{origin}, [table]", extra=_ORIGIN_KEYS)
    table_origin = _make(Origin, origin_values, f"{origin}, [table]")
    if document.get("obscore") and (described.sharded or described.sharded_with):
        raise DescriptionError(f"{origin}, [obscore]: tables on shards cannot be in ivoa.obscore yet")
    return Description(
        described,
        table_origin,
        columns,
        keys,
        schema.get("description"),
        document.get("obscore"),
        _links(document, origin),
        _products(document, origin),
    )


def _links(document: Mapping[str, Any], origin: str) -> tuple[Link, ...] | None:
    links = _listed(document, "links", origin)
    where = f"{origin}, [[links]]"
    return None if links is None else tuple(_make(LinkDescription, values, where).link for values in links)


def _products(document: Mapping[str, Any], origin: str) -> tuple[Product, ...] | None:
    products = _listed(document, "products", origin)
    where = f"{origin}, [[products]]"
    return None if products is None else tuple(_make(Product, values, where) for values in products)


def _listed(document: Mapping[str, Any], name: str, origin: str) -> list[dict[str, Any]] | None:
    """Return the tables of an array of TOML; None where it is not there. Raises: DescriptionError."""
    values = document.get(name)
    if values is not None and not (isinstance(values, list) and all(isinstance(value, dict) for value in values)):
        raise DescriptionError(f"{origin}: each of {name} begins with [[{name}]]; {name} = [] takes them away")
    return values


def _are_readers(values: Any) -> bool:
    """Return whether these are grantees, or no list, which is told by its type."""
    if not isinstance(values, tuple) or values == ("public",):
        return True
    return all(isinstance(value, str) and re.fullmatch(r"(group|user):\S+", value) for value in values)


def _check_tables(document: Mapping[str, Any], origin: str) -> None:
    """Raise DescriptionError for a plain value in the place of a table of TOML."""
    tables = {f"[{name}]": document.get(name, {}) for name in ("schema", "table", "columns", "obscore")}
    columns = tables["[columns]"]
    tables |= {f"[columns.{name}]": values for name, values in columns.items()} if isinstance(columns, dict) else {}
    for name, values in tables.items():
        if not isinstance(values, dict):
            raise DescriptionError(f"{origin}: {name} has keys and values, as in key = {values!r}")


def _renamed(values: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the values with `source` for `from`, which is a keyword of Python."""
    renamed = {("source" if key == "from" else key): value for key, value in values.items()}
    if "bounds" in renamed:
        renamed["bounds"] = _bounds(renamed["bounds"], origin)
    return renamed


def _bounds(value: Any, origin: str) -> tuple[float, float]:
    match value:
        case [float() | int() as least, float() | int() as largest] if least <= largest:
            return float(least), float(largest)
    raise DescriptionError(f"{origin}: bounds are the least and the largest value, as in [-10500, 10500]")


def _make(kind: type[T], values: Mapping[str, Any], origin: str, extra: tuple[str, ...] = ()) -> T:
    hints = get_type_hints(kind)
    _known(values, tuple(hints) + extra, origin)
    for name, value in values.items():
        if not _fits(value, hints[name]):
            key = "from" if name == "source" else name
            raise DescriptionError(f"{origin}: {key} is {_KINDS[_plain(hints[name])]}, not {value!r}")
    try:
        return kind(**values)
    except TypeError as error:
        raise DescriptionError(f"{origin}: {str(error).split('() ')[-1]}") from error


_KINDS: dict[Any, str] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    tuple[str, ...]: 'a list of names, as in ["id"]',
    tuple[tuple[str, ...], ...]: 'a list of lists of names, as in [["magnitude"], ["ra", "dec"]]',
    tuple[float, float]: "the least and the largest value",
    dict[str, str]: 'pairs of names, as in { own_column = "its column" }',
}


def _plain(hint: Any) -> Any:
    """Return a type without `| None`, which TOML cannot say."""
    return next((arg for arg in get_args(hint) if arg is not NoneType), hint) if NoneType in get_args(hint) else hint


def _fits(value: Any, hint: Any) -> bool:
    kind = _plain(hint)
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    match get_origin(kind), get_args(kind):
        case builtins.tuple, (item_type, _):
            return isinstance(value, tuple) and all(_fits(item, item_type) for item in value)
        case builtins.dict, (_, item_type):
            return isinstance(value, dict) and all(_fits(item, item_type) for item in value.values())
    return isinstance(value, int | float if kind is float else kind)


def _known(values: Mapping[str, Any], names: tuple[str, ...], origin: str) -> None:
    for name in values:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(names)}"
            raise DescriptionError(f"{origin}: there is no key {name}{hint}")
