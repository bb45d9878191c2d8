"""TAP_SCHEMA in the database ↔ Catalogue (TAP 1.1 §4)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from schema.links import linking_of
from schema.model import Catalogue, Column, Key, Origin, Schema, Table
from schema.statements import statement

VERSION = "SELECT version FROM armillary.catalogue"
"""Of the catalogue as strangers see it."""
SESSION_VERSION = "SELECT armillary.session_version()"
"""Of the catalogue as the role of the session sees it."""
_READ = (files("schema") / "sql" / "read_catalogue.sql").read_text("utf-8").encode()
_COLUMN_FIELDS = tuple(f.name for f in fields(Column) if f.name not in {"storage", "bounds", "coordinates", "link"})
_ORIGIN_FIELDS = tuple(f.name for f in fields(Origin) if f.name != "last_update_date")

Record = dict[str, Any]


def read_catalogue(connection: psycopg.Connection, only: str | None = None) -> Catalogue:
    """Return what the role of the connection may read, or of it the table `only`, by its published name."""
    row = connection.execute(_READ, {"only": only}).fetchone()
    content: dict[str, Any] = row[0] if row else {}
    return _catalogue(content)


def _catalogue(content: dict[str, Any]) -> Catalogue:
    columns = _by(content["columns"], "table_name")
    bounds = {(b["table_name"], b["column_name"]): (b["least"], b["largest"]) for b in content["bounds"] or []}
    more_of_table = {record["table_name"]: record for record in content["more"] or []}
    tables: dict[str, list[Table]] = defaultdict(list)
    for record in content["tables"] or []:
        name = record["table_name"]
        more = more_of_table.get(name, {})
        links = more.get("column_links") or {}
        table = _table(record, [_column(c, bounds, links) for c in columns[name]], more)
        tables[record["schema_name"]].append(table)
    schemas = tuple(
        Schema(r["schema_name"], tuple(tables[r["schema_name"]]), r["description"], r["utype"], r["schema_index"])
        for r in content["schemas"] or []
    )
    return Catalogue(
        schemas, _keys(content), content["version"], frozenset(content["announced"] or ()), content["withdrawn"] or {}
    )


def _by(records: Iterable[Record] | None, name: str) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records or []:
        groups[record[name]].append(record)
    return groups


def _table(record: Record, columns: list[Column], more_of_table: Record) -> Table:
    return Table(
        record["schema_name"],
        record["table_name"],
        tuple(columns),
        record["table_type"],
        record["description"],
        record["utype"],
        record["table_index"],
        more_of_table.get("nrows"),
        more_of_table.get("storage"),
        _origin(more_of_table),
        data_version=more_of_table.get("data_version"),
        linking=linking_of(more_of_table.get("linking")),
    )


def _origin(more_of_table: Record) -> Origin:
    updated = more_of_table.get("updated")
    values = {name: more_of_table.get(name) for name in _ORIGIN_FIELDS}
    utc = datetime.fromisoformat(updated).astimezone(UTC) if updated else None
    return Origin(**values, last_update_date=f"{utc:%Y-%m-%dT%H:%M:%SZ}" if utc else None)


def _column(record: Record, bounds: dict[tuple[str, str], tuple[float, float]], links: dict[str, str]) -> Column:
    values = {name: record[name] for name in _COLUMN_FIELDS}
    flags = {name: bool(values[name]) for name in ("principal", "indexed", "std")}
    bounds_of_column = bounds.get((record["table_name"], record["column_name"]))
    return Column(**(values | flags), bounds=bounds_of_column, link=links.get(record["column_name"]))


def _keys(content: dict[str, Any]) -> tuple[Key, ...]:
    columns = _by(content["key_columns"], "key_id")
    return tuple(
        Key(
            r["key_id"],
            r["from_table"],
            r["target_table"],
            tuple((c["from_column"], c["target_column"]) for c in columns[r["key_id"]]),
            r["description"],
            r["utype"],
        )
        for r in content["keys"] or []
    )


def write_table(connection: psycopg.Connection, table: Table, *, schema_description: str | None = None) -> None:
    """Publish a table in TAP_SCHEMA, in the caller's transaction, in place of the one that had its name.

    Keys of other tables that point to it stay.
    """
    connection.execute(statement("put_schema"), (table.schema_name, schema_description))
    connection.execute(
        statement("put_table"),
        (table.schema_name, table.table_name, table.table_type, table.utype, table.description, table.table_index),
    )
    connection.execute(statement("drop_columns"), (table.table_name,))
    connection.execute(statement("drop_keys_from"), (table.table_name,))
    with connection.cursor() as cursor:
        cursor.executemany(statement("add_column"), [_column_row(table, column) for column in table.columns])
        cursor.executemany(
            statement("add_bounds"), [(table.table_name, c.column_name, *c.bounds) for c in table.columns if c.bounds]
        )
    connection.execute(statement("drop_statistics_of_others"), {"name": table.table_name})


def write_more(connection: psycopg.Connection, table: Table, values: dict[str, object]) -> None:
    """Keep what TAP_SCHEMA has no columns for: `values` beside what the table itself says."""
    column_links = {column.column_name: column.link for column in table.columns if column.link}
    row = {
        "table_name": table.table_name,
        "storage": table.storage,
        "nrows": table.nrows,
        **{name: getattr(table.origin, name) for name in _ORIGIN_FIELDS},
        "linking": Jsonb(asdict(table.linking)) if table.linking else None,
        "column_links": Jsonb(column_links) if column_links else None,
        **values,
    }
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    changes = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in row)
    command = "INSERT INTO armillary.tables ({}) VALUES ({}) ON CONFLICT (table_name) DO UPDATE SET {}"
    places = sql.SQL(", ").join(sql.Placeholder() * len(row))
    connection.execute(sql.SQL(command).format(names, places, changes), list(row.values()))


def _column_row(table: Table, column: Column) -> tuple[object, ...]:
    return (
        table.table_name,
        column.column_name,
        column.datatype,
        column.arraysize,
        column.xtype,
        _size(column.arraysize),
        column.description,
        column.utype,
        column.unit,
        column.ucd,
        int(column.indexed),
        int(column.principal),
        int(column.std),
        column.column_index,
    )


def _size(arraysize: str | None) -> int | None:
    """Return the length of a fixed or limited array, None for others (TAP 1.1 §4.3)."""
    length = (arraysize or "").removesuffix("*")
    return int(length) if length.isdigit() else None


def write_keys(connection: psycopg.Connection, keys: Iterable[Key]) -> None:
    for key in keys:
        connection.execute(
            statement("add_key"), (key.key_id, key.from_table, key.target_table, key.utype, key.description)
        )
        for from_column, target_column in key.columns:
            connection.execute(statement("add_key_column"), (key.key_id, from_column, target_column))


def remove_table(connection: psycopg.Connection, table_name: str) -> bool:
    """Unpublish a table, and its schema with its last one; return False if it was not published."""
    cursor = connection.execute(statement("drop_table"), (table_name,))
    row = cursor.fetchone()
    connection.execute(statement("drop_more_of_table"), (table_name,))
    if row:
        connection.execute(statement("drop_empty_schema"), row)
    return row is not None


def count_change(connection: psycopg.Connection) -> None:
    """Tell every web process, at its next query, to read the catalogue anew."""
    connection.execute(statement("count_change"))


def count_change_of(connection: psycopg.Connection, table_name: str) -> None:
    """Tell it for those only who may read a table, if it is published: before a change, and again when it is made.

    Whoever changes what is published takes turns from here on, so that none waits for another that waits for them.
    """
    connection.execute(statement("lock_catalogue"))
    connection.execute(statement("count_change_of"), {"name": table_name})
