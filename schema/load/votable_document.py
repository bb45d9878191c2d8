"""The XML of a VOTable, read piece by piece: no DOCTYPE, no entities, no network; only the first TABLE counts."""

from xml.parsers import expat

import pybase64

from schema.load.reader import MOST_COLUMNS, LoadError

_WHITESPACE = b" \t\r\n"
_BUFFER = 1 << 20
_DEEPEST = 100
_MOST_ATTRIBUTES = 1000
_LONGEST_TAG = 4_000_000
"""Bytes of a tag or a comment, which the parser keeps until it ends."""
_SAID = ("name", "ID", "datatype", "arraysize", "xtype", "unit", "ucd", "utype")
_ROW_LEVELS = ("TABLEDATA", "TR", "TD")


class Document:
    """What expat tells of a VOTable: the FIELDs, then rows of text or a stream of bytes.

    `begins` is the byte at which the data's element begins, `prefix` what its tag has before its name.
    """

    def __init__(self) -> None:
        self.fields: list[dict[str, str]] = []
        self.data = ""
        self.prefix = ""
        self.begins = 0
        self.encoding = ""
        self.in_rows = False
        self.finished = False
        self._rows: list[list[str]] = []
        self._text: list[str] = []
        self._stream: list[str] = []
        self._rest = b""
        self._ended = False
        self._path: list[str] = []
        self._tables = 0
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = _BUFFER
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.XmlDeclHandler = self._declared
        self._read_elements()

    def feed(self, chunk: bytes) -> None:
        """Parse the next piece of the file, empty at its end. Raises: LoadError."""
        try:
            self._parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            message = f"line {error.lineno}: the XML is not well-formed: {expat.ErrorString(error.code)}"
            raise LoadError(message) from error
        except (LookupError, ValueError) as error:
            raise LoadError(f"the encoding that the XML names is none: {error}") from error
        self._fed += len(chunk)
        if self._fed - max(0, self._parser.CurrentByteIndex) > _LONGEST_TAG:
            raise LoadError(
                f"line {self._parser.CurrentLineNumber}: a tag or comment has more than {_LONGEST_TAG} bytes"
            )

    def take_rows(self, least: int, *, last: bool) -> list[list[str]]:
        """Return the rows of cells once there are at least `least` of them, or all of them if they are the `last`."""
        if len(self._rows) < least and not last:
            return []
        rows = self._rows.copy()
        self._rows.clear()
        return rows

    def take_stream(self) -> bytes:
        """Return the bytes that came since. Raises: LoadError where they are not base64."""
        text = self._rest + "".join(self._stream).encode("ascii", "replace").translate(None, _WHITESPACE)
        self._stream = []
        whole_groups = len(text) - len(text) % 4
        self._rest = text[whole_groups:]
        if text and (self._ended or b"=" in text[: max(0, whole_groups - 2)]):
            raise LoadError("the data are not base64: they go on after their end")
        self._ended = text[:whole_groups].endswith(b"=")
        try:
            return bytes(pybase64.b64decode(text[:whole_groups], validate=True))
        except ValueError as error:
            raise LoadError(f"the data are not base64: {error}") from error

    def finish_stream(self) -> None:
        """Check that the base64 is whole. Raises: LoadError where it ends within a group of four."""
        if self._rest:
            raise LoadError("the data are not base64: they break off")

    # ---- elements round the data

    def _read_elements(self) -> None:
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def _doctype(self, *_: object) -> None:
        raise LoadError("A VOTable needs no DOCTYPE, and none is allowed here")

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.encoding = encoding or ""

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name, parent = tag.rpartition(":")[2], self._path[-1] if self._path else ""
        self._path.append(name)
        self._tables += name == "TABLE"
        if len(self._path) > _DEEPEST:
            raise LoadError(f"the XML has more than {_DEEPEST} elements within each other")
        if len(attributes) > _MOST_ATTRIBUTES:
            raise LoadError(f"an element has {len(attributes)} attributes")
        self._text = []
        if self.finished or not self._tables:
            return
        if name == "FIELD":
            if len(self.fields) == MOST_COLUMNS:
                raise LoadError(f"the table has more than {MOST_COLUMNS:,} columns")
            self.fields.append({name: attributes[name] for name in _SAID if name in attributes})
        elif name == "VALUES" and parent == "FIELD" and "null" in attributes:
            self.fields[-1]["null"] = attributes["null"]
        elif name in {"TABLEDATA", "BINARY", "BINARY2"}:
            self._begin_data(tag, name)
        elif name == "STREAM":
            self._begin_stream(attributes)
        elif name in {"FITS", "PARQUET"}:
            raise LoadError(f"A VOTable with {name} data cannot be loaded; load the file itself")

    def _begin_data(self, tag: str, name: str) -> None:
        if self.data:
            raise LoadError(f"A TABLE has one kind of data, not {self.data} and {name}")
        self.data = name
        self.prefix = tag[: -len(name)]
        self.begins = self._parser.CurrentByteIndex
        if name == "TABLEDATA":
            self._read_rows(tag)

    def _begin_stream(self, attributes: dict[str, str]) -> None:
        if "href" in attributes or attributes.get("encoding", "base64") != "base64":
            raise LoadError("The data of a VOTable must stand in it, as base64")
        self._parser.CharacterDataHandler = self._stream_text

    def _stream_text(self, text: str) -> None:
        self._stream.append(text)

    def _end(self, tag: str) -> None:
        name = self._path.pop()
        if self.finished:
            return
        if name == "DESCRIPTION" and self._tables and self._path[-1] == "FIELD":
            self.fields[-1]["description"] = "".join(self._text).strip()
        elif name == "STREAM":
            self._parser.CharacterDataHandler = self._characters
        elif name == "TABLE":
            self.finished = True

    def _characters(self, text: str) -> None:
        if self._path and self._path[-1] == "DESCRIPTION" and not self.finished:
            self._text.append(text)

    # ---- rows of cells: the same handlers millions of times, so they know nothing else

    def _read_rows(self, table: str) -> None:
        prefix = table[: -len("TABLEDATA")]
        tags = tuple(prefix + name for name in _ROW_LEVELS)
        self.in_rows = True
        rows, cells, text, level = self._rows, list[str](), list[str](), 0

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal level
            level += 1
            if level > 2 or (tag != tags[level] and tag.rpartition(":")[2] != _ROW_LEVELS[level]):
                raise LoadError(f"row {len(rows) + 1}: there is an element {tag[:40]} where none can be")
            if attributes and attributes.get("encoding"):
                raise LoadError("Cells in base64 cannot be loaded; write the table in BINARY2")
            text.clear()

        def end(tag: str) -> None:
            nonlocal cells, level
            if level == 2:
                cells.append("".join(text))
            elif level == 1:
                rows.append(cells)
                cells = []
            else:
                self.in_rows = False
                self._read_elements()
                self._end(tag)
            level -= 1

        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end
        self._parser.CharacterDataHandler = text.append
