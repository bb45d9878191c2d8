"""CSV and TSV: PostgreSQL's own, passed through under a line of names (RFC 4180).

NULL is nothing at all, an empty text is ""; in a single column both are "", as readers skip empty lines. Neither
format can tell that a result is cut or broken, so an overflow is silent, unless comments are asked for, and an
error breaks the connection.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.metadata import unique_names


def line_of(names: Iterable[str], delimiter: str, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerow(names)
    return line.getvalue().encode()


_QUOTED_OR_EMPTY = re.compile(rb'"(?:[^"]|"")*"|^(?=\n)', re.MULTILINE)


def _may_have_empty(lines: bytes) -> bool:
    return lines.startswith(b"\n") or b"\n\n" in lines


def _filled(match: re.Match[bytes]) -> bytes:
    return match[0] or b'""'


class DelimitedWriter(Writer):
    def __init__(self, header: Header, delimiter: str) -> None:
        self._header = header
        self._delimiter = delimiter

    def header(self) -> bytes:
        return line_of(unique_names(self._header.outputs), self._delimiter)

    def rows(self, block: Block) -> bytes:
        is_list = len(self._header.outputs) == 1
        return _QUOTED_OR_EMPTY.sub(_filled, block.data) if is_list and _may_have_empty(block.data) else block.data

    def footer(self, end: Ending) -> Iterator[bytes]:
        if self._header.comments:
            yield from (f"# {' '.join(text.split())}\n".encode() for text in self._remarks(end))

    def _remarks(self, end: Ending) -> Iterator[str]:
        yield from (f"Warning: {text}" for text in (*self._header.warnings, *end.warnings))
        if end.overflow:
            yield f"OVERFLOW: there are more rows. {self._header.more_rows}"


CSV = Format(
    name="CSV",
    media_types=("text/csv", "text/csv;header=present"),
    aliases=("csv",),
    extension="csv",
    encoding=RowEncoding.CSV,
    writer=lambda header: DelimitedWriter(header, ","),
    speaks=False,
)
TSV = Format(
    name="TSV",
    media_types=("text/tab-separated-values",),
    aliases=("tsv",),
    extension="tsv",
    encoding=RowEncoding.TSV,
    writer=lambda header: DelimitedWriter(header, "\t"),
    speaks=False,
)
