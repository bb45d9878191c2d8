"""Catalogue → VOSI tables (VOSI 1.1 §2.3 and §4, VODataService 1.2 §3.3)."""

import re
from collections.abc import Container, Iterable
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from schema.coverage import Coverage
from schema.model import Catalogue, Column, Key, Schema, Table

_VOSI = "http://www.ivoa.net/xml/VOSITables/v1.0"
_VODATASERVICE = "http://www.ivoa.net/xml/VODataService/v1.1"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NAMESPACES = {"vosi": _VOSI, "vs": _VODATASERVICE, "xsi": _XSI}
_E = ElementMaker()
_ROOT = ElementMaker(namespace=_VOSI, nsmap=_NAMESPACES)

Element = Any
_UNWRITABLE = re.compile("[^\\t\\n\\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tableset(catalogue: Catalogue, brief: Container[str] = ()) -> bytes:
    """Return all tables; those whose names are in `brief` without columns, for `detail=min`."""
    return _bytes(_ROOT.tableset(*_schemas(catalogue, brief)))


def tableset_element(catalogue: Catalogue) -> Element:
    """Return all tables as a part of the record of a resource (VODataService 1.2 §3.1)."""
    return _E.tableset(*_schemas(catalogue))


def _schemas(catalogue: Catalogue, brief: Container[str] = ()) -> list[Element]:
    return [_schema(schema, catalogue, brief) for schema in catalogue.schemas]


def table_document(table: Table, catalogue: Catalogue) -> bytes:
    """Return one table, in full: /tables/NAME."""
    root = _ROOT.table({f"{{{_XSI}}}type": "vs:Table", "type": table.table_type})
    root.extend(_table_content(table, catalogue.keys_from(table), with_columns=True))
    return _bytes(root)


def _bytes(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def coverage_element(coverage: Coverage) -> Element:
    """Return the coverage of a resource (VODataService 1.2 §3.2): the schema knows none of a table, only of resources."""
    element = _E.coverage()
    if coverage.moc:
        element.append(_E.spatial(coverage.moc))
    for name, interval in (("temporal", coverage.temporal), ("spectral", coverage.spectral)):
        if interval:
            element.append(_E(name, f"{interval[0]!r} {interval[1]!r}"))
    return element


def _schema(schema: Schema, catalogue: Catalogue, brief: Container[str]) -> Element:
    schema_element = _E.schema(
        _E.name(writable(schema.schema_name)), *_texts(description=schema.description, utype=schema.utype)
    )
    for table in schema.tables:
        table_element = _E.table({"type": table.table_type})
        with_columns = table.table_name not in brief
        keys = catalogue.keys_from(table) if with_columns else ()
        table_element.extend(_table_content(table, keys, with_columns=with_columns))
        schema_element.append(table_element)
    return schema_element


def _table_content(table: Table, keys: Iterable[Key], *, with_columns: bool) -> list[Element]:
    elements = [
        _E.name(writable(table.table_name)),
        *_texts(title=table.origin.title, description=table.description, utype=table.utype),
    ]
    if table.nrows is not None:
        elements.append(_E.nrows(str(table.nrows)))
    if with_columns:
        elements += [_column(column) for column in table.columns]
        elements += [_foreign_key(key) for key in keys]
    return elements


def _texts(**texts: str | None) -> list[Element]:
    return [_E(name, writable(text)) for name, text in texts.items() if text]


def writable(text: str) -> str:
    """Return a text with U+FFFD in place of what XML cannot hold."""
    return _UNWRITABLE.sub("\ufffd", text)


def _column(column: Column) -> Element:
    about = _texts(description=column.description, unit=column.unit, ucd=column.ucd, utype=column.utype)
    element = _E.column(
        {"std": "true" if column.std else "false"}, _E.name(writable(column.column_name)), *about, _data_type(column)
    )
    # TapPlus keeps the last one.
    flags = (("principal", column.principal), ("indexed", column.indexed))
    element.extend(_E.flag(name) for name, is_set in flags if is_set)
    return element


def _data_type(column: Column) -> Element:
    attributes = {f"{{{_XSI}}}type": "vs:VOTableType"}
    if column.arraysize:
        attributes["arraysize"] = column.arraysize
    if column.xtype:
        attributes["extendedType"] = column.xtype
    return _E.dataType(attributes, column.datatype)


def _foreign_key(key: Key) -> Element:
    pairs = [_E.fkColumn(_E.fromColumn(a), _E.targetColumn(b)) for a, b in key.columns]
    return _E.foreignKey(
        _E.targetTable(key.target_table), *pairs, *_texts(description=key.description, utype=key.utype)
    )
