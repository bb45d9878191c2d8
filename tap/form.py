"""A request's parameters, from its URL and its body, within limits (DALI 1.1 §3.1).

The body is measured before it is parsed, and must come in time; compressed ones are refused, so none can swell.
"""

import asyncio
import itertools
from urllib.parse import parse_qsl

from python_multipart import create_form_parser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field
from starlette.requests import Request

from tap.config import Config
from tap.errors import BadRequest, TooLarge, TooSlow
from uws.parameters import Parameters
from uws.resources import BODY

MAX_FIELDS = 200
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"

Pairs = list[tuple[str, str]]


async def read_parameters(request: Request, config: Config) -> Parameters:
    """The body of a PUT comes under the name BODY. Raises: BadRequest, TooLarge, TooSlow."""
    pairs = _parse_urlencoded(request.url.query.encode("ascii", "replace"))
    if request.method == "POST":
        pairs += await _read_form(request, config)
    elif request.method == "PUT":
        pairs.append((BODY, _text(await _read_body(request, config))))
    return Parameters.of(pairs)


async def _read_form(request: Request, config: Config) -> Pairs:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Requests must not be compressed")
    kind = request.headers.get("content-type", "")
    name = kind.partition(";")[0].strip().lower()
    if name not in {_MULTIPART, _URLENCODED, ""}:
        raise BadRequest(f"A form is {_URLENCODED} or {_MULTIPART}, not {name[:60]}")
    body = await _read_body(request, config)
    return _parse_multipart(kind, body) if name == _MULTIPART else _parse_urlencoded(body)


async def _read_body(request: Request, config: Config) -> bytes:
    try:
        return await asyncio.wait_for(_read_up_to(request, config.body_limit), config.body_seconds)
    except TimeoutError:
        raise TooSlow(f"The request's body did not come within {config.body_seconds:g} seconds") from None


async def _read_up_to(request: Request, limit: int) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise TooLarge(f"A request's body takes at most {limit} bytes")
    return body


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8") from error


def _parse_urlencoded(text: bytes) -> Pairs:
    try:
        return parse_qsl(text.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeDecodeError as error:
        raise BadRequest("The parameters are not UTF-8") from error
    except ValueError as error:
        raise TooLarge(f"A request takes at most {MAX_FIELDS} parameters") from error


def _parse_multipart(content_type: str, body: bytes) -> Pairs:
    """The fields of a form; whatever charset it claims, they are UTF-8. Files in it are left alone."""
    fields: list[tuple[bytes, bytes]] = []
    parts = itertools.count(1)

    def count(part: object) -> None:
        if next(parts) > MAX_FIELDS:
            raise TooLarge(f"A request takes at most {MAX_FIELDS} parameters")

    def keep(field: Field) -> None:
        count(field)
        fields.append((field.field_name or b"", field.value or b""))

    try:
        parser = create_form_parser({"Content-Type": content_type.encode("latin-1")}, keep, count)
        parser.write(body)
        parser.finalize()
        return [(name.decode("utf-8"), value.decode("utf-8")) for name, value in fields]
    except UnicodeDecodeError as error:
        raise BadRequest("The parameters are not UTF-8") from error
    except (FormParserError, ValueError, KeyError) as error:
        raise BadRequest(f"The multipart form cannot be read: {str(error)[:100]}") from error
