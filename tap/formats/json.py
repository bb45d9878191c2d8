"""JSON: {"metadata": [columns], "info": [...], "data": [rows], "warnings": [texts], "status": "OK" or "OVERFLOW"}.

PostgreSQL writes the values. As JSON has no such numbers, NaN and the infinities are texts.
"""

import json
import re
from collections.abc import Iterator

from tap.engine.row_encoding import CELL, RowEncoding
from tap.engine.rows import Block
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.metadata import FieldMetadata, fields, infos

_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)')


class JsonWriter(Writer):
    def __init__(self, header: Header) -> None:
        self._header = header
        self._before = b"\n["

    def header(self) -> bytes:
        columns = json.dumps([_metadata(field) for field in fields(self._header.outputs)], ensure_ascii=False)
        about = json.dumps([{"name": n, "value": v} for n, v in infos(self._header)], ensure_ascii=False)
        return f'{{"metadata": {columns},\n"info": {about},\n"data": ['.encode()

    def rows(self, block: Block) -> bytes:
        """Return the rows as arrays. COPY doubles backslashes; there is nothing else in JSON that it would escape."""
        data = block.data.replace(b"\\\\", b"\\")
        if b"NaN" in data or b"Infinity" in data:
            data = _NO_NUMBER.sub(lambda m: m[0] if m[0][:1] == b'"' else b'"%b"' % m[0], data)
        begin, self._before = self._before, b",\n["
        return begin + data[:-1].replace(CELL, b",").replace(b"\n", b"],\n[") + b"]"

    def footer(self, end: Ending) -> Iterator[bytes]:
        warnings = json.dumps(end.warnings, ensure_ascii=False).encode()
        yield b'\n],\n"warnings": %b,\n"status": "%b"}\n' % (warnings, b"OVERFLOW" if end.overflow else b"OK")


def _metadata(field: FieldMetadata) -> dict[str, str | None]:
    """Return a column's attributes. Unit and description are always there: astroquery asks for them without looking."""
    return {**field.attributes, "unit": field.unit, "description": field.description}


JSON = Format(
    name="JSON",
    media_types=("application/json",),
    aliases=("json",),
    extension="json",
    encoding=RowEncoding.JSON,
    writer=JsonWriter,
)
