"""Rows of TABLEDATA without an XML parser: where all tags stand as they do in nearly every file, numpy finds them.

A piece with anything else in it (entities, attributes, comments, CDATA, another order) is left to expat.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_STARTS = {name: int.from_bytes(name, "little") for name in (b"<TR>", b"<TD>", b"</TD", b"</TR")}
_ELSEWHERE = (b"&", b"\r", b"]]>")
_LARGEST = 2 << 20
_BLANK, _TAB, _LINE = 32, 9, 10

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


class Tags:
    """Finds the tags of a table with so many columns; `prefix` is what they begin with, as `v:`, or nothing."""

    def __init__(self, columns: int, prefix: bytes) -> None:
        self._prefix = prefix
        cells = [b"<TD>", b"</TD"] * columns
        self._pattern = np.array([_STARTS[tag] for tag in (b"<TR>", *cells, b"</TR")], np.uint32)
        self._lengths = np.array([4, *[4, 5] * columns, 5])

    def texts(self, rows: bytes) -> list[pa.Array] | None:
        """Return the cells of whole rows, column by column; None where expat must read them."""
        if len(rows) > _LARGEST:
            return None
        if self._prefix:
            rows = rows.replace(b"<" + self._prefix, b"<").replace(b"</" + self._prefix, b"</")
        rows = rows.replace(b"<TD/>", b"<TD></TD>")
        content = np.frombuffer(rows + bytes(4), np.uint8)
        places = np.flatnonzero(content == ord("<"))
        if not len(places) or len(places) % len(self._pattern) or any(text in rows for text in _ELSEWHERE):
            return None
        tags = places.reshape(-1, len(self._pattern))
        if not self._are_tags(content, tags) or not self._is_clean(content, tags):
            return None
        return _cut(content, tags[:, 1:-1:2] + 4, tags[:, 2:-1:2])

    def _are_tags(self, content: Bytes, tags: Ints) -> bool:
        starts = np.ndarray((len(content) - 3,), "<u4", content, 0, (1,))[tags]
        lasts = content[tags + self._lengths - 1]
        return bool((starts == self._pattern).all() and (lasts == ord(">")).all())

    def _is_clean(self, content: Bytes, tags: Ints) -> bool:
        """Return whether only blanks stand between cells and rows, and no character that XML has not."""
        text = content[:-4]
        signs = np.concatenate([[0], np.cumsum(text > _BLANK, dtype=np.int64)])
        ends = (tags + self._lengths).reshape(-1)
        nexts = np.append(tags.reshape(-1)[1:], len(text))
        between = np.ones(tags.shape, bool)
        between[:, 1:-1:2] = False
        gaps = between.reshape(-1)
        starts_clean = signs[tags[0, 0]] == 0
        low = text[text < _BLANK]
        return bool(
            starts_clean and (signs[nexts[gaps]] == signs[ends[gaps]]).all() and ((low == _TAB) | (low == _LINE)).all()
        )


def _cut(content: Bytes, starts: Ints, ends: Ints) -> list[pa.Array]:
    """Cut out all cells as one array of texts, of which each column takes its own."""
    edges = np.zeros(len(content) + 1, np.int8)
    edges[starts.reshape(-1)] += 1
    edges[ends.reshape(-1)] -= 1
    inside = np.cumsum(edges[:-1], dtype=np.int8).view(bool)
    offsets = np.concatenate([[0], np.cumsum((ends - starts).reshape(-1))]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(content[inside])]
    cells = pa.Array.from_buffers(pa.string(), starts.size, buffers)
    rows, columns = starts.shape
    places = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    return [cells.take(pa.array(np.ascontiguousarray(places[:, index]))) for index in range(columns)]
