"""VOTable in BINARY2 and BINARY: base64 of rows that were never Python objects."""

from collections.abc import Iterator

import pybase64

from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.binary_rows import BinaryRows
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.votable_document import EXTENSION, VERSIONS, closing, columns_of, opening


class VotableBinaryWriter(Writer):
    def __init__(self, header: Header, element: str) -> None:
        self._header = header
        self._element = element
        self._fields = columns_of(header)
        self._rows = BinaryRows(self._fields, masked=element == "BINARY2")
        self._rest = b""

    def header(self) -> bytes:
        start = opening(self._header, self._fields, nulls=self._element == "BINARY")
        return f'{start}<{self._element}>\n<STREAM encoding="base64">\n'.encode()

    def rows(self, block: Block) -> bytes:
        """Encode whole triples of bytes, which make whole base64; one or two are kept for the next block."""
        data = self._rest + self._rows.encode(block)
        size = len(data) - len(data) % 3
        self._rest = data[size:]
        return bytes(pybase64.b64encode(data[:size])) + b"\n"

    def footer(self, end: Ending) -> Iterator[bytes]:
        end_of_document = closing(end, self._header)
        encoded = bytes(pybase64.b64encode(self._rest))
        yield encoded + f"\n</STREAM>\n</{self._element}>\n{end_of_document}".encode()


VOTABLE_BINARY2 = Format(
    name="VOTable, BINARY2",
    media_types=(
        "application/x-votable+xml",
        "application/x-votable+xml;serialization=BINARY2",
        "text/xml",
        "application/xml",
        "text/xml;content=x-votable",
    ),
    aliases=("votable", "votable/b2", "votable_binary2", "votable_gzip"),
    extension=EXTENSION,
    encoding=RowEncoding.BINARY,
    writer=lambda header: VotableBinaryWriter(header, "BINARY2"),
    ivo_id="ivo://ivoa.net/std/TAPRegExt#output-votable-binary2",
    versions=VERSIONS,
    can_tell_errors=True,
)
VOTABLE_BINARY = Format(
    name="VOTable, BINARY",
    media_types=("application/x-votable+xml;serialization=BINARY",),
    aliases=("votable/b", "votable_binary"),
    extension=EXTENSION,
    encoding=RowEncoding.BINARY,
    writer=lambda header: VotableBinaryWriter(header, "BINARY"),
    ivo_id="ivo://ivoa.net/std/TAPRegExt#output-votable-binary",
    versions=VERSIONS,
    can_tell_errors=True,
)
