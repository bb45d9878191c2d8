"""A request's body that is a file, or one part of it: on the disk as it comes, and what its Content-Digest says (RFC 9530)."""

import base64
import binascii
import hashlib
import re
import secrets
from contextlib import ExitStack
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tap.config import Config
from tap.errors import BadRequest
from tap.form import FormFile, check_room, pieces

MOST_BYTES = 1 << 30
_SHA_256 = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


async def read_part(request: Request, config: Config, folder: Path, most_bytes: int = MOST_BYTES) -> FormFile:
    """Read a body into a file of `folder`, which the caller must unlink.

    Raises: BadRequest, TooLarge, TooSlow, StorageFull.
    """
    expected = _digest(request)
    file = FormFile("", folder / secrets.token_hex(16))
    digest = hashlib.sha256()
    with ExitStack() as stack:
        stack.callback(file.path.unlink, missing_ok=True)
        with file.path.open("xb", buffering=0) as out:
            async for piece in pieces(request, config.web, most_bytes):
                check_room(folder, config.jobs)
                digest.update(piece)
                await run_in_threadpool(out.write, piece)
        if expected not in {None, digest.digest()}:
            raise BadRequest("The part is not what its Content-Digest says; send it again")
        stack.pop_all()
    return file


def _digest(request: Request) -> bytes | None:
    header = request.headers.get("content-digest")
    if header is None:
        return None
    match = _SHA_256.search(header)
    try:
        return base64.b64decode(match[1], validate=True) if match else _unknown()
    except binascii.Error:
        return _unknown()


def _unknown() -> bytes:
    raise BadRequest("Content-Digest must hold sha-256=:BASE64:")
