"""The XML round the rows of a VOTable 1.4, and the VOTable that tells an error (DALI 1.1 §4.4).

Written as text: elements without a prefix and attributes in the order that clients look for.
"""

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from adql.nodes import Output
from schema import types
from tap.engine.wire import column_type
from tap.formats.binary_rows import null_number
from tap.formats.format import Header, unique_names

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"
_OPEN = f"""<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="{_NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{_NAMESPACE} {_NAMESPACE}">
<RESOURCE type="results">
"""
_CLOSE = "</RESOURCE>\n</VOTABLE>\n"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def attribute(name: str, value: str | None) -> str:
    """` name="value"`, or nothing where there is no value."""
    return f" {name}={quoteattr(clean(value))}" if value else ""


def opening(header: Header, *, nulls: bool) -> str:
    """Up to and with <DATA>. `nulls`: the format needs values that stand for NULL."""
    return "".join(
        [
            _OPEN,
            '<INFO name="QUERY_STATUS" value="OK"/>\n',
            *_infos(header),
            *_links(header),
            "<TABLE>\n",
            *_fields(header.outputs, nulls=nulls),
            "<DATA>\n",
        ]
    )


def closing(*, overflow: bool, error: str | None) -> str:
    """From </DATA> on. A second status says what went wrong after the first (DALI 1.1 §4.4.1)."""
    status = ""
    if error is not None:
        status = error_info(error)
    elif overflow:
        status = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>\n'
    return f"</DATA>\n</TABLE>\n{status}{_CLOSE}"


def error_info(message: str) -> str:
    """With these attributes in this order only: astroquery looks for the text."""
    return f'<INFO name="QUERY_STATUS" value="ERROR">{escape(clean(message))}</INFO>\n'


def error_document(message: str) -> bytes:
    return f"{_OPEN}{error_info(message)}{_CLOSE}".encode()


def _infos(header: Header) -> Iterator[str]:
    """Where the data come from, in DataOrigin's words."""
    yield _info("request_date", header.time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    yield _info("query", header.query)
    for name, value in header.service.items():
        yield _info(name, value)
    for origin in header.origins:
        named = (
            ("data_title", origin.title),
            ("creator", origin.creator),
            ("publisher", origin.publisher),
            ("rights", origin.licence),
            ("rights_uri", origin.licence_url),
            ("citation", origin.citation),
            ("reference_url", origin.reference_url),
        )
        for key, said in named:
            yield _info(key, said)


def _info(name: str, value: str | None) -> str:
    return f'<INFO name="{name}"{attribute("value", value)}/>\n' if value else ""


def _links(header: Header) -> Iterator[str]:
    for origin in header.origins:
        for role, href in (("license", origin.licence_url), ("doc", origin.reference_url)):
            if href:
                title = origin.licence if role == "license" else origin.title
                yield f'<LINK content-role="{role}"{attribute("title", title)}{attribute("href", href)}/>\n'


def _fields(outputs: tuple[Output, ...], *, nulls: bool) -> Iterator[str]:
    for output, name in zip(outputs, unique_names(outputs), strict=True):
        yield _field(output, name, nulls=nulls)


def _field(output: Output, name: str, *, nulls: bool) -> str:
    info, type_ = output.info, column_type(output)
    arraysize = info.arraysize if info.arraysize and type_.is_text and info.arraysize.endswith("*") else type_.arraysize
    xtype = type_.xtype or (info.xtype if type_ is types.TEXT else None)
    attributes = (
        ("name", name),
        ("datatype", type_.datatype),
        ("arraysize", arraysize),
        ("xtype", xtype),
        ("unit", info.unit),
        ("ucd", info.ucd),
        ("utype", info.utype),
    )
    start = "<FIELD" + "".join(attribute(key, value) for key, value in attributes)
    inside = f"<DESCRIPTION>{escape(clean(info.description))}</DESCRIPTION>" if info.description else ""
    null = null_number(type_) if nulls else None
    if null is not None:
        inside += f'<VALUES null="{null}"/>'
    return f"{start}>{inside}</FIELD>\n" if inside else f"{start}/>\n"
