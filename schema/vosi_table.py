"""A table that a client describes as VOSI's /tables does (VODataService 1.2 §3.3): its columns, still without rows."""

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from lxml import etree

from schema import types
from schema.description import ColumnDescription, Description, TableDescription
from schema.load.reader import FileColumn, LoadError, check_columns, named_type
from schema.load.votable_field import field_of
from schema.model import is_name, split_name, stored_name

Element = Any

MOST_BYTES = 8_000_000


class DescribedColumns:
    """A reader of a table that has no rows yet."""

    def __init__(self, columns: tuple[FileColumn, ...]) -> None:
        self.columns = columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield nothing."""
        yield from ()

    def fraction(self) -> float | None:
        return 1.0


def is_vosi_table(head: bytes) -> bool:
    """Return whether a file that begins like this describes a table, and is no VOTable with rows."""
    parser = etree.XMLPullParser(("start",), resolve_entities=False, no_network=True)
    try:
        parser.feed(head)
        for _, element in parser.read_events():
            return _is(element, "table") or _is(element, "tableset")
    except etree.XMLSyntaxError:
        pass
    return False


def read_vosi_table(document: bytes) -> tuple[DescribedColumns, Description]:
    """Return the columns of a document, and what it says of the table. Raises: LoadError."""
    table = _table(document)
    columns = [_column(element) for element in _children(table, "column")]
    if not columns:
        raise LoadError("the table has no columns")
    check_columns(tuple(columns))
    problem = next((column.problem for column in columns if column.problem), None)
    if problem:
        raise LoadError(problem)
    about = TableDescription(description=_text(table, "description"), utype=_text(table, "utype"))
    return DescribedColumns(tuple(columns)), Description(about, columns=_described(columns))


def _described(columns: list[FileColumn]) -> dict[str, ColumnDescription]:
    """Return what a document says of columns, by their names, as changes of a table that is there."""
    return {
        column.name: ColumnDescription(
            unit=column.unit, ucd=column.ucd, utype=column.utype, description=column.description
        )
        for column in columns
    }


def _table(document: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root: Element = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise LoadError(f"the document is no XML: {str(error)[:200]}") from error
    if root.getroottree().docinfo.doctype:
        raise LoadError("the document has a DOCTYPE, which a description of a table does not need")
    tables = [element for element in root.iter() if _is(element, "table")]
    if len(tables) != 1:
        raise LoadError(f"the document must describe one table; it has {len(tables)}")
    return tables[0]


def _column(element: Element) -> FileColumn:
    name = _text(element, "name") or ""
    if not name:
        raise LoadError("a column has no name")
    stored = stored_name(name) if is_name(name) and len(split_name(name)) == 1 else name
    data_types = _children(element, "dataType")
    if len(data_types) != 1:
        raise LoadError(
            f'column {name[:60]}: it needs one dataType, as in <dataType xsi:type="vs:VOTableType">double</dataType>'
        )
    said = {key: _text(element, key) for key in ("unit", "ucd", "utype", "description")}
    return _typed(stored, data_types[0], said)


_TAP_TYPES = {"DOUBLE": "DOUBLE PRECISION", "CHAR": "VARCHAR", "CLOB": "VARCHAR", "BINARY": "BLOB", "VARBINARY": "BLOB"}


def _typed(name: str, data_type: Element, said: dict[str, str | None]) -> FileColumn:
    """Return a column by its VOTableType or TAPType. Raises: LoadError for a type that has no place in a database."""
    datatype, arraysize = (data_type.text or "").strip(), data_type.get("arraysize")
    tap_type = re.sub("^adql:", "", datatype, flags=re.IGNORECASE)
    if tap_type.isupper():
        return _of_tap_type(name, tap_type, said)
    attributes = {"name": name, "datatype": datatype, "arraysize": arraysize, "xtype": data_type.get("extendedType")}
    return field_of({key: value for key, value in (attributes | said).items() if value is not None}).column


def _of_tap_type(name: str, tap_type: str, said: dict[str, str | None]) -> FileColumn:
    if tap_type == "POINT":
        return FileColumn(name, types.DOUBLES, **said, xtype="point", arraysize="2")
    return FileColumn(name, named_type(_TAP_TYPES.get(tap_type, tap_type), name), **said)


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _is(child, name)]


def _is(element: Element, name: str) -> bool:
    return isinstance(element.tag, str) and etree.QName(element).localname == name


def _text(element: Element, name: str) -> str | None:
    child = next(iter(_children(element, name)), None)
    return None if child is None else str(child.xpath("string()")).strip() or None
