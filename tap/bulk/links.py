"""The files of an exported table as a table of links (DataLink 1.1 §3), whose identifier is the table's name."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from tap.datalink.document import CONTENT_LENGTH, text_field
from tap.datalink.result_links import LINKS_STANDARD
from tap.formats.format import Ending, Header
from tap.formats.votable_document import closing, opening

_TEXTS = (
    ("ID", "meta.id;meta.main", "The table"),
    ("access_url", "meta.ref.url", "Where to get it"),
    ("service_def", "meta.ref", "Always empty: each is a file"),
    ("error_message", "meta.code.error", "Always empty: each is there"),
    ("description", "meta.note", "What it is"),
    ("semantics", "meta.code", "What it is to the table, in terms of http://www.ivoa.net/rdf/datalink/core"),
    ("content_type", "meta.code.mime", "Its media type"),
    ("local_semantics", "meta.id.assoc", "Its name among the files"),
)
_FIELDS = (*(text_field(*about) for about in _TEXTS), CONTENT_LENGTH)


def links_document(about: Mapping[str, Any], files: Iterable[Mapping[str, Any]], media_type: dict[str, str]) -> bytes:
    """Return the VOTable; `media_type` is that of each file by its name. Files without rows tell of those that have some."""
    said = {"service_protocol": LINKS_STANDARD, "standardID": LINKS_STANDARD, "made": str(about["made"])}
    header = Header((), "", service=said)
    rows = "".join(_row(str(about["table"]), file, media_type[file["name"]]) for file in files)
    return (
        f"{opening(header, _FIELDS, nulls=True)}<TABLEDATA>\n{rows}</TABLEDATA>\n{closing(Ending(), header)}".encode()
    )


def _row(table: str, file: Mapping[str, Any], media_type: str) -> str:
    is_data = file["rows"] is not None
    description = f"{file['rows']:,} rows" if is_data else "What is known of the files"
    cells = (
        table,
        file["url"],
        "",
        "",
        f"{description}; SHA-256 {file['sha256']}",
        "#this" if is_data else "#auxiliary",
        media_type,
        file["name"],
        str(file["bytes"]),
    )
    return f"<TR>{''.join(f'<TD>{escape(cell)}</TD>' for cell in cells)}</TR>\n"
