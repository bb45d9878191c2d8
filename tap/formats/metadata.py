"""What every format says of a result and of its columns, as far as it can hold it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adql.nodes import Output
from schema.types import Type
from tap.engine.row_encoding import column_type, fixed_count
from tap.formats.format import Header


@dataclass(frozen=True, slots=True)
class FieldMetadata:
    """A column under the attributes of VOTable's FIELD (VOTable 1.4 §4.1); its name is its own in the result."""

    type: Type
    name: str
    datatype: str
    arraysize: str | None
    xtype: str | None
    unit: str | None
    ucd: str | None
    utype: str | None
    description: str | None

    @property
    def count(self) -> int | None:
        """How many elements, or characters of texts side by side, every value has; None where that varies."""
        return fixed_count(self.type, self.arraysize)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a value that is an array of fixed shape, as numpy has it.

        The last axis runs fastest there, the first in VOTable.
        """
        return () if self.count is None else tuple(int(size) for size in reversed(str(self.arraysize).split("x")))

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes that are there, in the order that clients look for; without the description."""
        names = ("name", "datatype", "arraysize", "xtype", "unit", "ucd", "utype")
        return {name: value for name in names if (value := getattr(self, name))}


def fields(outputs: tuple[Output, ...]) -> tuple[FieldMetadata, ...]:
    return tuple(_field(output, name) for output, name in zip(outputs, unique_names(outputs), strict=True))


def _field(output: Output, name: str) -> FieldMetadata:
    info, type_ = output.info, column_type(output)
    has_shape = info.arraysize and (type_.is_array or (type_.is_text and not info.arraysize.isdigit()))
    arraysize = info.arraysize if has_shape and info.arraysize != "1" else type_.arraysize
    xtype = (info.type or type_).xtype or info.xtype
    return FieldMetadata(
        type_, name, type_.datatype, arraysize, xtype, info.unit, info.ucd, info.utype, info.description
    )


def unique_names(outputs: tuple[Output, ...]) -> Iterator[str]:
    return numbered([output.name for output in outputs])


def numbered(names: Sequence[str], *, fold: bool = False) -> Iterator[str]:
    """Yield names of columns, repeated ones numbered: ra, ra_2.

    `fold`: those that differ in case only are repeated too.
    """

    def key(name: str) -> str:
        return name.lower() if fold else name

    keys = {key(name) for name in names}
    seen: set[str] = set()
    for original in names:
        name, number = original, 1
        while key(name) in seen or (number > 1 and key(name) in keys):
            number += 1
            name = f"{original}_{number}"
        seen.add(key(name))
        yield name


_OF_ORIGIN = {
    "data_title": "title",
    "creator": "creator",
    "data_publisher": "publisher",
    "rights": "licence",
    "rights_uri": "licence_url",
    "citation": "citation",
    "reference_url": "reference_url",
    "data_release": "release",
    "resource_version": "version",
    "article": "article",
    "journal": "journal",
    "cites": "cites",
    "is_derived_from": "is_derived_from",
    "original_date": "original_date",
    "publication_date": "publication_date",
    "last_update_date": "last_update_date",
}
"""DataOrigin's names, and three of our own, with the fields of Origin that they are."""


def infos(header: Header) -> Iterator[tuple[str, str]]:
    """Return names and values: what was asked, and where the data come from, in DataOrigin's words."""
    pairs: list[tuple[str, str | None]] = [
        ("request_date", header.time.strftime("%Y-%m-%dT%H:%M:%SZ") if header.time else None),
        ("query", header.query),
        *header.service.items(),
        *(("warning", warning) for warning in header.warnings),
    ]
    pairs += [("data_ivoid", identifier) for identifier in header.data_ivoids]
    pairs += [
        (name, getattr(origin, field_name)) for origin in header.origins for name, field_name in _OF_ORIGIN.items()
    ]
    return ((name, value) for name, value in pairs if value)


def infos_by_name(header: Header) -> dict[str, list[str]]:
    """Return all values of each name, for formats that take it once: the data of a join have several creators."""
    by_name: dict[str, list[str]] = {}
    for name, value in infos(header):
        by_name.setdefault(name, []).append(value)
    return by_name
