"""What is known of a table that was loaded here, whether it is published or not, as JSON in the database."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from schema.links import linking_of
from schema.model import Column, Key, Origin, Table, stored_name
from schema.statements import statement

MARK = "Loaded by Armillary"
"""The comment by which our own tables are told from others that somebody made under the same name."""


@dataclass(frozen=True, slots=True)
class Known:
    """A table with all its columns: those in `omitted` are not published, but their descriptions are kept.

    `position` are the names of right ascension and declination; `loaded` is False for the operator's own tables.
    `division` are the columns of armillary.tables that say how the rows are divided among servers, none where all are here;
    `ranges` the rows of armillary.ranges, without the table's name, of such a table that is not published.
    """

    table: Table
    keys: tuple[Key, ...] = ()
    position: tuple[str, str] | None = None
    omitted: frozenset[str] = frozenset()
    schema_description: str | None = None
    loaded: bool = True
    division: dict[str, Any] = field(default_factory=dict)
    ranges: tuple[tuple[Any, ...], ...] = ()


def remember(connection: psycopg.Connection, known: Known) -> None:
    storage = known.table.stored_parts[1]
    target = sql.Identifier(*known.table.stored_parts)
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(target, MARK))
    connection.execute(statement("remember"), (known.table.table_name, storage, Jsonb(_content(known))))


def storage_of(connection: psycopg.Connection, table_name: str) -> str | None:
    """Return the name under which a loaded table's rows are stored; None if there is none, or somebody dropped it."""
    row = connection.execute(statement("loaded_storage"), (table_name,)).fetchone()
    if row is None:
        return None
    name = sql.Identifier(stored_name(row[1]), row[0]).as_string()
    if connection.execute(statement("comment_of_table"), (name,)).fetchone() != (MARK,):
        forget(connection, table_name)
        return None
    return str(row[0])


def recall(connection: psycopg.Connection, table_name: str) -> Known | None:
    """Return what is known of a table; None if it was not loaded here, or is there no longer."""
    if storage_of(connection, table_name) is None:
        return None
    row = connection.execute(statement("loaded_content"), (table_name,)).fetchone()
    return _known(row[0]) if row else None


def was_loaded(connection: psycopg.Connection, table_name: str) -> bool:
    """Return whether a table of this name was loaded here, be it still there or not."""
    row = connection.execute(statement("was_loaded"), (table_name,)).fetchone()
    return row is not None


def forget(connection: psycopg.Connection, table_name: str) -> None:
    connection.execute(statement("forget"), (table_name,))


def _content(known: Known) -> dict[str, Any]:
    table = known.table
    names = ("schema_name", "table_name", "table_type", "description", "utype", "table_index", "nrows", "storage")
    return {name: getattr(table, name) for name in names} | {
        "columns": [asdict(column) for column in table.columns],
        "linking": asdict(table.linking) if table.linking else None,
        "origin": asdict(table.origin),
        "keys": [asdict(key) for key in known.keys],
        "position": known.position,
        "omitted": sorted(known.omitted),
        "schema_description": known.schema_description,
        "division": known.division,
        "ranges": known.ranges,
    }


def _known(content: dict[str, Any]) -> Known:
    columns = tuple(_column(column) for column in content.pop("columns"))
    keys = tuple(Key(**key | {"columns": tuple(map(tuple, key["columns"]))}) for key in content.pop("keys"))
    position, omitted = content.pop("position"), frozenset(content.pop("omitted"))
    schema_description, origin = content.pop("schema_description"), Origin(**content.pop("origin"))
    division, ranges = content.pop("division", {}), tuple(tuple(row) for row in content.pop("ranges", ()))
    linking = linking_of(content.pop("linking", None))
    table = Table(columns=columns, origin=origin, linking=linking, **content)
    position_names = tuple(position) if position else None
    return Known(table, keys, position_names, omitted, schema_description, division=division, ranges=ranges)


def _column(content: dict[str, Any]) -> Column:
    bounds = content.pop("bounds")
    return replace(Column(**content), bounds=tuple(bounds) if bounds else None)
