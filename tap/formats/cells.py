"""Cells of COPY's text form → cells that may stand in XML or HTML: replacements of bytes, no loop over rows."""

import re

from tap.engine.row_encoding import CELL

_UNREADABLE = bytes((*range(9), 11, 12, *range(14, 31)))
_TO_QUESTION_MARK = bytes.maketrans(_UNREADABLE, b"?" * len(_UNREADABLE))
_NO_CHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPES = {b"b": b"?", b"f": b"?", b"v": b"?", b"n": b"\n", b"r": b"&#13;", b"t": b"\t", b"\\": b"\\"}


def without_cell_marks(data: bytes) -> bytes:
    """Put a question mark for the mark between cells where it stands in texts, so that it stands nowhere else."""
    return _ESCAPED.sub(lambda m: b"?" if m[1] == CELL else m[0], data) if b"\\" in data else data


def readable(data: bytes) -> bytes:
    """Put a question mark for everything that XML has no character for."""
    data = data.translate(_TO_QUESTION_MARK)
    return _NO_CHARACTERS.sub(b"?", data) if b"\xef\xbf" in data else data


def rows_in_tags(data: bytes, row: bytes, cell: bytes) -> bytes:
    """Return rows in elements that are called `row` and `cell`.

    `data`: the lines of a block, without cell marks in texts.
    """
    opened, closed = b"<%b><%b>" % (row, cell), b"</%b></%b>" % (cell, row)
    data = data.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    data = readable(data)[:-1].replace(CELL, b"</%b><%b>" % (cell, cell)).replace(b"\n", closed + b"\n" + opened)
    if b"\\" in data:
        data = _ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[1]), data)
    return opened + data + closed + b"\n"
