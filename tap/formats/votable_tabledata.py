"""VOTable in TABLEDATA: PostgreSQL writes the cells, replacements of bytes write the XML round them."""

from collections.abc import Iterator

from schema import types
from tap.engine.row_encoding import CELL, RowEncoding, column_type
from tap.engine.rows import Block
from tap.formats.cells import rows_in_tags, without_cell_marks
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.votable_document import EXTENSION, VERSIONS, closing, columns_of, opening

_FLOATS = (types.REAL, types.DOUBLE, types.REALS, types.DOUBLES)


class TabledataWriter(Writer):
    def __init__(self, header: Header) -> None:
        self._header = header
        self._floats = [i for i, o in enumerate(header.outputs) if column_type(o) in _FLOATS]

    def header(self) -> bytes:
        return f"{opening(self._header, columns_of(self._header), nulls=True)}<TABLEDATA>\n".encode()

    def rows(self, block: Block) -> bytes:
        data = without_cell_marks(block.data)
        if b"Infinity" in data:
            data = self._spell_infinity(data)
        return rows_in_tags(data, b"TR", b"TD")

    def _spell_infinity(self, data: bytes) -> bytes:
        """Write infinities as +Inf and -Inf (VOTable 1.4 §6); texts that say Infinity stay as they are."""
        rows = [line.split(CELL) for line in data.split(b"\n")]
        for row in rows:
            for index in self._floats if len(row) > 1 or row[0] else ():
                row[index] = row[index].replace(b"-Infinity", b"-Inf").replace(b"Infinity", b"+Inf")
        return b"\n".join(CELL.join(row) for row in rows)

    def footer(self, end: Ending) -> Iterator[bytes]:
        yield f"</TABLEDATA>\n{closing(end, self._header)}".encode()


VOTABLE_TABLEDATA = Format(
    name="VOTable, TABLEDATA",
    media_types=("application/x-votable+xml;serialization=TABLEDATA",),
    aliases=("votable/td", "votable_plain"),
    extension=EXTENSION,
    encoding=RowEncoding.CELLS,
    writer=TabledataWriter,
    ivo_id="ivo://ivoa.net/std/TAPRegExt#output-votable-td",
    versions=VERSIONS,
    can_tell_errors=True,
)
