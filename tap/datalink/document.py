"""The VOTable of links (DataLink 1.1 §3.3), with the descriptors of the services that its rows name and of itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from operator import attrgetter
from xml.sax.saxutils import escape

import psycopg

from schema import types
from schema.load.reader import LoadError
from schema.model import Column
from tap.datalink.faults import message_of
from tap.datalink.links import LinkRow, LinkSource, ServiceInput
from tap.datalink.result_links import LINKS_STANDARD, LINKS_TYPE, xml_ids
from tap.engine.engine import DatabaseAway, ShardAway
from tap.engine.rows import Interrupted
from tap.formats.binary_rows import null_number
from tap.formats.format import Ending, Header
from tap.formats.metadata import FieldMetadata, numbered
from tap.formats.service_descriptor import FieldLink, ResultLinks, ServiceDescriptor, ServiceParameter
from tap.formats.votable_document import clean, closing, opening
from tap.progress import QueryProgress, Stage

CONTENT_LENGTH = FieldMetadata(
    types.BIGINT, "content_length", "long", None, None, "byte", "phys.size;meta.file", None, "Its size"
)
_CELL, _ROW = "\x1f", "\x1e"
_NO_LENGTH = str(null_number(types.BIGINT))
_TEXT_FIELDS = (
    ("identifier.text", "ID", "meta.id;meta.main", "The identifier as it was asked for"),
    ("access_url", "access_url", "meta.ref.url", "Where to get it"),
    ("kind.service_def", "service_def", "meta.ref", "The descriptor of the service that gives it"),
    ("error_message", "error_message", "meta.code.error", "Why there is no link"),
    ("kind.description", "description", "meta.note", "What it is"),
    (
        "kind.semantics",
        "semantics",
        "meta.code",
        "What it is to the identified, in terms of http://www.ivoa.net/rdf/datalink/core",
    ),
    ("kind.content_type", "content_type", "meta.code.mime", "Its media type"),
    (
        "kind.content_qualifier",
        "content_qualifier",
        None,
        "What kind of data it is, in terms of http://www.ivoa.net/rdf/product-type",
    ),
    ("kind.local_semantics", "local_semantics", "meta.id.assoc", "What it is among the links of this table"),
)
"""Where a link has the texts of the standard's fields, and names, UCDs and descriptions of these."""


def text_field(name: str, ucd: str | None, description: str | None) -> FieldMetadata:
    return FieldMetadata(types.TEXT, name, "char", "*", None, None, ucd, None, description)


@dataclass(frozen=True, slots=True)
class LinkColumn:
    """A column of the table of links, and how a link's cell is made; `input` is the parameter that takes its values."""

    field: FieldMetadata
    cell: Callable[[LinkRow], str]
    input: ServiceInput | None = None


