"""The XML round the rows of a VOTable, and the VOTable that tells an error (DALI 1.1 §4.4).

Written as text: elements without a prefix and attributes in the order that clients look for.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from schema import types
from tap.formats.binary_rows import null_number
from tap.formats.format import Ending, Header
from tap.formats.metadata import FieldMetadata, fields, infos
from tap.formats.service_descriptor import NO_LINK, FieldLink, ServiceDescriptor, ServiceParameter

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"
VERSIONS = ("1.4", "1.5", "1.6")
_UTF8 = VERSIONS[2]
"""From which on `char` is UTF-8, and unicodeChar deprecated (VOTable 1.6 §2.1, a draft)."""
EXTENSION = "vot"
_OPEN = f"""<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="{{version}}" xmlns="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{_NAMESPACE} {_NAMESPACE}">
<RESOURCE type="results">
"""
_FIELDS = 4_096
_CLOSE = "</RESOURCE>\n</VOTABLE>\n"
_TEXT = ' datatype="char" arraysize="*"'
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TO_BE_QUOTED = re.compile("[^ !#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Controls, quotes and what XML means something by."""


def clean(text: str) -> str:
    """Replace the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def attribute(name: str, value: str | None) -> str:
    """Return ` name="value"`, or nothing where there is no value."""
    if not value:
        return ""
    return f" {name}={quoteattr(clean(value))}" if _TO_BE_QUOTED.search(value) else f' {name}="{value}"'


def columns_of(header: Header) -> tuple[FieldMetadata, ...]:
    """Return the columns of a result as its version has them: texts are char where they can be."""
    columns = fields(header.outputs)
    return tuple(map(_in_utf8, columns)) if header.version == _UTF8 else columns


def _in_utf8(column: FieldMetadata) -> FieldMetadata:
    """Return a column of any texts as one of UTF-8, whose bytes are not counted: arraysize would count them."""
    if column.type is not types.UNICODE or "x" in (column.arraysize or ""):
        return column
    return replace(column, type=types.TEXT, datatype=types.TEXT.datatype, arraysize=types.TEXT.arraysize)


def opening(header: Header, columns: tuple[FieldMetadata, ...], *, nulls: bool) -> str:
    """Return the document up to and with <DATA>. `nulls`: the format needs values that stand for NULL.

    Among the elements of arrays all formats do.
    """
    return _head(header, columns, "OK", nulls=nulls) + "<DATA>\n"


def without_data(header: Header, columns: tuple[FieldMetadata, ...], *, overflow: bool) -> str:
    """Return a document of metadata only, for files that hold the rows themselves, as `columns`."""
    return _head(header, columns, "OVERFLOW" if overflow else "OK", nulls=False) + f"</TABLE>\n{_end(header)}"


def _head(header: Header, columns: tuple[FieldMetadata, ...], status: str, *, nulls: bool) -> str:
    return "".join(
        [
            _OPEN.format(version=header.version or VERSIONS[0]),
            f'<INFO name="QUERY_STATUS" value="{status}"/>\n',
            *(f"<INFO{attribute('name', name)}{attribute('value', value)}/>\n" for name, value in infos(header)),
            *_links(header),
            "<TABLE>\n",
            *(
                _field(column, header.links.fields.get(place, NO_LINK), nulls=nulls)
                for place, column in enumerate(columns)
            ),
        ]
    )


def closing(end: Ending, header: Header) -> str:
    """Return the document from </DATA> on. A second status says what went wrong after the first (DALI 1.1 §4.4.1)."""
    status = "".join(map(_warning, end.warnings))
    if end.error is not None:
        status += _status("ERROR", end.error)
    elif end.overflow:
        status += _status("OVERFLOW", header.more_rows)
    return f"</DATA>\n</TABLE>\n{status}{_end(header)}"


def _end(header: Header) -> str:
    """Return the end of the result's RESOURCE, and those of the services that its rows lead to."""
    return f"</RESOURCE>\n{''.join(map(_service, header.links.services))}</VOTABLE>\n"


