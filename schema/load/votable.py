"""VOTable in TABLEDATA, BINARY and BINARY2, read as a stream (VOTable 1.4 §5).

The XML is read piece by piece with no DOCTYPE, entities or network; only the first TABLE counts.
"""

import base64
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat

import pyarrow as pa

from schema import types
from schema.load.reader import ARROW_OF, FileColumn, LoadError, Reader
from schema.types import Type, of_votable

_CHUNK = 1 << 18
_ROWS = 20_000
_STRUCTS = {"short": "h", "int": "i", "long": "q", "float": "f", "double": "d", "unsignedByte": "B", "boolean": "c"}


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    datatype: str
    arraysize: str | None
    null: str | None
    column: FileColumn

    @property
    def type(self) -> Type:
        return self.column.type

    @property
    def count(self) -> int | None:
        """Elements of an array; None where each value says."""
        if self.arraysize is None:
            return 1
        sizes = self.arraysize.split("x")
        if self.arraysize.endswith("*"):
            return None
        product = 1
        for size in sizes:
            product *= int(size)
        return product


class VotableReader:
    def __init__(self, path: Path) -> None:
        self._size = max(1, path.stat().st_size)
        self._file: BinaryIO = path.open("rb")
        self._document = _Document()
        self._rows_read = 0
        while not self._document.data and self._feed():
            pass
        if not self._document.data:
            raise LoadError(f"{path} has no table with data")
        self._fields = tuple(_field(each) for each in self._document.fields)
        self.columns = tuple(each.column for each in self._fields)

    def _feed(self) -> bool:
        chunk = self._file.read(_CHUNK)
        try:
            self._document.parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise LoadError(
                f"line {error.lineno}: the XML is not well-formed: {expat.ErrorString(error.code)}"
            ) from error
        return bool(chunk) and not self._document.finished

    def batches(self) -> Iterator[pa.RecordBatch]:
        rows = self._tabledata() if self._document.data == "TABLEDATA" else self._binary()
        batch: list[list[Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == _ROWS:
                yield self._batch(batch)
                batch = []
        if batch:
            yield self._batch(batch)

    def _batch(self, rows: list[list[Any]]) -> pa.RecordBatch:
        columns = zip(*rows, strict=True)
        arrays = []
        for field, values in zip(self._fields, columns, strict=True):
            try:
                arrays.append(pa.array(values, ARROW_OF[field.type]))
            except (pa.ArrowException, OverflowError, ValueError) as error:
                raise LoadError(
                    f"column {field.name}, rows {self._rows_read + 1} to {self._rows_read + len(rows)}: {error}"
                ) from error
        self._rows_read += len(rows)
        return pa.RecordBatch.from_arrays(arrays, names=[f.name for f in self._fields])

    def _tabledata(self) -> Iterator[list[Any]]:
        number, more = 0, True
        while more:
            for cells in self._document.take_rows():
                number += 1
                yield [
                    self._cell(f, text, number)
                    for f, text in zip(self._fields, _padded(cells, len(self._fields), number), strict=True)
                ]
            more = self._feed() or bool(self._document.rows)

    def _cell(self, field: Field, text: str, row: int) -> Any:
        try:
            return _parse_cell(field, text)
        except (ValueError, KeyError) as error:
            raise LoadError(f"row {row}, column {field.name}: {text[:40]!r} is no {field.datatype}") from error

    def _binary(self) -> Iterator[list[Any]]:
        decoder = _Binary(self._fields, masked=self._document.data == "BINARY2")
        more = True
        while more:
            yield from decoder.rows(self._document.take_stream())
            more = self._feed()
        yield from decoder.rows(self._document.take_stream())
        decoder.finish()

    def fraction(self) -> float | None:
        return min(1.0, self._file.tell() / self._size)


class _Document:
    """What expat tells of a VOTable: the FIELDs, then rows of text or base64."""

    def __init__(self) -> None:
        self.fields: list[dict[str, str]] = []
        self.data = ""
        self.finished = False
        self.rows: list[list[str]] = []
        self._row: list[str] = []
        self._text: list[str] = []
        self._stream: list[str] = []
        self._rest = ""
        self._path: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise LoadError("A VOTable needs no DOCTYPE, and none is allowed here")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._path.append(name)
        self._text = []
        if self.finished:
            return
        if name == "FIELD" and "TABLE" in self._path:
            self.fields.append(dict(attributes))
        elif name == "VALUES" and "FIELD" in self._path and "null" in attributes:
            self.fields[-1]["null"] = attributes["null"]
        elif name in {"TABLEDATA", "BINARY", "BINARY2"}:
            self.data = name
        elif name == "STREAM" and ("href" in attributes or attributes.get("encoding", "base64") != "base64"):
            raise LoadError("The data of a VOTable must stand in it, as base64")
        elif name == "FITS":
            raise LoadError("A VOTable with FITS data cannot be loaded; load the FITS file")

    def _end(self, tag: str) -> None:
        name = self._path.pop()
        if self.finished:
            return
        if name == "DESCRIPTION" and self._path and self._path[-1] == "FIELD":
            self.fields[-1]["description"] = "".join(self._text).strip()
        elif name == "TD":
            self._row.append("".join(self._text))
        elif name == "TR":
            self.rows.append(self._row)
            self._row = []
        elif name == "TABLE":
            self.finished = True

    def _characters(self, text: str) -> None:
        if self._path and self._path[-1] == "STREAM" and not self.finished:
            self._stream.append(text)
        elif self._path and self._path[-1] in {"TD", "DESCRIPTION"}:
            self._text.append(text)

    def take_rows(self) -> list[list[str]]:
        taken, self.rows = self.rows, []
        return taken

    def take_stream(self) -> bytes:
        text = self._rest + "".join("".join(self._stream).split())
        self._stream = []
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        return base64.b64decode(text[:whole])


def _field(attributes: dict[str, str]) -> Field:
    name = attributes.get("name") or attributes.get("ID") or ""
    datatype, arraysize = attributes.get("datatype", ""), attributes.get("arraysize")
    arraysize = None if arraysize == "1" and datatype not in {"char", "unicodeChar"} else arraysize
    xtype = attributes.get("xtype")
    known = xtype if xtype in {"timestamp", "adql:TIMESTAMP"} else None
    type_ = (
        types.SMALLINT if (datatype, arraysize) == ("unsignedByte", None) else of_votable(datatype, arraysize, known)
    )
    if type_ is None:
        raise LoadError(f"column {name}: values of type {datatype}({arraysize or ''}) cannot be loaded")
    said = {key: attributes.get(key) for key in ("unit", "ucd", "utype", "description")}
    return Field(name, datatype, arraysize, attributes.get("null"), FileColumn(name, type_, **said))


def _padded(cells: list[str], count: int, row: int) -> list[str]:
    if len(cells) > count:
        raise LoadError(f"row {row}: {len(cells)} cells for {count} columns")
    return cells + [""] * (count - len(cells))


_TRUTH = {"t": True, "1": True, "true": True, "f": False, "0": False, "false": False, "?": None, "": None, " ": None}


def _parse_cell(field: Field, text: str) -> Any:
    if field.type.is_text:
        return text or None
    text = text.strip()
    if not text or text == field.null:
        return None
    if field.type is types.TIMESTAMP:
        return _moment(text)
    if field.type is types.BOOLEAN:
        return _TRUTH[text.lower()]
    number: Callable[[str], Any] = float if field.datatype in {"float", "double"} else lambda t: int(t, 0)
    if field.type.is_array:
        return [number(each) for each in text.split()]
    return number(text)


def _moment(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text.removesuffix("Z"))


class _Binary:
    """Rows of BINARY or BINARY2, cut out of a stream of bytes."""

    def __init__(self, fields: tuple[Field, ...], *, masked: bool) -> None:
        self._fields = fields
        self._mask = (len(fields) + 7) // 8 if masked else 0
        self._buffer = b""
        self._row = 0

    def rows(self, data: bytes) -> Iterator[list[Any]]:
        self._buffer += data
        place = 0
        while True:
            try:
                row, place = self._read(place)
            except (struct.error, IndexError):
                break
            self._row += 1
            yield row
        self._buffer = self._buffer[place:]

    def finish(self) -> None:
        if self._buffer:
            raise LoadError(f"after row {self._row}: the data end in the middle of a row")

    def _read(self, place: int) -> tuple[list[Any], int]:
        if place >= len(self._buffer):
            raise IndexError
        mask = self._buffer[place : place + self._mask]
        place += self._mask
        row = []
        for index, field in enumerate(self._fields):
            value, place = self._value(field, place)
            null = bool(mask) and bool(mask[index // 8] & (128 >> index % 8))
            row.append(None if null else value)
        return row, place

    def _value(self, field: Field, place: int) -> tuple[Any, int]:
        count = field.count
        if count is None:
            (count,) = struct.unpack_from("!i", self._buffer, place)
            place += 4
        if field.datatype in {"char", "unicodeChar"}:
            return self._text(field, count, place)
        code = f"!{count}{_STRUCTS[field.datatype]}"
        values = struct.unpack_from(code, self._buffer, place)
        return _converted(field, values), place + struct.calcsize(code)

    def _text(self, field: Field, count: int, place: int) -> tuple[Any, int]:
        wide = field.datatype == "unicodeChar"
        end = place + count * (2 if wide else 1)
        if end > len(self._buffer):
            raise IndexError
        text = self._buffer[place:end].decode("utf-16-be" if wide else "utf-8", "replace").split("\0")[0]
        if field.type is types.TIMESTAMP:
            return _moment(text) if text.strip() else None, end
        return text or None, end


def _converted(field: Field, values: tuple[Any, ...]) -> Any:
    if field.type is types.BYTES:
        return bytes(values)
    if field.type is types.BOOLEAN:
        return _TRUTH.get(values[0].decode("ascii", "replace").strip("\0").lower())
    if field.type.is_array:
        return list(values)
    return None if field.null is not None and str(values[0]) == field.null else values[0]


class VotableFormat:
    name = "VOTable"

    def reads(self, path: Path, head: bytes) -> bool:
        return b"<VOTABLE" in head or b":VOTABLE" in head or path.suffix.lower() in {".vot", ".votable"}

    def open(self, path: Path, wanted_types: dict[str, str]) -> Reader:
        return VotableReader(path)


VOTABLE = VotableFormat()
