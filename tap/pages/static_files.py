"""Scripts and styles of the pages, under a URL that changes with their content, so that browsers may keep them for ever."""

import hashlib
import mimetypes
from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tap.coding import pack, wanted_coding
from tap.errors import NotFound

_KEPT = {"cache-control": "public, max-age=31536000, immutable"}


@cache
def _contents() -> dict[str, bytes]:
    """Return every file by its path below the folder."""
    folder = Path(str(files("tap") / "pages" / "static"))
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@cache
def digest() -> str:
    """Return what the URLs of all files change with."""
    together = hashlib.sha256()
    for name, content in _contents().items():
        together.update(name.encode() + b"\0" + content)
    return together.hexdigest()[:12]


async def static_file(request: Request) -> Response:
    """Send a file. One under the URL of another version is sent all the same, and not kept."""
    content = _contents().get(request.path_params["path"])
    if content is None:
        raise NotFound("There is no such file")
    kind = mimetypes.guess_type(request.path_params["path"])[0] or "text/plain"
    headers = _KEPT if request.path_params["digest"] == digest() else {}
    coding = wanted_coding(request)
    packing = {"vary": "Accept-Encoding"} | ({"content-encoding": coding} if coding else {})
    body = _packed(request.path_params["path"], coding) if coding else content
    return Response(body, headers=headers | packing, media_type=kind)


@cache
def _packed(path: str, coding: str) -> bytes:
    return pack(_contents()[path], coding)
