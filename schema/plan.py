"""What a table shall be: the columns of a file or of the database, with what a description says of them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from schema import types
from schema.description import ColumnDescription, Description, DescriptionError
from schema.geometries import geometry_of
from schema.load.reader import FileColumn, LoadError, named_type
from schema.model import Column, adql_names
from schema.positions import Position
from schema.types import Type
from schema.vocabulary import as_vounit


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """A column on its way from the file to the database."""

    name: str
    index: int
    type: Type
    about: Column


def plan_columns(
    file_columns: tuple[FileColumn, ...], description: Description, *, by_content: bool
) -> list[PlannedColumn]:
    """Return the columns that the table shall have. Raises: DescriptionError, LoadError.

    `by_content`: whether a text is char or unicodeChar will be seen when it is loaded.
    """
    by_source = {d.source or name: (name, d) for name, d in description.columns.items()}
    unknown = {n for n, (_, d) in by_source.items() if not d.omit} - {c.name for c in file_columns}
    if unknown:
        has = ", ".join(c.name for c in file_columns)
        raise DescriptionError(f"the file has no column {min(unknown)}; it has {has}")
    columns = []
    for index, column in enumerate(file_columns):
        name, described = by_source.get(column.name, (column.name, None))
        if (described and described.omit) or (described is None and description.table.only_described):
            continue
        if column.problem:
            raise LoadError(f"{column.problem.split('; leave it out')[0]}; leave it out with omit = true")
        about = described_column(_about(column, name, described, by_content=by_content), described)
        columns.append(PlannedColumn(name, index, about.type, about))
    if not columns:
        raise DescriptionError("no column of the file is left to load")
    _check_names([column.name for column in columns])
    return named_apart(columns)


_SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
_LONGEST_NAME = 63


def _check_names(names: list[str]) -> None:
    """Raise DescriptionError for names that the database cannot have."""
    for name in names:
        example = f'[columns."other name"] from = "{name}"'
        if names.count(name) > 1:
            raise DescriptionError(f"two columns are called {name}; a description can leave one out or rename it")
        if not can_be_column(name):
            raise DescriptionError(
                f"a column cannot be called {name or 'nothing at all'} in PostgreSQL; rename it in a description: {example}"
            )


def can_be_column(name: str) -> bool:
    """Return whether PostgreSQL, and the documents that tell of it, can have a column of this name."""
    is_text = all(unicodedata.category(character) not in {"Cc", "Cs", "Cn"} for character in name)
    return name != "" and is_text and name not in _SYSTEM_COLUMNS and len(name.encode()) <= _LONGEST_NAME


def named_apart(columns: list[PlannedColumn]) -> list[PlannedColumn]:
    """Return the columns under names that ADQL can tell apart."""
    names = adql_names([column.name for column in columns])
    pairs = zip(columns, names, strict=True)
    return [replace(column, about=replace(column.about, column_name=name)) for column, name in pairs]


def _about(column: FileColumn, name: str, described: ColumnDescription | None, *, by_content: bool) -> Column:
    type_ = named_type(described.type, name) if described and described.type else column.type
    if type_ is column.type:
        type_ = geometry_of(type_, column.xtype)
    if type_ is types.UNICODE and by_content:
        type_ = types.TEXT
    arraysize = column.arraysize if type_ is column.type and column.arraysize else type_.arraysize
    texts = (column.unit, column.ucd, column.utype, column.description)
    unit, ucd, utype, description = map(_without_nul, texts)
    xtype = column.xtype if type_ is column.type and not type_.xtype else type_.xtype
    return Column(name, type_.datatype, arraysize, xtype, unit, ucd, utype, description)


def _without_nul(text: str | None) -> str | None:
    """Return what a file says without NUL, which PostgreSQL cannot store."""
    return text.replace("\0", "") if text else text


def described_column(about: Column, described: ColumnDescription | None) -> Column:
    """Apply a description: what it says counts, an empty text as nothing at all; units are written as VOUnits does."""
    if described:
        texts = {name: getattr(described, name) for name in ("unit", "ucd", "utype", "description", "link")}
        changes: dict[str, Any] = {name: text or None for name, text in texts.items() if text is not None}
        about = replace(about, **changes)
        if described.principal is not None:
            about = replace(about, principal=described.principal)
        if described.bounds is not None:
            about = replace(about, bounds=described.bounds)
    return replace(about, unit=as_vounit(about.unit)) if about.unit else about


def rewritten_units(columns: Sequence[FileColumn], description: Description) -> list[str]:
    """Return notes on the units that are published in another spelling."""
    described_units = {(d.source or name): d.unit for name, d in description.columns.items() if d.unit}
    units = {column.name: described_units.get(column.name, column.unit) for column in columns}
    pairs = [(name, unit, as_vounit(unit)) for name, unit in units.items() if unit]
    return [
        f"column {name}: the unit {unit!r} is published as {new!r} (VOUnits)"
        for name, unit, new in pairs
        if unit != new
    ]


def check_named(names: list[str], description: Description) -> None:
    table = description.table
    for name in (*table.primary_key, *(column for index in table.indexes for column in index)):
        if name not in names:
            raise DescriptionError(f"[table] primary_key, indexes: there is no column {name}")


def leading_columns(position: Position | None, description: Description) -> set[str]:
    """Return the names of the columns that lead an index."""
    table = description.table
    leading = {index[0] for index in table.indexes} | set(table.primary_key[:1])
    return leading | ({position[0].name, position[1].name} if position else set())
