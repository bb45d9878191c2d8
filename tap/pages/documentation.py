"""The site of all documents at /docs, where it was built (./deploy/docs)."""

import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The site has no script of its pages, but colours; it is not made of anything that users wrote."""


class _Site(StaticFiles):
    """Files that anybody may read, and that nothing but themselves runs in."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({"content-security-policy": _POLICY, "cache-control": "max-age=3600"})
        return response


def documents_folder(sources: str, installed: str) -> Path:
    """Return a folder of the repository, or where a wheel puts it in the environment."""
    repository = Path(str(files("tap"))).parent
    if (repository / "pyproject.toml").is_file():
        return repository / sources
    return Path(sys.prefix) / "share" / "armillary" / installed


@cache
def site_folder(folder: str) -> Path | None:
    """Return where the site is, by default where it is built or installed; None where it was not built."""
    place = Path(folder) if folder else documents_folder("build/docs", "site")
    return place if (place / "index.html").is_file() else None


def documentation(folder: str, root: str) -> list[BaseRoute]:
    """Return the routes to the site in a folder, below the path `root` for browsers; none without a site."""
    place = site_folder(folder)
    if place is None:
        return []
    first = f"{root}/docs/index.html"
    return [
        Route("/docs", lambda _: RedirectResponse(first), methods=["GET"]),
        Mount("/docs", _Site(directory=place)),
    ]
