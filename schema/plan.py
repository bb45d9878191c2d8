"""What a table shall be: the columns of a file or of the database, with what a description says of them."""

from dataclasses import dataclass, replace

from schema import types
from schema.description import Description, DescriptionError
from schema.load.reader import FileColumn, named_type
from schema.model import Column, quoted_if_needed
from schema.types import Type

_RA_UCD, _DEC_UCD = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"


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
    """`by_content`: whether a text is char or unicodeChar will be seen when it is loaded."""
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
        type_ = named_type(described.type, name) if described and described.type else column.type
        if type_ is types.UNICODE and by_content:
            type_ = types.TEXT
        about = Column(
            quoted_if_needed(name),
            type_.datatype,
            type_.arraysize,
            type_.xtype,
            column.unit,
            column.ucd,
            column.utype,
            column.description,
        )
        if described:
            about = _override(about, described.unit, described.ucd, described.utype, described.description)
            about = replace(about, principal=described.principal, bounds=described.bounds)
        columns.append(PlannedColumn(name, index, type_, about))
    if not columns:
        raise DescriptionError("no column of the file is left to load")
    return columns


def _override(about: Column, unit: str | None, ucd: str | None, utype: str | None, description: str | None) -> Column:
    """What the description says counts, an empty text as nothing at all."""

    def choose(given: str | None, own: str | None) -> str | None:
        return own if given is None else given or None

    return replace(
        about,
        unit=choose(unit, about.unit),
        ucd=choose(ucd, about.ucd),
        utype=choose(utype, about.utype),
        description=choose(description, about.description),
    )


def main_position(columns: list[Column], description: Description) -> tuple[Column, Column] | None:
    """The columns of the main position: named in the description, or by their UCDs."""
    by_name = {c.name: c for c in columns}
    wanted = description.table.ra, description.table.dec
    if all(wanted):
        missing = [name for name in wanted if name not in by_name]
        if missing:
            raise DescriptionError(f"[table] ra and dec: there is no column {missing[0]}")
        return by_name[str(wanted[0])], by_name[str(wanted[1])]
    ra = [c for c in columns if c.ucd == _RA_UCD and c.type.is_numeric]
    dec = [c for c in columns if c.ucd == _DEC_UCD and c.type.is_numeric]
    return (ra[0], dec[0]) if len(ra) == len(dec) == 1 else None


def check_named(names: list[str], description: Description) -> None:
    table = description.table
    for name in (*table.primary_key, *(each for index in table.indexes for each in index)):
        if name not in names:
            raise DescriptionError(f"[table] primary_key, indexes: there is no column {name}")


def leading_columns(position: tuple[Column, Column] | None, description: Description) -> set[str]:
    """The columns that lead an index."""
    table = description.table
    leading = {index[0] for index in table.indexes} | set(table.primary_key[:1])
    return leading | ({position[0].name, position[1].name} if position else set())
