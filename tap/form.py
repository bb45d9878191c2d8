"""A request's parameters, from its URL and its body, within limits (DALI 1.1 §3.1).

The body is measured before it is parsed; compressed ones are refused, so none can swell.
"""

from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message, Receive

from tap.errors import BadRequest, TooLarge
from uws.parameters import Parameters

MAX_FIELDS = 200
_URLENCODED = "application/x-www-form-urlencoded"


async def read_parameters(request: Request, body_limit: int) -> Parameters:
    """Raises: BadRequest, TooLarge."""
    pairs = _parse(request.url.query.encode("ascii", "replace"))
    if request.method == "POST":
        pairs += await _read_body(request, body_limit)
    return Parameters.of(pairs)


def _parse(query: bytes) -> list[tuple[str, str]]:
    try:
        found = parse_qsl(query.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeDecodeError as error:
        raise BadRequest("The parameters are not UTF-8") from error
    except ValueError as error:
        raise TooLarge(f"A request takes at most {MAX_FIELDS} parameters") from error
    return found


async def _read_body(request: Request, limit: int) -> list[tuple[str, str]]:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Requests must not be compressed")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    limited = Request(request.scope, _limited(request, limit))
    if kind == "multipart/form-data":
        return await _read_multipart(limited, limit)
    body = await limited.body()
    if body and kind not in {_URLENCODED, ""}:
        raise BadRequest(f"A form is {_URLENCODED} or multipart/form-data, not {kind[:60]}")
    return _parse(body)


async def _read_multipart(request: Request, limit: int) -> list[tuple[str, str]]:
    try:
        async with request.form(max_files=0, max_fields=MAX_FIELDS, max_part_size=limit) as form:
            return [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    except (MultiPartException, UnicodeDecodeError, KeyError) as error:
        raise BadRequest(f"The multipart form cannot be read: {str(error)[:100]}") from error


def _limited(request: Request, limit: int) -> Receive:
    """`receive`, but no more than `limit` bytes."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise TooLarge(f"A request's body takes at most {limit} bytes")
        return message

    return receive
