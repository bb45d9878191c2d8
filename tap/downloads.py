"""Files over HTTP, such as results of jobs: whole or in parts, so that a cut download resumes (RFC 9110 §14, RFC 9530)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tap.storage import Storage
from tap.storage.storage import NotStored
from uws.job import Job, Result

_NOT_PLAIN = re.compile(r"[^\w.=+-]", re.ASCII)
_LINES = ("text/csv", "text/tab-separated-values", "text/plain")
_MOST_AT_ONCE = 8 << 20
"""Bytes of an unfinished result that are sent at once; a client asks for those behind them."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to but without `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Download:
    """A file that does not change while it is called so: its bytes, and their SHA-256 in Base64.

    `inline`: a browser shows it, and does not save it.
    """

    file_name: str
    mime_type: str
    size: int
    digest: str
    inline: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.digest.rstrip("=").replace("/", "_").replace("+", "-")}"'

    @property
    def headers(self) -> dict[str, str]:
        disposition = "inline" if self.inline else "attachment"
        return {
            "content-type": self.mime_type,
            "etag": self.etag,
            "accept-ranges": "bytes",
            "repr-digest": f"sha-256=:{self.digest}:",
            "content-disposition": f'{disposition}; filename="{_NOT_PLAIN.sub("_", self.file_name)}"',
            "cache-control": "private, no-cache",
        }


def download(request: Request, job: Job, result: Result, storage: Storage) -> Response:
    """Answer with the result of a job. Blocks. Raises: NotStored."""
    inline = result.mime_type.startswith(("text/html", "text/plain"))
    file = Download(_file_name(job, result), result.mime_type, result.size, result.digest, inline)
    return sent(request, file, partial(storage.read, result.key))


def sent(request: Request, file: Download, read: Callable[[int, int], Iterator[bytes]]) -> Response:
    """Answer with a file, never compressed, so that lengths and parts mean the same to all.

    `read` gives the bytes from a first one up to but without a last one. Blocks. Raises: what `read` raises.
    """
    headers = file.headers
    if _names(request.headers.get("if-none-match"), file.etag):
        return Response(None, 304, headers)
    requested = _asked(request, file.size, file.etag)
    if requested is not None and requested.start >= requested.end:
        return Response(None, 416, headers | {"content-range": f"bytes */{file.size}"})
    part = requested or ByteRange(0, file.size)
    headers["content-length"] = str(part.end - part.start)
    if requested:
        headers["content-range"] = f"bytes {part.start}-{part.end - 1}/{file.size}"
    else:
        headers["content-digest"] = headers["repr-digest"]
    status = 206 if requested else 200
    if request.method == "HEAD":
        return Response(None, status, headers)
    return StreamingResponse(iterate_in_threadpool(read(part.start, part.end)), status, headers)


def sent_so_far(request: Request, key: str, mime_type: str, storage: Storage) -> Response:
    """Answer with what there is of a result that is being written, from the byte that Range begins with.

    It is always a part of something whose length nobody knows yet, and is told so (RFC 9110 §15.3.7). Lines of text are
    whole. Blocks. Raises: NotStored.
    """
    unfinished = storage.unfinished(key)
    if unfinished is None:
        raise NotStored
    key, size = unfinished
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    start = int(match[1]) if match and match[1] else 0
    headers = {"content-type": mime_type, "cache-control": "no-store", "accept-ranges": "bytes"}
    part = b"".join(storage.read(key, start, min(size, start + _MOST_AT_ONCE))) if start < size else b""
    if mime_type.startswith(_LINES):
        part = part[: part.rfind(b"\n") + 1]
    if not part:
        return Response(None, 416, headers | {"content-range": f"bytes */{size}", "retry-after": "2"})
    headers["content-range"] = f"bytes {start}-{start + len(part) - 1}/*"
    return Response(part, 206, headers)


def _file_name(job: Job, result: Result) -> str:
    return f"armillary-{job.job_id}.{result.key.rpartition('.')[2]}"


def _names(header: str | None, etag: str) -> bool:
    return header is not None and (header.strip() == "*" or etag in header)


def _asked(request: Request, size: int, etag: str) -> ByteRange | None:
    """Return the part that is asked for, an empty one where it lies outside; None for the whole.

    With If-Range a part is only wanted of a result whose beginning the client has already. Several ranges at once, and
    what makes no sense, are answered with the whole.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if (
        request.method != "GET"
        or not match
        or match.groups() == ("", "")
        or request.headers.get("if-range", etag).strip() != etag
    ):
        return None
    first, last = match.groups()
    if not first:
        return ByteRange(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return ByteRange(int(first), min(int(last) + 1, size) if last else size)
