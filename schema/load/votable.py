"""VOTable in TABLEDATA, BINARY and BINARY2, read as a stream (VOTable 1.4 §5)."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from schema.load.reader import LoadError, Reader
from schema.load.votable_binary import BinaryDecoder
from schema.load.votable_document import Document
from schema.load.votable_field import field_of
from schema.load.votable_tabledata import Cells

_CHUNK = 1 << 18
_ROWS = 20_000


class VotableReader:
    def __init__(self, path: Path) -> None:
        self._size = max(1, path.stat().st_size)
        self._file: BinaryIO = path.open("rb")
        self._document = Document()
        while not self._document.data and self._feed():
            pass
        if not self._document.data:
            raise LoadError(f"{path} has no table with data")
        self._fields = tuple(field_of(each) for each in self._document.fields)
        self.columns = tuple(each.column for each in self._fields)

    def _feed(self) -> bool:
        chunk = self._file.read(_CHUNK)
        self._document.feed(chunk)
        return bool(chunk)

    def batches(self) -> Iterator[pa.RecordBatch]:
        return self._tabledata() if self._document.data == "TABLEDATA" else self._binary()

    def _tabledata(self) -> Iterator[pa.RecordBatch]:
        cells, more = Cells(self._fields), True
        while more:
            more = self._feed()
            yield from cells.batches(self._document.take_rows(_ROWS, last=not more))

    def _binary(self) -> Iterator[pa.RecordBatch]:
        decoder = BinaryDecoder(self._fields, masked=self._document.data == "BINARY2")
        more = True
        while more:
            data = self._document.take_stream()
            if batch := decoder.decode(data):
                yield batch
            more = self._feed()
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

    def open(self, path: Path, wanted_types: dict[str, str]) -> Reader:
        return VotableReader(path)


VOTABLE = VotableFormat()