@dataclass(frozen=True)
class LinksDocument:
    """The document for one table.

    Identifiers that are numbers come first as such, by which links can be joined with rows, unless whoever asks has them as
    texts. `about` is what every result says of this service.
    """

    source: LinkSource | None
    links_url: str
    about: Mapping[str, str]
    ids_are_texts: bool = False

    def pieces(self, chunks: Iterator[list[list[LinkRow]]], maxrec: int, progress: QueryProgress) -> Iterator[bytes]:
        """Yield the document. A chunk has a list of links for each ID, of which none is cut where MAXREC ends the table.

        What fails before the first links are there raises, later the document tells it.
        """
        first = [] if maxrec == 0 else next(chunks, [])
        fields = tuple(column.field for column in self._columns)
        yield f"{opening(self._header, fields, nulls=True)}<TABLEDATA>\n".encode()
        progress.enter(Stage.ROWS)
        cut, error = maxrec == 0, None
        try:
            for chunk in () if cut else chain([first], chunks):
                fitting = _fitting(chunk, maxrec - progress.rows)
                progress.add(rows=sum(map(len, fitting)))
                yield self._rows(row for links in fitting for row in links).encode()
                if cut := len(fitting) < len(chunk):
                    break
        except (psycopg.Error, Interrupted, DatabaseAway, ShardAway, LoadError) as failure:
            error = message_of(failure)
        progress.overflow = cut
        yield f"</TABLEDATA>\n{closing(Ending(cut, error), self._header)}".encode()

    def _rows(self, rows: Iterable[LinkRow]) -> str:
        """Return rows of TABLEDATA. All are escaped at once: between cells and rows stand marks that no cell has."""
        cells = [column.cell for column in self._columns]
        text = "".join(_CELL.join([_plain(cell(row)) for cell in cells]) + _ROW for row in rows)
        inside = escape(text).replace(_CELL, "</TD><TD>").replace(_ROW, "</TD></TR>\n<TR><TD>")
        return f"<TR><TD>{inside}".removesuffix("<TR><TD>")

    @cached_property
    def _columns(self) -> tuple[LinkColumn, ...]:
        linked, inputs = (self.source.linked, self.source.inputs) if self.source else (None, [])
        columns = [
            *(LinkColumn(text_field(*about), attrgetter(path)) for path, *about in _TEXT_FIELDS),
            LinkColumn(CONTENT_LENGTH, lambda _: _NO_LENGTH),
            *(LinkColumn(text_field(i.parameter, None, None), partial(_input, i), i) for i in inputs),
        ]
        if linked and linked.takes_numbers:
            field, null = _number(linked.identifier), str(null_number(linked.identifier.type))
            columns.append(
                LinkColumn(field, lambda row: null if row.identifier.key is None else str(row.identifier.key))
            )
        names = numbered([column.field.name for column in columns], fold=True)
        columns = [
            replace(column, field=replace(column.field, name=name)) for column, name in zip(columns, names, strict=True)
        ]
        has_number_first = linked and linked.takes_numbers and not self.ids_are_texts
        return (columns[-1], *columns[:-1]) if has_number_first else tuple(columns)

    @cached_property
    def _header(self) -> Header:
        ids = xml_ids([column.field.name for column in self._columns])
        refs = {column.input: id_ for column, id_ in zip(self._columns, ids, strict=True) if column.input}
        fields = {place: FieldLink(id_) for place, id_ in enumerate(ids) if self._columns[place].input}
        links = ResultLinks(fields, (*self._services(refs), self._itself))
        about = {"service_protocol": LINKS_STANDARD, "standardID": LINKS_STANDARD, "table": self._table}
        return Header((), "", service={**self.about, **about}, links=links)

    def _services(self, refs: Mapping[ServiceInput, str]) -> Iterator[ServiceDescriptor]:
        for id_, link in self.source.services if self.source else ():
            parameters = tuple(
                ServiceParameter(name, "" if ref else template.format(), ref)
                for name, template in link.parameters
                for ref in [refs.get(ServiceInput(id_, name, template))]
            )
            name = link.local_semantics or id_
            yield ServiceDescriptor(
                name, link.url, parameters, link.description, link.standard_id, link.content_type, id_
            )

    @property
    def _table(self) -> str:
        return self.source.linked.table.table_name if self.source else ""

    @property
    def _itself(self) -> ServiceDescriptor:
        parameters = (
            ServiceParameter("ID", description="Identifiers, as often as one likes"),
            ServiceParameter("TABLE", self._table, description="The table whose rows they identify"),
            ServiceParameter("RESPONSEFORMAT", description="votable, which it is without it"),
            ServiceParameter("MAXREC", description="How many links at most"),
        )
        about = f"What belongs to rows of {self._table or 'a table'}"
        return ServiceDescriptor("links", self.links_url, parameters, about, LINKS_STANDARD, LINKS_TYPE, is_self=True)


def _fitting(chunk: Sequence[list[LinkRow]], room: int) -> Sequence[list[LinkRow]]:
    """Return the first lists of links that together are no more than there is room for."""
    for count, links in enumerate(chunk):
        room -= len(links)
        if room < 0:
            return chunk[:count]
    return chunk


def _plain(text: str) -> str:
    """Return a cell without what XML cannot hold, the marks between cells among it."""
    return text if text.isprintable() else clean(text)


def _number(column: Column) -> FieldMetadata:
    type_ = column.type
    return FieldMetadata(
        type_, column.name, type_.datatype, None, None, None, "meta.id", column.utype, column.description
    )


def _input(input_: ServiceInput, row: LinkRow) -> str:
    return row.inputs.get(input_) or ""
