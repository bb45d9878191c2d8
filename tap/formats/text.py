"""Plain text for people: aligned columns, numbers to the right, with units.

The first block decides how wide the columns are; a wider cell further down pushes the rest of its row.
"""

import re
from collections.abc import Iterator

from tap.engine.row_encoding import CELL, RowEncoding
from tap.engine.rows import Block
from tap.formats.cells import without_cell_marks
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.metadata import fields

_WIDEST = 60
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that terminals obey, or that put others into another order."""


class TextWriter(Writer):
    def __init__(self, header: Header) -> None:
        columns = fields(header.outputs)
        self._titles = ([column.name for column in columns], [column.unit for column in columns])
        self._warnings = header.warnings
        self._align = ["rjust" if column.type.is_numeric else "ljust" for column in columns]
        self._widths: list[int] = []

    def rows(self, block: Block) -> bytes:
        lines = without_cell_marks(block.data)[:-1].decode().replace("\\\\", "\\").split("\n")
        rows = [[_CONTROLS.sub("?", cell) for cell in line.split(CELL.decode())] for line in lines]
        return self._head(rows) + self._lines(rows)

    def footer(self, end: Ending) -> Iterator[bytes]:
        yield self._head([])
        yield from (f"# Warning: {_CONTROLS.sub('?', text)}\n".encode() for text in (*self._warnings, *end.warnings))
        if end.overflow:
            yield b"# There are more rows than were asked for (MAXREC)\n"

    def _head(self, rows: list[list[str]]) -> bytes:
        """Return names and units, once, when the first rows are there."""
        if self._widths:
            return b""
        head = [[_CONTROLS.sub("?", text or "") for text in line] for line in self._titles]
        self._widths = [min(_WIDEST, max(map(len, column))) for column in zip(*head, *rows, strict=True)]
        return self._lines([*head, ["-" * width for width in self._widths]])

    def _lines(self, rows: list[list[str]]) -> bytes:
        lines = (
            " ".join(getattr(c, a)(w) for c, a, w in zip(row, self._align, self._widths, strict=True)) for row in rows
        )
        return "".join(f"{line.rstrip()}\n" for line in lines).encode()


TEXT = Format(
    name="Plain text",
    media_types=("text/plain;charset=utf-8", "text/plain"),
    aliases=("text", "txt"),
    extension="txt",
    encoding=RowEncoding.TEXT,
    writer=TextWriter,
    speaks=False,
)
