"""The envelope of OAI-PMH (OAI-PMH 2.0 §3.2): when, what was asked, and the answer or an error."""

from collections.abc import Mapping
from datetime import datetime

from schema.vodataservice import writable
from tap.registry.answers import ELEMENT, OAI
from tap.registry.faults import BAD_ARGUMENT, BAD_VERB, OaiError
from tap.registry.listing import DATESTAMP
from tap.registry.requests import OaiRequest
from tap.registry.voresource import SCHEMA_LOCATION, Element

_SCHEMA = f"{OAI} http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"
_UNREAD = {BAD_VERB, BAD_ARGUMENT}
"""Errors of requests that nobody can make sense of: what they asked is not repeated."""


def answer_document(url: str, now: datetime, request: OaiRequest, answer: Element) -> Element:
    """Return the root of the document; `now` is when the request came."""
    return _envelope(url, now, {"verb": request.verb, **request.arguments}, answer)


def fault_document(url: str, now: datetime, request: OaiRequest | None, error: OaiError) -> Element:
    arguments = {"verb": request.verb, **request.arguments} if request and error.code not in _UNREAD else {}
    return _envelope(url, now, arguments, ELEMENT.error({"code": error.code}, writable(str(error))))


def _envelope(url: str, now: datetime, arguments: Mapping[str, str], content: Element) -> Element:
    return ELEMENT(
        "OAI-PMH",
        {SCHEMA_LOCATION: _SCHEMA},
        ELEMENT.responseDate(now.strftime(DATESTAMP)),
        ELEMENT.request({name: writable(value) for name, value in arguments.items()}, url),
        content,
    )
