"""The table that a request is about: named by TABLE, or found by the column that its identifiers stand in.

The Gaia archive's clients name that column (LINKING_PARAMETER, SOURCE_ID if they say nothing) and a data release (RELEASE),
which here is a schema: `Gaia DR3` is gaiadr3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adql.errors import ClosedTable
from schema.links import Linking
from schema.model import Catalogue, Column, Table, is_name, split_name, stored_name
from uws.parameters import ParameterError, Parameters

_USUAL = "source_id"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class LinkedTable:
    """A table whose rows lead somewhere, and the column that identifies them."""

    table: Table
    linking: Linking
    identifier: Column

    @property
    def takes_numbers(self) -> bool:
        return self.identifier.type.is_integer


@dataclass(frozen=True, slots=True)
class TableChoice:
    """What a request says of the table that it is about."""

    table: str | None = None
    column: str | None = None
    release: str | None = None

    @classmethod
    def of(cls, parameters: Parameters) -> "TableChoice":
        """Raises: ParameterError."""
        return cls(*(parameters.one(name) for name in ("TABLE", "LINKING_PARAMETER", "RELEASE")))

    @property
    def is_open(self) -> bool:
        """Whether nothing is said."""
        return self == TableChoice()

    def among(self, catalogue: Catalogue, *, with_products: bool = False) -> LinkedTable:
        """Return the table that is meant, where it is not named of those `with_products` only.

        Raises: ParameterError; ClosedTable for one that only others may read.
        """
        tables = list(_linked(catalogue))
        if self.table is not None:
            return self._named(self.table, tables, catalogue)
        tables = [table for table in tables if table.linking.products or not with_products]
        if self.release:
            tables = [table for table in tables if is_release(self.release, table.table)]
        column = (self.column or _USUAL).lower()
        matches = [table for table in tables if table.identifier.name.lower() == column]
        if not matches and self.column is None:
            matches = tables
        if len(matches) == 1:
            return matches[0]
        raise ParameterError(self._why(matches, tables))

    def _named(self, name: str, tables: list[LinkedTable], catalogue: Catalogue) -> LinkedTable:
        parts = tuple(stored_name(part).lower() for part in split_name(name)) if is_name(name) else ()
        matches = [table for table in tables if tuple(map(str.lower, table.table.parts)) == parts]
        exact = [table for table in matches if table.table.table_name == name]
        if match := next(iter(exact or matches), None):
            return match
        if catalogue.is_announced(parts):
            raise ClosedTable(f"Only some accounts may read {name[:100]}", hint="Log in as one of them.")
        raise ParameterError(f"TABLE {name[:100]!r} is no table with links; {_listed(tables)}")

    def _why(self, matches: list[LinkedTable], tables: list[LinkedTable]) -> str:
        if matches:
            return f"Several tables could be meant: {_listed(matches)}; say which by TABLE"
        if self.release and not tables:
            return f"RELEASE {self.release[:60]!r} has no table with links"
        if self.column:
            return f"LINKING_PARAMETER {self.column[:60]!r} identifies the rows of no table; {_listed(tables)}"
        return "There is no such table"


def _linked(catalogue: Catalogue) -> Iterator[LinkedTable]:
    for table in catalogue.tables:
        if table.linking:
            columns = [column for column in table.columns if column.name == table.linking.identifier]
            yield from (LinkedTable(table, table.linking, column) for column in columns)


def is_release(name: str, table: Table) -> bool:
    """Return whether a data release is the schema of a table: blanks, marks and capitals do not count."""
    return _plain(name) == _plain(table.parts[0])


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _listed(tables: list[LinkedTable]) -> str:
    names = [f"{table.table.table_name} (by {table.identifier.column_name})" for table in tables[:_MOST_NAMED]]
    more = f" and {len(tables) - _MOST_NAMED} more" if len(tables) > _MOST_NAMED else ""
    return f"there are {', '.join(names)}{more}" if names else "there is none"
