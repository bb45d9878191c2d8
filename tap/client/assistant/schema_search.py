"""Tables by words, a table with its columns, and a user's own tables, as TAP_SCHEMA tells them to who asks (TAP 1.1 §4)."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from schema.model import delimited, string_literal
from tap.client.assistant.asked_service import AskedService, TakesLonger, TooMuch
from tap.client.assistant.plain_text import within
from tap.client.http import Refused, Unreachable

MOST_TABLES, MOST_COLUMNS = 30, 2000
_MATCHES, _COLUMNS_SHOWN, _WORDS = 200, 5, 8
_ROOM = 60_000
"""Bytes of an answer."""
_TOLD = (
    "column_name",
    "description",
    "unit",
    "ucd",
    "utype",
    "datatype",
    "arraysize",
    "xtype",
    "indexed",
    "principal",
)
_OF_COLUMNS = ("column_name", "description", "ucd", "unit")


class NoSuchTableHere(Exception):
    """The service knows no table of that name, or does not tell who asks."""


def _rank(name: str, wanted: Sequence[str]) -> tuple[bool, bool]:
    """Put names with a wanted word first, and older versions of tables (name@version) behind the others."""
    return not any(word in name for word in wanted), "@" in name


def find_tables(service: AskedService, words: str) -> dict[str, Any]:
    """Return tables that have each word in their names, descriptions, or columns; those with one in the name come first.

    Raises: Refused, Unreachable, TakesLonger, TooMuch.
    """
    wanted = words.lower().split()[:_WORDS]
    where = " AND ".join(map(_table_has, wanted))
    query = f"SELECT table_name, description FROM tap_schema.tables {where and f'WHERE {where}'} ORDER BY table_name"
    found = service.query(query, _MATCHES)
    tables = found.records()
    tables.sort(key=lambda table: _rank(table["table_name"].lower(), wanted))
    shown = tables[:MOST_TABLES]
    columns = _matching_columns(service, [table["table_name"] for table in shown], wanted)
    kept = within([{**table, "columns": columns[table["table_name"]]} for table in shown], _ROOM)
    total = f"more than {_MATCHES}" if found.is_cut else len(tables)
    return {"total": total, "shown": len(kept), "catalogue_text": {"tables": kept}}


def _table_has(word: str) -> str:
    of_table = [f"LOWER({name}) LIKE {_anywhere(word)}" for name in ("table_name", "description")]
    tables = f"SELECT table_name FROM tap_schema.columns WHERE {_column_has(word)}"
    return f"({' OR '.join(of_table)} OR table_name IN ({tables}))"


def _column_has(word: str) -> str:
    return " OR ".join(f"LOWER({name}) LIKE {_anywhere(word)}" for name in _OF_COLUMNS)


def _matching_columns(service: AskedService, tables: list[str], words: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return for each table some columns that have one of the words."""
    columns: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if not tables or not words:
        return columns
    names = ", ".join(map(string_literal, tables))
    query = (
        f"SELECT table_name, {', '.join(_OF_COLUMNS)} FROM tap_schema.columns"
        f" WHERE table_name IN ({names}) AND ({' OR '.join(map(_column_has, words))})"
    )
    for column in service.query(query, MOST_COLUMNS).records():
        of_table = columns[column.pop("table_name")]
        if len(of_table) < _COLUMNS_SHOWN:
            of_table.append(column)
    return columns


def describe_table(service: AskedService, name: str) -> dict[str, Any]:
    """Return all that is told of a table. Raises: NoSuchTableHere, Refused, Unreachable, TakesLonger, TooMuch."""
    condition = f"WHERE LOWER(table_name) = {string_literal(name.lower())}"
    tables = service.query(f"SELECT * FROM tap_schema.tables {condition}", 1).records()
    if not tables:
        raise NoSuchTableHere(f"There is no table {name} that you may read; find_tables finds tables by words")
    name = tables[0]["table_name"]
    condition = f"WHERE table_name = {string_literal(name)}"
    columns = service.query(f"SELECT * FROM tap_schema.columns {condition}", MOST_COLUMNS).records()
    # TAP 1.0 had no such column, by which the service could order them.
    columns.sort(key=lambda column: int(column.get("column_index", 0)))
    about = [{key: column[key] for key in _TOLD if key in column} for column in columns]
    kept = within(about, _ROOM)
    return {
        "rows": service.number_of_rows(name),
        "columns_left_out": len(about) - len(kept),
        "catalogue_text": {
            "table": tables[0],
            "columns": kept,
            "keys": _keys(service, name),
            "coverage": _coverage(service, condition),
        },
    }


def _keys(service: AskedService, name: str) -> list[dict[str, Any]]:
    query = (
        "SELECT k.from_table, c.from_column, k.target_table, c.target_column, k.description FROM tap_schema.keys AS k"
        " JOIN tap_schema.key_columns AS c ON k.key_id = c.key_id"
        f" WHERE k.from_table = {string_literal(name)} OR k.target_table = {string_literal(name)}"
    )
    with suppress(Refused, Unreachable, TakesLonger, TooMuch):
        return within(service.query(query, MOST_COLUMNS).records(), _ROOM)
    return []


def _coverage(service: AskedService, condition: str) -> dict[str, Any] | None:
    """Return where a table's rows are; None where it is not known, or the service has no such table of ours."""
    columns = "sky_fraction, time_min, time_max, energy_min, energy_max"
    with suppress(Refused, Unreachable, TakesLonger, TooMuch):
        rows = service.query(f"SELECT {columns} FROM tap_schema.table_coverage {condition}", 1).records()
        return rows[0] if rows else None
    return None


def list_own_tables(service: AskedService) -> dict[str, Any]:
    """Return the tables in the schema of who asks. Raises: NoSuchTableHere, Refused, Unreachable, TakesLonger, TooMuch."""
    schema = service.whoami().get("schema")
    if not isinstance(schema, str):
        raise NoSuchTableHere("Nobody is logged in, or this service keeps no tables of accounts")
    # A name that is no plain word stands in quotes there.
    names = ", ".join(map(string_literal, (schema, delimited(schema))))
    query = f"SELECT table_name, description FROM tap_schema.tables WHERE schema_name IN ({names}) ORDER BY table_name"
    found = service.query(query, MOST_COLUMNS).records()
    kept = within(found, _ROOM)
    return {"total": len(found), "shown": len(kept), "catalogue_text": {"schema": schema, "tables": kept}}


def _anywhere(word: str) -> str:
    return string_literal(f"%{word}%")
