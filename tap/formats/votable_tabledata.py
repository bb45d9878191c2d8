"""VOTable in TABLEDATA: PostgreSQL writes the cells, replacements of bytes write the XML round them."""

import re

from schema import types
from tap.engine.rows import Block
from tap.engine.wire import Wire, column_type
from tap.formats.format import Header, Writer
from tap.formats.votable_document import closing, opening

_CELL = b"\x1f"
_UNREADABLE = bytes((*range(9), 11, 12, *range(14, 31)))
_TO_QUESTION_MARK = bytes.maketrans(_UNREADABLE, b"?" * len(_UNREADABLE))
_NO_CHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPES = {b"b": b"?", b"f": b"?", b"v": b"?", b"n": b"\n", b"r": b"&#13;", b"t": b"\t", b"\\": b"\\"}
_FLOATS = (types.REAL, types.DOUBLE, types.REALS, types.DOUBLES)


class TabledataWriter:
    def __init__(self, header: Header) -> None:
        self._header = header
        self._floats = [i for i, o in enumerate(header.outputs) if column_type(o) in _FLOATS]

    def header(self) -> bytes:
        return f"{opening(self._header, nulls=True)}<TABLEDATA>\n".encode()

    def rows(self, block: Block) -> bytes:
        data = block.data
        if b"\\" in data:
            data = _ESCAPED.sub(lambda m: b"?" if m[1] == _CELL else m[0], data)
        if b"Infinity" in data:
            data = self._spell_infinity(data)
        data = data.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
        data = data.translate(_TO_QUESTION_MARK)
        if b"\xef\xbf" in data:
            data = _NO_CHARACTERS.sub(b"?", data)
        cells = data[:-1].replace(_CELL, b"</TD><TD>").replace(b"\n", b"</TD></TR>\n<TR><TD>")
        if b"\\" in cells:
            cells = _ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[1]), cells)
        return b"<TR><TD>" + cells + b"</TD></TR>\n"

    def _spell_infinity(self, data: bytes) -> bytes:
        """VOTable writes +Inf and -Inf (VOTable 1.4 §6); texts that say Infinity stay as they are."""
        rows = [line.split(_CELL) for line in data.split(b"\n")]
        for row in rows:
            for index in self._floats if len(row) > 1 or row[0] else ():
                row[index] = row[index].replace(b"-Infinity", b"-Inf").replace(b"Infinity", b"+Inf")
        return b"\n".join(_CELL.join(row) for row in rows)

    def footer(self, *, overflow: bool, error: str | None = None) -> bytes:
        return f"</TABLEDATA>\n{closing(overflow=overflow, error=error)}".encode()


class VotableTabledata:
    name = "VOTable, TABLEDATA"
    media_types = ("application/x-votable+xml;serialization=TABLEDATA",)
    aliases = ("votable/td", "votable_plain")
    ivo_id = "ivo://ivoa.net/std/TAPRegExt#output-votable-td"
    extension = "vot"
    wire = Wire.CELLS
    can_tell_errors = True

    def writer(self, header: Header) -> Writer:
        return TabledataWriter(header)


VOTABLE_TABLEDATA = VotableTabledata()