def _status(value: str, message: str) -> str:
    """Return an INFO with these attributes in this order only: astroquery looks for the text."""
    return f'<INFO name="QUERY_STATUS" value="{value}">{escape(clean(message))}</INFO>\n'


def _warning(message: str) -> str:
    return f"<INFO{attribute('name', 'warning')}{attribute('value', message)}/>\n"


def with_info(pieces: Iterator[bytes], name: str, value: str) -> Iterator[bytes]:
    """Yield a stored document with an INFO behind the status, in place of one of that name there.

    The first piece must hold its beginning.
    """
    status = b'<INFO name="QUERY_STATUS" value="OK"/>\n'
    info = f"<INFO{attribute('name', name)}{attribute('value', value)}/>\n"
    older = re.compile(f'({re.escape(status.decode())})(?:<INFO name="{re.escape(name)}"[^>]*>\n)?'.encode())
    yield older.sub(lambda match: match[1] + info.encode(), next(pieces, b""), 1)
    yield from pieces


def error_document(message: str, reason: str | None = None) -> bytes:
    """Return the document that tells an error; `reason` is a word for programs."""
    reason_info = f"<INFO{attribute('name', 'reason')}{attribute('value', reason)}/>\n" if reason else ""
    return (_OPEN.format(version=VERSIONS[0]) + _status("ERROR", message) + reason_info + _CLOSE).encode()


def cone_error_document(message: str) -> bytes:
    """Return the document that tells an error as SCS wants it (SCS 1.03 §2.3), and as DALI does."""
    info = f'<INFO ID="Error"{attribute("name", "Error")}{attribute("value", message)}/>\n'
    return error_document(message).replace(b"<RESOURCE", info.encode() + b"<RESOURCE", 1)


def _links(header: Header) -> Iterator[str]:
    for origin in header.origins:
        for role, href in (("license", origin.licence_url), ("doc", origin.reference_url)):
            if href:
                title = origin.licence if role == "license" else origin.title
                yield f'<LINK content-role="{role}"{attribute("title", title)}{attribute("href", href)}/>\n'


@lru_cache(_FIELDS)
def _field(field: FieldMetadata, link: FieldLink, *, nulls: bool) -> str:
    """The element of a column; those of a table come again with every query."""
    attributes = {**field.attributes, "ID": link.id}
    start = "<FIELD" + "".join(attribute(key, value) for key, value in attributes.items())
    inside = f"<DESCRIPTION>{escape(clean(field.description))}</DESCRIPTION>" if field.description else ""
    null = null_number(field.type) if nulls or field.type.is_array else None
    if null is not None:
        inside += f'<VALUES null="{null}"/>'
    if link.href:
        inside += f'<LINK content-role="doc"{attribute("href", link.href)}/>'
    return f"{start}>{inside}</FIELD>\n" if inside else f"{start}/>\n"


def _service(service: ServiceDescriptor) -> str:
    """Return the RESOURCE that describes a service (DataLink 1.1 §4.1)."""
    utype = "adhoc:this" if service.is_self else "adhoc:service"
    about = {"ID": service.id, "name": service.name}
    attributes = "".join(attribute(name, value) for name, value in about.items())
    values = {
        "standardID": service.standard_id,
        "accessURL": service.access_url,
        "contentType": service.content_type,
    }
    return "".join(
        [
            f'<RESOURCE type="meta" utype="{utype}"{attributes}>\n',
            _description(service.description),
            *(_param(ServiceParameter(name, value)) for name, value in values.items() if value),
            '<GROUP name="inputParams">\n',
            *map(_param, service.parameters),
            "</GROUP>\n</RESOURCE>\n",
        ]
    )


def _param(parameter: ServiceParameter) -> str:
    """Return the element of a parameter; its value stands there even where it is empty."""
    value = quoteattr(clean(parameter.value))
    start = f"<PARAM{attribute('name', parameter.name)}{_TEXT} value={value}{attribute('ref', parameter.ref)}"
    return f"{start}>{_description(parameter.description)}</PARAM>\n" if parameter.description else f"{start}/>\n"


def _description(text: str | None) -> str:
    return f"<DESCRIPTION>{escape(clean(text))}</DESCRIPTION>\n" if text else ""
