"""A request's parameters and files, from its URL and its body, within limits (DALI 1.1 §3.1).

Nothing is kept whole in memory but the parameters: files go to the disk as they come. The body must come fast enough;
compressed ones are refused, so none can swell.
"""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from tap.config import Config
from tap.config_sections import JobsConfig, WebConfig
from tap.errors import BadRequest, TooLarge, TooSlow
from tap.storage.storage import StorageFull
from uws.parameters import Parameters
from uws.service import BODY

MAX_FIELDS = 200
_LEAST_RATE = 20_000
_UPLOAD_IT = "upload a long list of values as a table (UPLOAD)"
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form, on the disk; `name` is that of its part, `file_name` and `media_type` what the client says."""

    name: str
    path: Path
    file_name: str = ""
    media_type: str = ""

    @property
    def size(self) -> int:
        return self.path.stat().st_size


@dataclass(slots=True)
class Form:
    """What a request sent. Its files are there until `close`."""

    parameters: Parameters = field(default_factory=lambda: Parameters(()))
    files: list[FormFile] = field(default_factory=list)
    most_fields: int = MAX_FIELDS

    def close(self) -> None:
        for file in self.files:
            file.path.unlink(missing_ok=True)


async def read_parameters(request: Request, config: Config) -> Parameters:
    """Read the parameters; files are left alone. The body of a PUT comes under the name BODY.

    Raises: BadRequest, TooLarge, TooSlow.
    """
    return (await read_form(request, config, None)).parameters


async def read_form(request: Request, config: Config, folder: Path | None, most_fields: int = MAX_FIELDS) -> Form:
    """Read parameters and files, these into `folder`; the caller must close the form in the end.

    Raises: as `read_parameters`.
    """
    form = Form(most_fields=most_fields)
    pairs = _parse_urlencoded(request.scope["query_string"], most_fields)
    with ExitStack() as stack:
        stack.callback(form.close)
        if request.method == "POST":
            pairs += await _read_body(request, config, folder, form)
        elif request.method == "PUT":
            pairs.append((BODY, _text(await _whole(request, config))))
        stack.pop_all()
    form.parameters = Parameters.of(pairs)
    return form


async def _read_body(request: Request, config: Config, folder: Path | None, form: Form) -> Pairs:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Requests must not be compressed")
    kind = request.headers.get("content-type", "")
    name = kind.partition(";")[0].strip().lower()
    if name == _MULTIPART:
        return await _read_multipart(request, config, _Multipart(kind, config, folder, form))
    if name not in {_URLENCODED, ""}:
        raise BadRequest(f"A form is {_URLENCODED} or {_MULTIPART}, not {name[:60]}")
    return _parse_urlencoded(await _whole(request, config), form.most_fields)


async def _whole(request: Request, config: Config) -> bytes:
    return b"".join([piece async for piece in pieces(request, config.web, config.web.body_limit)])


async def pieces(request: Request, web: WebConfig, limit: int) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    Its time grows with its size, so that what is large may take longer, but none may drip.
    """
    loop = asyncio.get_running_loop()
    start, size, more = loop.time(), 0, True
    while more:
        try:
            async with asyncio.timeout_at(start + web.body_seconds + size / _LEAST_RATE):
                message = await request.receive()
        except TimeoutError:
            raise TooSlow(
                f"The request's body came too slowly: {size} bytes in {loop.time() - start:.0f} seconds"
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size > limit:
            raise TooLarge(f"A request's body takes at most {limit} bytes; {_UPLOAD_IT}")
        yield piece


async def _read_multipart(request: Request, config: Config, parts: "_Multipart") -> Pairs:
    limit = config.web.body_limit if parts.folder is None else config.web.body_limit + config.uploads.upload_bytes
    with parts:
        async for piece in pieces(request, config.web, limit):
            if parts.folder:
                check_room(parts.folder, config.jobs)
            # Large pieces are worth a thread: their bytes go to the disk.
            await run_in_threadpool(parts.feed, piece) if len(piece) > _BIG else parts.feed(piece)
        return parts.finish()


_BIG = 1 << 15


def check_room(folder: Path, jobs: JobsConfig) -> None:
    """Raise StorageFull if fewer than results_reserve bytes are free in the folder."""
    if shutil.disk_usage(folder).free < jobs.results_reserve:
        raise StorageFull


class _Multipart:
    """The parts of a form as they come; whatever charset they claim, fields are UTF-8."""

    def __init__(self, content_type: str, config: Config, folder: Path | None, form: Form) -> None:
        self.folder = folder
        self._config = config
        self._form = form
        self._pairs: list[tuple[bytes, bytes]] = []
        self._count = self._field_bytes = 0
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = b"", b""
        self._name, self._text = b"", bytearray()
        self._file: IO[bytes] | None = None
        self._is_file = False
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        with _clearly():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._open,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                },
            )

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def feed(self, data: bytes) -> None:
        with _clearly():
            self._parser.write(data)

    def finish(self) -> Pairs:
        with _clearly():
            self._parser.finalize()
        try:
            return [(name.decode("utf-8"), value.decode("utf-8")) for name, value in self._pairs]
        except UnicodeDecodeError as error:
            raise BadRequest("The parameters are not UTF-8") from error

    # ---- what the parser tells

    def _begin(self) -> None:
        self._count += 1
        if self._count > self._form.most_fields:
            raise TooLarge(f"A request takes at most {self._form.most_fields:,} parameters")
        self._headers, self._text = {}, bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _open(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        if b"name" not in options:
            raise BadRequest("A part of the multipart form has no name")
        self._name, self._is_file = options[b"name"], b"filename" in options
        if self._is_file and self.folder is not None:
            path = self.folder / secrets.token_hex(16)
            texts = (self._name, options[b"filename"], self._headers.get(b"content-type", b""))
            name, file_name, media_type = (text.decode("utf-8", "replace") for text in texts)
            self._form.files.append(FormFile(name, path, file_name, media_type))
            self._file = path.open("xb", buffering=0)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            self._file.write(memoryview(data)[start:end])
        elif not self._is_file:
            self._field_bytes += end - start
            if self._field_bytes > self._config.web.body_limit:
                raise TooLarge(
                    f"The parameters of a request take at most {self._config.web.body_limit} bytes; {_UPLOAD_IT}"
                )
            self._text += data[start:end]

    def _end(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
        elif not self._is_file:
            self._pairs.append((self._name, bytes(self._text)))


@contextmanager
def _clearly() -> Iterator[None]:
    try:
        yield
    except (FormParserError, ValueError, KeyError) as error:
        raise BadRequest(f"The multipart form cannot be read: {str(error)[:100]}") from error


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not UTF-8") from error


def _parse_urlencoded(text: bytes, most_fields: int) -> Pairs:
    try:
        return parse_qsl(text.decode("utf-8"), keep_blank_values=True, max_num_fields=most_fields, errors="strict")
    except UnicodeDecodeError as error:
        raise BadRequest("The parameters are not UTF-8") from error
    except ValueError as error:
        raise TooLarge(f"A request takes at most {most_fields:,} parameters") from error
