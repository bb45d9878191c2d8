"""What a service publishes, learnt from its TAP_SCHEMA (TAP 1.0 §2.6, TAP 1.1 §4) while one types."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from schema import types
from schema.load.reader import LoadError
from schema.model import (
    Catalogue,
    Column,
    Schema,
    Table,
    delimited,
    is_name,
    split_name,
    string_literal,
    unquoted_parts,
)
from schema.types import Type
from tap.client.http import Refused, Unreachable
from tap.client.shell.answer import QueryRefused
from tap.client.shell.remote_service import RemoteService, TookTooLong

FAILURES = (QueryRefused, Refused, Unreachable, TookTooLong, LoadError, OSError)
"""What can go wrong when a service is asked."""

_MOST_TABLES = 1_000_000
_MOST_COLUMNS = 50_000
"""Columns that are learnt at once; of services that have more, those of the tables that somebody writes of."""
_SECONDS = 60.0
_TAP_TYPES = {
    "UNSIGNEDBYTE": types.SMALLINT,
    "DOUBLE": types.DOUBLE,
    "CHAR": types.TEXT,
    "CLOB": types.TEXT,
    "BINARY": types.BYTES,
    "VARBINARY": types.BYTES,
}


class Published:
    """The catalogue of a service as far as it is known, and its functions; `problem` is why not further."""

    def __init__(self, service: RemoteService) -> None:
        self.catalogue = Catalogue(())
        self.problem = ""
        self.has_all_columns = False
        self.udfs: Mapping[str, str] = {}
        self._service = service
        self._begun = False
        self._learnt = threading.Event()
        self._one_by_one = threading.Lock()
        self._asked: set[str] = set()

    def begin(self) -> None:
        """Learn what there is, meanwhile."""
        self._begun = True
        self._learnt.clear()
        threading.Thread(target=self.learn, daemon=True).start()

    def learn(self) -> None:
        """Learn the tables, and their columns if these are not too many."""
        try:
            self.udfs = self._service.capabilities.udfs
            tables = self._rows("SELECT * FROM TAP_SCHEMA.tables")
            self.catalogue = _catalogue(tables, self._schemas())
            if self._count_of_columns() <= _MOST_COLUMNS:
                columns = self._rows("SELECT * FROM TAP_SCHEMA.columns")
                self.catalogue = self._with_columns(columns)
                self.has_all_columns = True
        except FAILURES as error:
            self.problem = str(error) or "it takes too long"
        finally:
            self._learnt.set()

    def wait(self) -> Catalogue:
        """Return the catalogue when it is there."""
        if not self._begun:
            self.begin()
        self._learnt.wait(_SECONDS)
        return self.catalogue

    @property
    def is_learning(self) -> bool:
        return self._begun and not self._learnt.is_set()

    @property
    def is_known(self) -> bool:
        return self._learnt.is_set() and not self.problem

    def learn_columns(self, text: str) -> None:
        """Learn the columns of tables that a text names, where they are not known."""
        lower = text.lower()
        tables = [t for t in self.catalogue.tables if not t.columns and t.parts[-1].lower() in lower]
        named = [table for table in tables if ".".join(table.parts).lower() in lower.replace('"', "")] or tables[:1]
        with self._one_by_one:
            for table in named:
                self._learn_columns_of(table)

    def _learn_columns_of(self, table: Table) -> None:
        if table.table_name in self._asked or self.has_all_columns:
            return
        self._asked.add(table.table_name)
        name = string_literal(table.table_name)
        try:
            columns = self._rows(f"SELECT * FROM TAP_SCHEMA.columns WHERE table_name = {name}")
        except FAILURES as error:
            self.problem = str(error)
            return
        self.catalogue = self._with_columns(columns)

    def _rows(self, query: str) -> list[dict[str, Any]]:
        return self._service.ask(query, _MOST_TABLES, _SECONDS).records()

    def _schemas(self) -> list[dict[str, Any]]:
        """Return what is said of schemas, which some services leave out."""
        try:
            return self._rows("SELECT * FROM TAP_SCHEMA.schemas")
        except (QueryRefused, Refused):
            return []

    def _count_of_columns(self) -> int:
        record = self._rows("SELECT COUNT(*) AS n FROM TAP_SCHEMA.columns")
        return int(next(iter(record[0].values()))) if record else 0

    def _with_columns(self, records: Iterable[Mapping[str, Any]]) -> Catalogue:
        of_table: dict[str, list[Column]] = {}
        for record in records:
            of_table.setdefault(_text(record, "table_name"), []).append(_column(record))
        schemas = [
            replace(schema, tables=tuple(_with(table, of_table) for table in schema.tables))
            for schema in self.catalogue.schemas
        ]
        return replace(self.catalogue, schemas=tuple(schemas))


def _with(table: Table, of_table: Mapping[str, list[Column]]) -> Table:
    columns = of_table.get(table.table_name)
    return table if columns is None else replace(table, columns=tuple(columns))


def _catalogue(tables: Iterable[Mapping[str, Any]], schemas: Iterable[Mapping[str, Any]]) -> Catalogue:
    said = {_text(record, "schema_name"): _text(record, "description") for record in schemas}
    of_schema: dict[str, list[Table]] = {name: [] for name in said}
    for record in tables:
        name, schema = _text(record, "table_name"), _text(record, "schema_name")
        table = Table(schema, name, (), _text(record, "table_type") or "table", _text(record, "description") or None)
        if is_name(name):
            of_schema.setdefault(schema, []).append(table)
    return Catalogue(tuple(Schema(name, tuple(of), said.get(name) or None) for name, of in of_schema.items()))


def _text(record: Mapping[str, Any], name: str) -> str:
    return str(record.get(name) or "").strip()


def _column(record: Mapping[str, Any]) -> Column:
    name, type_ = _text(record, "column_name"), _type(record)
    unit, ucd, utype, about = (_text(record, key) or None for key in ("unit", "ucd", "utype", "description"))
    principal, indexed, std = (_is_set(record.get(key)) for key in ("principal", "indexed", "std"))
    shape = _text(record, "arraysize") if type_.is_array else type_.arraysize
    name = name if is_name(name) and len(split_name(name)) == 1 else delimited(name)
    traits = (type_.datatype, shape or type_.arraysize, type_.xtype, unit, ucd, utype, about)
    return Column(name, *traits, principal=principal, indexed=indexed, std=std)


def _is_set(value: Any) -> bool:
    return str(value).strip().lower() in {"1", "true", "t"}


def _type(record: Mapping[str, Any]) -> Type:
    """Return the type of a column, as VOTable (TAP 1.1) or SQL (TAP 1.0) calls it; text where we have none like it."""
    datatype = _text(record, "datatype")
    known = types.of_votable(datatype, _text(record, "arraysize") or None, _text(record, "xtype") or None)
    name = datatype.rpartition(":")[2].partition("(")[0].upper()
    in_sql = next((type_ for type_ in types.TYPES if type_.adql == name and not type_.is_array), _TAP_TYPES.get(name))
    return known or in_sql or types.TEXT


def table_named(name: str, catalogue: Catalogue) -> list[Table]:
    """Return the tables that a name may mean."""
    return catalogue.find(unquoted_parts(name)) if is_name(name) else []
