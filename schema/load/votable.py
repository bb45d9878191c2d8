"""VOTable in TABLEDATA, BINARY and BINARY2, read as a stream (VOTable 1.4 §5)."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from schema.load.reader import LoadError, Reader
from schema.load.votable_binary import BinaryDecoder
from schema.load.votable_document import Document
from schema.load.votable_field import LONGEST, field_of
from schema.load.votable_tabledata import Cells
from schema.load.votable_tags import Tags

_CHUNK = 1 << 18
_ROWS = 20_000
_WAITING = 8 << 20
"""Bytes of a file whose rows wait until there are enough of them."""
_UTF8 = {"", "utf-8", "utf8", "us-ascii"}
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
"""How files in UTF-16 begin."""


class VotableReader:
    def __init__(self, path: Path) -> None:
        self._size = max(1, path.stat().st_size)
        self._file: BinaryIO = path.open("rb")
        self._is_wide = self._file.read(2) in _WIDE
        self._file.seek(0)
        self._document = Document()
        while not (self._document.data or self._document.finished) and self._feed():
            if self._file.tell() > LONGEST:
                raise LoadError(f"what comes before its rows is longer than {LONGEST} bytes")
        if not self._document.data and not self._document.fields:
            raise LoadError(f"{path} has no table")
        self._fields = tuple(field_of(attributes) for attributes in self._document.fields)
        self.columns = tuple(field.column for field in self._fields)

    def _feed(self) -> bool:
        chunk = self._file.read(_CHUNK)
        self._document.feed(chunk)
        return bool(chunk)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Return the rows of the first table; tables that come after it do not matter.

        Without DATA it has no rows (VOTable 1.4 §5).
        """
        if not self._document.data:
            return iter(())
        if self._document.data != "TABLEDATA":
            return self._binary()
        is_utf8 = not self._is_wide and self._document.encoding.lower() in _UTF8
        return self._tabledata() if is_utf8 and self._fields else self._parsed(Cells(self._fields))

    # ---- TABLEDATA

    def _tabledata(self) -> Iterator[pa.RecordBatch]:
        """Yield rows piece by piece.

        Plain pieces need no parser; it reads the others, and all that is round the rows.
        """
        cells, tags = Cells(self._fields), Tags(len(self._fields), self._document.prefix.encode())
        rest = self._parse_head()
        is_last = not self._document.in_rows
        while not is_last:
            rows, rest, is_last = self._next_rows(rest, cells)
            if (columns := tags.texts(rows)) is not None:
                yield cells.batch(columns)
            elif rows:
                self._document.feed(rows)
                yield from cells.batches(self._document.take_rows(0, last=True))
                # Within a comment or CDATA rows cannot be told from text.
                is_last = is_last or b"<!" in rows or b"<?" in rows
        self._document.feed(rest)
        yield from self._parsed(cells)

    def _parse_head(self) -> bytes:
        """Parse up to the first row, with a parser that has read nothing more.

        Return what follows it in a piece of the file.
        """
        self._file.seek(0)
        head = self._file.read(self._document.begins)
        chunk = self._file.read(_CHUNK)
        end = chunk.index(b">") + 1
        self._document = Document()
        self._document.feed(head + chunk[:end])
        return chunk[end:]

    def _next_rows(self, rest: bytes, cells: Cells) -> tuple[bytes, bytes, bool]:
        """Return whole rows, what follows them, and whether they are the last.

        At the end of the file these are all that there is.
        """
        prefix = self._document.prefix.encode()
        row_end, table_end = b"</" + prefix + b"TR>", b"</" + prefix + b"TABLEDATA"
        seen = 0
        while len(rest) <= LONGEST:
            if (place := rest.find(table_end, seen)) >= 0:
                return rest[:place], rest[place:], True
            if (place := rest.rfind(row_end, seen)) >= 0:
                return rest[: place + len(row_end)], rest[place + len(row_end) :] + self._file.read(_CHUNK), False
            seen = max(0, len(rest) - len(table_end))
            # The longer a row is, the more is read at once, so that none is copied many times.
            chunk = self._file.read(max(_CHUNK, len(rest) // 2))
            if not chunk:
                return rest, b"", True
            rest += chunk
        raise LoadError(f"row {cells.rows + 1} is longer than {LONGEST} bytes")

    def _parsed(self, cells: Cells) -> Iterator[pa.RecordBatch]:
        has_more, waiting = True, 0
        while has_more:
            has_more = self._feed()
            waiting += _CHUNK if self._document.in_rows else 0
            rows = self._document.take_rows(_ROWS if waiting < _WAITING else 1, last=not has_more)
            waiting = 0 if rows else waiting
            if waiting > LONGEST:
                raise LoadError(f"row {cells.rows + 1} is longer than {LONGEST} bytes")
            yield from cells.batches(rows)

    # ---- BINARY and BINARY2

    def _binary(self) -> Iterator[pa.RecordBatch]:
        decoder = BinaryDecoder(self._fields, masked=self._document.data == "BINARY2")
        has_more = True
        while has_more:
            data = self._document.take_stream()
            if batch := decoder.decode(data):
                yield batch
            has_more = self._feed()
        if batch := decoder.decode(self._document.take_stream()):
            yield batch
        self._document.finish_stream()
        decoder.finish()

    def fraction(self) -> float | None:
        return min(1.0, self._file.tell() / self._size)


class VotableFormat:
    name = "VOTable"

    def reads(self, path: Path, head: bytes) -> bool:
        return b"<VOTABLE" in head or b":VOTABLE" in head or path.suffix.lower() in {".vot", ".votable"}

    def open(self, path: Path, wanted_types: dict[str, str], most_at_once: int | None) -> Reader:
        return VotableReader(path)


VOTABLE = VotableFormat()
