"""What a data centre publishes, as values: Schema, Table, Column, Key and the Catalogue that finds them.

Fields are named as TAP_SCHEMA's columns (TAP 1.1 §4). Names are kept in the form that a query can
use: a name that ADQL would not take as it is stands in double quotes, as TAP 1.1 §4.3 asks.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from schema.links import Linking
from schema.types import Type, of_votable
from schema.words import RESERVED

_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def quoted_if_needed(stored: str) -> str:
    """Return a stored name as ADQL can say it: regular where that works, else delimited (ADQL 2.1 §2.1.5)."""
    if _REGULAR.match(stored) and stored.upper() not in RESERVED:
        return stored
    return delimited(stored)


def adql_names(stored: Sequence[str]) -> list[str]:
    """Return the names of a table's columns as ADQL can say them: those that differ in case only need quotes."""
    lower = Counter(name.lower() for name in stored)
    return [delimited(name) if lower[name.lower()] > 1 else quoted_if_needed(name) for name in stored]


def delimited(stored: str) -> str:
    return '"' + stored.replace('"', '""') + '"'


def string_literal(text: str) -> str:
    """Return a text as ADQL, and SQL, write it (ADQL 2.1 §2.1.4)."""
    return "'" + text.replace("'", "''") + "'"


def stored_name(name: str) -> str:
    """Return the name in the database of something that has this ADQL name."""
    if name.startswith('"'):
        return name[1:-1].replace('""', '"')
    return name


_PARTS = re.compile(r'(?:"(?:[^"]|"")+"|[^".]+)(?:\.(?:"(?:[^"]|"")+"|[^".]+))*')


def is_name(text: str) -> bool:
    """Return whether `split_name` can take it apart."""
    return _PARTS.fullmatch(text) is not None


def split_name(table_name: str) -> tuple[str, ...]:
    """Split `demo."my table"` into its parts, each still in its ADQL form."""
    return tuple(re.findall(r'"(?:[^"]|"")*"|[^.]+', table_name))


def unquoted_parts(table_name: str) -> tuple[str, ...]:
    """Return schema and table of a published name, as the database has them."""
    return tuple(stored_name(part) for part in split_name(table_name))


@dataclass(frozen=True, slots=True)
class Column:
    """A published column; `type` follows from datatype, arraysize and xtype.

    `bounds`: its least and its largest value, where a search must know them. `coordinates`: the columns in the database that
    have the longitudes and latitudes of a column of points, exactly. `link`: the template of where its values lead.
    """

    column_name: str
    datatype: str
    arraysize: str | None = None
    xtype: str | None = None
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None
    principal: bool = True
    indexed: bool = False
    std: bool = False
    column_index: int | None = None
    storage: str | None = None
    bounds: tuple[float, float] | None = None
    coordinates: tuple[str, str] | None = None
    link: str | None = None

    def with_ucd(self, ucd: str) -> "Column":
        return replace(self, ucd=ucd)

    @property
    def stored(self) -> str:
        """Its name in the database."""
        return self.storage or self.name

    @property
    def name(self) -> str:
        return stored_name(self.column_name)

    @property
    def is_delimited(self) -> bool:
        return self.column_name.startswith('"')

    @property
    def type(self) -> Type:
        """The type. Raises: ValueError for a TAP_SCHEMA row that describes nothing we can serve."""
        type_ = of_votable(self.datatype, self.arraysize, self.xtype)
        if type_ is None:
            raise ValueError(f"column {self.column_name}: no type is {self.datatype}({self.arraysize})")
        return type_


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key; `columns` are pairs (from_column, target_column)."""

    key_id: str
    from_table: str
    target_table: str
    columns: tuple[tuple[str, str], ...]
    description: str | None = None
    utype: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose data a table is, and which edition of them, for the header of results that use it (DataOrigin 1.1).

    `article`, `cites` and `is_derived_from` are bibcodes, DOIs or URLs; dates are as ISO 8601 has them. `last_update_date`
    is when the rows or what is said of them last changed, which nobody describes.
    """

    title: str | None = None
    publisher: str | None = None
    creator: str | None = None
    licence: str | None = None
    licence_url: str | None = None
    citation: str | None = None
    reference_url: str | None = None
    release: str | None = None
    version: str | None = None
    article: str | None = None
    journal: str | None = None
    cites: str | None = None
    is_derived_from: str | None = None
    original_date: str | None = None
    publication_date: str | None = None
    last_update_date: str | None = None


