"""CSV and TSV: PostgreSQL's own, passed through under a line of names (RFC 4180).

NULL is nothing at all, an empty text is "". Neither can tell that a result is cut or broken, so an
overflow is silent and an error breaks the connection.
"""

import csv
import io
from collections.abc import Iterable
from typing import Literal

from tap.engine.rows import Block
from tap.engine.wire import Wire
from tap.formats.format import Format, Header, Writer
from tap.formats.metadata import unique_names


def line_of(names: Iterable[str], delimiter: str, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerow(names)
    return line.getvalue().encode()


class DelimitedWriter(Writer):
    def __init__(self, header: Header, delimiter: str) -> None:
        self._header = header
        self._delimiter = delimiter

    def header(self) -> bytes:
        return line_of(unique_names(self._header.outputs), self._delimiter)

    def rows(self, block: Block) -> bytes:
        return block.data


CSV = Format(
    name="CSV",
    media_types=("text/csv", "text/csv;header=present"),
    aliases=("csv",),
    extension="csv",
    wire=Wire.CSV,
    writer=lambda header: DelimitedWriter(header, ","),
    speaks=False,
)
TSV = Format(
    name="TSV",
    media_types=("text/tab-separated-values",),
    aliases=("tsv",),
    extension="tsv",
    wire=Wire.TSV,
    writer=lambda header: DelimitedWriter(header, "\t"),
    speaks=False,
)
