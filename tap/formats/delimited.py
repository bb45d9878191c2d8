"""CSV and TSV: PostgreSQL's own, passed through under a line of names (RFC 4180).

NULL is nothing at all, an empty text is "". Neither can tell that a result is cut or broken, so an
overflow is silent and an error breaks the connection.
"""

import csv
import io

from tap.engine.rows import Block
from tap.engine.wire import Wire
from tap.formats.format import Header, Writer, unique_names


class DelimitedWriter:
    def __init__(self, header: Header, delimiter: str) -> None:
        self._header = header
        self._delimiter = delimiter

    def header(self) -> bytes:
        line = io.StringIO()
        csv.writer(line, delimiter=self._delimiter, lineterminator="\n").writerow(unique_names(self._header.outputs))
        return line.getvalue().encode()

    def rows(self, block: Block) -> bytes:
        return block.data

    def footer(self, *, overflow: bool, error: str | None = None) -> bytes:
        return b""


class Csv:
    name = "CSV"
    media_types = ("text/csv", "text/csv;header=present")
    aliases = ("csv",)
    ivo_id = None
    extension = "csv"
    wire = Wire.CSV
    can_tell_errors = False

    def writer(self, header: Header) -> Writer:
        return DelimitedWriter(header, ",")


class Tsv:
    name = "TSV"
    media_types = ("text/tab-separated-values",)
    aliases = ("tsv",)
    ivo_id = None
    extension = "tsv"
    wire = Wire.TSV
    can_tell_errors = False

    def writer(self, header: Header) -> Writer:
        return DelimitedWriter(header, "\t")


CSV, TSV = Csv(), Tsv()
