"""The result of a job over HTTP: whole or in parts, so that a cut download resumes (RFC 9110 §14, RFC 9530)."""

import re
from dataclasses import dataclass

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tap.storage import Storage
from uws.job import Job, Result

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to but without `end`."""

    start: int
    end: int


def download(request: Request, job: Job, result: Result, storage: Storage) -> Response:
    """Answer with the result, never compressed, so that lengths and parts mean the same to all.

    Blocks. Raises: NotStored.
    """
    etag = f'"{result.digest.rstrip("=").replace("/", "_").replace("+", "-")}"'
    headers = {
        "content-type": result.mime_type,
        "etag": etag,
        "accept-ranges": "bytes",
        "repr-digest": f"sha-256=:{result.digest}:",
        "content-disposition": f'{_disposition(result)}; filename="{_file_name(job, result)}"',
        "cache-control": "private, no-cache",
    }
    if _names(request.headers.get("if-none-match"), etag):
        return Response(None, 304, headers)
    requested = _asked(request, result.size, etag)
    if requested is not None and requested.start >= requested.end:
        return Response(None, 416, headers | {"content-range": f"bytes */{result.size}"})
    sent = requested or ByteRange(0, result.size)
    headers["content-length"] = str(sent.end - sent.start)
    if requested:
        headers["content-range"] = f"bytes {sent.start}-{sent.end - 1}/{result.size}"
    else:
        headers["content-digest"] = headers["repr-digest"]
    pieces = storage.read(result.key, sent.start, sent.end)
    status = 206 if requested else 200
    if request.method == "HEAD":
        return Response(None, status, headers)
    return StreamingResponse(iterate_in_threadpool(pieces), status, headers)


def _disposition(result: Result) -> str:
    """Return what a browser shall do: what people read is shown, the rest saved."""
    return "inline" if result.mime_type.startswith(("text/html", "text/plain")) else "attachment"


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