@dataclass(frozen=True)
class Table:
    """A published table: `schema.table` in `table_name`, columns in their order.

    `data_version` is another one whenever its rows or what is said of them have changed; None where that is not known.
    """

    schema_name: str
    table_name: str
    columns: tuple[Column, ...]
    table_type: str = "table"
    description: str | None = None
    utype: str | None = None
    table_index: int | None = None
    nrows: int | None = None
    storage: str | None = None
    origin: Origin = field(default_factory=Origin)
    storage_schema: str | None = None
    data_version: int | None = None
    linking: Linking | None = None

    @cached_property
    def leads_somewhere(self) -> bool:
        """Whether its rows have links or products, or values of its columns have."""
        return self.linking is not None or any(column.link for column in self.columns)

    @cached_property
    def derived(self) -> dict[str, Any]:
        """What a translator has made of the columns, kept as long as the table is, by the alias that it made it for."""
        return {}

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Schema and table, as they are published, without quotes."""
        return unquoted_parts(self.table_name)

    @cached_property
    def stored_parts(self) -> tuple[str, str]:
        """Schema and table in the database."""
        return (self.storage_schema or self.parts[0], self.storage or self.parts[-1])


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema and its tables."""

    schema_name: str
    tables: tuple[Table, ...]
    description: str | None = None
    utype: str | None = None
    schema_index: int | None = None


@dataclass(frozen=True)
class Catalogue:
    """Everything that is published, at one instant (`version` tells two instants apart), as far as one may read it.

    `announced` are the names of tables that others may read, of which everybody may know; `withdrawn` those that nobody
    may read any more, with the reason.
    """

    schemas: tuple[Schema, ...]
    keys: tuple[Key, ...] = ()
    version: int = 0
    announced: frozenset[str] = frozenset()
    withdrawn: Mapping[str, str] = field(default_factory=dict)

    def joined_by(self, schema: Schema) -> "Catalogue":
        """Return the catalogue with one more schema, for one query."""
        return replace(self, schemas=(*self.schemas, schema))

    @property
    def tables(self) -> Iterator[Table]:
        return (table for schema in self.schemas for table in schema.tables)

    @cached_property
    def _by_parts(self) -> dict[tuple[str, ...], list[Table]]:
        tables_by_name: dict[tuple[str, ...], list[Table]] = {}
        for table in self.tables:
            lower = tuple(part.lower() for part in table.parts)
            for key in (lower, lower[-1:]):
                tables_by_name.setdefault(key, []).append(table)
        return tables_by_name

    def find(self, name: tuple[str, ...]) -> list[Table]:
        """Return the tables that a name (last part: table, before it: schema) may mean, ignoring case."""
        return self._by_parts.get(tuple(part.lower() for part in name), [])

    def is_announced(self, name: tuple[str, ...]) -> bool:
        """Return whether a name means a table that only others may read."""
        lower = tuple(part.lower() for part in name)
        parts = [unquoted_parts(table.lower()) for table in self.announced]
        return any(part[-len(lower) :] == lower for part in parts)

    def why_withdrawn(self, name: tuple[str, ...]) -> str | None:
        """Return why the table that a name means is there no longer; None where no such table was withdrawn."""
        lower = tuple(part.lower() for part in name)
        for table_name, reason in self.withdrawn.items():
            if unquoted_parts(table_name.lower())[-len(lower) :] == lower:
                return reason
        return None

    def keys_from(self, table: Table) -> tuple[Key, ...]:
        return tuple(key for key in self.keys if key.from_table == table.table_name)
