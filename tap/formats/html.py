"""HTML for people: one page that needs nothing else, whose columns sort with a click.

Its style and its script are the only ones that our policy lets run in a page (see POLICY), so that
nothing in a table ever can.
"""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from importlib.resources import files

from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.cells import readable, rows_in_tags, without_cell_marks
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.metadata import FieldMetadata, fields

_STYLE = (files("tap") / "formats" / "html.css").read_text("utf-8")
_SCRIPT = (files("tap") / "formats" / "html.js").read_text("utf-8")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


_MOST_ROWS = 2_000
"""More would stop a browser for as long as it lays them out."""
_MORE = f"A page shows {_MOST_ROWS:,} at most; all other formats have all. "

POLICY = f"style-src 'self' {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}"


class HtmlWriter(Writer):
    def __init__(self, header: Header) -> None:
        self._header = header
        self._fields = fields(header.outputs)
        self._count = 0

    def header(self) -> bytes:
        about = "".join(_about(field) for field in self._fields)
        head = "".join(_head(field) for field in self._fields)
        return _readable(
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Result</title>\n'
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<pre>{escape(self._header.query)}</pre>\n"
            f"{''.join(map(_warning, self._header.warnings))}"
            "<details><summary>Columns</summary>\n<table>\n"
            "<tr><th>Name</th><th>Type</th><th>Unit</th><th>UCD</th><th>Description</th></tr>\n"
            f'{about}</table>\n</details>\n<table id="rows">\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        )

    def rows(self, block: Block) -> bytes:
        self._count += len(block.lengths)
        return rows_in_tags(without_cell_marks(block.data), b"tr", b"td")

    def footer(self, end: Ending) -> Iterator[bytes]:
        rows = f"{self._count:,} row{'' if self._count == 1 else 's'}"
        more = _MORE if self._count == _MOST_ROWS else ""
        note = (
            f"The first {rows}; there are more. {more}{escape(self._header.more_rows)}" if end.overflow else f"{rows}."
        )
        warnings = "".join(map(_warning, end.warnings))
        yield _readable(
            f'</tbody>\n</table>\n{warnings}<p id="note">{note}</p>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n'
        )


def _warning(text: str) -> str:
    return f"<p><strong>Warning:</strong> {escape(text)}</p>\n"


def _head(field: FieldMetadata) -> str:
    unit = f"<br><small>{escape(field.unit)}</small>" if field.unit else ""
    return f'<th title="{escape(field.description or "")}">{escape(field.name)}{unit}</th>'


def _about(field: FieldMetadata) -> str:
    cells = (field.name, field.type.adql, field.unit or "", field.ucd or "", field.description or "")
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n"


def _readable(text: str) -> bytes:
    return readable(text.encode())


HTML = Format(
    name="HTML",
    media_types=("text/html",),
    aliases=("html",),
    extension="html",
    encoding=RowEncoding.TEXT,
    writer=HtmlWriter,
    speaks=False,
    most_rows=_MOST_ROWS,
)
