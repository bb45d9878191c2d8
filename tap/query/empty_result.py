"""A result without rows, made without the database: clients learn from it what columns a query gives."""

from dataclasses import replace

from adql.translate import translate
from schema.model import Catalogue
from tap.datalink.result_links import result_links
from tap.formats.format import Ending, Format
from tap.query.remarks import header_of
from tap.query.run import QueryService, of_service
from tap.request import TapRequest


def empty_result(query: str, catalogue: Catalogue, format_: Format, service: QueryService) -> bytes:
    """Return what the result of a query says of its columns; not when it was asked for. Raises: AdqlError."""
    translation = translate(query, catalogue)
    header = header_of(TapRequest(query, 0, format_, format_.media_types[0]), translation, None, ())
    links = result_links(translation.outputs, translation.tables, service.links_url)
    writer = format_.writer(of_service(replace(header, links=links, time=None), service))
    return b"".join([writer.header(), *writer.footer(Ending())])
